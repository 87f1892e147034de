"""What the manifest names besides the docks: sample data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_segkit.paths import shipped

if TYPE_CHECKING:
    LayerData = tuple[Any, dict[str, Any], str]


def coins_photo() -> list[LayerData]:
    """The photo of 24 coins that scikit-image ships."""
    from skimage import data

    return [(data.coins(), {"name": "coins"}, "image")]


def coins_scene() -> list[LayerData]:
    """A generated table with coins on it."""
    from napari_segkit.data.images import read_image

    pixels = read_image(shipped("sample_data") / "coins_generated.jpg").pixels
    return [(pixels, {"name": "coins_generated", "rgb": True}, "image")]
