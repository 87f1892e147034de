"""What the manifest names besides the docks: sample data, readers, writers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_segkit.paths import shipped

if TYPE_CHECKING:
    from collections.abc import Callable

    LayerData = tuple[Any, dict[str, Any], str]


def coins_photo() -> list[LayerData]:
    """The photo of 24 coins that scikit-image ships."""
    from skimage import data

    return [(data.coins(), {"name": "coins"}, "image")]


def coins_scene() -> list[LayerData]:
    """A generated table with coins on it."""
    return _shipped("coins_generated")


def dust_scene() -> list[LayerData]:
    """A photo with generated dust."""
    return _shipped("dust_generated")


def eggpan_scene() -> list[LayerData]:
    """Generated eggs and pans."""
    return _shipped("eggpan_generated")


def rings_scene() -> list[LayerData]:
    """A generated packshot of rings."""
    return _shipped("rings_generated")


def _shipped(name: str) -> list[LayerData]:
    from napari_segkit.data.images import read_image

    pixels = read_image(shipped("sample_data") / f"{name}.jpg").pixels
    return [(pixels, {"name": name, "rgb": True}, "image")]


def dataset_reader(path: str | list[str]) -> Callable[[Any], list[Any]] | None:
    """For a dataset's folder, archive or index, or one mask file; ``None`` for anything else."""
    from napari_segkit.widgets.exchange import _reading

    if not isinstance(path, str) or not _reading.can_read(Path(path)):
        return None
    return lambda path: _reading.read(Path(path))


def save_mask(path: str, data: Any, meta: dict[str, Any]) -> list[str]:
    """A Labels layer as one mask file."""
    from napari_segkit.widgets.exchange._writing import write_file

    return write_file(path, data, meta)


def save_cvat(path: str, data: Any, meta: dict[str, Any]) -> list[str]:
    """A Labels layer as a dataset of one image."""
    from napari_segkit.widgets.exchange._writing import write_zip

    return write_zip(path, data, meta)
