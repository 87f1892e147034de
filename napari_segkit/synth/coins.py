"""Photos of coins that never were, with exact masks: what the coin model is judged and improved on.

A scene is put together like a photo: a ground lit by one lamp, coins laid on it (each a height
map whose normals reflect the lamp, with a thickness, a cast shadow and a place under a pinhole
camera), other things beside them, then the camera's faults. The mask of a coin is what is visible
of its face and of its side wall; a central hole belongs to the coin, as its outline is what
people label.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import cv2
import numpy as np

from napari_segkit.models.coins import COIN
from napari_segkit.synth.base import Generator, LabelledImage, SynthOptions
from napari_segkit.synth.camera import develop
from napari_segkit.synth.coin_conditions import CONDITIONS, LARGE
from napari_segkit.synth.coin_layout import arrange
from napari_segkit.synth.coin_render import Pose, outline_in, paint_coin
from napari_segkit.synth.coin_stage import (
    Stage,
    change_light,
    draw_camera,
    hold,
    lay_ground,
    meter,
    scatter_props,
    set_stage,
)
from napari_segkit.synth.metal import Design, random_design
from napari_segkit.synth.props import glare, holder

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_segkit.synth.noise import Field
    from napari_segkit.synth.view import View
    from napari_segkit.types import ClassDef


@dataclass(frozen=True)
class Ellipse:
    """An ellipse in image pixels; `angle` in degrees from x towards y to `a`; a >= b."""

    cx: float
    cy: float
    a: float
    b: float
    angle: float


@dataclass(frozen=True)
class Coin:
    """One coin: its id in the labels, its whole outline with the side wall, what shows of it."""

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
    labels : (H, W) int32, 0 = background, coins from 1 in the order they were laid: a higher id
        lies on top.
    condition : the family of `coin_conditions.CONDITIONS`.
    coins : one entry per id, in order.
    """

    image: NDArray[np.uint8]
    labels: NDArray[np.int32]
    condition: str
    coins: tuple[Coin, ...]


class Coins(Generator):
    """Coins of every condition, in the condition's own size or as squares."""

    id: ClassVar[str] = "coins"
    title: ClassVar[str] = "Coins"
    classes: ClassVar[tuple[ClassDef, ...]] = (COIN,)
    format_id: ClassVar[str] = "cvat-mask"

    def generate(self, seed: int, options: SynthOptions) -> LabelledImage:
        """One scene; see `make_scene`."""
        scene = make_scene(seed, size=(options.size, options.size) if options.size else None)
        return LabelledImage(scene.image, scene.labels, {coin.id: "coin" for coin in scene.coins})


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
    rng = np.random.default_rng([seed, zlib.crc32(condition.encode())])
    stage = set_stage(CONDITIONS[condition], size, rng)
    canvas = lay_ground(stage, rng)
    taken = scatter_props(canvas, stage, rng) if "props" in stage.recipe.extra else None
    poses = arrange(stage.recipe.layout, list(stage.radii), stage.view, rng=rng, taken=taken)
    designs = [random_design(rng, metals=stage.metals, struck=stage.recipe.struck) for _ in poses]
    in_hand = "held" in stage.recipe.extra and rng.random() < 0.4
    in_holder = "held" in stage.recipe.extra and not in_hand
    if in_holder:
        holder(canvas, stage.middle(poses[0]), poses[0].radius, stage.lamp, rng)
    painted = _paint(canvas, stage, poses, designs, rng)
    if in_hand:
        hold(canvas, painted, stage, poses[0], rng)
    elif in_holder and rng.random() < 0.5:
        glare(canvas, stage.middle(poses[0]), poses[0].radius, rng)
    labels, coins = _tell(painted, stage.view, poses, designs)
    change_light(canvas, stage, rng)
    camera = meter(draw_camera(stage, rng), canvas[labels > 0], rng)
    image = develop(canvas, camera, rng=rng)
    return Scene(image, labels, condition, coins)


def _paint(
    canvas: Field, stage: Stage, poses: list[Pose], designs: list[Design], rng: np.random.Generator
) -> NDArray[np.int32]:
    """Paint coins in order, in place; (H, W) int32, their numbers from 1."""
    labels = np.zeros(canvas.shape[:2], np.int32)
    for number, (pose, design) in enumerate(zip(poses, designs, strict=True), start=1):
        window, cover = paint_coin(canvas, stage.view, pose, design, stage.lamp, rng=rng)
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
