"""Photos and scans with dust on them that never were, with exact masks; a part of them clean.

A scene (`grounds`) gets things that only look like dust (`dust_lookalikes`), a lens, and either a
digital camera with specks before its sensor, or film with its grain, dust, hairs and scratches
(`dust_shapes`, and `dust_scans` where a folder of them is at hand); then noise, sharpening and a
file's losses.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path  # noqa: TC003 - pydantic reads it
from typing import TYPE_CHECKING, ClassVar

import cv2
import numpy as np
from pydantic import Field as Option

from napari_segkit.synth import dust_shapes, film
from napari_segkit.synth.base import Generator, LabelledImage, SynthOptions
from napari_segkit.synth.dust_lookalikes import add_lookalikes
from napari_segkit.synth.dust_marks import Mark, Sheet, instances, lay, prepare
from napari_segkit.synth.dust_scans import from_scans
from napari_segkit.synth.grounds import draw_ground, photo_source
from napari_segkit.types import ClassDef

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_segkit.synth.dust_shapes import Alpha
    from napari_segkit.synth.noise import Field

DUST = ClassDef("dust", (250, 50, 83))
SIZE = 384

_ON_SENSOR = {
    "sky": 9.0, "trees": 1.5, "foliage": 1.0, "horizon": 2.5, "water": 0.5, "land": 0.7,
    "collage": 1.0, "surface": 0.7, "smooth": 1.0, "facade": 0.5, "page": 0.4, "bokeh": 0.3,
    "grains": 0.4, "photo": 16.0,
}  # fmt: skip
_ON_FILM = {
    "sky": 2.5, "trees": 0.7, "foliage": 0.5, "horizon": 1.0, "water": 0.5, "land": 0.5,
    "collage": 1.2, "surface": 0.8, "smooth": 3.5, "facade": 0.5, "page": 0.3, "bokeh": 0.3,
    "grains": 0.2, "photo": 16.0,
}  # fmt: skip
"""Half of the pictures are photos; plain grounds, where dust shows, prevail among the others."""


class DustOptions(SynthOptions):
    """What can be set."""

    clean: float = Option(
        0.3, ge=0, le=1, title="Clean", description="Share of the images without any dust."
    )
    artefacts: Path | None = Option(
        None,
        title="Artefacts",
        description="Folder of RGBA film damage, a sub-folder a kind; without it all is drawn.",
    )
    photos: Path | None = Option(
        None,
        title="Photos",
        description="Folder of photos without dust, for grounds beside scikit-image's own.",
    )
    held_out: bool = Option(
        False,
        title="Held out",
        description="Use only the artefacts and photos that training never sees.",
    )


@dataclass(frozen=True)
class _Look:
    """How the marks of one image are drawn."""

    draw: Callable[[np.random.Generator], Alpha]
    tone: float  # of the mark, 0 = takes all light, 1 = lets all light through
    opacity: tuple[float, float]


class Dust(Generator):
    """Skies, scenes and film with dust."""

    id: ClassVar[str] = "dust"
    title: ClassVar[str] = "Dust on photos and film"
    classes: ClassVar[tuple[ClassDef, ...]] = (DUST,)
    format_id: ClassVar[str] = "tiff16"
    Options: ClassVar[type[SynthOptions]] = DustOptions

    def generate(self, seed: int, options: DustOptions) -> LabelledImage:
        """Make one square image: the same seed and options give the same pixels."""
        rng = np.random.default_rng(seed)
        side = options.size or SIZE
        enlarged = rng.uniform(1.2, 2.2) if rng.random() < 0.15 else 1.0
        shape = (math.ceil(side / enlarged), math.ceil(side / enlarged))
        on_film = bool(rng.random() < 0.5)
        dusty = bool(rng.random() >= options.clean)
        picture, mask = (_on_film if on_film else _on_sensor)(shape, dusty, options, rng)
        if enlarged > 1:
            picture = cv2.resize(picture, (side, side), interpolation=cv2.INTER_CUBIC)
            coarse = cv2.resize(mask.astype(np.float32), (side, side))
            mask = coarse > 0.5
        image = film.to_file(picture, rng, lossless=0.35 if on_film else 0.05)
        labels = instances(mask)
        return LabelledImage(image, labels, dict.fromkeys(range(1, int(labels.max()) + 1), "dust"))


def _scene(
    shape: tuple[int, int],
    weights: dict[str, float],
    options: DustOptions,
    rng: np.random.Generator,
    *,
    colour: bool,
) -> Field:
    photos = photo_source(options.photos, held_out=options.held_out)
    picture, ground = draw_ground(shape, rng, weights=weights, photos=photos)
    if ground != "photo" or rng.random() < 0.25:
        picture = film.lens(picture, rng)
    if rng.random() < (
        0.35 if colour else 0.15
    ):  # not behind a strong blur, which makes dust of anything
        picture = np.ascontiguousarray(picture)
        add_lookalikes(picture, ground, rng, colour=colour)
        picture = cv2.GaussianBlur(picture, (0, 0), rng.uniform(0.3, 1.0))
    return np.clip(picture, 0, 1).astype(np.float32)


def _on_sensor(
    shape: tuple[int, int], dusty: bool, options: DustOptions, rng: np.random.Generator
) -> tuple[Field, np.ndarray]:
    """A digital photo; picture and mask."""
    noise = float(np.exp(rng.uniform(math.log(0.0015), math.log(0.02))))
    sheet = prepare(_scene(shape, _ON_SENSOR, options, rng, colour=True), later_noise=noise)
    if dusty:
        _sensor_dust(sheet, rng)
    picture = film.sensor_noise(sheet.picture, noise, rng=rng)
    if rng.random() < 0.1:
        picture = np.repeat(film.gray(picture)[..., None], 3, axis=2)
    return _finish(picture, rng), sheet.mask


def _finish(picture: Field, rng: np.random.Generator) -> Field:
    if rng.random() < 0.4:
        picture = film.sharpen(picture, rng.uniform(0.2, 1.5), rng.uniform(0.6, 2.0))
    return picture


def _sensor_dust(sheet: Sheet, rng: np.random.Generator) -> None:
    """Spots of one aperture, in place; a few fibres among them, as soft as they are."""
    typical = float(np.exp(rng.uniform(math.log(2.0), math.log(10))))
    count = 1 + rng.poisson(rng.choice([3, 7, 15]))
    deepest = rng.choice([0.08, 0.15, 0.3])
    for _ in range(int(count)):
        radius = float(np.clip(typical * np.exp(rng.normal(0, 0.3)), 1.5, 22))
        alpha = dust_shapes.spot(radius, rng)
        if rng.random() < 0.06:
            alpha = cv2.GaussianBlur(dust_shapes.hair(radius * 8, rng), (0, 0), radius / 3)
            alpha = alpha / max(1e-6, float(alpha.max()))
        opacity = float(np.exp(rng.uniform(math.log(0.025), math.log(deepest))))
        colour = np.full(3, 0.0, np.float32) + np.float32(rng.uniform(0, 0.05))
        _put(sheet, Mark(alpha, colour, opacity), rng)


def _put(
    sheet: Sheet, mark: Mark, rng: np.random.Generator, near: np.ndarray | None = None
) -> None:
    """Lay a mark somewhere, or about a place x y; six tries at a place where it can be seen."""
    height, width = sheet.mask.shape
    for _ in range(6):
        place = rng.uniform(0, 1, 2) * (width, height)
        if near is not None:
            place = near + rng.normal(0, 22, 2)
        if lay(sheet, mark, (int(place[0]), int(place[1]))):
            return


def _on_film(
    shape: tuple[int, int], dusty: bool, options: DustOptions, rng: np.random.Generator
) -> tuple[Field, np.ndarray]:
    """A scan of film or of a print; picture and mask."""
    kind = str(
        rng.choice(["gray", "toned", "colour", "faded", "negative"], p=[0.4, 0.08, 0.2, 0.14, 0.18])
    )
    picture = film.tone_of_film(_scene(shape, _ON_FILM, options, rng, colour=False), kind, rng)
    size, amount = (
        rng.uniform(0.3, 1.4),
        float(np.exp(rng.uniform(math.log(0.005), math.log(0.07)))),
    )
    picture = film.add_grain(picture, size, amount, rng=rng)
    noise = float(np.exp(rng.uniform(math.log(0.001), math.log(0.008))))
    sheet = prepare(np.clip(picture, 0, 1).astype(np.float32), later_noise=noise)
    if dusty:
        _film_dust(sheet, kind, options, rng)
    picture = film.sensor_noise(sheet.picture, noise, rng=rng)
    mask = sheet.mask
    if rng.random() < 0.45:  # a scanner that does not resolve the grain
        sigma = rng.uniform(0.4, 1.3)
        picture = cv2.GaussianBlur(picture, (0, 0), sigma)
        mask = cv2.GaussianBlur(mask.astype(np.float32), (0, 0), sigma) > 0.35
    return _finish(picture, rng), mask


def _film_dust(sheet: Sheet, kind: str, options: DustOptions, rng: np.random.Generator) -> None:
    """Dust, dirt, hairs and scratches in place: alone, or in swarms about a few places."""
    bright = rng.random() < (0.15 if kind == "negative" else 0.65)
    both = rng.random() < 0.15
    typical = float(np.exp(rng.uniform(math.log(2.8), math.log(10))))
    soft = rng.choice([0.0, 0.5, 1.0])  # share of what lies above or below the film's plane
    count = 1 + rng.poisson(rng.choice([4, 10, 25]))
    swarms = rng.uniform(0, 1, (3, 2)) * sheet.mask.shape[::-1]
    together = rng.choice([0.0, 0.25, 0.6])
    for _ in range(int(count)):
        from_folder = options.artefacts is not None and rng.random() < 0.5
        if from_folder and options.artefacts is not None:
            alpha = from_scans(options.artefacts, rng, held_out=options.held_out)
        else:
            alpha = _film_shape(typical, rng)
        white = bright != (both and rng.random() < 0.5)
        tone = rng.uniform(0.75, 1.0) if white else rng.uniform(0.0, 0.25)
        colour = np.clip(tone * (1 + rng.normal(0, 0.08, 3)), 0, 1).astype(np.float32)
        opacity = float(np.exp(rng.uniform(math.log(0.07), 0)))
        if rng.random() < soft:
            alpha = cv2.GaussianBlur(alpha, (0, 0), rng.uniform(0.5, 1.4))
            alpha /= max(1e-6, float(alpha.max()))
        near = swarms[int(rng.integers(3))] if rng.random() < together else None
        _put(sheet, Mark(alpha, colour, opacity), rng, near)


def _film_shape(typical: float, rng: np.random.Generator) -> Alpha:
    kind = rng.choice(["speck", "dirt", "short", "long", "lint", "scratch", "blotch"],
                      p=[0.56, 0.17, 0.11, 0.05, 0.03, 0.05, 0.03])  # fmt: skip
    size = typical * float(np.exp(rng.normal(0, 0.4)))
    if kind == "speck":
        return dust_shapes.speck(max(2.5, size), rng)
    if kind == "dirt":
        return dust_shapes.dirt(max(4.0, 1.6 * size), rng)
    if kind == "short":
        return dust_shapes.hair(rng.uniform(12, 70), rng)
    if kind == "long":
        return dust_shapes.hair(rng.uniform(70, 260), rng)
    if kind == "lint":
        return dust_shapes.lint(rng.uniform(20, 110), rng)
    if kind == "scratch":
        return dust_shapes.scratch(rng.uniform(30, 500), rng)
    return dust_shapes.blotch(rng.uniform(10, 70), rng)
