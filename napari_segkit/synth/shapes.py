"""Photos of things without a name: what a promptable base learns from to see where things end.

One to seven solids of `shapes_solids` in random materials, on a photographer's table or before a
picture, one partly behind another; every visible part of a thing is one instance, holes are holes.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from napari_segkit.synth.base import Generator, LabelledImage, SynthOptions
from napari_segkit.synth.grounds import GROUNDS, draw_ground
from napari_segkit.synth.noise import fractal_noise, ramp, soften
from napari_segkit.synth.packshot import frame, take
from napari_segkit.synth.shapes_solids import MATERIALS, Solid, random_solid
from napari_segkit.synth.splat import Cloud, together, turn_about, vec
from napari_segkit.synth.studio import Material
from napari_segkit.types import ClassDef

if TYPE_CHECKING:
    from napari_segkit.synth.noise import Field

THING = ClassDef("thing", (80, 170, 255))
_COARSE = 0.08
_PICTURES = dict.fromkeys(GROUNDS, 1.0) | {"photo": 8.0}


class Shapes(Generator):
    """Things of every form and material."""

    id: ClassVar[str] = "shapes"
    title: ClassVar[str] = "Shapes"
    classes: ClassVar[tuple[ClassDef, ...]] = (THING,)
    format_id: ClassVar[str] = "cvat-mask"

    def generate(self, seed: int, options: SynthOptions) -> LabelledImage:
        """One photo, by default 512 px on its longer side."""
        rng = np.random.default_rng([seed, 0x5A9E5])
        size = options.size or 512
        shape = (round(size * rng.uniform(0.65, 1)), size)
        shape = shape if rng.random() < 0.7 else (size, shape[0])
        solids = [random_solid(rng) for _ in range(int(rng.choice(7, p=_ODDS)) + 1)]
        materials = [random_material(rng) for _ in range(MATERIALS * len(solids))]
        poses = [_pose(rng, len(solids)) for _ in solids]
        floating = rng.random() < 0.2

        def scene(step: float) -> Cloud:
            return together(
                [
                    _placed(solid, step, *pose, number=k, floating=floating)
                    for k, (solid, pose) in enumerate(zip(solids, poses, strict=True))
                ]
            )

        backdrop = _backdrop(shape, rng)
        fill = (0.5, 1.2) if len(solids) > 1 else (0.3, 0.95)
        view = frame(scene(_COARSE), shape, rng, fill=fill)
        image, labels = take(scene, materials, view, rng, backdrop=backdrop)
        ids = np.flatnonzero(np.bincount(labels.ravel(), minlength=len(solids) + 1)[1:] > 0) + 1
        table = np.zeros(len(solids) + 1, np.int32)
        table[ids] = np.arange(1, len(ids) + 1)
        return LabelledImage(
            image, table[labels], dict.fromkeys(range(1, len(ids) + 1), THING.name)
        )


_ODDS = np.array([0.3, 0.2, 0.17, 0.12, 0.09, 0.07, 0.05])


def _pose(rng: np.random.Generator, count: int) -> tuple[Field, Field, float]:
    turn = turn_about(2, rng.uniform(0, math.tau))
    if rng.random() < 0.35:
        turn = turn @ turn_about(0, rng.uniform(0, math.tau))
    reach = 0.55 * math.sqrt(count)
    place = np.append(rng.uniform(-reach, reach, 2), rng.uniform(0, 0.6)).astype(np.float32)
    return turn, place, float(np.exp(rng.normal(0, 0.35)))


def _placed(
    solid: Solid,
    step: float,
    turn: Field,
    place: Field,
    size: float,
    *,
    number: int,
    floating: bool,
) -> Cloud:
    made = solid(step / size)
    made = replace(made, points=made.points * np.float32(size)).moved(turn)
    height = place[2] if floating else 0.0
    low = float(made.points[:, 2].min())
    made = made.moved(by=np.array([place[0], place[1], height - low], np.float32))
    return replace(made, material=made.material + MATERIALS * number).called(number + 1)


def _backdrop(shape: tuple[int, int], rng: np.random.Generator) -> Field | None:
    """A picture behind the things, in linear light, in half of the photos."""
    if rng.random() < 0.5:
        return None
    picture = draw_ground(shape, rng, weights=_PICTURES)[0]
    light = np.clip(picture, 0, 1) ** np.float32(2.2) * np.float32(rng.uniform(0.7, 1.2))
    return soften(light, rng.uniform(0.8, 6.0)) if rng.random() < 0.5 else light


def random_material(rng: np.random.Generator) -> Material:
    """Plastic, glaze, metal, wood, cloth, glass: colours, gloss and a texture."""
    black = np.zeros(3, np.float32)
    kind = rng.choice(["matt", "glossy", "metal", "glass"], p=[0.4, 0.33, 0.2, 0.07])
    colour = _colour(rng)
    repeat = (float(rng.integers(1, 6)), float(rng.integers(1, 6)))
    texture = _texture(rng) if rng.random() < 0.45 else None
    if kind == "metal":
        bright = 0.5 + 0.5 * colour / max(float(colour.max()), 1e-3)
        return Material(
            black + 0.02, bright * rng.uniform(0.3, 1), rng.uniform(0, 0.8), texture, repeat
        )
    if kind == "glass":
        return Material(colour * 0.3, black + 0.05, 0.0, clear=rng.uniform(0.4, 0.85))
    rough = rng.uniform(0.6, 1) if kind == "matt" else rng.uniform(0, 0.35)
    return Material(colour, black + 0.04, float(rough), texture, repeat)


def _colour(rng: np.random.Generator) -> Field:
    if rng.random() < 0.3:
        return np.full(3, rng.uniform(0.02, 0.9), np.float32)
    value = rng.uniform(0.02, 1, 3) ** 1.5
    return np.asarray(value, np.float32)


def _texture(rng: np.random.Generator) -> Field:
    """(128, 128, 3) factors: noise, stripes, checks, dots, or a piece of a generated ground."""
    shape = (128, 128)
    kind = int(rng.integers(0, 5))
    if kind == 0:
        field = np.tanh(fractal_noise(shape, rng.uniform(4, 60), rng=rng))
    elif kind == 1:
        field = np.sign(np.sin(ramp(shape, rng.uniform(0, math.tau)) * rng.uniform(5, 60)))
    elif kind == 2:
        x, y = np.meshgrid(np.arange(128), np.arange(128))
        pitch = float(rng.choice([8, 16, 32]))
        field = np.sign(np.sin(x * math.pi / pitch) * np.sin(y * math.pi / pitch))
    elif kind == 3:
        x, y = np.meshgrid(np.arange(128), np.arange(128))
        pitch = float(rng.choice([16, 32]))
        field = np.cos(x * math.tau / pitch) + np.cos(y * math.tau / pitch) - rng.uniform(0, 1)
        field = np.tanh(field * 6)
    else:
        piece = draw_ground(shape, rng, weights=_PICTURES)[0]
        return vec(np.clip(piece * 1.6, 0.03, 1.5))
    weight = (np.asarray(field, np.float32) / 2 + 0.5)[..., None]
    first, second = rng.uniform(0.1, 1.2, 3), rng.uniform(0.1, 1.2, 3)
    return np.asarray(first * weight + second * (1 - weight), np.float32)
