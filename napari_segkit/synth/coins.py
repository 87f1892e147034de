"""Photos of coins that never were, with exact masks: what the coin model is judged and improved on.

A scene is put together like a photo: a ground lit by one lamp, coins laid on it (each a height map whose normals
reflect the lamp, with a thickness, a cast shadow and a place under a pinhole camera), other things beside them,
then the camera's faults. The mask of a coin is what is visible of its face and of its side wall; a central hole
belongs to the coin, as its outline is what people label.
"""

from __future__ import annotations

import math
import zlib
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from napari_segkit.synth.camera import (
    Camera,
    develop,
    illuminate,
    random_camera,
    shadow_edges,
)
from napari_segkit.synth.coin_conditions import CONDITIONS, LARGE, Condition
from napari_segkit.synth.coin_layout import arrange
from napari_segkit.synth.coin_render import Pose, outline_in, paint_coin
from napari_segkit.synth.metal import METALS, Design, Lamp, random_design
from napari_segkit.synth.noise import Field, fractal_noise
from napari_segkit.synth.props import PROPS, finger, glare, holder
from napari_segkit.synth.textures import GROUNDS, flat
from napari_segkit.synth.view import View


@dataclass(frozen=True)
class Ellipse:
    """An ellipse in image pixels; `angle` in degrees from x towards y to the semi-axis `a`; a >= b."""

    cx: float
    cy: float
    a: float
    b: float
    angle: float


@dataclass(frozen=True)
class Coin:
    """One coin of a scene: its id in the labels, its whole outline (side wall included) and what shows of it."""

    id: int
    ellipse: Ellipse
    metal: str
    visible: float  # share of its outline's area that is neither covered nor outside the frame


@dataclass(frozen=True)
class Scene:
    """A picture and its truth.

    Attributes
    ----------
    image : (H, W, 3) uint8 RGB.
    labels : (H, W) int32, 0 = background, coins from 1 in the order they were laid: a higher id lies on top.
    condition : the family of `coin_conditions.CONDITIONS`.
    coins : one entry per id, in order.
    """

    image: NDArray[np.uint8]
    labels: NDArray[np.int32]
    condition: str
    coins: tuple[Coin, ...]


def make_scene(
    seed: int, *, condition: str | None = None, size: tuple[int, int] | None = None
) -> Scene:
    """Make one scene.

    Parameters
    ----------
    seed : the same seed, condition and size give the same scene.
    condition : a name in `CONDITIONS`; None draws one (no 12-Mpx family).
    size : (height, width) in pixels; None draws one that suits the condition.

    Raises
    ------
    KeyError
        If the condition is unknown.
    """
    if condition is None:
        names = [name for name in CONDITIONS if name not in LARGE]
        condition = names[int(np.random.default_rng(seed).integers(len(names)))]
    recipe = CONDITIONS[condition]
    rng = np.random.default_rng([seed, zlib.crc32(condition.encode())])
    height, width = size or _draw_size(recipe, rng)
    short = min(height, width)
    view = View(
        width,
        height,
        math.radians(rng.uniform(*recipe.tilt)),
        rng.uniform(1.3, 5) * max(height, width),
    )
    lamp = _draw_lamp(recipe, rng)
    count = int(rng.integers(recipe.count[0], recipe.count[1] + 1))
    middle = rng.uniform(*recipe.radius)
    radii = [
        float(np.clip(middle * rng.uniform(0.75, 1.25), *recipe.radius)) * short
        for _ in range(count)
    ]
    metals = (str(rng.choice(recipe.metals)),) if "match" in recipe.grounds else recipe.metals
    canvas = _lay_ground(recipe, view, 2 * radii[0], metals[0], rng)
    taken = _scatter_props(canvas, 2 * radii[0], lamp, rng) if "props" in recipe.extra else None
    poses = arrange(recipe.layout, radii, view, rng=rng, taken=taken)
    designs = [random_design(rng, metals=metals, struck=recipe.struck) for _ in poses]
    held = "held" in recipe.extra
    in_hand = held and rng.random() < 0.4
    if held and not in_hand:
        holder(canvas, _middle(view, poses[0]), poses[0].radius, lamp, rng)
    labels = _paint(canvas, view, poses, designs, lamp, rng)
    if in_hand:
        _hold(canvas, labels, view, poses[0], lamp, rng)
    elif held and rng.random() < 0.5:
        glare(canvas, _middle(view, poses[0]), poses[0].radius, rng)
    labels, coins = _tell(labels, view, poses, designs)
    if "shadow" in recipe.extra:
        canvas *= shadow_edges((height, width), 2 * radii[0], rng=rng)[..., None]
    if "gradient" in recipe.extra or ("cutout" not in recipe.extra and rng.random() < 0.3):
        illuminate(
            canvas,
            rng.uniform(0, math.tau),
            rng.uniform(0.15, 0.5 if "gradient" in recipe.extra else 0.2),
        )
    image = develop(canvas, _draw_camera(recipe, 2 * radii[0], rng), rng=rng)
    return Scene(image, labels, condition, coins)


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


