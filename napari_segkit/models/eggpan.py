"""Fried eggs and the pans they lie in: one look at the whole photo."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from napari_segkit import __version__
from napari_segkit.models.base import ModelParams
from napari_segkit.models.network import NetworkSegmenter
from napari_segkit.types import ClassDef, Progress, Provenance

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from napari_segkit.types import Image, Job, Prompts, Segmentation

EGG, PAN = ClassDef("egg", (255, 196, 0)), ClassDef("pan", (70, 130, 220))
ORIGIN_SIDE = 400
_CLOSER = 2
"""How much larger the second look is (384 and 768 px)."""
_NEAR_SHARE = np.array([0.75, 0.5], np.float32)
"""What the second look counts for egg and pan: a pan is known by what is around it."""
_BAND_ROWS = 256


class EggPanParams(ModelParams):
    """What can be set; the defaults need no tuning."""

    method: Literal["default", "origin"] = Field(
        "default",
        title="Method",
        description="default: smooth outlines; origin: the egg and pan project's 400 pixels.",
    )
    flips: bool = Field(
        True,
        title="Look twice",
        description="Mean over the photo and its mirror image: a little better, half as fast.",
    )
    closer: bool = Field(
        True,
        title="Look closer, too",
        description="The photo at two sizes: small eggs are found, fewer false objects; slower.",
    )
    apart: bool = Field(
        True,
        title="Eggs apart",
        description="Cut eggs that have run together halfway between their yolks.",
    )
    min_share: float = Field(
        0.003,
        ge=0,
        le=1,
        title="Smallest object",
        description="As a share of the photo; smaller pieces are left out.",
        json_schema_extra={"step": 0.001},
    )
    min_score: float = Field(
        0.65,
        ge=0,
        le=1,
        title="Least certainty",
        description="Mean probability of an object; those less sure are left out.",
    )


class EggPan(NetworkSegmenter):
    """Each egg and each pan an object: three eggs in a pan are three eggs."""

    id: ClassVar[str] = "eggpan"
    title: ClassVar[str] = "Eggs & pans"
    classes: ClassVar[tuple[ClassDef, ...]] = (EGG, PAN)
    Params = EggPanParams
    presets: ClassVar[Mapping[str, ModelParams]] = {
        "default": EggPanParams(),
        "fast": EggPanParams(flips=False, closer=False),
        "origin": EggPanParams(
            method="origin", flips=False, closer=False, apart=False, min_share=0, min_score=0
        ),
    }

    def predict(self, image: Image, prompts: Prompts, params: EggPanParams) -> Job[Segmentation]:
        """Segment one image; see `Segmenter.predict`."""
        from napari_segkit.ops.masks import segmentation_from_labels
        from napari_segkit.ops.yolks import split_by_yolks

        closer = params.closer and params.method == "default"
        steps = 3 if closer else 2
        yield Progress(0, steps, "looking for eggs and pans")
        side = ORIGIN_SIDE if params.method == "origin" else self.card.input_size
        chances = self._chances(image, side, params)
        if closer:
            yield Progress(1, steps, "looking closer")
            chances = _joined(chances, self._chances(image, _CLOSER * side, params))
        yield Progress(steps - 1, steps, "outlines")
        if params.method == "origin":
            class_map, sure = _nearest(chances, image.shape[:2])
        else:
            class_map, sure = _smooth(chances, image.shape[:2])
        labels, class_of, scores = _instances(
            class_map, sure, smallest=params.min_share, least_sure=params.min_score
        )
        if params.apart:
            eggs = [key for key, number in class_of.items() if number == 1]
            for new, old in split_by_yolks(image, labels, eggs).items():
                class_of[new], scores[new] = class_of[old], scores[old]
        return segmentation_from_labels(
            labels,
            classes=self.classes,
            class_of={key: self.classes[number - 1].name for key, number in class_of.items()},
            scores=scores,
            provenance=Provenance(
                self.id,
                params.model_dump(),
                weights_sha256=self.card.sha256 or None,
                version=__version__,
            ),
            notes=self.backend.notes,
        )

    def _chances(self, image: Image, side: int, params: EggPanParams) -> NDArray[np.float32]:
        """(1 + classes, side, side) probabilities of the padded square."""
        from napari_segkit.models.tiled import LEFT_RIGHT, ONCE, look

        square = _square(image, side, smooth=params.method == "default")
        batch = _filled(square, self.backend.stride)[None]
        flips = LEFT_RIGHT if params.flips else ONCE
        return look(self.backend, batch, flips=flips)[0, :, :side, :side]


def _joined(far: NDArray[np.float32], near: NDArray[np.float32]) -> NDArray[np.float32]:
    """Probabilities of two looks, at the size of the nearer one."""
    share = _NEAR_SHARE[:, None, None]
    things = (1 - share) * _resized(far, near.shape[1])[1:] + share * near[1:]
    ground = np.maximum(1 - things.sum(0, keepdims=True), 0)
    joined = np.concatenate([ground, things])
    return np.asarray(joined / joined.sum(0), np.float32)


def _resized(chances: NDArray[np.float32], side: int) -> NDArray[np.float32]:
    import cv2

    planes = np.ascontiguousarray(chances.transpose(1, 2, 0))
    grown = cv2.resize(planes, (side, side), interpolation=cv2.INTER_LINEAR)
    return np.asarray(grown, np.float32).transpose(2, 0, 1)


def _square(image: Image, side: int, *, smooth: bool) -> Image:
    """The image in the middle of a black square of ``side`` pixels; the origin's way, or ours."""
    from napari_segkit.ops.resizing import pad_square

    square = pad_square(image)
    if smooth:
        import cv2

        how = cv2.INTER_AREA if len(square) > side else cv2.INTER_LINEAR
        return np.asarray(cv2.resize(square, (side, side), interpolation=how), np.uint8)
    from PIL import Image as PilImage  # the same filter as torchvision's Resize(antialias=True)

    small = PilImage.fromarray(square).resize((side, side), PilImage.Resampling.BILINEAR)
    return np.asarray(small)


