"""Dust on photos and film: a small U-Net over overlapping tiles, at native resolution."""

from __future__ import annotations

import math
import zlib
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
from pydantic import Field, JsonValue, model_validator

from napari_segkit import __version__
from napari_segkit.errors import WeightsError
from napari_segkit.models.base import ModelParams
from napari_segkit.models.network import NetworkSegmenter
from napari_segkit.paths import shipped
from napari_segkit.types import ClassDef, Instance, Progress, Provenance, Segmentation

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_segkit.models.second_look import SecondLook
    from napari_segkit.models.tiled import Tiling
    from napari_segkit.types import Image, Job, Prompts

DUST = ClassDef("dust", (250, 50, 83))
ORIGIN_ARCH = "efficientnet-b1-unet"
_LIVE: dict[str, JsonValue] = {"live": True}
_TILES: dict[str, JsonValue] = {"group": "Tiles"}
_SMALLEST_TILE = 128


class DustParams(ModelParams):
    """What can be set; fields that are ``live`` do not run the network again on the same image."""

    method: Literal["default", "origin"] = Field(
        "default",
        title="Method",
        description="default: any size, native resolution; origin: the dust project's 81 tiles, "
        "with its weights.",
    )
    sensitivity: float = Field(
        0.5,
        ge=0,
        le=1,
        title="Sensitivity",
        description="Higher finds fainter dust, and more that is none. Takes effect at once.",
        json_schema_extra=_LIVE,
    )
    min_area: int = Field(
        4,
        ge=1,
        le=100_000,
        title="Smallest object",
        description="In pixels; smaller ones are left out. Takes effect at once.",
        json_schema_extra=_LIVE,
    )
    second_look: bool = Field(
        True,
        title="Second look",
        description="A small network judges each possible object by what surrounds it. Without "
        "it, more is found, and more that is none.",
    )
    scale: float = Field(
        1.0,
        ge=0.05,
        le=1,
        title="Scale",
        description="Look at the image this much smaller: faster, and for very large specks.",
    )
    flips: bool = Field(
        False,
        title="Look four times",
        description="Mean over the mirrored images: a little better, four times as slow.",
    )
    tile: int = Field(
        1280,
        ge=_SMALLEST_TILE,
        le=4096,
        multiple_of=32,
        title="Tile",
        description="Largest side of a tile in pixels; smaller ones take less memory.",
        json_schema_extra=_TILES,
    )
    overlap: int = Field(
        64,
        ge=0,
        le=1024,
        title="Overlap",
        description="Pixels that neighbouring tiles share; they are blended there.",
        json_schema_extra=_TILES,
    )

    @model_validator(mode="after")
    def _overlap_fits(self) -> DustParams:
        if 2 * self.overlap > self.tile:
            raise ValueError("an overlap of at most half a tile")
        return self


