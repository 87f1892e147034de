"""Photos of eggs and pans that never were, with exact masks.

Every vessel is a solid of revolution (or a rounded square) under a pinhole camera, lit by one
lamp and a room that shiny surfaces mirror; eggs are height maps on its floor. A pan is every
visible part of it: floor, rim, walls, handles, and fat, froth and burnt crumbs. An egg is white,
yolk and browned lace with the spice on it, an omelette, scrambled egg, an egg in its shell.
Tools, hands and other food are background.
"""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - pydantic reads it
from typing import TYPE_CHECKING, ClassVar

import cv2
import numpy as np
from pydantic import Field

from napari_segkit.data.formats.classes import EGG_PAN
from napari_segkit.errors import ParamsError
from napari_segkit.ops.masks import components
from napari_segkit.synth.base import Generator, LabelledImage, SynthOptions
from napari_segkit.synth.camera import develop
from napari_segkit.synth.eggpan_outlines import read_photos
from napari_segkit.synth.eggpan_photos import BARE, draw_photo, eggs_alone, photo_table, whole_photo
from napari_segkit.synth.eggpan_plan import BACKGROUND, EGG, PAN
from napari_segkit.synth.eggpan_render import render
from napari_segkit.synth.eggpan_scenes import THEMES, draw_scene
from napari_segkit.synth.eggpan_stage import (
    daylight,
    draw_camera,
    draw_eye,
    image_shape,
    lay_table,
)
from napari_segkit.synth.light import random_room
from napari_segkit.synth.noise import fractal_noise, soften

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_segkit.synth.eggpan_outlines import Photos
    from napari_segkit.synth.eggpan_render import Shot
    from napari_segkit.synth.noise import Field as Floats
    from napari_segkit.types import ClassDef

SIZE = 352
_BLOCK = np.ones((3, 3), np.uint8)
SPECK = 24
"""Pixels of the smallest connected area that is labelled, in an image of `SIZE`."""


class EggPanOptions(SynthOptions):
    """Options of `EggPan`."""

    held_out: bool = Field(
        False,
        title="Held out",
        description="Only textures and poses that other images never show: for judging.",
    )
    photos: Path | None = Field(
        None,
        title="Photos",
        description="Folder of photos that scenes lie on; nearly half of the images show a photo "
        "alone.",
    )
    outlines: Path | None = Field(
        None,
        title="Outlines",
        description="List of the photos, with eggs and pans where there are any; without it "
        "there are none in them.",
    )
    whole: bool = Field(
        False,
        title="Whole photos",
        description="Nothing is generated: each image is one of the photos; half of them are "
        "shown in other colours, where they are not held out.",
    )
    theme: str | None = Field(
        None, title="Theme", description=f"One of: {', '.join(THEMES)}; by default any."
    )


class EggPan(Generator):
    """Eggs and pans."""

    id: ClassVar[str] = "eggpan"
    title: ClassVar[str] = "Eggs and pans"
    classes: ClassVar[tuple[ClassDef, ...]] = EGG_PAN.classes
    format_id: ClassVar[str] = "indexed-png"
    Options: ClassVar[type[SynthOptions]] = EggPanOptions

    def generate(self, seed: int, options: EggPanOptions) -> LabelledImage:
        """One scene."""
        folder, listing, held_out = options.photos, options.outlines, options.held_out
        photos = read_photos(folder, listing, held_out=held_out) if folder else None
        size = options.size or SIZE
        if options.whole and photos is None:
            raise ParamsError(
                "whole photos need photos", expected="photos=FOLDER", remedy="or leave out whole"
            )
        if options.whole and photos is not None:
            image, classes = whole_photo(size, photos, np.random.default_rng(seed))
        else:
            image, classes = make_scene(
                seed, size=size, held_out=held_out, theme=options.theme, photos=photos
            )
        labels, class_of = components(classes)
        names = {key: self.classes[number - 1].name for key, number in class_of.items()}
        return LabelledImage(image, labels, names)


