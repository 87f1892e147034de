"""What a person relies on: what was saved or appended is there at the next start, and only that."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from napari_segkit.data.store import Record, Status, Store, tiles_in
from napari_segkit.errors import DatasetError, ImageError, MaskError, SegkitError
from napari_segkit.ops.instance_rows import InstanceRow
from tests.data.store.samples import mask, photo, record

ALL = [(0, 0, 40, 30)]


def mask_file(folder: Path) -> Path:
    (found,) = (folder / ".segkit" / "images").glob("*.mask")
    return found


def test_a_new_image_has_nothing(folder: Path) -> None:
    with Store.open(folder) as store:
        work = store.load("a")
        assert work.labels is None
        assert work.record == Record(name="a")
        assert store.line("a").status is Status.NEW
        assert set(store.sources) == {"a", "b", "deep/ü"}


@pytest.mark.parametrize("value", [1, 65535, 65536, 2**31 - 1])
def test_what_was_saved_is_there_at_the_next_start(folder: Path, value: int) -> None:
    labels, first = mask(value), mask(3)
    made = record("deep/ü", value, status="accepted", edits=4, seconds=1.5, iou=0.5)
    with Store.open(folder) as store:
        store.save("deep/ü", labels, made, predicted=first)
    with Store.open(folder) as store:
        work = store.load("deep/ü")
        assert np.array_equal(work.labels, labels)
        assert np.array_equal(work.predicted, first)
        assert work.record.instances == {value: InstanceRow("coin")}
        line = store.line("deep/ü")
        assert (line.status, line.edits, line.objects, line.iou) == ("accepted", 4, 1, 0.5)
        assert store.recovered == ()


def test_a_second_program_only_looks(folder: Path) -> None:
    """F57."""
    with Store.open(folder) as first:
        first.save("a", mask(), record("a", 1))
        second = Store.open(folder)
        assert second.read_only
        assert "looking only" in second.notes[0]
        assert "process" in second.notes[0]
        assert np.array_equal(second.load("a").labels, mask())
        for write in (
            lambda: second.save("a", mask(2), record("a", 2)),
            lambda: second.append("a", [], record("a", 1)),
            lambda: second.set_aside("a"),
        ):
            with pytest.raises(DatasetError, match="close the other program"):
                write()
    second.close()
    with Store.open(folder) as third:
        assert not third.read_only


def test_a_closed_store_writes_nothing(folder: Path) -> None:
    store = Store.open(folder)
    store.close()
    store.close()
    with pytest.raises(DatasetError, match="looking only"):
        store.save("a", mask(), record("a", 1))


def test_F21_work_goes_with_a_renamed_image(folder: Path) -> None:
    with Store.open(folder) as store:
        store.save("a", mask(), record("a", 1))
        (folder / "a.png").rename(folder / "deep" / "z.png")
        assert store.missing == ()
        store.append("a", [], record("a", 1, edits=7))  # not noticed yet
        assert store.rescan() == {"a": "deep/z"}
        assert store.load("deep/z").record.edits == 7
        assert store.load("deep/z").record.name == "deep/z"
        photo(folder / "a.png", 99)
        store.rescan()
        assert store.load("a").labels is None  # a new image by an old name
        store.save("a", mask(5), record("a", 5))
    with Store.open(folder) as store:
        assert store.load("deep/z").record.instances.keys() == {1}
        assert store.load("a").record.instances.keys() == {5}


def test_F21_renamed_while_no_program_ran(folder: Path) -> None:
    with Store.open(folder) as store:
        store.save("a", mask(), record("a", 1))
        store.append("a", [], record("a", 1, status="accepted"))
    (folder / "a.png").rename(folder / "c.png")
    for _ in range(2):
        with Store.open(folder) as store:
            assert store.line("c").status is Status.ACCEPTED
            assert store.missing == ()


def test_F21_copies_are_not_guessed_and_work_of_deleted_images_stays(folder: Path) -> None:
    with Store.open(folder) as store:
        store.save("a", mask(), record("a", 1))
    shutil.copy(folder / "a.png", folder / "copy.png")
    shutil.copy(folder / "a.png", folder / "copy2.png")
    (folder / "a.png").unlink()
    with Store.open(folder) as store:
        assert store.missing == ("a",)
        assert store.line("copy").status is Status.NEW
        assert np.array_equal(store.load("a").labels, mask())


def test_F43_another_image_under_the_name_is_told(folder: Path) -> None:
    with Store.open(folder) as store:
        store.save("a", mask(), record("a", 1))
        assert not store.load("a").other_image
        (folder / "a.png").touch()
        assert not store.load("a").other_image  # only the time differs
        photo(folder / "a.png", 77)
        assert store.load("a").other_image


@pytest.mark.parametrize("where", [0, 9, 60, 200, -1])
def test_F20_a_damaged_file_blocks_its_image_and_no_other(folder: Path, where: int) -> None:
    with Store.open(folder) as store:
        store.save("a", mask(), record("a", 1))
        path = mask_file(folder)
        store.save("b", mask(2), record("b", 2))
    data = bytearray(path.read_bytes())
    data[where] ^= 4
    path.write_bytes(data)
    (folder / ".segkit" / "index.json").unlink()
    with Store.open(folder) as store:
        assert np.array_equal(store.load("b").labels, mask(2))
        for touch in (
            lambda: store.load("a"),
            lambda: store.save("a", mask(3), record("a", 3)),
        ):
            with pytest.raises(SegkitError, match="set it aside"):
                touch()
        assert path.read_bytes() == data
        (moved,) = store.set_aside("a")
        assert moved.read_bytes() == data
        store.save("a", mask(3), record("a", 3))
    with Store.open(folder) as store:
        assert np.array_equal(store.load("a").labels, mask(3))


def test_F58_what_another_program_wrote_is_not_written_over(folder: Path, tmp_path: Path) -> None:
    with Store.open(folder) as store:
        store.save("a", mask(), record("a", 1))
        path = mask_file(folder)
        theirs = path.read_bytes()
        store.save("a", mask(2), record("a", 2))
        path.write_bytes(theirs)  # a synchronised folder brings an old version
        for write in (
            lambda: store.save("a", mask(3), record("a", 3)),
            lambda: store.append("a", [], record("a", 2, edits=1)),
        ):
            with pytest.raises(DatasetError, match="changed by another program"):
                write()
        assert np.array_equal(store.load("a").labels, mask(1))  # looked at: it may go on
        store.append("a", [], record("a", 1, edits=1))
        path.write_bytes(theirs + b"")
        store.save("a", mask(3), record("a", 3), force=True)
        assert np.array_equal(store.load("a").labels, mask(3))


def test_F59_the_users_files_stay(folder: Path) -> None:
    before = {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()}
    with Store.open(folder) as store:
        store.save("a", mask(), record("a", 1))
    after = {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()}
    assert {p: d for p, d in after.items() if ".segkit" not in p.parts} == before


def test_F59_a_folder_of_that_name_which_is_not_ours(folder: Path) -> None:
    (folder / ".segkit").mkdir()
    (folder / ".segkit" / "novel.txt").write_text("chapter 1")
    with pytest.raises(DatasetError, match=r"other things.*novel.txt"):
        Store.open(folder)
    shutil.rmtree(folder / ".segkit")
    (folder / ".segkit").write_text("a file")
    with pytest.raises(DatasetError, match="a file has the name"):
        Store.open(folder)


def test_a_store_of_a_newer_program_is_left_alone(folder: Path) -> None:
    Store.open(folder).close()
    (folder / ".segkit" / "store.json").write_text('{"format": 2}')
    with pytest.raises(DatasetError, match="update this program"):
        Store.open(folder)


def test_F54_no_folder_and_no_images(tmp_path: Path) -> None:
    for place in (tmp_path / "none", tmp_path):
        with pytest.raises(ImageError):
            Store.open(place)


def test_another_size_must_be_saved_whole(folder: Path) -> None:
    with Store.open(folder) as store:
        store.save("a", mask(), record("a", 1))
        larger = record("a", 1, size=(60, 80))
        with pytest.raises(MaskError, match="another size"):
            store.append("a", [], larger)
        with pytest.raises(MaskError, match="does not fit"):
            store.save("a", mask(), larger)
        store.save("a", mask(shape=(60, 80)), larger)
        assert store.load("a").labels.shape == (60, 80)


def test_the_first_mask_of_the_model_stays_through_saves(folder: Path) -> None:
    with Store.open(folder) as store:
        store.save("a", mask(1), record("a", 1), predicted=mask(1))
        store.append("a", tiles_in(mask(2), ALL), record("a", 2))
        store.save("a", mask(2), record("a", 2))
        assert np.array_equal(store.load("a").predicted, mask(1))
        store.save("a", mask(2), record("a", 2), predicted=mask(4))
        assert np.array_equal(store.load("a").predicted, mask(4))


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"x": {"name": 1}}', bytes(100)])
@pytest.mark.parametrize("file", ["index.json", "index.journal"])
def test_a_lost_or_damaged_index_is_made_again(folder: Path, file: str, content: bytes) -> None:
    with Store.open(folder) as store:
        store.save("a", mask(), record("a", 1, status="accepted"))
    (folder / ".segkit" / file).write_bytes(content)
    with Store.open(folder) as store:
        assert store.line("a").status is Status.ACCEPTED


def test_many_images_hold_few_records_in_memory(folder: Path) -> None:
    with Store.open(folder) as store:
        for number in range(100):
            store.append(f"n{number}", [], Record(name=f"n{number}", status=Status.SKIPPED))
        assert len(store._open) <= 32
        store.append("n0", [], Record(name="n0", status=Status.NEW))
        assert store.load("n0").record.status is Status.NEW


def test_a_long_journal_asks_for_a_save(folder: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 2**31, (600, 600)).astype(np.int32)
    with Store.open(folder) as store:
        for number in range(1, 6):
            assert store.line("a").crowded == (number > 3)
            store.append("a", tiles_in(noise, [(0, 0, 600, 600)]), _large(number))
        store.save("a", noise, _large(9))
        assert not store.line("a").crowded


def _large(edits: int) -> Record:
    return Record(name="a", size=(600, 600), edits=edits)


def test_F55_saves_and_autosaves_at_once_wait_for_each_other(folder: Path) -> None:
    with Store.open(folder) as store, ThreadPoolExecutor(2) as threads:
        store.save("a", mask(1), record("a", 1))

        def autosave(number: int) -> None:
            store.append("a", tiles_in(mask(1), ALL), record("a", 1, edits=number))

        done = [threads.submit(autosave, number) for number in range(40)]
        for _ in range(10):
            store.save("a", mask(2), record("a", 2))
        for one in done:
            one.result()
        store.save("a", mask(3), record("a", 3))
    with Store.open(folder) as store:
        assert np.array_equal(store.load("a").labels, mask(3))
