"""Wares: bottles, jars and packets, each one thing though it has a cap, a label and contents.

Every ware is painted on a canvas in linear light, in place, and gives the pixels that it covers.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import cv2
import numpy as np

from napari_segkit.synth.grounds import draw_ground
from napari_segkit.synth.heaps_things import Sun, coated, random_kind
from napari_segkit.synth.noise import Field, mix, soften
from napari_segkit.synth.textures import random_colour

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_segkit.synth.view import Points

Ware = Callable[[Field, "Points", float, float, Sun, np.random.Generator], "NDArray[np.bool_]"]
"""`(canvas, foot (2,) x y, height in pixels, lean in radians, sun, rng)` -> (H, W) bool."""

_PRINT = {"page": 2.0, "photo": 2.0, "collage": 1.0}


def bottle(
    canvas: Field, foot: Points, height: float, lean: float, sun: Sun, rng: np.random.Generator
) -> NDArray[np.bool_]:
    """A bottle or a jar: glass or not, filled to somewhere, with a cap and a label or without."""
    wide = rng.uniform(0.22, 0.75)
    neck = wide * rng.uniform(0.25, 1.0)
    shoulder = rng.uniform(0.45, 0.85)
    cap = rng.uniform(0.04, 0.15) if rng.random() < 0.8 else 0.0
    stops = (0, 0.03, shoulder, min(0.93, shoulder + rng.uniform(0.03, 0.2)), 1)
    widths = (wide * rng.uniform(0.8, 1), wide, wide * rng.uniform(0.8, 1.0), neck, neck)
    along, across, inside = _upright(canvas.shape[:2], foot, height, lean)
    half = np.interp(along, stops, widths).astype(np.float32) / 2
    u = np.asarray(across / np.maximum(half, 1e-3), np.float32)
    cover = inside * np.clip((half - np.abs(across)) * np.float32(height) + 0.5, 0, 1)
    body = _bottled(canvas, along, u, cap, rng)
    bend = np.clip(1 - u * u, 0, 1) ** 0.5
    side = sun.towards[0] * u + sun.towards[2] * bend
    shade = sun.ambient + (1 - sun.ambient) * np.clip(side, 0, None)
    streak = np.exp(-(((u - rng.uniform(-0.8, 0.8)) / rng.uniform(0.03, 0.15)) ** 2))
    lit = body * shade[..., None] + (rng.uniform(0, 0.8) * streak)[..., None]
    return _blend(canvas, np.asarray(lit, np.float32), np.asarray(cover, np.float32), sun, height)


def _bottled(canvas: Field, along: Field, u: Field, cap: float, rng: np.random.Generator) -> Field:
    """Colours of wall, contents, cap and label."""
    tint = random_colour(rng, value=(0.4, 1.0), saturation=(0, 0.6))
    kind, glass = random_kind(rng), rng.random() < 0.7
    contents = coated(along.shape, kind, float(max(along.shape)) * 0.2, rng)
    behind = soften(canvas, 2.0) * tint
    body = behind * np.float32(rng.uniform(0.5, 1)) + np.float32(rng.uniform(0, 0.1))
    level = rng.uniform(0.3, 0.95) if glass else 1.1
    body = np.where((along < level)[..., None], contents, body)
    if cap:
        lid = random_colour(rng)
        body = np.where((along > 1 - cap)[..., None], lid, body)
    if rng.random() < 0.6:
        low, reach = rng.uniform(0.08, 0.3), rng.uniform(0.15, 0.4)
        label = (along > low) & (along < low + reach) & (np.abs(u) < rng.choice([0.6, 0.8, 1.1]))
        body = np.where(label[..., None], _printed(along.shape, rng), body)
    return np.asarray(body, np.float32)


def packet(
    canvas: Field, foot: Points, height: float, lean: float, sun: Sun, rng: np.random.Generator
) -> NDArray[np.bool_]:
    """A box or a bag with print on it, now and then with a second side that is seen."""
    along, across, inside = _upright(canvas.shape[:2], foot, height, lean)
    wide = rng.uniform(0.4, 1.1)
    wave = 0.0 if rng.random() < 0.5 else rng.uniform(0.005, 0.02)
    edge = wide / 2 + wave * np.sin(along * rng.uniform(10, 40))
    body = _printed(along.shape, rng)
    if rng.random() < 0.5:  # the side of a box
        fold = rng.uniform(0.1, 0.7) * wide - wide / 2
        body = np.where((across > fold)[..., None], body * rng.uniform(0.3, 0.9), body)
    if rng.random() < 0.4:  # a band of another colour
        low = rng.uniform(0, 0.8)
        band = (along > low) & (along < low + rng.uniform(0.05, 0.3))
        body = np.where(band[..., None], random_colour(rng), body)
    cover = inside * np.clip((edge - np.abs(across)) * np.float32(height) + 0.5, 0, 1)
    facing = sun.ambient + (1 - sun.ambient) * float(sun.towards[2])
    shine = 1 + rng.uniform(0, 0.3) * np.sin(across * rng.uniform(2, 12) + along * 3)
    lit = body * (facing * shine)[..., None]
    return _blend(canvas, np.asarray(lit, np.float32), np.asarray(cover, np.float32), sun, height)


WARES: tuple[Ware, ...] = (bottle, packet)


def _upright(
    shape: tuple[int, int], foot: Points, height: float, lean: float
) -> tuple[Field, Field, Field]:
    """Place along the height (0 at the foot, 1 on top) and across it; what is between them."""
    y, x = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    x, y = x - np.float32(foot[0]), np.float32(foot[1]) - y
    c, s = math.cos(lean), math.sin(lean)
    along = (c * y + s * x) / np.float32(height)
    across = (c * x - s * y) / np.float32(height)
    reach = np.minimum(along, 1 - along) * np.float32(height) + 0.5
    return along, across, np.clip(reach, 0, 1)


def _printed(shape: tuple[int, int], rng: np.random.Generator) -> Field:
    """Print: one colour, with letters, or a picture."""
    if rng.random() < 0.35:
        return np.asarray(draw_ground(shape, rng, weights=_PRINT)[0] ** 2.2, np.float32)
    sheet = np.empty((*shape, 3), np.float32)
    sheet[:] = random_colour(rng, value=(0.2, 1.0))
    letters = np.zeros(shape, np.uint8)
    for _ in range(int(rng.integers(0, 14))):
        text = "".join(rng.choice(list("abcdeiklmnorstuABEMRS"), int(rng.integers(2, 9))))
        at = (rng.uniform(0, 1, 2) * shape[::-1]).astype(int).tolist()
        scale = float(np.exp(rng.uniform(-1.2, 0.9)))
        cv2.putText(letters, text, at, int(rng.integers(0, 8)), scale, 255, 1 + int(scale))
    return mix(sheet, random_colour(rng, value=(0.0, 1.0)), letters / np.float32(255))


def _blend(canvas: Field, lit: Field, cover: Field, sun: Sun, height: float) -> NDArray[np.bool_]:
    """Lay on a canvas, with a shadow to the side away from the light."""
    reach = 0.1 * height * sun.towards[:2]
    move = np.array([[1, 0, -reach[0]], [0, 1, -reach[1]]], np.float32)
    cast = cv2.warpAffine(cover, move, cover.shape[::-1])
    canvas *= (1 - 0.6 * sun.shadow * soften(cast, max(1.0, 0.05 * height)))[..., None]
    canvas += (lit - canvas) * cover[..., None]
    return np.asarray(cover >= 0.5)
