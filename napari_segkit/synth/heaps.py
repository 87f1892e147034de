"""Photos of many alike things: heaps, rows, trays and bowls of them, bottles, packets.

What single solids on a table do not teach (`shapes`): that things touch their like, so that colour
does not tell one from the next, and that one thing can have many colours. Painted flat with light
and shadow, in a tenth of the time of a rendered scene.
"""

from __future__ import annotations

import math
from pathlib import Path  # noqa: TC003 - pydantic reads it
from typing import TYPE_CHECKING, ClassVar

import cv2
import numpy as np
from pydantic import Field as Option

from napari_segkit.synth import textures
from napari_segkit.synth.base import Generator, LabelledImage, SynthOptions
from napari_segkit.synth.camera import develop, shadow_edges
from napari_segkit.synth.grounds import PhotoSource, draw_ground, photo_source
from napari_segkit.synth.heaps_forms import ball, blob, slab
from napari_segkit.synth.heaps_things import Kind, paint, random_kind, random_sun, varied
from napari_segkit.synth.heaps_wares import WARES
from napari_segkit.synth.packshot import studio_camera
from napari_segkit.types import ClassDef

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from napari_segkit.synth.heaps_things import Sun
    from napari_segkit.synth.noise import Field
    from napari_segkit.synth.view import Points

THING = ClassDef("thing", (80, 170, 255))
_SEEN = 0.2
"""Share of a thing that must be seen for it to be an instance."""
_PICTURES = {"photo": 4.0, "collage": 1.0, "bokeh": 1.0, "surface": 1.0}
_TABLES = (
    textures.paper,
    textures.coloured,
    textures.dark,
    textures.wood,
    textures.weave,
    textures.granite,
    textures.marble,
    textures.tiles,
)


class HeapsOptions(SynthOptions):
    """What can be set."""

    photos: Path | None = Option(
        None,
        title="Photos",
        description="Folder of photos for a quarter of the grounds; every fourth is not used.",
    )


class Heaps(Generator):
    """Many alike things."""

    id: ClassVar[str] = "heaps"
    title: ClassVar[str] = "Heaps"
    classes: ClassVar[tuple[ClassDef, ...]] = (THING,)
    format_id: ClassVar[str] = "cvat-mask"
    Options: ClassVar[type[SynthOptions]] = HeapsOptions

    def generate(self, seed: int, options: HeapsOptions) -> LabelledImage:
        """One photo, by default 512 px on its longer side."""
        rng = np.random.default_rng([seed, 0x4EA95])
        size = options.size or 512
        shape = (round(size * rng.uniform(0.65, 1)), size)
        shape = shape if rng.random() < 0.7 else (size, shape[0])
        photos = photo_source(options.photos, held_out=False)
        sheet = _Sheet(_ground(shape, rng, photos), random_sun(rng), rng)
        for _ in range(int(rng.choice(4, p=(0.35, 0.35, 0.2, 0.1))) + 1):
            _ARRANGEMENTS[str(rng.choice(list(_ARRANGEMENTS), p=_ODDS))](sheet, float(size))
        canvas = sheet.canvas
        if rng.random() < 0.2:
            canvas = canvas * shadow_edges(shape, size / 4, rng=rng)[..., None]
        labels = sheet.labels()
        image = develop(canvas, studio_camera(rng, size), rng=rng)
        ids = range(1, int(labels.max(initial=0)) + 1)
        return LabelledImage(image, labels, dict.fromkeys(ids, THING.name))


