"""Boards cut along a drawn outline, with holes: gears, frames, letters, stars."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import cv2
import numpy as np

from napari_segkit.synth.splat import Cloud, cloud, together, vec

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray


def slab(rng: np.random.Generator) -> Callable[[float], Cloud]:
    """A drawn outline with holes, cut from a board: gears, frames, letters, keys, stars."""
    mask = _outline_mask(rng)
    thick = float(np.exp(rng.uniform(math.log(0.01), math.log(0.3))))

    def made(step: float) -> Cloud:
        count = int(np.clip(1.0 / step, 16, 1600))
        fine = cv2.resize(mask, (count, count), interpolation=cv2.INTER_LINEAR)
        ys, xs = np.nonzero(fine > 127)
        flat = (np.stack([xs, ys], axis=1) / count - 0.5).astype(np.float32)
        parts = []
        for side in (-1, 1):
            points = np.concatenate(
                [flat, np.full((len(flat), 1), side * thick / 2, np.float32)], 1
            )
            parts.append(cloud(points, np.tile(vec([0, 0, side]), (len(flat), 1)), flat))
        rims, _ = cv2.findContours(
            (fine > 127).astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE
        )
        levels = np.linspace(-thick / 2, thick / 2, max(2, int(thick / step) + 1), dtype=np.float32)
        for rim in rims:
            line = rim[:, 0].astype(np.float32)
            away = cv2.GaussianBlur(np.roll(line, -2, 0) - np.roll(line, 2, 0), (1, 5), 0)
            normal = np.stack([away[:, 1], -away[:, 0], np.zeros(len(line), np.float32)], axis=1)
            normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-6)
            at = np.repeat(line / count - 0.5, len(levels), axis=0)
            z = np.tile(levels, len(line))[:, None]
            wall = np.concatenate([at, z], axis=1).astype(np.float32)
            parts.append(cloud(wall, np.repeat(normal, len(levels), axis=0), at, 1))
        return together(parts)

    return made


def _outline_mask(rng: np.random.Generator) -> NDArray[np.uint8]:
    """(256, 256) uint8: a shape of 0 and 255 with holes."""
    mask = np.zeros((256, 256), np.uint8)
    angle = np.linspace(0, math.tau, 240, endpoint=False)
    kind = rng.choice(["wave", "gear", "polygon", "letter"], p=[0.4, 0.2, 0.25, 0.15])
    if kind == "letter":
        text = str(rng.choice(list("ABDEGHKOPQRSXZ&%$8690#@")))
        font = int(rng.choice([cv2.FONT_HERSHEY_TRIPLEX, cv2.FONT_HERSHEY_SIMPLEX]))
        cv2.putText(mask, text, (36, 210), font, 8.0, 255, int(rng.integers(14, 34)))
        return mask
    radius = np.full(240, 100.0)
    if kind == "wave":
        for k in range(2, int(rng.integers(3, 9))):
            radius += rng.normal(0, 40 / k) * np.cos(k * angle + rng.uniform(0, math.tau))
    elif kind == "gear":
        radius *= 1 + 0.12 * np.tanh(4 * np.cos(int(rng.integers(3, 24)) * angle))
    else:
        sides, sharp = int(rng.integers(3, 8)), rng.uniform(0.6, 1)
        corner = np.abs(np.mod(angle * sides / math.tau, 1) - 0.5) * 2
        radius *= sharp + (1 - sharp) * corner**2
    squeeze = np.exp(rng.normal(0, 0.3, 2))
    radius = np.clip(radius, 20, 118)
    points = 128 + radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], 1) * np.minimum(
        squeeze, 1
    )
    cv2.fillPoly(mask, [np.rint(points).astype(np.int32)], 255)
    if rng.random() < 0.35:
        inner = 128 + (points - 128) * rng.uniform(0.5, 0.9)
        cv2.fillPoly(mask, [np.rint(inner).astype(np.int32)], 0)
    else:
        for _ in range(int(rng.integers(0, 5))):
            at = rng.uniform(60, 196, 2).astype(int).tolist()
            cv2.circle(mask, at, int(rng.integers(6, 34)), 0, -1)
    return mask
