"""Packshots of rings that never were, with exact masks: holes are holes, stones belong to the ring.

A ring is a hoop with a head (`rings_design`), drawn as dense points (`splat`) on a photographer's
table (`studio`), then through a camera. One or two rings; on demand a pair is one instance, as
the ring project labels it.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
from pydantic import Field as Option

from napari_segkit.synth.base import Generator, LabelledImage, SynthOptions
from napari_segkit.synth.packshot import frame, take
from napari_segkit.synth.rings_design import Design, random_design, random_materials
from napari_segkit.synth.splat import Cloud, together, turn_about, vec
from napari_segkit.types import ClassDef

if TYPE_CHECKING:
    from napari_segkit.synth.noise import Field
    from napari_segkit.types import Image, Labels

RING = ClassDef("ring", (255, 196, 0))
_COARSE = 0.06


class RingOptions(SynthOptions):
    """What can be set."""

    pairs: Literal["each", "one"] = Option(
        "one",
        title="Pairs",
        description="Two rings are one instance, as in the ring project, or each its own.",
    )


class Rings(Generator):
    """Packshots of single and paired rings."""

    id: ClassVar[str] = "rings"
    title: ClassVar[str] = "Rings"
    classes: ClassVar[tuple[ClassDef, ...]] = (RING,)
    format_id: ClassVar[str] = "cvat-mask"
    Options: ClassVar[type[SynthOptions]] = RingOptions

    def generate(self, seed: int, options: RingOptions) -> LabelledImage:
        """One packshot, by default 512 px on its longer side."""
        rng = np.random.default_rng([seed, 0x21A6])
        size = options.size or 512
        shape = (round(size * rng.uniform(0.6, 1)), size)
        shape = shape if rng.random() < 0.8 else (size, shape[0])
        count = 2 if rng.random() < 0.35 else 1
        designs = [random_design(rng) for _ in range(count)]
        if count == 2 and rng.random() < 0.6:
            designs[1] = _sibling(designs[0], rng)
        materials = [m for one in designs for m in random_materials(rng, one)]
        if count == 2 and rng.random() < 0.7:
            materials[4:] = materials[:4]
        poses = _poses(designs, rng)

        def scene(step: float) -> Cloud:
            clouds = []
            for k, (design, pose) in enumerate(zip(designs, poses, strict=True)):
                made = design.cloud(step)
                made = replace(made, material=made.material + 4 * k)
                clouds.append(made.moved(*pose).called(k + 1))
            return together(clouds)

        image, labels = take(scene, materials, frame(scene(_COARSE), shape, rng), rng)
        if options.pairs == "one":
            labels = np.minimum(labels, 1)
        return _told(image, labels)


def _told(image: Image, labels: Labels) -> LabelledImage:
    ids = [k for k in (1, 2) if (labels == k).any()]
    table = np.zeros(3, np.int32)
    table[ids] = np.arange(1, len(ids) + 1)
    return LabelledImage(image, table[labels], dict.fromkeys(range(1, len(ids) + 1), RING.name))


def _sibling(design: Design, rng: np.random.Generator) -> Design:
    """The other ring of a pair: the same hoop, larger or smaller, often without the head."""
    band = replace(design.band, wide=design.band.wide * rng.uniform(0.8, 1.3))
    if rng.random() < 0.5:
        return replace(design, band=band, head=None, rows=0)
    return replace(design, band=band)


_Pose = tuple["Field", "Field"]


def _poses(designs: list[Design], rng: np.random.Generator) -> list[_Pose]:
    """A rotation and a place on the floor for each ring."""
    poses: list[_Pose] = []
    offset = rng.uniform(0.5, 2.3)
    for k, design in enumerate(designs):
        around = turn_about(2, rng.uniform(0, math.tau))
        kind = rng.choice(["flat", "standing", "tilted"], p=[0.3, 0.35, 0.35])
        if kind == "flat":
            turn = vec(around)
        else:
            lean = rng.normal(0, 0.12) if kind == "standing" else rng.uniform(0.3, 1.2)
            roll = turn_about(2, rng.normal(0, 0.5 if design.head is None else 0.2))
            turn = vec(around @ turn_about(0, math.pi / 2 - lean) @ roll)
        low = float((design.cloud(_COARSE).points @ turn.T)[:, 2].min())
        place = np.array([offset * k, rng.uniform(-0.3, 0.3) * k, -low], np.float32)
        poses.append((turn, place))
    return poses
