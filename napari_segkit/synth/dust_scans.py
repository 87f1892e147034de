"""Artefacts cut from a folder of RGBA pictures of film damage, one sub-folder a kind.

The layout is that of FilmDamageSimulator (Eurographics 2023): dirt, dots, hair, hair-short, lint,
scratches, smut, spots, stain. Three in ten of each kind are kept out of training. Its tenth kind,
sprinkles, is not drawn: clouds of 300 to 500 crumbs that run together into one frayed mass, around
which a person would draw no certain outline; the shipped weights were trained without it.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

    from napari_segkit.synth.dust_shapes import Alpha

_SIZES = {
    "dots": (4, 34),
    "hair": (50, 260),
    "hair-short": (14, 80),
    "lint": (20, 120),
    "scratches": (60, 260),
    "smut": (12, 90),
    "spots": (60, 300),
    "dirt": (80, 300),
    "stain": (24, 140),
}
"""Longest side in pixels, drawn log-uniformly."""

_CHANCES = {
    "dots": 0.75, "hair": 0.12, "hair-short": 0.16, "lint": 0.06, "scratches": 0.03,
    "smut": 0.08, "spots": 0.04, "dirt": 0.04, "stain": 0.05,
}  # fmt: skip


def is_held_out(number: int) -> bool:
    """Whether the artefact at this place of its kind's sorted list is kept for evaluation."""
    return number % 10 in {2, 5, 8}


@lru_cache(maxsize=2048)
def _alpha(path: Path) -> Alpha:
    """The opaque part of one RGBA file; (h, w) float32 in [0, 1]."""
    read = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    if read is None or read.ndim != 3 or read.shape[2] != 4:
        raise ValueError(f"{path} is not an RGBA picture")
    alpha = read[..., 3]
    rows, cols = np.nonzero(alpha > 25)
    part = alpha[rows.min() : rows.max() + 1, cols.min() : cols.max() + 1]
    return np.asarray(part / 255, np.float32)


@lru_cache(maxsize=32)
def _files(folder: Path, kind: str, held_out: bool) -> tuple[Path, ...]:
    files = sorted((folder / kind).glob("*.png"))
    return tuple(f for n, f in enumerate(files) if is_held_out(n) == held_out)


def from_scans(folder: Path, rng: np.random.Generator, *, held_out: bool) -> Alpha:
    """Draw an artefact, resized, turned and mirrored; (h, w) float32 in [0, 1]."""
    kinds = [k for k in _SIZES if _files(folder, k, held_out)]
    chances = np.array([_CHANCES[k] for k in kinds])
    kind = str(rng.choice(kinds, p=chances / chances.sum()))
    files = _files(folder, kind, held_out)
    alpha = _alpha(files[int(rng.integers(len(files)))])
    low, high = _SIZES[kind]
    size = math.exp(rng.uniform(math.log(low), math.log(high)))
    if kind == "dots":  # most are small
        size = min(size, math.exp(rng.uniform(math.log(low), math.log(high))))
    scale = size / max(alpha.shape)
    angle = rng.uniform(0, 360) if kind != "scratches" else rng.choice([0, 90, rng.uniform(0, 180)])
    side = math.ceil(1.5 * size) + 6
    turn = cv2.getRotationMatrix2D((alpha.shape[1] / 2, alpha.shape[0] / 2), angle, scale)
    turn[:, 2] += side / 2 - np.array([alpha.shape[1], alpha.shape[0]]) / 2
    shrunk = cv2.GaussianBlur(alpha, (0, 0), 0.4 / scale) if scale < 0.8 else alpha
    patch = cv2.warpAffine(shrunk, turn, (side, side), flags=cv2.INTER_LINEAR)
    patch = _without_crumbs(patch)
    return np.asarray(patch[:, ::-1] if rng.random() < 0.5 else patch, np.float32)


def _without_crumbs(patch: Alpha, *, smallest: int = 10) -> Alpha:
    """A patch without its specks of fewer pixels: nobody would draw an outline around them."""
    _, parts, stats, _ = cv2.connectedComponentsWithStats(
        (patch > 0.08).astype(np.uint8), connectivity=8
    )
    keep = stats[:, cv2.CC_STAT_AREA] >= smallest
    keep[0] = False
    kept: Alpha = patch * keep[parts]
    return kept
