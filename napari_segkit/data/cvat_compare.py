"""Compares a dataset with a CVAT task before anything is sent: names, sizes, classes, counts."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from napari_segkit.data.cvat_refusals import clean
from napari_segkit.data.cvat_task import MASK_KINDS
from napari_segkit.data.formats.cvat_labelmap import MOST_IDS
from napari_segkit.data.names import collision_key
from napari_segkit.errors import DatasetError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from napari_segkit.data.cvat_task import Frame, Task
    from napari_segkit.data.dataset import Sample

_SHOWN = 5
_EXAMPLES = 5
_LONGEST = 600  # characters of a sentence; names come from the server


class MismatchError(DatasetError):
    """A dataset does not fit a task.

    Attributes
    ----------
    mismatches
        All of them, a sentence each; the message has the first few.
    """

    def __init__(self, mismatches: tuple[str, ...], *, source: Path, task: Task) -> None:
        self.mismatches = mismatches
        more = len(mismatches) - _SHOWN
        super().__init__(
            "dataset and CVAT task do not fit, so nothing was sent",
            where=f"{source} and {task.title}",
            expected="the task's names, sizes and labels",
            got="; ".join(mismatches[:_SHOWN]) + (f"; and {more} more" if more > 0 else ""),
            remedy="correct these, or choose another task",
        )


class Comparison:
    """Takes samples one by one; keeps their names and what is wrong.

    Parameters
    ----------
    most
        How many objects an image may have.
    """

    def __init__(self, task: Task, *, most: int | None = MOST_IDS) -> None:
        self.task, self._most = task, most
        self._frames: dict[str, list[Frame]] = defaultdict(list)
        self._ends: dict[str, list[str]] = defaultdict(list)
        for frame in task.frames:
            self._frames[frame.stem].append(frame)
            self._ends[collision_key(frame.stem.rpartition("/")[2])].append(frame.stem)
        self._labels = {label.name: label for label in task.labels}
        self._classes: dict[str, list[str]] = defaultdict(list)  # class -> images that use it
        self._mismatches: list[str] = []
        self._used: set[str] = set()

    def frame(self, name: str) -> Frame | None:
        """The frame of an image, where the task has one of that name."""
        return next(iter(self._frames.get(name, ())), None)

    def add(self, sample: Sample) -> bool:
        """Compare one image; returns whether it fits by name, size and count."""
        before = len(self._mismatches)
        frames = self._frames.get(sample.name, [])
        if frames:
            self._used.add(sample.name)
            self._compare(sample, frames)
        else:
            self._mismatches.append(self._missing(sample.name))
        count = len(sample.segmentation.instances)
        if self._most is not None and count > self._most:
            self._mismatches.append(
                f"{sample.name}: {count} objects, CVAT's mask format holds {self._most} (choose "
                "one object per class, --instances merge, or one by one, --direct, which has no "
                "limit, or leave the image out)"
            )
        for name in {one.class_name for one in sample.segmentation.instances.values()}:
            self._classes[name].append(sample.name)
        return len(self._mismatches) == before

    def _compare(self, sample: Sample, frames: list[Frame]) -> None:
        height, width = sample.segmentation.labels.shape
        for frame in frames:
            if frame.sized and (width, height) != (frame.width, frame.height):
                self._mismatches.append(
                    f"{sample.name}: the mask is {width}x{height}, the task's {frame.name} is "
                    f"{frame.width}x{frame.height}"
                )
            if frame.deleted:
                self._mismatches.append(f"{sample.name}: this frame is deleted in the task")

    def _missing(self, name: str) -> str:
        text = f"{name}: the task has no such image"
        near = self._ends.get(collision_key(name.rpartition("/")[2]), [])
        if near:
            text += f" (is it {' or '.join(near[:2])}?)"
        elif name.isdigit():
            text += f" (CVAT would take it as frame number {int(name)})"
        return text

    def mismatches(self) -> tuple[str, ...]:
        """Everything that keeps the dataset from the task: labels first, then image by image."""
        unknown = []
        by_fold = {name.strip().casefold(): name for name in self._labels}
        for name in sorted(self._classes.keys() - self._labels.keys()):
            text = f"class {name!r} ({_some(self._classes[name])}): the task has no such label"
            near = by_fold.get(name.strip().casefold())
            if near:
                text += f" (is it {near!r}?)"
            elif self._labels:
                text += f" (it has {_some(list(self._labels))})"
            unknown.append(text)
        return tuple(clean(text, _LONGEST) for text in (*unknown, *self._mismatches))

    def warnings(self) -> tuple[str, ...]:
        """What goes through but may not be as meant."""
        doubled = [
            " and ".join(frame.name for frame in self._frames[name])
            for name in sorted(self._used)
            if len(self._frames[name]) > 1
        ]
        numeric = sorted(name for name in self._used if name.isdigit())
        others = sorted(
            f"{name} ({self._labels[name].kind})"
            for name in self._classes.keys() & self._labels.keys()
            if self._labels[name].kind not in MASK_KINDS
        )
        rows = (
            (doubled, "frames of the task have one name without extension, CVAT mixes them up"),
            (numeric, "images are called by a number, which CVAT may take as a frame's number"),
            (others, "labels of the task are for other shapes than masks, CVAT may refuse them"),
        )
        texts = (f"{len(names)} {what}: {_some(names)}" for names, what in rows if names)
        return tuple(clean(text, _LONGEST) for text in texts)

    def untouched(self) -> int:
        """Frames of the task that the dataset does not have."""
        return sum(frame.stem not in self._used for frame in self.task.frames)


def _some(names: Iterable[str]) -> str:
    listed = list(names)
    return ", ".join(listed[:_EXAMPLES]) + (" …" if listed[_EXAMPLES:] else "")
