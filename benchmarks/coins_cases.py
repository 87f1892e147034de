"""The photos that coin segmentation is measured on: generated, scikit-image's, a few real ones."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from napari_segkit.synth.coin_conditions import CONDITIONS, LARGE, SEVERAL, SINGLE
from napari_segkit.synth.coins import make_scene

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parents[1]
REAL = ROOT.parent / "shared" / "data" / "real_dev" / "coins"
ELLIPSES = ROOT / "benchmarks" / "data" / "skimage_coins_ellipses.json"


@dataclass(frozen=True)
class Case:
    """A photo and its truth; the group is what its scores are averaged with."""

    group: str
    name: str
    image: NDArray[np.uint8]
    labels: NDArray[np.int32]


def source_key() -> str:
    """Changes whenever the generator does, so that cached scenes are never stale."""
    digest = hashlib.sha256()
    for path in sorted((ROOT / "napari_segkit" / "synth").glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def scene_case(condition: str, seed: int, cache: Path | None) -> Case:
    """One generated scene, from the cache where it is there."""
    name = f"{condition}-{seed}"
    stem = None if cache is None else cache / source_key() / name
    if stem is not None and stem.with_suffix(".labels.png").exists():
        image = cv2.imread(str(stem.with_suffix(".png")), cv2.IMREAD_COLOR)
        labels = cv2.imread(str(stem.with_suffix(".labels.png")), cv2.IMREAD_UNCHANGED)
        if image is not None and labels is not None:
            rgb = np.ascontiguousarray(image[..., ::-1], np.uint8)
            return Case(condition, name, rgb, labels.astype(np.int32))
    scene = make_scene(seed, condition=condition)
    if stem is not None:
        stem.parent.mkdir(parents=True, exist_ok=True)
        fast = [cv2.IMWRITE_PNG_COMPRESSION, 1]
        cv2.imwrite(str(stem.with_suffix(".png")), scene.image[..., ::-1], fast)
        cv2.imwrite(str(stem.with_suffix(".labels.png")), scene.labels.astype(np.uint16), fast)
    return Case(condition, name, scene.image, scene.labels)


def condition_names(wanted: str) -> list[str]:
    """Names of families; `wanted` = comma-separated names, 'single', 'several', 'large', 'all'.

    Raises
    ------
    LookupError
        If one is unknown.
    """
    groups = {"single": SINGLE, "several": SEVERAL, "large": LARGE, "all": tuple(CONDITIONS)}
    names = [name for part in wanted.split(",") for name in groups.get(part, (part,)) if name]
    unknown = sorted(set(names) - set(CONDITIONS))
    if unknown:
        raise LookupError(f"unknown: {', '.join(unknown)}; there are {', '.join(CONDITIONS)}")
    return names


def scene_cases(
    wanted: str, count: int, *, large: int, seed_base: int, cache: Path | None
) -> Iterator[Case]:
    """`count` generated scenes of each family wanted, `large` of each 12-Mpx one."""
    for condition in condition_names(wanted):
        for k in range(large if condition in LARGE else count):
            yield scene_case(condition, seed_base + k, cache)


def ellipse_labels(shape: tuple[int, int], ellipses: list[dict[str, float]]) -> NDArray[np.int32]:
    """Fill ellipses (cx, cy, a, b in pixels; angle in degrees from x towards y) with 1, 2, 3, …"""
    y, x = np.mgrid[: shape[0], : shape[1]]
    labels = np.zeros(shape, np.int32)
    for number, e in enumerate(ellipses, start=1):
        c, s = np.cos(np.radians(e["angle"])), np.sin(np.radians(e["angle"]))
        u = (c * (x - e["cx"]) + s * (y - e["cy"])) / e["a"]
        v = (c * (y - e["cy"]) - s * (x - e["cx"])) / e["b"]
        labels[u * u + v * v <= 1] = number
    return labels


def skimage_cases() -> Iterator[Case]:
    """scikit-image's photo of 24 Greek coins with our hand-fitted ellipses."""
    from skimage.data import coins

    gray = coins()
    if ELLIPSES.exists():
        ellipses = json.loads(ELLIPSES.read_text())["ellipses"]
        image = np.repeat(gray[..., None], 3, axis=2)
        yield Case("skimage", "skimage-coins", image, ellipse_labels(gray.shape, ellipses))


def real_cases() -> Iterator[Case]:
    """The labelled real photos beside the repository, where they are."""
    for mask_path in sorted((REAL / "masks").glob("*.png")):
        for image_path in (REAL / "images").glob(mask_path.stem + ".*"):
            image = cv2.imread(str(image_path), cv2.IMREAD_COLOR)
            labels = cv2.imread(str(mask_path), cv2.IMREAD_UNCHANGED)
            if image is None or labels is None:
                continue
            rgb = np.ascontiguousarray(image[..., ::-1], np.uint8)
            yield Case(f"real:{mask_path.stem}", mask_path.stem, rgb, labels.astype(np.int32))
