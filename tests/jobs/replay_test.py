from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from typer.testing import CliRunner

from napari_segkit.cli.app import app
from napari_segkit.data.dataset import Sample, WriteOptions
from napari_segkit.data.formats.registry import get_format
from napari_segkit.data.images import find_images, read_image
from napari_segkit.data.provenance import (
    ProvenanceWriter,
    beside,
    labels_sha256,
    read_provenance,
    write_provenance,
)
from napari_segkit.errors import InputError, SegkitError
from napari_segkit.jobs import drain, segment
from napari_segkit.jobs.replay import prompts_of, replay
from napari_segkit.models.base import make_params
from napari_segkit.models.coins import Coins
from napari_segkit.synth.coins import make_scene
from napari_segkit.types import Prompts

Factory = pytest.TempPathFactory


@pytest.fixture
def exported(tmp_path: Path) -> Path:
    """Two photos of coins, exported with their provenance."""
    for number in range(2):
        made = make_scene(number, size=(240, 320))
        Image.fromarray(made.image).save(tmp_path / f"{number}.png")
    target = tmp_path / "out.zip"
    inner = get_format("cvat-mask").open_writer(
        target, classes=Coins.classes, options=WriteOptions()
    )
    with ProvenanceWriter(inner, target) as writer:
        for source in find_images([tmp_path]):
            image = read_image(source.path).pixels
            found = drain(segment(Coins(), image, params=make_params(Coins)))
            writer.add(Sample(source.name, found, source.path))
    assert target.exists()
    return beside(target)


def test_the_same_prediction_is_made_again(exported: Path) -> None:
    report = drain(replay(exported))
    assert report.identical
    assert [one.name for one in report.replays] == ["0", "1"]
    told = read_provenance(exported)
    assert told.images[0].file == "0.png"
    assert told.images[0].instances[1].status == "predicted"


def change(path: Path, **values: object) -> None:
    content = json.loads(path.read_text())
    content["images"][0]["runs"][0].update(values)
    path.write_text(json.dumps(content))


@pytest.mark.parametrize(
    ("values", "identical", "why"),
    [
        ({"labels_sha256": "0" * 64}, False, "other pixels with the same"),
        ({"labels_sha256": "0" * 64, "weights_sha256": "ab" * 32}, False, "other weights: abab"),
        ({"labels_sha256": "0" * 64, "version": "0.0.0"}, False, "version 0.0.0 then"),
        ({"model": "gone"}, None, "unknown model"),
        ({"params": {"gone": 1}}, None, "unknown parameter"),
        ({"prompts": {"mask": True}}, None, "began with a mask"),
        ({"prompts": {"boxes": [[1, 2]]}}, None, "prompts cannot be read"),
        ({"labels_sha256": ""}, None, "was not kept"),
    ],
)
def test_what_differs_is_said(
    exported: Path, values: dict, identical: bool | None, why: str
) -> None:
    change(exported, **values)
    first, second = drain(replay(exported)).replays
    assert first.identical is identical
    assert why in first.why
    assert second.identical


def test_another_image_and_a_missing_one(exported: Path) -> None:
    (exported.parent / "0.png").write_bytes((exported.parent / "1.png").read_bytes())
    (exported.parent / "1.png").unlink()
    first, second = drain(replay(exported)).replays
    assert "another one than then" in first.why
    assert "cannot be read" in second.why


def test_the_command_tells_and_ends_with_its_code(exported: Path) -> None:
    good = CliRunner().invoke(app, ["replay", str(exported)])
    assert good.exit_code == 0, good.output
    assert "2 of 2 predictions are identical" in good.output
    change(exported, labels_sha256="0" * 64)
    bad = CliRunner().invoke(app, ["replay", str(exported), "--json"])
    assert bad.exit_code == 1
    assert json.loads(bad.output)["replays"][0]["identical"] is False
    none = CliRunner().invoke(app, ["replay", str(exported.with_name("none"))])
    assert none.exit_code == 2


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=80) | st.lists(st.text()).map(json.dumps).map(str.encode))
def test_what_is_no_provenance_is_refused(tmp_path_factory: Factory, data: bytes) -> None:
    path = tmp_path_factory.mktemp("p") / "x.json"
    path.write_bytes(data)
    with pytest.raises(SegkitError):
        read_provenance(path)


def test_a_file_without_a_prediction(tmp_path: Path) -> None:
    write_provenance(tmp_path / "x.json", [])
    with pytest.raises(InputError, match="no prediction"):
        drain(replay(tmp_path / "x.json"))


def test_prompts_come_back_as_they_were() -> None:
    prompts = Prompts(
        boxes=np.array([[0.1, 2.7, 30.3, 40]], np.float32),
        points=np.array([[1.1, 2]], np.float32),
        point_labels=np.array([0], np.int32),
        text="a coin",
    )
    assert prompts_of(json.loads(json.dumps(prompts.as_dict()))).as_dict() == prompts.as_dict()
    assert len(labels_sha256(np.zeros((2, 3), np.int32))) == 64
    assert labels_sha256(np.zeros((2, 3), np.int32)) != labels_sha256(np.zeros((3, 2), np.int32))
