"""Colours of mask layers: by class, each object in a shade of its own."""

from __future__ import annotations

import colorsys
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from napari.utils.colormaps import DirectLabelColormap

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from napari_segkit.ops.instance_rows import Rows
    from napari_segkit.types import ClassDef, Color

_SPARE = 512
"""Shades beyond the largest id: for what is drawn or found later, without a new colormap."""
_MOST = (1 << 16) - 1
"""napari's colormap takes no larger ids; they get the default colour."""
_LIGHTNESS = (0.0, -0.16, 0.14, -0.08, 0.22, -0.24, 0.07)
_HUE = (0.0, 0.03, -0.03, 0.015, -0.015)


def shade(color: Color, label: int) -> tuple[float, float, float, float]:
    """RGBA of one object, 0 to 1: its class's colour, lighter or darker than its neighbours'.

    Ids that follow each other, as touching objects' mostly do, differ clearly.
    """
    return _shade(color, label % (len(_LIGHTNESS) * len(_HUE)))


@lru_cache(maxsize=4096)
def _shade(color: Color, label: int) -> tuple[float, float, float, float]:
    hue, light, saturation = colorsys.rgb_to_hls(*(part / 255 for part in color))
    light = min(max(light + _LIGHTNESS[label % len(_LIGHTNESS)], 0.2), 0.85)
    return (*colorsys.hls_to_rgb((hue + _HUE[label % len(_HUE)]) % 1, light, saturation), 1.0)


@dataclass(frozen=True)
class Palette:
    """Which colours a mask layer shows.

    Attributes
    ----------
    color_of
        Id -> colour of its class.
    default
        For ids that are drawn later.
    """

    color_of: Mapping[int, Color]
    default: Color

    @property
    def last(self) -> int:
        """The largest id that has a shade of its own."""
        return min(max(self.color_of, default=0) + _SPARE, _MOST)

    def shows(self, color_of: Mapping[int, Color], default: Color) -> bool:
        """Whether these objects have their colours in it already."""
        last = self.last
        return default == self.default and all(
            key <= last and self.color_of.get(key, default) == color
            for key, color in color_of.items()
        )

    def colormap(self) -> DirectLabelColormap:
        """For a Labels layer."""
        shades: dict[int | None, object] = {
            key: shade(self.color_of.get(key, self.default), key) for key in range(1, self.last + 1)
        }
        others = {None: shade(self.default, 0), 0: (0.0, 0.0, 0.0, 0.0)}
        return DirectLabelColormap(color_dict=others | shades)


def palette_of(rows: Rows, classes: Sequence[ClassDef]) -> Palette:
    """Colours of the rows of a mask; of what is drawn later, the first class's."""
    colors, default = {one.name: one.color for one in classes}, classes[0].color
    return Palette({key: colors.get(row.class_name, default) for key, row in rows.items()}, default)
