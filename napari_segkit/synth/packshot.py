"""From things on a floor to a product photo: framing, light, focus, camera; masks stay exact."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

import cv2
import numpy as np

from napari_segkit.synth.camera import Camera, develop
from napari_segkit.synth.splat import Cloud, Eye, eye_at, vec
from napari_segkit.synth.studio import Material, random_studio
from napari_segkit.synth.studio_shot import Shot, shoot

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_segkit.synth.noise import Field

Scene: TypeAlias = Callable[[float], Cloud]
"""Spacing of the points in world units -> the things."""
_FINER = 1.25
"""Rendered that much larger than the photo, so that edges are smooth."""


@dataclass(frozen=True)
class View:
    """Where the camera stands, the photo's (height, width), world units per rendered pixel."""

    eye: Eye
    shape: tuple[int, int]
    step: float


def settle(cloud: Cloud) -> Cloud:
    """Put things on the floor: their lowest point at z = 0."""
    return cloud.moved(by=np.array([0, 0, -cloud.points[:, 2].min()], np.float32))


def frame(
    coarse: Cloud,
    shape: tuple[int, int],
    rng: np.random.Generator,
    *,
    fill: tuple[float, float] = (0.4, 0.95),
    elevation: tuple[float, float] = (0.05, 1.1),
) -> View:
    """A camera that has things in its picture, `fill` of it, at a random place."""
    points = coarse.points
    target = (points.min(axis=0) + points.max(axis=0)) / 2
    reach = float(np.linalg.norm(points - target, axis=1).max())
    fine = (round(shape[0] * _FINER), round(shape[1] * _FINER))
    distance = reach * float(np.exp(rng.uniform(1.3, 2.6)))
    eye = eye_at(
        target,
        shape=fine,
        elevation=rng.uniform(*elevation),
        azimuth=rng.uniform(0, math.tau),
        distance=distance,
        focal=1.0,
        roll=rng.normal(0, 0.08),
    )
    places, depth = eye.seen(points)
    places -= vec([(side - 1) / 2 for side in fine[::-1]])
    low, high = places.min(axis=0), places.max(axis=0)
    focal = rng.uniform(*fill) / float(((high - low) / np.array(fine[::-1])).max())
    margin = np.maximum(np.array(fine[::-1]) - (high - low) * focal, 0) / 2
    shift = -(low + high) / 2 * focal + margin * rng.uniform(-0.9, 0.9, 2)
    eye = replace(eye, focal=focal, shift=(float(shift[0]), float(shift[1])))
    return View(eye, shape, float(depth.min()) / focal * 1.05)


def ground_colour(rng: np.random.Generator) -> Field:
    """Mostly white, gray or black, sometimes coloured; linear RGB."""
    kind = rng.choice(4, p=[0.6, 0.2, 0.08, 0.12])
    if kind == 0:
        level = rng.uniform(0.8, 1.5)
    elif kind == 1:
        level = rng.uniform(0.15, 0.8)
    elif kind == 2:
        level = rng.uniform(0.003, 0.06)
    else:
        return np.asarray(rng.uniform(0.05, 1, 3), np.float32)
    return np.asarray(level * (1 + rng.normal(0, 0.015, 3)), np.float32)


def take(
    scene: Scene,
    materials: Sequence[Material],
    view: View,
    rng: np.random.Generator,
    *,
    backdrop: Field | None = None,
) -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
    """Photograph a scene.

    Parameters
    ----------
    backdrop : (H, W, 3) float32 linear light
        In the place of the floor's colour, of the photo's size.

    Returns
    -------
    image : (H, W, 3) uint8 RGB
    labels : (H, W) int32
        The instances that are seen.
    """
    gloss = rng.uniform(0.08, 0.6) if backdrop is None and rng.random() < 0.3 else 0.0
    colour = ground_colour(rng) if backdrop is None else backdrop.mean(axis=(0, 1))
    studio = random_studio(rng, colour, gloss=gloss)
    if backdrop is None and rng.random() < 0.25:  # cut out: no shadow at all
        studio = replace(studio, lights=(), contact=0.0, gloss=0.0, far=studio.near)
    if backdrop is not None:
        backdrop = cv2.resize(backdrop, view.eye.shape[::-1], interpolation=cv2.INTER_LINEAR)
    shot = shoot(view.eye, scene(view.step), materials, studio, backdrop=backdrop)
    canvas = _focused(shot, rng)
    height, width = view.shape
    canvas = cv2.resize(canvas, (width, height), interpolation=cv2.INTER_AREA)
    labels = _halved(shot.labels, (height, width))
    return develop(canvas, studio_camera(rng, max(height, width)), rng=rng), labels


def _focused(shot: Shot, rng: np.random.Generator) -> Field:
    """Blur what is far from the plane in focus, in a quarter of the photos."""
    seen = shot.labels > 0
    if rng.random() > 0.25 or not seen.any():
        return shot.canvas
    near, far = np.percentile(shot.depth[seen], (2, 98))
    focus = near + (far - near) * rng.uniform(0, 0.6)
    away = np.abs(shot.depth - focus) / max(far - near, 1e-6)
    sigma = max(shot.canvas.shape) * rng.uniform(0.002, 0.007)
    soft = cv2.GaussianBlur(shot.canvas, (0, 0), sigma)
    share = np.clip(away * 1.2 - 0.3, 0, 1)[..., None]
    return np.asarray(shot.canvas + (soft - shot.canvas) * share, np.float32)


def _halved(labels: NDArray[np.int32], shape: tuple[int, int]) -> NDArray[np.int32]:
    """Labels of the photo's size: at each pixel the instance that covers most of it."""
    best = np.full(shape, 0.5, np.float32)
    small = np.zeros(shape, np.int32)
    for number in range(1, int(labels.max(initial=0)) + 1):
        part = (labels == number).astype(np.float32)
        cover = cv2.resize(part, shape[::-1], interpolation=cv2.INTER_AREA)
        small[cover >= best] = number
        best = np.maximum(best, cover)
    return small


def studio_camera(rng: np.random.Generator, size: int) -> Camera:
    """Of a shop or a magazine; `size` = the photo's longer side in pixels."""
    cast = rng.normal(0, 0.02, 3)
    poor = rng.random() < 0.15
    return Camera(
        exposure=float(np.exp(rng.normal(0.05, 0.12))),
        balance=(float(1 + cast[0]), 1.0, float(1 + cast[2])),
        vignette=rng.uniform(0, 0.25) if rng.random() < 0.2 else 0.0,
        defocus=size * rng.uniform(0, 0.0016) + (0.5 if poor else 0),
        noise=float(np.exp(rng.uniform(-7.5, -4.2))),
        noise_grain=rng.uniform(1, 2),
        contrast=rng.uniform(0, 0.7),
        sharpen=rng.uniform(0.2, 1.0) if rng.random() < 0.4 else 0.0,
        saturation=rng.uniform(0.5, 1.3),
        gray=rng.random() < 0.06,
        enlarged=rng.uniform(1, 2.2) if poor else 1.0,
        jpeg=int(rng.integers(45, 98)),
    )
