"""What came of a review: the session report as CSV, and the masks as a dataset."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari_segkit.data.atomic import atomic_write
from napari_segkit.data.dataset import Sample, WriteOptions
from napari_segkit.data.provenance import beside, describe, write_provenance
from napari_segkit.data.store import Status
from napari_segkit.errors import DatasetError
from napari_segkit.jobs.datasets import write_dataset
from napari_segkit.ops.masks import segmentation_from_labels
from napari_segkit.types import ClassDef

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from pathlib import Path

    from napari_segkit.data.dataset import WriteReport
    from napari_segkit.data.store import Record, Store
    from napari_segkit.types import Color, Job

COLUMNS = ("image", "status", "objects", "edits", "seconds", "iou_of_prediction", "uncertainty")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True)
class Summary:
    """What came of the accepted images of a folder; means, ``None`` where there is no number."""

    accepted: int
    edits: float | None
    seconds: float | None
    iou: float | None

    def text(self) -> str:
        """One sentence."""
        if not self.accepted:
            return "Nothing accepted yet"
        parts = [f"{self.accepted:,} accepted"]
        if self.edits is not None:
            parts.append(f"{self.edits:.1f} edits")
        if self.seconds is not None:
            parts.append(f"{self.seconds:.0f} s")
        said = ", ".join(parts) + (" per image" if len(parts) > 1 else "")
        return said if self.iou is None else f"{said}; IoU of the predictions {self.iou:.3f}"


def summary(store: Store) -> Summary:
    """Sum up the accepted images of a folder."""
    lines = [line for line in store.lines() if line.status is Status.ACCEPTED]
    return Summary(
        len(lines),
        _mean([line.edits for line in lines]),
        _mean([line.seconds for line in lines if line.seconds > 0]),
        _mean([line.iou for line in lines if line.iou is not None]),
    )


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None


def session_report(store: Store, path: Path) -> None:
    """Write a line per image, by name.

    A name that a spreadsheet would take for a formula gets an apostrophe.

    Raises
    ------
    WriteError
        Where the disk refuses; the old file is intact.
    """
    text = io.StringIO(newline="")
    table = csv.writer(text)
    table.writerow(COLUMNS)
    for name in sorted(store.sources):
        line = store.line(name)
        shown = f"'{name}" if name.startswith(_FORMULA) else name
        numbers = (_short(value) for value in (line.seconds, line.iou, line.uncertainty))
        table.writerow([shown, line.status.value, line.objects, line.edits, *numbers])
    with atomic_write(path) as file:
        file.write(text.getvalue().encode("utf-8", "surrogateescape"))


def _short(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"


def export_store(
    store: Store,
    target: Path,
    *,
    format_id: str = "cvat-mask",
    options: WriteOptions | None = None,
    statuses: Collection[Status] = (Status.ACCEPTED,),
) -> Job[WriteReport]:
    """Write the masks of a folder as a dataset, and where they come from beside it.

    Parameters
    ----------
    statuses
        Images to write; by default the accepted ones.

    Raises
    ------
    DatasetError
        Where there is none, or the same class has two colours.
    As `napari_segkit.jobs.write_dataset`
    """
    names = [n for n in sorted(store.sources) if store.line(n).status in statuses]
    records = {name: store.load(name).record for name in names}
    names = [name for name in names if records[name].size is not None]
    if not names:
        wanted = " or ".join(status.value for status in statuses)
        raise DatasetError("no image to write", where=store.folder, expected=wanted)
    classes = _classes(records[name] for name in names)
    samples = (_sample(store, name, classes) for name in names)
    report = yield from write_dataset(
        samples,
        target,
        classes=classes,
        format_id=format_id,
        options=options,
        total=len(names),
    )
    told = [
        describe(
            name,
            store.sources[name].path,
            runs=records[name].runs,
            instances=records[name].instances,
            seen_from=target.parent,
        )
        for name in names
    ]
    write_provenance(beside(target), told)
    return report


def _classes(records: Iterator[Record]) -> tuple[ClassDef, ...]:
    colors: dict[str, Color] = {}
    for record in records:
        for name, color in record.classes:
            if colors.setdefault(name, color) != color:
                raise DatasetError(
                    f"class {name} has two colours",
                    where=record.name,
                    expected=colors[name],
                    got=color,
                    remedy="recolour it in one of the images",
                )
    return tuple(ClassDef(name, color) for name, color in colors.items())


def _sample(store: Store, name: str, classes: tuple[ClassDef, ...]) -> Sample:
    work = store.load(name)
    if work.labels is None or work.other_image:
        raise DatasetError(
            "mask does not belong to this image any more",
            where=store.sources[name].path,
            remedy="open the image, then accept or reject its mask again",
        )
    rows = work.record.instances
    segmentation = segmentation_from_labels(
        work.labels,
        classes=classes,
        class_of={key: row.class_name for key, row in rows.items()},
        scores={key: row.score for key, row in rows.items()},
    )
    return Sample(name, segmentation, store.sources[name].path)