class Dust(NetworkSegmenter):
    """Specks, hairs, scratches and sensor spots, each an object with a score."""

    id: ClassVar[str] = "dust"
    title: ClassVar[str] = "Dust spots"
    classes: ClassVar[tuple[ClassDef, ...]] = (DUST,)
    Params = DustParams
    presets: ClassVar[Mapping[str, ModelParams]] = {
        "default": DustParams(),
        "thorough": DustParams(flips=True, overlap=128),
        "origin": DustParams(method="origin", min_area=1),
    }

    def __init__(self) -> None:
        super().__init__()
        self._kept: tuple[object, NDArray[np.uint8], tuple[str, ...]] | None = None
        self._judge: SecondLook | None = None

    def load(
        self, weights: Path | None = None, *, device: str = "auto", backend: str = "auto"
    ) -> None:
        """Read weights, and those of the second look; see `NetworkSegmenter.load`."""
        from napari_segkit.models.second_look import read_second_look

        super().load(weights, device=device, backend=backend)
        path = shipped("weights") / "dust-judge.safetensors"
        self._judge = None
        if path.is_file():
            openvino = self.backend.name.startswith("OpenVINO")
            self._judge = read_second_look(path, self.backend.device, openvino=openvino)

    def judge(self, params: DustParams) -> SecondLook | None:
        """What looks a second time, where something does."""
        return self._judge if params.second_look and params.method == "default" else None

    def predict(self, image: Image, prompts: Prompts, params: DustParams) -> Job[Segmentation]:
        """Segment one image; see `Segmenter.predict`."""
        chances = yield from self.probability(image, params)
        notes = self._kept[2] if self._kept else ()
        return self.objects(chances, params, notes=notes)

    def probability(self, image: Image, params: DustParams) -> Job[NDArray[np.uint8]]:
        """Probability of dust times 255, (H, W) uint8; with a second look, objects' scores.

        The last one is kept: the same image with other ``live`` parameters costs a checksum.
        """
        live = {
            name
            for name, one in DustParams.model_fields.items()
            if isinstance(one.json_schema_extra, dict) and one.json_schema_extra.get("live")
        }
        key = (
            zlib.crc32(np.ascontiguousarray(image).data),
            image.shape,
            self.card.sha256,
            self.backend.name,
            params.model_dump_json(exclude=live),
        )
        if self._kept is None or self._kept[0] != key:
            yield Progress(0, None, "looking for dust")
            self._kept = None  # not two of them
            origin = params.method == "origin"
            chances, notes = yield from (
                self._origin(image) if origin else self._default(image, params)
            )
            self._kept = key, chances, notes
        else:
            yield Progress(1, 1, "looking for dust")
        return self._kept[1]

    def threshold(self, params: DustParams) -> int:
        """Value of `probability` that an object has somewhere: the card's at sensitivity 0.5."""
        if params.method == "origin":
            return 128  # >= 0.5
        judge = self.judge(params)
        least = (judge.card if judge else self.card).threshold
        middle = math.log(least / (1 - least))
        chance = 1 / (1 + math.exp(-(middle - 8 * (params.sensitivity - 0.5))))
        return min(max(round(255 * chance), 1), 255)

    def reach(self, params: DustParams) -> int:
        """Value of `probability` from which a pixel belongs to an object.

        Half of `threshold`; after a second look, which gives objects one value, just that.
        """
        threshold = self.threshold(params)
        whole = params.method == "origin" or self.judge(params) is not None
        return threshold if whole else max(round(threshold / 2), 1)

    def objects(
        self, chances: NDArray[np.uint8], params: DustParams, *, notes: tuple[str, ...] = ()
    ) -> Segmentation:
        """What a probability map (H, W) uint8 says with these parameters."""
        from napari_segkit.ops.objects import find_objects

        labels, found = find_objects(
            chances,
            threshold=self.reach(params),
            certain=self.threshold(params),
            min_area=params.min_area,
        )
        return Segmentation(
            labels=labels,
            instances={one.id: Instance(DUST.name, one.score, one.box) for one in found},
            classes=self.classes,
            provenance=self.provenance(params),
            notes=notes,
        )

    def provenance(self, params: DustParams) -> Provenance:
        """What made a result."""
        return Provenance(
            self.id,
            params.model_dump(),
            weights_sha256=self.card.sha256 or None,
            version=__version__,
        )

    def _default(
        self, image: Image, params: DustParams
    ) -> Job[tuple[NDArray[np.uint8], tuple[str, ...]]]:
        from napari_segkit.models.tiled import ArrayRows, Tiling
        from napari_segkit.ops.resizing import resize_image
        from napari_segkit.runtime.base import OutOfMemory

        shape = image.shape[:2]
        small = (max(1, round(shape[0] * params.scale)), max(1, round(shape[1] * params.scale)))
        pixels = image if small == shape else resize_image(image, small)
        tiling = Tiling(params.tile, params.overlap, params.flips)
        while True:
            try:
                chances = yield from self._tiles(pixels, tiling)
                break
            except OutOfMemory:
                if tiling.size < 2 * _SMALLEST_TILE:
                    raise
                half = tiling.size // 64 * 32
                tiling = Tiling(half, min(tiling.overlap, half // 2), tiling.flips)
        notes = self.backend.notes
        if tiling.size < params.tile:
            notes += (f"memory was short: tiles of {tiling.size} pixels were used",)
        judge = self.judge(params)
        if judge is None:
            return _grown(chances, shape), notes
        scores = np.zeros_like(chances)
        yield from judge.judge(ArrayRows(pixels), chances, scores)
        notes = tuple(dict.fromkeys(notes + judge.backend.notes))  # of both, said once
        return _grown(scores, shape, smooth=False), notes

    def _tiles(self, image: Image, tiling: Tiling) -> Job[NDArray[np.uint8]]:
        from napari_segkit.models.tiled import ArrayRows, run_tiles

        chances = np.empty(image.shape[:2], np.uint8)

        def take(top: int, band: NDArray[np.uint8]) -> None:
            chances[top : top + len(band)] = band

        yield from run_tiles(self.backend, ArrayRows(image), tiling, take)
        return chances

    def _origin(self, image: Image) -> Job[tuple[NDArray[np.uint8], tuple[str, ...]]]:
        from napari_segkit.models.dust_origin import origin_probability

        if self.card.arch != ORIGIN_ARCH:
            raise WeightsError(
                "origin mode needs the dust project's own weights",
                expected=ORIGIN_ARCH,
                got=self.card.arch,
                remedy="load its checkpoint (….pth), or choose the method default",
            )
        return (yield from origin_probability(self.backend, image)), self.backend.notes


def _grown(
    chances: NDArray[np.uint8], shape: tuple[int, ...], *, smooth: bool = True
) -> NDArray[np.uint8]:
    if chances.shape == shape:
        return chances
    import cv2

    way = cv2.INTER_LINEAR if smooth else cv2.INTER_NEAREST_EXACT
    grown: NDArray[np.uint8] = cv2.resize(chances, (shape[1], shape[0]), interpolation=way)
    return grown
