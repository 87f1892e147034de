"""Colours of mask layers: by class, each object in a shade of its own."""

from __future__ import annotations

import colorsys
from typing import TYPE_CHECKING

from napari.utils.colormaps import DirectLabelColormap

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari_segkit.types import Color

_SPARE = 64
"""Shades beyond the largest id, for objects that the person draws."""
_MOST = (1 << 16) - 1
"""napari's colormap takes no larger ids; they get the default colour."""
_LIGHTNESS = (0.0, -0.16, 0.14, -0.08, 0.22, -0.24, 0.07)
_HUE = (0.0, 0.03, -0.03, 0.015, -0.015)


def shade(color: Color, label: int) -> tuple[float, float, float, float]:
    """RGBA of one object, 0 to 1: its class's colour, lighter or darker than its neighbours'.

    Ids that follow each other, as touching objects' mostly do, differ clearly.
    """
    hue, light, saturation = colorsys.rgb_to_hls(*(part / 255 for part in color))
    light = min(max(light + _LIGHTNESS[label % len(_LIGHTNESS)], 0.2), 0.85)
    return (*colorsys.hls_to_rgb((hue + _HUE[label % len(_HUE)]) % 1, light, saturation), 1.0)


def label_colors(color_of: Mapping[int, Color], default: Color) -> DirectLabelColormap:
    """Colormap of a mask layer.

    Parameters
    ----------
    color_of
        Id -> colour of its class.
    default
        For ids that are drawn later.
    """
    last = min(max(color_of, default=0) + _SPARE, _MOST)
    colors = {key: shade(color_of.get(key, default), key) for key in range(1, last + 1)}
    others: dict[int | None, object] = {None: shade(default, 0), 0: (0.0, 0.0, 0.0, 0.0)}
    return DirectLabelColormap(color_dict=others | colors)
