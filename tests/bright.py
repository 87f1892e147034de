"""A model for tests of the review: everything bright is one coin; black images fail."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from napari_segkit.errors import ModelError
from napari_segkit.models.base import ModelParams, Segmenter
from napari_segkit.ops.masks import segmentation_from_labels
from napari_segkit.types import ClassDef, Job, Progress, Prompts, Provenance, Segmentation

CLASSES = (ClassDef("coin", (250, 170, 50)),)


class Bright(Segmenter):
    """See the module; the brighter the blue of the first pixel, the surer it is."""

    id: ClassVar[str] = "bright"
    title: ClassVar[str] = "Bright"
    classes: ClassVar[tuple[ClassDef, ...]] = CLASSES
    Params: ClassVar[type[ModelParams]] = ModelParams
    presets: ClassVar[dict[str, ModelParams]] = {"default": ModelParams()}
    runs = 0

    def predict(self, image: np.ndarray, prompts: Prompts, params: Any) -> Job[Segmentation]:
        yield Progress(0, 1, "look")
        type(self).runs += 1
        if not image.any():
            raise ModelError("nothing to see")
        labels = (image[..., 0] > 100).astype(np.int32)
        return segmentation_from_labels(
            labels,
            classes=CLASSES,
            scores={1: image[0, 0, 2] / 255},
            provenance=Provenance("bright", version="1"),
        )