def _draw_camera(recipe: Condition, unit: float, rng: np.random.Generator) -> Camera:
    camera = random_camera(rng, unit=unit, grade=str(rng.choice(recipe.grades)))
    if "gray" in recipe.extra:
        camera = replace(camera, gray=True)
    if "cutout" in recipe.extra:  # editing programs save such pictures without noise
        jpeg = camera.jpeg if rng.random() < 0.6 else None
        camera = replace(camera, noise=0.0, vignette=0.0, balance=(1, 1, 1), sharpen=0.0, jpeg=jpeg)
    return camera


def _match(metal: str, shape: tuple[int, int], unit: float, rng: np.random.Generator) -> Field:
    """A ground nearly as bright and of nearly the hue of a coin's metal."""
    colour = np.array(METALS[metal], np.float32) * rng.uniform(0.45, 1.0)
    gray = colour.mean()
    colour = gray + (colour - gray) * rng.uniform(0.2, 0.9)
    amount = rng.uniform(0.01, 0.08) * fractal_noise(
        shape, unit * rng.uniform(0.03, 0.5), rng=rng, persistence=0.7
    )
    return np.asarray(np.clip(flat(shape, colour) * (1 + amount)[..., None], 0.002, 1), np.float32)


def _lay_ground(
    recipe: Condition, view: View, unit: float, metal: str, rng: np.random.Generator
) -> Field:
    """The ground as the camera sees it, (H, W, 3) float32 linear light."""
    name = str(rng.choice(recipe.grounds))
    shape = (view.height, view.width)
    if name in {"black", "white"}:
        return flat(shape, np.full(3, 0.0 if name == "black" else 1.0, np.float32))
    if name == "match":
        return _match(metal, shape, unit, rng)
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


def _scatter_props(
    canvas: Field, unit: float, lamp: Lamp, rng: np.random.Generator
) -> NDArray[np.bool_]:
    """Lay one to five other things down; (H, W) bool, where they keep coins away (a card does not)."""
    names = list(rng.choice(list(PROPS), int(rng.integers(1, 6))))
    names.sort(key=lambda name: name != "card")
    before = canvas.copy()
    for name in names:
        centre = rng.uniform(0, 1, 2) * (canvas.shape[1], canvas.shape[0])
        PROPS[name](canvas, centre, unit, lamp, rng)
        if name == "card":
            before = canvas.copy()
    taken = np.abs(canvas - before).max(axis=2) > 0.04
    return np.asarray(cv2.dilate(taken.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0)


def _middle(view: View, pose: Pose) -> NDArray[np.float64]:
    return view.project(np.array([[pose.x, pose.y, pose.z]]))[0]


def _hold(
    canvas: Field,
    labels: NDArray[np.int32],
    view: View,
    pose: Pose,
    lamp: Lamp,
    rng: np.random.Generator,
) -> None:
    """Put one or two fingertips over the coin's edge, in place; they cut its mask."""
    start = rng.uniform(0, math.tau)
    for angle in (start, start + math.pi + rng.normal(0, 0.3))[: int(rng.integers(1, 3))]:
        reach = pose.radius * rng.uniform(0.7, 0.95)
        tip = _middle(view, pose) + reach * np.array([math.cos(angle), math.sin(angle)])
        window, cover = finger(canvas, tip, 2 * pose.radius, lamp, rng)
        labels[window.slices][cover >= 0.5] = 0


def _paint(
    canvas: Field,
    view: View,
    poses: list[Pose],
    designs: list[Design],
    lamp: Lamp,
    rng: np.random.Generator,
) -> NDArray[np.int32]:
    """Paint coins in order, in place; (H, W) int32, their numbers from 1."""
    labels = np.zeros(canvas.shape[:2], np.int32)
    for number, (pose, design) in enumerate(zip(poses, designs, strict=True), start=1):
        window, cover = paint_coin(canvas, view, pose, design, lamp, rng=rng)
        labels[window.slices][cover >= 0.5] = number
    return labels


def _tell(
    painted: NDArray[np.int32], view: View, poses: list[Pose], designs: list[Design]
) -> tuple[NDArray[np.int32], tuple[Coin, ...]]:
    """Drop coins out of sight, number the others without gaps, and describe them."""
    counts = np.bincount(painted[painted > 0], minlength=len(poses) + 1)
    seen = [n for n in range(1, len(poses) + 1) if counts[n] > 0]
    renumber = np.zeros(len(poses) + 1, np.int32)
    renumber[seen] = np.arange(1, len(seen) + 1)
    coins = []
    for n in seen:
        pose, design = poses[n - 1], designs[n - 1]
        hull = cv2.convexHull(outline_in(view, pose, design).all.astype(np.float32))
        visible = min(1.0, counts[n] / max(1.0, cv2.contourArea(hull)))
        coins.append(Coin(int(renumber[n]), _ellipse(hull), design.metal, visible))
    return renumber[painted], tuple(coins)


def _ellipse(hull: NDArray[np.float32]) -> Ellipse:
    """Least-squares ellipse of a whole outline."""
    (cx, cy), (first, second), angle = cv2.fitEllipse(hull)
    if first < second:
        first, second, angle = second, first, angle + 90
    return Ellipse(cx, cy, first / 2, second / 2, angle % 180)
