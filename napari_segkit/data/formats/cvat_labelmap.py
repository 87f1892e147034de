"""``labelmap.txt`` of CVAT's mask format: class names and colours, one per line.

::

    # label:color_rgb:parts:actions
    background:0,0,0::
    coin:255,0,0::
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from napari_segkit.errors import DatasetError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from napari_segkit.types import ClassDef, Color

FILE = "labelmap.txt"
BACKGROUND = "background"
BLACK: Color = (0, 0, 0)
MOST_IDS = 255
"""Objects in an image, and classes besides the background: both are one byte in CVAT."""
_HEADER = "# label:color_rgb:parts:actions"


@cache
def voc_palette() -> NDArray[np.uint8]:
    """(256, 3) uint8 RGB: Pascal VOC's colour of each instance id.

    Bits 0, 1, 2 of the id go to red, green, blue at bit 7, the next three at bit 6, and so on.
    """
    ids = np.arange(256)
    palette = np.zeros((256, 3), np.uint8)
    for place in range(7, -1, -1):
        for channel in range(3):
            palette[:, channel] |= ((ids >> channel & 1) << place).astype(np.uint8)
        ids >>= 3
    palette.setflags(write=False)  # everyone gets this one
    return palette


def name_fault(name: str) -> str | None:
    """Why CVAT cannot hold a class of this name, or ``None``."""
    if not name:
        return "is empty"
    if name == BACKGROUND:
        return "is the name of what is no object"
    if ":" in name:
        return "has a ':', which parts name and colour"
    if name.startswith("#"):
        return "starts with '#', so CVAT skips it"
    if name != name.strip():
        return "has a space at an end, which CVAT strips"
    if not name.isprintable():
        return "has a line break or a character that cannot be printed"
    return None


def class_faults(classes: Iterable[ClassDef]) -> list[str]:
    """Everything that keeps classes out of CVAT: names, colours, their number."""
    classes = tuple(classes)
    faults = [] if classes else ["there is no class"]
    if len(classes) > MOST_IDS:
        faults.append(f"there are {len(classes)} classes, CVAT's masks hold {MOST_IDS}")
    names: set[str] = set()
    colors: dict[Color, str] = {BLACK: BACKGROUND}
    for one in classes:
        if fault := name_fault(one.name):
            faults.append(f"class {one.name!r} {fault}")
        if one.name in names:
            faults.append(f"class {one.name!r} is there twice")
        if not all(0 <= value <= 255 for value in one.color):
            faults.append(f"class {one.name!r} has the colour {one.color}, not 0 to 255 each")
        other = colors.setdefault(one.color, one.name)
        if other != one.name:
            faults.append(f"class {one.name!r} has the colour {one.color} of {other!r}")
        names.add(one.name)
    return faults


def check_classes(classes: Iterable[ClassDef]) -> None:
    """Refuse classes that CVAT would not read back.

    Raises
    ------
    DatasetError
        Naming every fault.
    """
    faults = class_faults(classes)
    if faults:
        raise DatasetError(
            "classes do not fit CVAT's mask format",
            got="; ".join(faults[:5]) + (f"; and {len(faults) - 5} more" if faults[5:] else ""),
            remedy="rename or recolour them",
        )


def labelmap_bytes(classes: Iterable[ClassDef]) -> bytes:
    """The file's content: header, background, then the classes in order."""
    rows = [(BACKGROUND, BLACK), *((one.name, one.color) for one in classes)]
    lines = [_HEADER, *(f"{name}:{r},{g},{b}::" for name, (r, g, b) in rows)]
    return "".join(f"{line}\n" for line in lines).encode()