class _Sheet:
    """A canvas, what lies on it so far, and its light."""

    def __init__(self, canvas: Field, sun: Sun, rng: np.random.Generator) -> None:
        self.canvas, self.sun, self.rng = canvas, sun, rng
        self.size = canvas.shape[1::-1]
        self._ids = np.zeros(canvas.shape[:2], np.int32)
        self._areas = [0]

    def lay(self, mask: NDArray[np.bool_]) -> None:
        """Note what was painted as an instance."""
        if mask.any():
            self._ids[mask] = len(self._areas)
            self._areas.append(int(mask.sum()))

    def put(
        self,
        kind: Kind,
        middle: NDArray[np.floating],
        length: float,
        angle: float,
        *,
        within: NDArray[np.bool_] | None = None,
    ) -> None:
        """Paint one thing of a kind and note it."""
        own = varied(kind, self.rng)
        long = length * float(np.exp(self.rng.normal(0, kind.spread)))
        outline = turned(kind.form(self.rng) * long, angle) + middle
        self.lay(paint(self.canvas, own, outline, self.sun, self.rng, within=within))

    def labels(self) -> NDArray[np.int32]:
        """Instances of which enough is seen, from 1 without gaps, (H, W) int32."""
        seen = np.bincount(self._ids.ravel(), minlength=len(self._areas))
        kept = seen >= np.maximum(_SEEN * np.array(self._areas), 1)
        kept[0] = False
        table = np.where(kept, np.cumsum(kept), 0).astype(np.int32)
        return np.asarray(table[self._ids], np.int32)


def turned(points: Points, angle: float) -> Points:
    """(N, 2) turned about the origin, radians."""
    c, s = math.cos(angle), math.sin(angle)
    return np.asarray(points @ np.array([[c, s], [-s, c]]))


def _ground(shape: tuple[int, int], rng: np.random.Generator, photos: PhotoSource) -> Field:
    """A table, or a picture behind, in linear light."""
    if rng.random() < (0.6 if photos.own else 0.3):
        picture, _ = draw_ground(shape, rng, weights=_PICTURES, photos=photos)
        return np.asarray(picture**2.2, np.float32)
    table = _TABLES[int(rng.integers(len(_TABLES)))]
    return np.array(table(shape, max(shape) * rng.uniform(0.08, 0.4), rng), np.float32)


def heap(sheet: _Sheet, size: float, within: NDArray[np.bool_] | None = None) -> None:
    """One over another about a place, of one kind or two."""
    rng = sheet.rng
    kinds = [random_kind(rng) for _ in range(1 if rng.random() < 0.75 else 2)]
    length, count = size * rng.uniform(0.06, 0.35), int(rng.integers(4, 30))
    middle = rng.uniform(0.1, 0.9, 2) * sheet.size
    if within is not None:
        ys, xs = np.nonzero(within)
        middle, length = np.array([xs.mean(), ys.mean()]), float(np.ptp(xs)) * rng.uniform(0.1, 0.4)
    reach = 0.45 * length * math.sqrt(count) * rng.uniform(0.5, 1.1)
    aligned = rng.uniform(0, math.tau) if rng.random() < 0.3 else None
    for _ in range(count):
        angle = rng.uniform(0, math.tau) if aligned is None else aligned + rng.normal(0, 0.15)
        place = middle + rng.normal(0, reach / 1.6, 2)
        sheet.put(kinds[int(rng.integers(len(kinds)))], place, length, angle, within=within)


def row(sheet: _Sheet, size: float) -> None:
    """Side by side or fanned out: sliced bread, sausages, jars on a shelf, a carton."""
    rng = sheet.rng
    kind, length = random_kind(rng), size * rng.uniform(0.1, 0.4)
    pitch = length * np.array([rng.uniform(0.2, 1.05), rng.uniform(0.5, 1.05)])
    counts = (int(rng.integers(3, 9)), int(rng.choice([1, 1, 2, 3])))
    turn, own = rng.uniform(0, math.tau), rng.choice([0, math.pi / 2]) + rng.normal(0, 0.2)
    middle = rng.uniform(0.25, 0.75, 2) * sheet.size
    for j in range(counts[1]):
        for k in range(counts[0]):
            at = (np.array([k, j]) - (np.array(counts) - 1) / 2) * pitch
            place = turned(at + rng.normal(0, 0.03 * length, 2), turn) + middle
            sheet.put(kind, place, length, turn + own + rng.normal(0, 0.06))


