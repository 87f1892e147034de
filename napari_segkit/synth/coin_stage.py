"""What a coin scene is made of before the coins: camera, lamp, ground, other things.

And the light after.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import cv2
import numpy as np

from napari_segkit.synth.camera import (
    Camera,
    illuminate,
    mirror_lamps,
    random_camera,
    shadow_edges,
)
from napari_segkit.synth.metal import METALS, Lamp
from napari_segkit.synth.noise import Field, fractal_noise
from napari_segkit.synth.props import PROPS, finger
from napari_segkit.synth.textures import GROUNDS, flat
from napari_segkit.synth.view import View

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_segkit.synth.coin_conditions import Condition
    from napari_segkit.synth.coin_render import Pose


@dataclass(frozen=True)
class Stage:
    """A family's choices for one scene; radii in table pixels."""

    recipe: Condition
    view: View
    lamp: Lamp
    radii: tuple[float, ...]
    metals: tuple[str, ...]

    @property
    def unit(self) -> float:
        """Diameter of a coin in pixels, the measure of textures and faults."""
        return 2 * self.radii[0]

    @property
    def shape(self) -> tuple[int, int]:
        """(height, width) of the image."""
        return self.view.height, self.view.width

    def middle(self, pose: Pose) -> NDArray[np.float64]:
        """Image x, y of a coin's centre, (2,)."""
        return np.asarray(self.view.project(np.array([[pose.x, pose.y, pose.z]]))[0])


def set_stage(recipe: Condition, size: tuple[int, int] | None, rng: np.random.Generator) -> Stage:
    """Draw camera position, lamp, sizes and metals; `size` = (height, width) or None to draw it."""
    height, width = size or _draw_size(recipe, rng)
    tilt = math.radians(rng.uniform(*recipe.tilt))
    view = View(width, height, tilt, rng.uniform(1.3, 5) * max(height, width))
    lamp = _draw_lamp(recipe, rng)
    count = int(rng.integers(recipe.count[0], recipe.count[1] + 1))
    shares = rng.uniform(*recipe.radius) * rng.uniform(0.75, 1.25, count)
    radii = np.clip(shares, *recipe.radius) * min(height, width)
    one_metal = "match" in recipe.grounds
    metals = (str(rng.choice(recipe.metals)),) if one_metal else recipe.metals
    return Stage(recipe, view, lamp, tuple(float(r) for r in radii), metals)


def _draw_size(recipe: Condition, rng: np.random.Generator) -> tuple[int, int]:
    side = int(rng.integers(recipe.size[0], recipe.size[1] + 1))
    long = round(
        side * (4 / 3 if recipe.size[0] >= 3000 else rng.choice([1.0, 1.0, 1.1, 1.33, 1.5]))
    )
    return (side, long) if rng.random() < 0.5 else (long, side)


def _draw_lamp(recipe: Condition, rng: np.random.Generator) -> Lamp:
    angle = rng.uniform(0, math.tau)
    height = rng.uniform(1.5, 4) if "scan" in recipe.extra else rng.uniform(0.4, 2.5)
    return Lamp(
        (math.cos(angle), math.sin(angle)),
        height,
        rng.uniform(0.03, 0.8),
        rng.uniform(*recipe.light),
    )


def draw_camera(stage: Stage, rng: np.random.Generator) -> Camera:
    """The faults of this photo, as they go with its family."""
    extra = stage.recipe.extra
    grade = str(rng.choice(stage.recipe.grades))
    camera = random_camera(rng, unit=stage.unit, grade=grade)
    if "gray" in extra:
        camera = replace(camera, gray=True)
    if stage.recipe.layout == "single" and rng.random() < 0.08:
        camera = replace(camera, watermark=rng.uniform(0.2, 0.7))
    if "cutout" in extra:  # editing programs save such pictures without noise
        jpeg = camera.jpeg if rng.random() < 0.6 else None
        camera = replace(
            camera,
            noise=0.0,
            vignette=0.0,
            balance=(1, 1, 1),
            sharpen=0.0,
            watermark=0.0,
            jpeg=jpeg,
        )
    return camera


