"""What the manifest names besides the docks: sample data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    LayerData = tuple[Any, dict[str, Any], str]


def coins_photo() -> list[LayerData]:
    """The photo of 24 coins that scikit-image ships."""
    from skimage import data

    return [(data.coins(), {"name": "coins"}, "image")]
