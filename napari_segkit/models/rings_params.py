"""What can be set of `rings`, and what it finds."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from napari_segkit.models.base import ModelParams
from napari_segkit.models.rings_files import AUTO
from napari_segkit.types import ClassDef

RING = ClassDef("ring", (255, 196, 0))


class RingParams(ModelParams):
    """What can be set."""

    base: str = Field(
        AUTO,
        title="Base model",
        description="auto or sam-segkit-s: the small one; vit_b, vit_l, vit_h: SAM's own, once "
        "fetched; or a file in segment_anything's layout, or of segkit optimize rings.",
    )
    adapter: str = Field(
        AUTO,
        title="Adapter",
        description="auto: the adopted or shipped one for this base; none: the bare base; or a "
        "file of segkit train rings or of the ring project.",
    )
    candidate: Literal["auto", "best", "1", "2", "3"] = Field(
        "auto",
        title="Candidate",
        description="The network offers three masks for an unclear prompt: the one it thinks best, "
        "or the first (a part), second or third (the whole). auto: one mask; of SAM's own bases "
        "the best of three for a single point.",
    )
    window: Literal["auto", "whole"] = Field(
        "auto",
        title="Look at",
        description="auto: small objects in large images through a window at full resolution; "
        "whole: always the whole image.",
        json_schema_extra={"group": "Details"},
    )
    smallest: int = Field(
        12,
        ge=1,
        le=100_000,
        title="Smallest part",
        description="In pixels: smaller parts and holes of a mask are removed.",
        json_schema_extra={"group": "Details"},
    )
    margin: float = Field(
        0.1,
        ge=0,
        le=0.25,
        title="Margin of a box",
        description="A mask may leave its box by this share of the box's size.",
        json_schema_extra={"group": "Details"},
    )
