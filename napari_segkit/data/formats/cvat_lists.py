"""The lists of images in CVAT's mask format: one name per line, without extension."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from napari_segkit.data.dataset import Fault
from napari_segkit.data.names import path_fault

if TYPE_CHECKING:
    from collections.abc import Collection

_SHOWN = 60  # characters of a name that a message gives


@dataclass
class Lists:
    """Which images the lists name.

    Attributes
    ----------
    subsets
        Name of each list -> its images in order.
    faults
        What CVAT would make of the lists.
    hostile
        Names that lead out of the dataset.
    """

    subsets: dict[str, list[str]] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    hostile: list[str] = field(default_factory=list)

    def names(self) -> list[str]:
        """Every image once, in the order of the lists."""
        return list(dict.fromkeys(name for names in self.subsets.values() for name in names))

    def add(self, file: str, data: bytes, masks: Collection[str]) -> None:
        """Take in one list.

        Parameters
        ----------
        file
            Its path in the dataset.
        masks
            Names that have a mask: a line that is not quite one of them is taken for the nearest.
        """
        subset = file.rsplit("/", 1)[-1].removesuffix(".txt")
        if "_" in subset:
            self._fault(file, 0, "has a '_' in its name, so CVAT ignores it", "call it default.txt")
        if data.startswith(b"\xef\xbb\xbf"):
            what = "begins with a byte order mark, so CVAT misreads its first name"
            self._fault(file, 0, what, "save it as UTF-8 without BOM")
        text = data.decode("utf-8-sig", "replace")
        if "\N{REPLACEMENT CHARACTER}" in text:
            self._fault(file, 0, "is not UTF-8, so CVAT refuses it", "save it as UTF-8")
        images = self.subsets.setdefault(subset, [])
        for number, line in enumerate(re.split("\r\n|\r|\n", text), 1):
            name = self._understood(file, number, line, masks)
            if name is None:
                continue
            if fault := path_fault(name):
                self.hostile.append(name)
                self._fault(file, number, f"name {name[:_SHOWN]!r} {fault}", "rename the image")
            else:
                images.append(name)

    def _understood(self, file: str, number: int, line: str, masks: Collection[str]) -> str | None:
        """The name that a line means; an extension and outer spaces are forgiven."""
        if line in masks:
            if line != line.strip() or line.startswith("#"):
                what = f"name {line[:_SHOWN]!r} begins with '#' or has outer spaces: CVAT drops it"
                self._fault(file, number, what, "rename the image")
            return line
        name = line.strip()
        if not name or name.startswith("#"):
            return None
        bare = os.path.splitext(name)[0]
        if name not in masks and bare in masks:
            what = f"name {name[:_SHOWN]!r} has an extension, so CVAT finds no mask for it"
            self._fault(file, number, what, "write it without")
            return bare
        return name

    def _fault(self, file: str, number: int, what: str, remedy: str) -> None:
        self.faults.append(Fault(file, what, remedy, where=f"line {number}" if number else ""))
