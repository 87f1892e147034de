"""Proposals: alike regions of several photos get one cluster, and a person's names make classes."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from napari_segkit.data.formats.registry import recognise
from napari_segkit.data.images import find_images
from napari_segkit.errors import ParamsError
from napari_segkit.jobs import drain
from napari_segkit.jobs.propose import (
    DATASET,
    NAMES,
    PICTURE,
    Proposing,
    name_clusters,
    propose,
    read_names,
)

COLOURS = {"disc": (240, 200, 40), "square": (30, 60, 200)}


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Gray photos with a yellow disc and a blue square each, in different places."""
    folder = tmp_path / "photos"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for number in range(5):
        image = rng.normal(120, 3, (120, 160, 3)).clip(0, 255).astype(np.uint8)
        x, y = rng.integers(25, 60, 2).tolist()
        cv2.circle(image, (x, y), 22, COLOURS["disc"], -1)
        cv2.rectangle(image, (x + 45, y), (x + 85, y + 40), COLOURS["square"], -1)
        cv2.imwrite(str(folder / f"photo{number}.png"), image[..., ::-1])
    return folder


def _fill_in(folder: Path, photos: Path) -> None:
    """Name each cluster by the colour of its regions, as a person would."""
    names = {}
    with recognise(folder / DATASET).open(folder / DATASET) as dataset:
        for sample in dataset:
            image = cv2.imread(str(photos / f"{sample.name}.png"))[..., ::-1]
            for key, one in sample.segmentation.instances.items():
                mean = image[sample.segmentation.labels == key].mean(axis=0)
                for name, colour in COLOURS.items():
                    if np.abs(mean - colour).max() < 50:
                        names[one.class_name] = name
    text = (folder / NAMES).read_text()
    for cluster, name in names.items():
        text = text.replace(f'"{cluster}" = ""', f'"{cluster}" = "{name}"')
    (folder / NAMES).write_text(text)


def test_named_clusters_are_the_things(photos: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    settings = Proposing(clusters=4, parts=4)
    report = drain(propose(find_images([photos]), out, settings=settings))
    assert report.images == 5
    assert cv2.imread(str(out / PICTURE)).shape[0] == 4 * 96
    _fill_in(out, photos)
    drain(name_clusters(out, tmp_path / "named", format_id="indexed-png"))
    with recognise(tmp_path / "named").open(tmp_path / "named") as dataset:
        assert {one.name for one in dataset.classes} == set(COLOURS)
        for sample in dataset:
            image = cv2.imread(str(photos / f"{sample.name}.png"))[..., ::-1]
            for name, colour in COLOURS.items():
                keys = [k for k, i in sample.segmentation.instances.items() if i.class_name == name]
                mask = np.isin(sample.segmentation.labels, keys)
                truth = (image == colour).all(axis=2)
                assert (mask & truth).sum() / (mask | truth).sum() > 0.8, (sample.name, name)


def test_nothing_named_and_unknown_clusters_are_told(photos: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    drain(propose(find_images([photos]), out, settings=Proposing(clusters=3, parts=3)))
    with pytest.raises(ParamsError, match="no cluster has a name"):
        drain(name_clusters(out, tmp_path / "named"))
    (out / NAMES).write_text('"cluster 77" = "moon"\n')
    with pytest.raises(ParamsError, match="no such cluster"):
        drain(name_clusters(out, tmp_path / "named"))
    (out / NAMES).write_text("cluster 1 = \n")
    with pytest.raises(ParamsError, match="cannot be read"):
        read_names(out / NAMES)
    assert not (tmp_path / "named").exists()


@pytest.mark.parametrize("wrong", [{"clusters": 1}, {"parts": 65}, {"least": 0.0}])
def test_settings_out_of_range_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ParamsError):
        Proposing(**wrong)


def test_the_same_photos_give_the_same_proposals(photos: Path, tmp_path: Path) -> None:
    for name in ("a", "b"):
        drain(propose(find_images([photos]), tmp_path / name, settings=Proposing(5, 5)))
    first, second = (
        [p.read_bytes() for p in sorted((tmp_path / name).rglob("*.png"))] for name in ("a", "b")
    )
    assert first == second