def make_scene(
    seed: int,
    *,
    size: int = SIZE,
    held_out: bool = False,
    theme: str | None = None,
    photos: Photos | None = None,
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Make one scene.

    Parameters
    ----------
    seed
        The same arguments give the same pixels.
    size
        Longer side in pixels.
    held_out
        Whether textures and poses are those that are never trained on.
    theme
        One of `eggpan_scenes.THEMES`.
    photos
        The scene lies on a part of one, or that part is all there is.

    Returns
    -------
    image : (H, W, 3) uint8 RGB
    classes : (H, W) uint8
        0 = background, 1 = egg, 2 = pan.
    """
    rng = np.random.default_rng(seed)
    theme = theme or str(rng.choice(list(THEMES), p=np.array(list(THEMES.values()))))
    shape = image_shape(size, rng)
    chance = np.random.default_rng([seed, 1])
    photo = draw_photo(shape, photos, chance) if photos else None
    if photo and chance.random() < BARE:
        return photo
    away = chance.uniform(1, 2.2) if photo and chance.random() < 0.5 else 1.0
    eye = draw_eye(shape, rng, held_out=held_out, away=away)
    scene = draw_scene(theme, rng, size=size, held_out=held_out)
    table, grate = lay_table(
        eye, rng, held_out=held_out, lift=scene.lift, dark=scene.dark and rng.random() < 0.4,
        hob=scene.hob,
    )  # fmt: skip
    back = eye.centre / np.linalg.norm(eye.centre)
    room = random_room(rng, flash=back if rng.random() < 0.08 else None)
    if rng.random() < 0.3:
        room = daylight(room, rng)
    if photo:
        table, grate = photo_table(table, photo, room), []
    shot = render(eye, room, table, [*scene.solids, *grate])
    if photo and chance.random() < (0.6 if photo[1].any() else 0.25):
        shot = eggs_alone(shot, table, photo)
    light = _air(_focus(shot, rng), rng)
    image = develop(light, draw_camera(light, shape, rng), rng=rng)
    return image, _without_specks(shot.classes, round(SPECK * (size / SIZE) ** 2))


def _focus(shot: Shot, rng: np.random.Generator) -> Floats:
    """Blur what is nearer or farther than the middle, now and then."""
    if rng.random() > 0.25:
        return shot.light
    height, width = shot.depth.shape
    middle = float(np.median(shot.depth[height // 3 : -height // 3, width // 3 : -width // 3]))
    away = np.clip(np.abs(shot.depth / middle - 1) * rng.uniform(1, 6), 0, 1)
    soft = soften(shot.light, rng.uniform(1.5, 5) * max(height, width) / 352)
    return np.asarray(shot.light + (soft - shot.light) * away[..., None], np.float32)


def _air(light: Floats, rng: np.random.Generator) -> Floats:
    """Light that falls off, steam, blacks that a camera drowns."""
    if rng.random() < 0.2:
        light = light * _spot(light.shape[:2], rng)[..., None]
    if rng.random() < 0.08:
        height, width = light.shape[:2]
        noise = fractal_noise((height, width), max(height, width) / 3, rng=rng, octaves=4)
        steam = np.clip(noise, 0, 2) * np.float32(rng.uniform(0.05, 0.25))
        light = light * (1 - 0.5 * steam)[..., None] + 0.5 * steam[..., None]
    if rng.random() < 0.15:
        light = light - np.float32(rng.uniform(0.02, 0.2) * float(np.median(light)))
    return np.maximum(light, 0)


def _spot(shape: tuple[int, int], rng: np.random.Generator) -> Floats:
    """Share of light (H, W) at each pixel: one place is lit, the rest lies in the dark."""
    height, width = shape
    y, x = np.mgrid[:height, :width].astype(np.float32) / np.float32(max(shape))
    x0, y0 = rng.uniform(0, 1, 2) * (width, height) / max(shape)
    away = np.hypot(x - np.float32(x0), y - np.float32(y0)) / np.float32(rng.uniform(0.3, 1.0))
    darkest = np.float32(rng.uniform(0.05, 0.6))
    return np.asarray(darkest + (1 - darkest) * np.exp(-away * away), np.float32)


def _without_specks(classes: NDArray[np.uint8], smallest: int) -> NDArray[np.uint8]:
    """Areas too small to see, and threads of egg a pixel wide, go to what surrounds them."""
    cleaned = classes.copy()
    egg = (classes == EGG).astype(np.uint8)
    wide = cv2.dilate(cv2.morphologyEx(egg, cv2.MORPH_OPEN, _BLOCK), np.ones((5, 5), np.uint8))
    _give_away(cleaned, (egg > 0) & (wide == 0))
    for value in (EGG, PAN, BACKGROUND):
        mask = (cleaned == value).astype(np.uint8)
        _, parts, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=4)
        small = stats[:, cv2.CC_STAT_AREA] < smallest
        small[0] = False
        _give_away(cleaned, small[parts])
    return cleaned


def _give_away(classes: NDArray[np.uint8], odd: NDArray[np.bool_]) -> None:
    """Fill pixels with the class of the nearest others, in place."""
    if not odd.any() or odd.all():
        return
    _, nearest = cv2.distanceTransformWithLabels(
        odd.astype(np.uint8), cv2.DIST_L2, 3, labelType=cv2.DIST_LABEL_PIXEL
    )
    table = np.zeros(nearest.max() + 1, np.uint8)
    table[nearest[~odd]] = classes[~odd]
    classes[odd] = table[nearest[odd]]
