"""Counts in sentences."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from napari_segkit.types import Segmentation

NOUNS = {"dust": "dust spot"}
"""Class -> what one object of it is called, where that is not the class's name."""


def counted(count: int, noun: str) -> str:
    """``1 image``, ``2,000 images``."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def objects_of(segmentation: Segmentation) -> str:
    """``3 coin, 1 pan``."""
    counts = Counter(one.class_name for one in segmentation.instances.values())
    return ", ".join(f"{count} {name}" for name, count in counts.items()) or "no object"