def _filled(square: Image, stride: int) -> Image:
    need = -len(square) % stride
    return np.pad(square, ((0, need), (0, need), (0, 0))) if need else square


def _smooth(
    chances: NDArray[np.float32], shape: tuple[int, ...]
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Class of each pixel of the image, and its probability times 255.

    Probabilities are interpolated and classes decided afterwards: between pan and background lies
    no third class, as it does where a mask of numbers is scaled.
    """
    import cv2

    side = chances.shape[1]
    height, width = shape
    longer = max(height, width)
    planes = np.ascontiguousarray(chances.transpose(1, 2, 0))
    scale = side / longer
    columns = (np.arange(width) + (longer - width) // 2 + 0.5) * scale - 0.5
    class_map, sure = np.empty(shape, np.uint8), np.empty(shape, np.uint8)
    for top in range(0, height, _BAND_ROWS):
        rows = np.arange(top, min(top + _BAND_ROWS, height))
        rows_there = (rows + (longer - height) // 2 + 0.5) * scale - 0.5
        x, y = np.meshgrid(columns.astype(np.float32), rows_there.astype(np.float32))
        band = cv2.remap(planes, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        class_map[rows] = band.argmax(2)
        sure[rows] = np.rint(band.max(2) * 255)
    return class_map, sure


def _nearest(
    chances: NDArray[np.float32], shape: tuple[int, ...]
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """As the origin: classes first, nearest pixel to the padded square, the image cut out."""
    from napari_segkit.ops.resizing import resize_labels

    height, width = shape
    longer = max(height, width)
    top, left = (longer - height) // 2, (longer - width) // 2
    window = slice(top, top + height), slice(left, left + width)
    coded = chances.argmax(0) * 256 + np.rint(chances.max(0) * 255).astype(np.int64)
    grown = resize_labels(coded.astype(np.int32), (longer, longer))[window]
    return (grown // 256).astype(np.uint8), (grown % 256).astype(np.uint8)


def _instances(
    class_map: NDArray[np.uint8], sure: NDArray[np.uint8], *, smallest: float, least_sure: float
) -> tuple[Any, dict[int, int], dict[int, float]]:
    """Components of each class that are large and sure enough, with class and mean probability."""
    from napari_segkit.ops.masks import components, lookup

    labels, class_of = components(class_map)
    size = len(class_of) + 1
    areas = np.bincount(labels.ravel(), minlength=size)
    sums = np.bincount(labels.ravel(), weights=sure.ravel(), minlength=size)
    means = {key: float(sums[key] / areas[key] / 255) for key in class_of}
    kept = [
        key
        for key, mean in means.items()
        if areas[key] >= smallest * class_map.size and mean >= least_sure
    ]
    new = {old: number for number, old in enumerate(kept, 1)}
    scores = {new[old]: means[old] for old in kept}
    classes = {new[old]: class_of[old] for old in kept}
    return (lookup(labels, new) if len(new) < len(class_of) else labels), classes, scores
