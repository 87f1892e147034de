"""Coins, found by classical image processing: nothing to train, nothing to download."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
from pydantic import Field, JsonValue, ValidationInfo, field_validator

from napari_segkit import __version__
from napari_segkit.models.base import ModelParams, PromptKind, Segmenter
from napari_segkit.ops.masks import segmentation_from_labels
from napari_segkit.types import ClassDef, Progress, Provenance

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_segkit.ops.coins_default import CoinOutline
    from napari_segkit.ops.coins_origin import OriginSettings
    from napari_segkit.types import Image, Job, Labels, Prompts, Segmentation

COIN = ClassDef("coin", (255, 196, 0))
_ORIGIN: dict[str, JsonValue] = {"group": "Origin pipeline"}
_ODD: dict[str, JsonValue] = _ORIGIN | {"step": 2}


class CoinParams(ModelParams):
    """What can be set; the defaults need no tuning."""

    method: Literal["default", "origin"] = Field(
        "default",
        title="Method",
        description="default: each coin by its rim; origin: the coin project's Canny pipeline.",
    )
    sensitivity: float = Field(
        0.5,
        ge=0,
        le=1,
        title="Sensitivity",
        description="Higher finds fainter rims, and more things that are not coins.",
    )
    min_diameter: float = Field(
        0.02,
        ge=0.005,
        le=1,
        title="Smallest diameter",
        description="As a share of the photo's longer side; smaller coins are left out.",
    )
    max_diameter: float = Field(
        1.5,
        ge=0.01,
        le=2,
        title="Largest diameter",
        description="As a share of the photo's longer side; above 1 for coins cut by the frame.",
    )
    blur_kernel_size: int = Field(
        5,
        ge=3,
        le=19,
        title="Blur kernel",
        description="Side of the blur before Canny, odd, in pixels.",
        json_schema_extra=_ODD,
    )
    blur_sigma: float = Field(
        0.0,
        ge=0,
        le=15,
        title="Blur sigma",
        description="Strength of that blur; 0 takes it from the kernel.",
        json_schema_extra=_ORIGIN,
    )
    canny_threshold_1: float = Field(
        40.0,
        ge=0,
        le=255,
        title="Canny threshold 1",
        description="One of the two hysteresis thresholds.",
        json_schema_extra=_ORIGIN,
    )
    canny_threshold_2: float = Field(
        120.0,
        ge=0,
        le=255,
        title="Canny threshold 2",
        description="The other one; the larger starts an edge, the smaller continues it.",
        json_schema_extra=_ORIGIN,
    )
    clip_limit: float = Field(
        2.0,
        ge=0,
        le=10,
        title="CLAHE clip limit",
        description="Limit of the local contrast enhancement.",
        json_schema_extra=_ORIGIN,
    )
    tile_grid_size: Literal[8, 16, 32] = Field(
        8,
        title="CLAHE tiles",
        description="Tiles of the local contrast enhancement, per side.",
        json_schema_extra=_ORIGIN,
    )
    alpha: float = Field(
        1.0,
        ge=0,
        le=3,
        title="Brightness factor",
        description="The image is multiplied by it.",
        json_schema_extra=_ORIGIN,
    )
    beta: float = Field(
        0.0,
        ge=-100,
        le=100,
        title="Brightness offset",
        description="Added to the image after that.",
        json_schema_extra=_ORIGIN,
    )
    sharpen_mode: Literal["none", "default", "gaussian", "laplacian"] = Field(
        "none",
        title="Sharpening",
        description="Sharpening beside the blur.",
        json_schema_extra=_ORIGIN,
    )
    pre_blur: bool = Field(
        False,
        title="Blur first",
        description="Blur before sharpening instead of after it.",
        json_schema_extra=_ORIGIN,
    )
    kernel_size: int = Field(
        9,
        ge=3,
        le=19,
        title="Mask blur kernel",
        description="Side of the blur that grows the mask, odd, in pixels.",
        json_schema_extra=_ODD,
    )
    sigma_x: float = Field(
        10.0,
        ge=0,
        le=15,
        title="Mask blur sigma x",
        description="Its strength along x; 0 takes it from the kernel.",
        json_schema_extra=_ORIGIN,
    )
    sigma_y: float = Field(
        10.0,
        ge=0,
        le=15,
        title="Mask blur sigma y",
        description="Its strength along y; 0 takes sigma x.",
        json_schema_extra=_ORIGIN,
    )

    @field_validator("blur_kernel_size", "kernel_size")
    @classmethod
    def _odd(cls, value: int) -> int:
        if value % 2 == 0:
            raise ValueError("an odd number of pixels")
        return value

    @field_validator("max_diameter")
    @classmethod
    def _above_the_smallest(cls, value: float, info: ValidationInfo) -> float:
        smallest = info.data.get("min_diameter", 0.0)
        if value < smallest:
            raise ValueError(f"at least min_diameter, {smallest:g}")
        return value


class Coins(Segmenter):
    """Every coin an instance of its own. Boxes, if there are any, limit the search."""

    id: ClassVar[str] = "coins"
    title: ClassVar[str] = "Coins"
    classes: ClassVar[tuple[ClassDef, ...]] = (COIN,)
    prompts: ClassVar[frozenset[PromptKind]] = frozenset({PromptKind.BOXES})
    Params = CoinParams
    presets: ClassVar[Mapping[str, ModelParams]] = {
        "default": CoinParams(),
        "origin": CoinParams(method="origin"),
        "origin-best": CoinParams(
            method="origin",
            blur_kernel_size=9,
            blur_sigma=0,
            canny_threshold_1=13,
            canny_threshold_2=206,
            clip_limit=0.8663,
            tile_grid_size=16,
            alpha=1.0231,
            beta=27,
            sharpen_mode="default",
            pre_blur=False,
            kernel_size=5,
            sigma_x=0,
            sigma_y=15,
        ),
    }

    def load(
        self, weights: Path | None = None, *, device: str = "auto", backend: str = "auto"
    ) -> None:
        """Import what predicting needs.

        Raises
        ------
        WeightsError
            For any weights file: there is nothing to load one into.
        """
        super().load(weights, device=device, backend=backend)
        import napari_segkit.ops.coins_default
        import napari_segkit.ops.coins_origin  # noqa: F401

    def predict(self, image: Image, prompts: Prompts, params: CoinParams) -> Job[Segmentation]:
        """Segment one image; see `Segmenter.predict`."""
        if params.method == "origin":
            labels, scores = yield from _origin(image, prompts.boxes, params)
        else:
            labels, scores = yield from _default(image, prompts.boxes, params)
        return segmentation_from_labels(
            labels,
            classes=self.classes,
            scores={key: float(np.clip(score, 0, 1)) for key, score in scores.items()},
            provenance=Provenance(
                model=self.id,
                params=params.model_dump(),
                prompts=prompts.as_dict(),
                version=__version__,
            ),
        )


def _default(
    image: Image, boxes: NDArray[np.float32], params: CoinParams
) -> Job[tuple[Labels, dict[int, float]]]:
    from napari_segkit.ops.coins_default import Search, find_coins, paint

    search = Search(
        sensitivity=params.sensitivity,
        min_diameter=params.min_diameter,
        max_diameter=params.max_diameter,
    )
    coins: list[CoinOutline] = yield from find_coins(image, search, boxes)
    return paint(coins, image.shape[:2]), {k: coin.score for k, coin in enumerate(coins, 1)}


def _origin(
    image: Image, boxes: NDArray[np.float32], params: CoinParams
) -> Job[tuple[Labels, dict[int, float]]]:
    import cv2

    from napari_segkit.ops.coins_origin import origin_mask

    yield Progress(0, 1, "edges")
    mask = origin_mask(image, _origin_settings(params))
    if len(boxes):
        inside = np.zeros(mask.shape, np.uint8)
        for x0, y0, x1, y1 in np.rint(boxes).astype(int):
            inside[max(y0, 0) : y1, max(x0, 0) : x1] = 255
        mask &= inside
    count, labels = cv2.connectedComponents(mask, connectivity=8, ltype=cv2.CV_32S)
    return np.asarray(labels, np.int32), dict.fromkeys(range(1, count), 1.0)


def _origin_settings(params: CoinParams) -> OriginSettings:
    from napari_segkit.ops.coins_origin import OriginSettings

    names = OriginSettings.__dataclass_fields__
    return OriginSettings(**params.model_dump(include=set(names)))