def scattered(sheet: _Sheet, size: float) -> None:
    """Anywhere, hardly touching, of several kinds."""
    rng = sheet.rng
    kinds = [random_kind(rng) for _ in range(int(rng.integers(1, 5)))]
    length = size * rng.uniform(0.05, 0.25)
    for _ in range(int(rng.integers(4, 25))):
        place = rng.uniform(0, 1, 2) * sheet.size
        kind = kinds[int(rng.integers(len(kinds)))]
        sheet.put(kind, place, length, rng.uniform(0, math.tau))


def few(sheet: _Sheet, size: float) -> None:
    """One to three large ones."""
    rng = sheet.rng
    for _ in range(int(rng.integers(1, 4))):
        place = rng.uniform(0.15, 0.85, 2) * sheet.size
        sheet.put(random_kind(rng), place, size * rng.uniform(0.25, 0.7), rng.uniform(0, math.tau))


def dish(sheet: _Sheet, size: float) -> None:
    """A plate, a bowl, a tray; in it a heap, or a mass that is one thing, or nothing."""
    rng = sheet.rng
    kind = random_kind(rng)
    form = _DISHES[int(rng.integers(len(_DISHES)))]
    outline = turned(form(rng) * size * rng.uniform(0.25, 0.75), rng.uniform(0, math.tau))
    outline = outline + rng.uniform(0.2, 0.8, 2) * sheet.size
    body = paint(sheet.canvas, varied(kind, rng), outline, sheet.sun, rng)
    if not body.any():
        return
    sheet.lay(body)
    middle = outline.mean(axis=0)
    floor = np.zeros(body.shape, np.uint8)
    inner = middle + (outline - middle) * rng.uniform(0.6, 0.92)
    cv2.fillPoly(floor, [np.round(inner).astype(np.int32)], 1)
    within = (floor > 0) & body
    shade = cv2.GaussianBlur(within.astype(np.float32), (0, 0), max(1.0, 0.02 * size))
    sheet.canvas[within] *= (0.45 + 0.55 * shade[within])[:, None]
    way = rng.random()
    if way < 0.5 and within.any():
        heap(sheet, size, within)
    elif way < 0.8:
        mass = turned(blob(rng), rng.uniform(0, math.tau)) * np.ptp(inner, axis=0).max()
        fill = mass * rng.uniform(0.6, 1.2) + middle
        sheet.lay(paint(sheet.canvas, random_kind(rng), fill, sheet.sun, rng, within=within))


def wares(sheet: _Sheet, size: float) -> None:
    """Bottles, jars and packets: one thing of many parts."""
    rng = sheet.rng
    ware = WARES[int(rng.integers(len(WARES)))]
    count = int(rng.integers(1, 6))
    length, step = size * rng.uniform(0.2, 0.7), rng.uniform(0.3, 0.8)
    start = rng.uniform(0.1, 0.6) * sheet.size[0]
    base, lean = rng.uniform(0.4, 1.0) * sheet.size[1], rng.normal(0, 0.06)
    seed = int(rng.integers(2**31))
    for k in range(count):
        alike = np.random.default_rng(seed if rng.random() < 0.7 else seed + k)
        at = np.array([start + k * step * length, base + rng.normal(0, 0.02 * size)])
        sheet.lay(ware(sheet.canvas, at, length, lean, sheet.sun, alike))


_DISHES = (ball, blob, slab)
_ARRANGEMENTS: dict[str, Callable[[_Sheet, float], None]] = {
    "heap": heap,
    "row": row,
    "scattered": scattered,
    "few": few,
    "dish": dish,
    "wares": wares,
}
_ODDS = (0.27, 0.19, 0.1, 0.12, 0.18, 0.14)