def meter(camera: Camera, coin_light: NDArray[np.float32], rng: np.random.Generator) -> Camera:
    """Expose so that coins keep their relief, as most people and cameras do.

    `coin_light` : (N, 3) linear light of the coins' pixels.
    """
    if not len(coin_light) or rng.random() < 0.1:
        return camera
    bright = float(np.quantile(coin_light[:: 1 + len(coin_light) // 5000].mean(axis=1), 0.7))
    return replace(camera, exposure=min(camera.exposure, rng.uniform(0.6, 1.1) / max(bright, 1e-3)))


def _match(metal: str, shape: tuple[int, int], unit: float, rng: np.random.Generator) -> Field:
    """A ground nearly as bright and of nearly the hue of a coin's metal."""
    colour = np.array(METALS[metal], np.float32) * rng.uniform(0.45, 1.0)
    gray = colour.mean()
    colour = gray + (colour - gray) * rng.uniform(0.2, 0.9)
    amount = rng.uniform(0.01, 0.08) * fractal_noise(
        shape, unit * rng.uniform(0.03, 0.5), rng=rng, persistence=0.7
    )
    return np.asarray(np.clip(flat(shape, colour) * (1 + amount)[..., None], 0.002, 1), np.float32)


def lay_ground(stage: Stage, rng: np.random.Generator) -> Field:
    """The ground as the camera sees it, (H, W, 3) float32 linear light."""
    canvas = _ground(stage, rng)
    if "glossy" in stage.recipe.extra:
        mirror_lamps(canvas, stage.unit, rng=rng)
    return canvas


def _ground(stage: Stage, rng: np.random.Generator) -> Field:
    name = str(rng.choice(stage.recipe.grounds))
    view, shape, unit = stage.view, stage.shape, stage.unit
    if name in {"black", "white"}:
        return flat(shape, np.full(3, 0.0 if name == "black" else 1.0, np.float32))
    if name == "match":
        return _match(stage.metals[0], shape, unit, rng)
    if view.tilt < math.radians(10):
        return GROUNDS[name](shape, unit, rng)
    corners = np.array(
        [[0, 0], [view.width, 0], [view.width, view.height], [0, view.height]], float
    )
    ground = view.to_ground(corners)
    low, extent = ground.min(axis=0), np.ptp(ground, axis=0)
    scale = min(1.0, 1.6 * max(shape) / float(extent.max()))
    texture = GROUNDS[name](
        (math.ceil(extent[1] * scale), math.ceil(extent[0] * scale)), unit * scale, rng
    )
    to_table = np.array([[1 / scale, 0, low[0]], [0, 1 / scale, low[1]], [0, 0, 1]])
    matrix = view.ground_to_image() @ to_table
    return np.asarray(
        cv2.warpPerspective(
            texture, matrix, shape[::-1], flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT
        )
    )


def scatter_props(canvas: Field, stage: Stage, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Lay one to five other things down; (H, W) bool.

    Where they keep coins away (a card does not).
    """
    names = list(rng.choice(list(PROPS), int(rng.integers(1, 6))))
    names.sort(key=lambda name: name != "card")
    before = canvas.copy()
    for name in names:
        centre = rng.uniform(0, 1, 2) * (canvas.shape[1], canvas.shape[0])
        PROPS[name](canvas, centre, stage.unit, stage.lamp, rng)
        if name == "card":
            before = canvas.copy()
    taken = np.abs(canvas - before).max(axis=2) > 0.04
    return np.asarray(cv2.dilate(taken.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0)


def hold(
    canvas: Field, labels: NDArray[np.int32], stage: Stage, pose: Pose, rng: np.random.Generator
) -> None:
    """Put one or two fingertips over the coin's edge, in place; they cut its mask."""
    start = rng.uniform(0, math.tau)
    for angle in (start, start + math.pi + rng.normal(0, 0.3))[: int(rng.integers(1, 3))]:
        reach = pose.radius * rng.uniform(0.7, 0.95)
        tip = stage.middle(pose) + reach * np.array([math.cos(angle), math.sin(angle)])
        window, cover = finger(canvas, tip, 2 * pose.radius, stage.lamp, rng)
        labels[window.slices][cover >= 0.5] = 0


def change_light(canvas: Field, stage: Stage, rng: np.random.Generator) -> None:
    """Throw shadows across the whole table and let the light fall off to one side, in place."""
    extra = stage.recipe.extra
    if "shadow" in extra:
        canvas *= shadow_edges(stage.shape, stage.unit, rng=rng)[..., None]
    if "gradient" in extra:
        illuminate(canvas, rng.uniform(0, math.tau), rng.uniform(0.15, 0.5))
    elif "cutout" not in extra and rng.random() < 0.3:
        illuminate(canvas, rng.uniform(0, math.tau), rng.uniform(0.1, 0.2))
