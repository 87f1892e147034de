"""The docks of networks, on a viewer without a window and with a backend that knows its specks."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from napari.layers import Image, Labels
from PIL import Image as PilImage

from tests.models.tiny import tiny_weights
from tests.widgets.segment.dust_bench import Bench, photo

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot


def test_sensitivity_and_size_take_effect_without_the_network(bench: Bench) -> None:
    assert bench.go().startswith("1 dust spot in ")
    mask, calls = bench.mask, bench.specks.calls
    assert bench.slide(0.8).startswith("2 dust spots in ")
    assert bench.specks.calls == calls
    assert mask.data[82, 102]
    mask.undo()
    assert not mask.data[82, 102], "one step for the whole movement"
    assert mask.data[22, 32]
    mask.redo()
    with bench.qtbot.waitSignal(bench.dock.run.finished):
        bench.dock.form._widgets["min_area"].value = 37
    assert bench.text().startswith("Nothing found in ")
    assert not mask.data.any()
    assert bench.specks.calls == calls


def test_F44_strokes_win_over_the_slider(bench: Bench) -> None:
    bench.go()
    mask = bench.mask
    mask.brush_size = 3
    mask.paint((60, 60), 9)
    mask.data_setitem(np.nonzero(mask.data == 1), 0)
    bench.slide(0.8)
    assert mask.data[60, 60] == 9
    assert not mask.data[22, 32], "what was erased stays away"
    assert mask.data[82, 102]


def test_a_slider_alone_never_starts_the_network(bench: Bench, qtbot: QtBot) -> None:
    bench.dock.form._widgets["sensitivity"].value = 0.9
    qtbot.wait(400)
    assert bench.specks.calls == 0
    bench.go()
    calls = bench.specks.calls
    bench.dock.form._widgets["flips"].value = True
    bench.dock.form._widgets["sensitivity"].value = 0.2
    qtbot.wait(400)
    assert not bench.dock.running
    assert bench.specks.calls == calls


def test_F46_cancel_within_one_tile_leaves_the_mask_as_it_was(bench: Bench) -> None:
    bench.image.data = photo((900, 900))
    bench.go()
    before, first = bench.mask.data.copy(), bench.specks.calls
    bench.dock.form._widgets["tile"].value = 256
    bench.dock.form._widgets["sensitivity"].value = 0.8
    bench.specks.trouble = lambda batch: time.sleep(0.1)
    bench.dock.run_button.click()
    bench.qtbot.waitUntil(lambda: bench.specks.calls > first, timeout=20_000)
    bench.go()
    assert bench.text() == "Cancelled: the mask is as it was"
    assert bench.specks.calls <= first + 4, "of 25 tiles"
    np.testing.assert_array_equal(bench.mask.data, before)
    assert bench.dock.model._kept is None, "memory is given back"


def test_F48_short_memory_takes_smaller_tiles_and_says_so(bench: Bench) -> None:
    def full(batch: np.ndarray) -> None:
        if batch.shape[1] > 300:
            raise RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory")

    bench.specks.trouble = full
    bench.image.data = photo((700, 700))
    assert bench.go().startswith("1 dust spot in ")
    assert "memory was short: tiles of" in bench.dock.status.notes.text()


@pytest.mark.parametrize(
    ("broken", "text"),
    [
        (lambda b: np.full((len(b), 1, *b.shape[1:3]), np.nan, np.float32), "returned NaN"),
        (lambda b: np.zeros((len(b), 1, 3, 3), np.float32), "returned another shape"),
    ],
    ids=["F50-NaN", "F50-shape"],
)
def test_F50_an_impossible_answer_is_refused(bench: Bench, broken: Any, text: str) -> None:
    bench.go()
    before = bench.mask.data.copy()
    bench.specks.trouble = broken
    bench.image.data = bench.image.data.copy()
    bench.image.data[0, 0] = 7
    assert text in bench.go()
    np.testing.assert_array_equal(bench.mask.data, before)
    bench.specks.trouble = lambda batch: None
    assert bench.go().startswith("1 dust spot")


def _bad(path: Path, good: Path, kind: str) -> None:
    data = good.read_bytes()
    contents = {
        "F29-empty": b"",
        "F29-html": b"<!DOCTYPE html><html><body>404</body></html>",
        "F29-lfs": b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n",
        "F30-cut": data[: len(data) // 2],
        "F30-bit": data[:-9] + bytes([data[-9] ^ 64]) + data[-8:],
        "F35-header": b"\xff\xff\xff\xff\xff\x00\x00\x00" + data[8:],
    }
    path.write_bytes(contents[kind])
    path.with_suffix(".json").write_bytes(good.with_suffix(".json").read_bytes())


@pytest.mark.parametrize(
    "kind", ["F29-empty", "F29-html", "F29-lfs", "F30-cut", "F30-bit", "F35-header"]
)
def test_bad_weights_are_one_sentence_and_the_old_model_stays(
    bench: Bench, tmp_path: Path, kind: str
) -> None:
    bench.go()
    card = bench.dock.model.card
    bad = tmp_path / "bad.safetensors"
    _bad(bad, tmp_path / "shipped" / "dust.safetensors", kind)
    bench.dock.weights.path = bad
    assert bench.dock.weights.currentText() == "bad.safetensors"
    text = bench.go()
    assert text.startswith("⚠ ")
    assert "bad.safetensors" in text
    assert "\n" not in text
    assert "Traceback" not in bench.dock.status.details.toPlainText()
    assert bench.dock.model.card is card
    assert bench.dock.weights.path is None, "back at those that work"
    assert bench.go().startswith("1 dust spot")


def test_F33_weights_of_another_model(bench: Bench, tmp_path: Path) -> None:
    bench.dock.weights.path = tiny_weights("eggpan", tmp_path)
    assert bench.go().startswith("⚠ weights are of another model (")
    assert bench.go().startswith("1 dust spot")


def test_F36_without_any_weights_the_dock_says_what_to_do(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "shipped" / "dust.safetensors").unlink()
    bench.dock.weights.refresh()
    assert bench.dock.weights.currentText() == "none here: choose a file"
    assert bench.go() == (
        '⚠ no weights for Dust spots are here; choose a file, or see "segkit weights --help"'
    )


def test_own_weights_are_listed_and_a_file_trained_anew_is_read_again(
    bench: Bench, tmp_path: Path
) -> None:
    from napari_segkit.data.weights_store import add_version

    (tmp_path / "new").mkdir()
    other = tiny_weights("dust", tmp_path / "new", seed=3)
    add_version(other, "mine")
    bench.dock.weights.refresh()
    texts = [bench.dock.weights.itemText(row) for row in range(bench.dock.weights.count())]
    assert texts == ["shipped (in use)", "mine", "File…"]
    bench.go()
    shipped = bench.dock.model.card.sha256
    bench.dock.weights.path = other
    bench.go()
    assert bench.dock.model.card.sha256 != shipped
    third = bench.dock.model.card.sha256
    for file in (other, other.with_suffix(".json")):
        file.unlink()
    tiny_weights("dust", tmp_path / "new", seed=4)
    bench.go()
    assert bench.dock.model.card.sha256 != third


def test_inpaint_changes_only_what_the_mask_marks(bench: Bench) -> None:
    bench.go()
    bench.dock.fill.widen.setValue(0)
    assert bench.fill().startswith("1 object, 36 pixels filled in 0.")
    clean = bench.viewer.layers["photo · inpainted"]
    marked = bench.mask.data > 0
    np.testing.assert_array_equal(clean.data[~marked], bench.image.data[~marked])
    assert (clean.data[marked] > 200).all()
    assert clean.rgb
    assert bench.dock.image.layer is bench.image, "the dock goes on with its image"


def test_inpaint_takes_the_mask_as_it_is_now(bench: Bench) -> None:
    bench.go()
    bench.mask.brush_size = 9
    bench.mask.paint((83, 103), 7)
    bench.fill()
    clean = bench.viewer.layers["photo · inpainted"].data
    assert (clean[80:86, 100:106] > 200).all(), "painted by hand"
    assert bench.dock.status.notes.text() == "from photo · dust"


def test_inpaint_without_a_mask_is_told(bench: Bench) -> None:
    bench.dock.fill.button.click()
    assert bench.text().startswith("⚠ there is no mask to fill (photo); press Run first")
    bench.viewer.add_layer(Labels(np.zeros((120, 160), np.uint8), name="empty"))
    assert bench.fill() == "⚠ the mask is empty: nothing is filled (photo)"


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_inpaint_keeps_depth_channels_place_and_the_planes_of_a_stack(
    bench: Bench, dtype: str
) -> None:
    stack = np.stack([photo()[..., 0]] * 3).astype(dtype)
    scale = {"uint8": 1, "uint16": 200, "float32": 0.004}[dtype]
    stack = (stack * np.float32(scale)).astype(dtype)
    layer = bench.viewer.add_layer(Image(stack, name="stack", scale=(1, 2, 2)))
    labels = np.zeros(stack.shape, np.uint8)
    labels[1, 19:27, 29:37] = 1
    bench.viewer.add_layer(Labels(labels, name="own", scale=(1, 2, 2)))
    bench.viewer.dims.set_point(0, 1)
    bench.dock.image.layer = layer
    bench.fill()
    clean = bench.viewer.layers["stack · inpainted"]
    assert clean.data.dtype == dtype
    assert clean.scale.tolist() == [1, 2, 2]
    np.testing.assert_array_equal(clean.data[labels == 0], stack[labels == 0])
    assert (clean.data[1, 20:26, 30:36] > 200 * scale).all()


def test_a_folder_is_ranked_and_a_photo_of_it_opens(bench: Bench, tmp_path: Path) -> None:
    folder = tmp_path / "photos" / "day"
    folder.mkdir(parents=True)
    for name, value in (("sure", 5), ("unsure", 110), ("clean", 250)):
        image = photo()
        image[20:26, 30:36] = value
        PilImage.fromarray(image).save(folder / f"{name}.png")
    (folder / "broken.png").write_bytes(b"no picture")
    dock, rank = bench.dock, bench.dock.rank
    bench.go()
    calls = bench.specks.calls
    rank.rank_button.click()
    assert bench.text() == "⚠ no folder is chosen; name a folder of photos"
    rank.folder.setText(str(folder.parent))
    with bench.qtbot.waitSignal(rank.finished, timeout=30_000):
        rank.rank_button.click()
    assert bench.text() == "3 photos ranked"
    assert "broken.png" in dock.status.notes.text()
    cells = [rank.rows.data(rank.rows.index(row, 0)) for row in range(3)]
    assert cells[0] == "day/unsure"
    assert bench.specks.calls == calls + 3
    bench.slide(0.8)
    assert bench.specks.calls == calls + 3, "the slider still knows the open image"
    rank.table.select(0)
    with bench.qtbot.waitSignal(rank.finished, timeout=20_000):
        rank.table.activated.emit(rank.table.currentIndex())
    assert bench.text() == "unsure is open"
    assert dock.image.layer is bench.viewer.layers["unsure"]
