"""What a CVAT task is: its frames and labels, read from the server's answers with distrust."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from napari_segkit.data.cvat_refusals import clean
from napari_segkit.errors import ServerError

if TYPE_CHECKING:
    from collections.abc import Mapping

MASK_KINDS = ("any", "mask")
"""Kinds of label that are made for masks; a server that gives none means any."""
_MOST_FRAMES = 2_000_000
_MOST_PIXELS = 1 << 29  # of an image: 23,000 x 23,000
_STEP = re.compile(r"step\s*=\s*(\d{1,6})")


@dataclass(frozen=True)
class Frame:
    """One image of a task.

    Attributes
    ----------
    number
        Place in the task, from 0.
    name
        As CVAT knows it, with folders and extension; made up for a frame of a video.
    width, height
        After EXIF rotation; 0 where the server does not say.
    """

    number: int
    name: str
    width: int
    height: int
    deleted: bool = False

    @property
    def sized(self) -> bool:
        """Whether its size is known."""
        return self.width > 0 and self.height > 0

    @property
    def stem(self) -> str:
        """The name that masks have: without extension."""
        folder, slash, base = self.name.rpartition("/")
        return folder + slash + (base.rpartition(".")[0] or base)


@dataclass(frozen=True)
class TaskLabel:
    """A class that the task knows."""

    id: int
    name: str
    kind: str = "any"


@dataclass(frozen=True)
class Task:
    """A task as it was when it was asked for."""

    number: int
    name: str
    frames: tuple[Frame, ...] = ()
    labels: tuple[TaskLabel, ...] = ()
    organization: int | None = None
    video: bool = False

    @property
    def title(self) -> str:
        """For messages."""
        return f"task {self.number} ({self.name})"


class Answer:
    """A JSON object of the server, whose fields may be missing or of another kind."""

    def __init__(self, content: Any, where: str) -> None:
        self._where = where
        if not isinstance(content, dict):
            raise self.unexpected("a JSON object", type(content).__name__)
        self._fields: Mapping[str, Any] = content

    def unexpected(self, expected: str, got: str) -> ServerError:
        """The refusal of an answer."""
        return ServerError(
            "the CVAT server answered something unexpected",
            where=self._where,
            expected=expected,
            got=got,
            remedy="check that the address is that of a CVAT server",
        )

    def text(self, name: str, default: str | None = None) -> str:
        """A field of text, in one line."""
        value = self._fields.get(name)
        if value is None and default is not None:
            return default
        if not isinstance(value, str):
            raise self.unexpected(f"text in {name!r}", type(value).__name__)
        return value

    def number(self, name: str, default: int | None = None) -> int:
        """A whole number."""
        value = self._fields.get(name)
        if value is None and default is not None:
            return default
        if not isinstance(value, int) or isinstance(value, bool):
            raise self.unexpected(f"a number in {name!r}", type(value).__name__)
        return value

    def share(self, name: str) -> float | None:
        """A number from 0 to 1, where there is one."""
        value = self._fields.get(name)
        known = isinstance(value, int | float) and 0 <= value <= 1
        return float(value) if known and value is not None else None

    def entries(self, name: str) -> list[Answer]:
        """A list of objects."""
        value = self._fields.get(name)
        if not isinstance(value, list):
            raise self.unexpected(f"a list in {name!r}", type(value).__name__)
        return [Answer(entry, self._where) for entry in value]

    def numbers(self, name: str) -> set[int]:
        """A list of whole numbers; empty where there is none."""
        value = self._fields.get(name)
        return {n for n in value if isinstance(n, int)} if isinstance(value, list) else set()

    def has(self, name: str) -> bool:
        """Whether a field is there and not empty."""
        return bool(self._fields.get(name))


def parse_frames(meta: Answer, *, video: bool) -> tuple[Frame, ...]:
    """Frames of ``/api/tasks/N/data/meta``; those of a video are called as CVAT's export does."""
    entries = meta.entries("frames")
    deleted = meta.numbers("deleted_frames")
    size = meta.number("size", len(entries))
    start = meta.number("start_frame", 0)
    step = _STEP.search(meta.text("frame_filter", ""))
    stride = max(1, int(step[1])) if step else 1
    if video and len(entries) == 1 and 0 <= size <= _MOST_FRAMES:
        entries = entries * size
    frames = []
    for number, entry in enumerate(entries):
        name = f"frame_{start + number * stride:06d}.png" if video else entry.text("name")
        width, height = entry.number("width", 0), entry.number("height", 0)
        if width < 0 or height < 0 or width * height > _MOST_PIXELS:
            raise entry.unexpected("the size of an image", f"{width}x{height}")
        frames.append(Frame(number, name, width, height, number in deleted))
    return tuple(frames)


def parse_labels(entries: list[Answer]) -> tuple[TaskLabel, ...]:
    """Labels of a page of ``/api/labels``; parts of skeletons are left out."""
    return tuple(
        TaskLabel(entry.number("id"), entry.text("name"), clean(entry.text("type", "any")))
        for entry in entries
        if not entry.has("parent_id")
    )
