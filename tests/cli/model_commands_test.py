from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image
from typer.testing import CliRunner

from napari_segkit.cli.app import app
from napari_segkit.data.dataset import Sample, WriteOptions
from napari_segkit.data.formats.registry import get_format
from napari_segkit.jobs.mine import doubt_of
from napari_segkit.ops.masks import segmentation_from_labels
from napari_segkit.types import ClassDef
from tests.models.tiny import tiny_weights


def segkit(*arguments: object, code: int = 0) -> str:
    done = CliRunner().invoke(app, [str(one) for one in arguments])
    assert done.exit_code == code, done.output
    return done.output


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for name in ("a", "b"):
        pixels = rng.integers(90, 110, (90, 120, 3), np.uint8)
        pixels[40:46, 50:57] = 0
        Image.fromarray(pixels).save(folder / f"{name}.png")
    return folder


def marked(tmp_path: Path, *names: str) -> Path:
    """A dataset that marks the black speck on photos of these names."""
    labels = np.zeros((90, 120), np.int32)
    labels[40:46, 50:57] = 1
    dust = (ClassDef("dust", (1, 2, 3)),)
    found = segmentation_from_labels(labels, classes=dust)
    target = tmp_path / "masks.zip"
    with get_format("cvat-mask").open_writer(
        target, classes=dust, options=WriteOptions()
    ) as writer:
        for name in names:
            writer.add(Sample(name, found))
    return target


def test_inpaint_writes_beside_and_never_over(photos: Path, tmp_path: Path) -> None:
    weights = tiny_weights("dust", tmp_path)
    out = tmp_path / "clean"
    before = (photos / "a.png").read_bytes()
    told = segkit("inpaint", photos, "--out", out, "--weights", weights, "--json")
    rows = json.loads(told)["images"]
    assert [Path(row["path"]).name for row in rows] == ["a.png", "b.png"]
    with Image.open(out / "a.png") as cleaned:
        assert cleaned.size == (120, 90)
    assert "file already" in segkit("inpaint", photos, "--out", out, "--weights", weights, code=2)
    segkit("inpaint", photos, "--out", out, "--weights", weights, "--overwrite")
    segkit("inpaint", photos, "--out", photos, "--weights", weights, "--overwrite", code=2)
    assert (photos / "a.png").read_bytes() == before


def test_inpaint_keeps_a_scan_in_whose_folder_it_writes(tmp_path: Path) -> None:
    scans = tmp_path / "scans"
    scans.mkdir()
    tifffile.imwrite(scan := scans / "scan.tif", np.full((90, 120, 3), 100, np.uint8))
    before = scan.read_bytes()
    call = ("inpaint", scan, "--out", scans, "--weights", tiny_weights("dust", tmp_path))
    for more in ((), ("--overwrite",)):
        assert "would replace its image" in segkit(*call, *more, code=2)
    assert scan.read_bytes() == before
    assert [one.name for one in scans.iterdir()] == ["scan.tif"]


def test_inpaint_goes_on_after_a_photo_that_fails(photos: Path, tmp_path: Path) -> None:
    (photos / "0.png").write_text("no image")
    call = ("inpaint", photos, "--out", tmp_path / "out", "--weights")
    told = json.loads(segkit(*call, tiny_weights("dust", tmp_path), "--json", code=1))
    assert [row["name"] for row in told["images"]] == ["a", "b"]
    assert [row["what"] for row in told["failures"]] == ["not an image"]


def test_inpaint_fills_masks_of_a_dataset(photos: Path, tmp_path: Path) -> None:
    masks = marked(tmp_path, "a", "elsewhere")
    call = ("inpaint", photos, "--masks", masks, "--out", tmp_path / "out", "--grow", 0)
    told = segkit(*call)
    assert "1 objects, 42 pixels filled" in told
    assert "photos without a mask: b" in told
    assert "masks without a photo: elsewhere" in told
    assert [one.name for one in (tmp_path / "out").iterdir()] == ["a.png"]
    with Image.open(photos / "a.png") as before, Image.open(tmp_path / "out/a.png") as after:
        changed = (np.asarray(before) != np.asarray(after)).any(2)
    assert changed[40:46, 50:57].all()
    assert changed.sum() == 42


