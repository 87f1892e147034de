"""What napari's File > Open and a drop do with datasets and mask files.

In a window the import dock takes over: it reads outside of the GUI thread. Without one, the first
image and its mask are read at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import napari
from napari.layers import Image, Labels

from napari_segkit.data.formats.registry import recognise
from napari_segkit.data.mask_file import is_mask_file
from napari_segkit.errors import InputError, SegkitError

if TYPE_CHECKING:
    from pathlib import Path

    from napari.layers import Layer

    LayerData = tuple[Any, ...]

_PLUGIN, _DOCK = "napari-segkit", "Import masks"


def can_read(path: Path) -> bool:
    """Whether a path is a dataset or a mask file; looks at names, reads no pixel."""
    if is_mask_file(path):
        return True
    try:
        recognise(path)
    except SegkitError:
        return False
    return True


def read(path: Path) -> list[LayerData]:
    """Hand a dataset over to the import dock of the window in use, or read its first image."""
    viewer = napari.current_viewer()
    if viewer is None:
        return _first_layers(path)
    _, dock = viewer.window.add_plugin_dock_widget(_PLUGIN, _DOCK)
    dock.open_path(path, open_first=True)
    return [(None,)]  # npe2: done, and nothing to add


def _first_layers(path: Path) -> list[LayerData]:
    from napari.components import ViewerModel

    from napari_segkit.jobs import drain
    from napari_segkit.jobs.browse import load_sample, open_browser
    from napari_segkit.widgets.exchange._imported import show

    browser = drain(open_browser(path))
    try:
        if not browser.names:
            raise InputError("there is no image in the dataset", where=path)
        viewer = ViewerModel()
        show(viewer, drain(load_sample(browser, browser.names[0])))
        return [_as_data(layer) for layer in viewer.layers]
    finally:
        browser.close()


def _as_data(layer: Layer) -> LayerData:
    data, meta, kind = layer.as_layer_data_tuple()
    known = {"name", "colormap", "opacity", "features"} if isinstance(layer, Labels) else {"name"}
    options = {key: meta[key] for key in known}
    if isinstance(layer, Image):
        options["rgb"] = layer.rgb
    return data, options, kind
