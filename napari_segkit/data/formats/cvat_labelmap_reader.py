"""Reads ``labelmap.txt`` laxly, and says what CVAT would make of it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from napari_segkit.data.dataset import Fault
from napari_segkit.data.formats.cvat_labelmap import (
    BACKGROUND,
    BLACK,
    FILE,
    MOST_IDS,
    name_fault,
    voc_palette,
)
from napari_segkit.types import ClassDef

if TYPE_CHECKING:
    from napari_segkit.types import Color

_COLOR = re.compile(r":\s*(\d{1,3})\s*,\s*(\d{1,3})\s*,\s*(\d{1,3})\s*(?::[^:]*){0,2}$")
_HIDDEN = re.compile(r"#[^:]*:\s*\d{1,3}\s*,\s*\d{1,3}\s*,\s*\d{1,3}\s*(:|$)")
_MOST_LINES = 10_000  # more are no labelmap; class numbers must stay small
_VOC_NAMES = (
    *("background", "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat"),
    *("chair", "cow", "diningtable", "dog", "horse", "motorbike", "person", "pottedplant"),
    *("sheep", "sofa", "train", "tvmonitor"),
)


@dataclass(frozen=True)
class Labelmap:
    """What a labelmap says.

    Attributes
    ----------
    classes
        In the file's order, without the background.
    background
        Its colour; black where no line says so.
    lines
        Every line, background included: its position is the number that index masks use.
    faults
        What CVAT refuses, drops or misreads.
    fatal
        What leaves the meaning of pixels open, so that the dataset must not be read.
    """

    classes: tuple[ClassDef, ...]
    background: Color
    lines: tuple[ClassDef, ...]
    faults: tuple[Fault, ...] = ()
    fatal: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Line:
    number: int
    name: str
    color: Color | None


@dataclass
class _Parser:
    lines: list[_Line] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    fatal: list[str] = field(default_factory=list)

    def fault(self, number: int, what: str, remedy: str, *, fatal: bool = False) -> None:
        where = f"line {number}" if number else ""
        self.faults.append(Fault(FILE, what, remedy, where=where))
        if fatal:
            self.fatal.append(f"{where}: {what}" if where else what)

    def decode(self, data: bytes) -> str:
        if data.startswith(b"\xef\xbb\xbf"):
            self.fault(
                0,
                "begins with a byte order mark, which CVAT cannot read",
                "save it as UTF-8 without BOM",
            )
        try:
            return data.decode("utf-8-sig")
        except UnicodeDecodeError:
            self.fault(0, "is not UTF-8, so CVAT refuses it", "save it as UTF-8")
            return data.decode("latin-1")

    def parse(self, number: int, text: str) -> None:
        text = text.strip()
        if text.startswith("#"):
            if _HIDDEN.match(text):
                self.fault(
                    number,
                    f"looks like a label, but CVAT skips it: {text[:60]!r}",
                    "rename the label so that it does not begin with '#'",
                )
            return
        if not text:
            return
        if match := _COLOR.search(text):
            color = int(match[1]), int(match[2]), int(match[3])
            self._take(number, text[: match.start()], color)
        elif text.split(":", 1)[1:] and text.split(":")[1]:
            self.fault(
                number,
                f"has a colour that cannot be read: {text[:60]!r}",
                "write name:R,G,B::",
                fatal=True,
            )
        else:
            self._take(number, text.split(":")[0], None)

    def _take(self, number: int, name: str, color: Color | None) -> None:
        if color and max(color) > 255:
            self.fault(number, f"has the colour {color}", "use 0 to 255 each", fatal=True)
            return
        if name != BACKGROUND and (reason := name_fault(name)):
            self.fault(number, f"label {name!r} {reason}", "rename the label")
        self.lines.append(_Line(number, name.strip() or f"line {number}", color))

    def give_colors(self) -> None:
        """Colour by line where a file has none; where only some lack theirs, CVAT gives none."""
        some = any(line.color for line in self.lines)
        if self.lines and not some:
            what = "has no colours, so CVAT takes Pascal VOC's by line"
            self.faults.append(Fault(FILE, what, "write name:R,G,B::", severity="warning"))
        palette = [_color(row) for row in voc_palette().tolist()]
        used = {line.color for line in self.lines}
        spare = iter([color for color in palette[1:] if color not in used])
        for place, line in enumerate(self.lines):
            if line.color is None and some:
                self.fault(
                    line.number,
                    f"label {line.name!r} has no colour: CVAT never finds it",
                    "write name:R,G,B::",
                )
            if line.color is None:
                color = next(spare, (1, 1, 1)) if some else palette[place % 256]
                self.lines[place] = replace(line, color=color)

    def check_doubles(self) -> None:
        names: dict[str, _Line] = {}
        colors: dict[Color | None, _Line] = {}
        for line in self.lines:
            if names.setdefault(line.name, line) is not line:
                self.fault(
                    line.number,
                    f"label {line.name!r} is there twice, so CVAT refuses it",
                    "delete one line",
                )
            other = colors.setdefault(line.color, line)
            if other.name != line.name:
                self.fault(
                    line.number,
                    f"labels {other.name!r} and {line.name!r} have one colour "
                    f"{line.color}; CVAT takes all their pixels for the last",
                    "give each its own colour, in the masks too",
                    fatal=True,
                )

    def check_background(self) -> Color:
        found = next((line.color for line in self.lines if line.name == BACKGROUND), None)
        if found is not None:
            return found
        self.fault(
            0,
            "has no background line, so CVAT refuses black pixels",
            f"add the line {BACKGROUND}:0,0,0::",
        )
        for line in self.lines:
            if line.color == BLACK:
                self.fault(
                    line.number,
                    f"label {line.name!r} is black, which is no object",
                    f"rename it {BACKGROUND}, or recolour it",
                    fatal=True,
                )
        return BLACK


def default_labelmap() -> Labelmap:
    """What CVAT assumes where there is no labelmap: Pascal VOC's classes."""
    colors = map(_color, voc_palette().tolist())
    lines = tuple(map(ClassDef, _VOC_NAMES, colors))
    return Labelmap(lines[1:], BLACK, lines)


def parse_labelmap(data: bytes) -> Labelmap:
    """Read a labelmap: BOM, CRLF, no header, no colours, no background are all understood.

    Never raises; what cannot be understood is told in ``fatal``.
    """
    parser = _Parser()
    for number, line in enumerate(re.split("\r\n|\r|\n", parser.decode(data)), 1):
        parser.parse(number, line)
    if len(parser.lines) > MOST_IDS + 1:
        what = f"has {len(parser.lines)} labels; CVAT's class numbers wrap after {MOST_IDS + 1}"
        parser.fault(0, what, "use fewer labels", fatal=len(parser.lines) > _MOST_LINES)
    parser.give_colors()
    parser.check_doubles()
    background = parser.check_background()
    lines = [ClassDef(line.name, line.color or BLACK) for line in parser.lines]
    first = {line.name: line for line in reversed(lines) if line.name != BACKGROUND}
    if not first:
        parser.fault(0, "names no class", "add a line per class: name:R,G,B::", fatal=True)
    return Labelmap(
        tuple(dict.fromkeys(first[line.name] for line in lines if line.name in first)),
        background,
        tuple(lines),
        tuple(parser.faults),
        tuple(parser.fatal),
    )


def _color(row: list[int]) -> Color:
    return row[0], row[1], row[2]