def test_inpaint_with_masks_takes_no_model(photos: Path, tmp_path: Path) -> None:
    masks = marked(tmp_path, "a")
    call = ("inpaint", photos, "--masks", masks, "--out", tmp_path / "out")
    assert "got --model, --set" in segkit(*call, "--model", "dust", "--set", "x=1", code=2)
    assert not (tmp_path / "out").exists()


def test_mine_ranks_and_lists_failures(photos: Path, tmp_path: Path) -> None:
    weights = tiny_weights("dust", tmp_path)
    (photos / "c.png").write_text("no image")
    told = segkit("mine", "dust", photos, "--weights", weights, "--json", code=1)
    assert "not an image" in told
    ranked = json.loads(told[told.index("{") :])["ranked"]
    assert {row["name"] for row in ranked} == {"a", "b"}
    assert ranked[0]["doubt"] >= ranked[1]["doubt"]


def test_mine_writes_nothing(photos: Path, tmp_path: Path) -> None:
    before = {one.name: one.read_bytes() for one in photos.iterdir()}
    segkit("mine", "dust", photos, "--weights", tiny_weights("dust", tmp_path))
    assert {one.name: one.read_bytes() for one in photos.iterdir()} == before


@pytest.mark.parametrize("command", [("mine", "dust"), ("inpaint",)])
def test_the_limit_that_a_refusal_names_can_be_raised(
    photos: Path, tmp_path: Path, command: tuple[str, ...]
) -> None:
    call = (*command, photos / "a.png", "--weights", tiny_weights("dust", tmp_path))
    call += () if command[0] == "mine" else ("--out", tmp_path / "out")
    assert "--limit pixels=" in segkit(*call, "--limit", "pixels=1000", code=1)
    segkit(*call, "--limit", "pixels=100000")


def test_doubt_is_that_of_objects_near_the_threshold() -> None:
    labels = np.array([[1, 0, 2, 0, 3]], np.int32)

    def doubt(*scores: float) -> float:
        found = segmentation_from_labels(
            labels,
            classes=[ClassDef("dust", (1, 2, 3))],
            scores=dict(enumerate(scores, 1)),
        )
        return doubt_of(found)

    assert doubt(1, 1, 1) == 0
    assert doubt(0.5, 1, 1) == 1
    assert doubt(0.9, 0.9, 0.9) < doubt(0.6, 1, 1)


def test_weights_import_verify_list_adopt(tmp_path: Path) -> None:
    import torch

    from napari_segkit.nets.registry import build

    net = build("unet-origin", classes=3, config={"widths": (4, 8)})
    torch.save({"epoch": 1, "state_dict": net.state_dict()}, tmp_path / "unet.pth")
    made = tmp_path / "imported.safetensors"
    segkit("weights", "import", tmp_path / "unet.pth", "--out", made)
    assert "unet-origin" in segkit("weights", "verify", made)
    segkit("weights", "add", made, "--name", "v1", "--adopt")
    rows = json.loads(segkit("weights", "list", "--json"))["weights"]
    assert {"dust", "eggpan", "sam-segkit-s"} <= {row["model"] for row in rows}
    mine = [row for row in rows if row["version"] == "v1"]
    assert [(row["model"], row["in_use"]) for row in mine] == [("eggpan", True)]
    assert json.loads(segkit("weights", "show", "eggpan", "--json"))["arch"] == "unet-origin"
    segkit("weights", "rollback", "eggpan", code=0 if len(rows) > 1 else 2)
    assert "no such version" in segkit("weights", "adopt", "eggpan", "v9", code=2)


def test_bench_knows_its_models() -> None:
    assert "no benchmark" in segkit("bench", "coins", code=2)
