"""Where masks come from, as JSON beside a dataset: enough to make every prediction again.

``<dataset>.provenance.json``::

    {"format": "napari-segkit provenance 1", "images": [
        {"name", "file", "sha256", "runs": [{"model", "params", "prompts", "weights_sha256",
         "version", "labels_sha256"}], "instances": {"1": {"class_name", "score", "status", "run",
         "edits"}}}]}

``file`` is relative to the JSON file where both are on one disk. ``labels_sha256`` is of what the
model returned, before a person changed it.
"""

from __future__ import annotations

import hashlib
import os
import struct
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from napari_segkit.data.atomic import atomic_write
from napari_segkit.data.dataset import DatasetWriter
from napari_segkit.data.store.record import Run
from napari_segkit.errors import InputError
from napari_segkit.limits import limits
from napari_segkit.ops.instance_rows import InstanceRow, rows_of_run
from napari_segkit.ops.runs import first_of_runs

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari_segkit.data.dataset import Sample, WriteReport
    from napari_segkit.types import Labels, Segmentation


class ImageProvenance(BaseModel):
    """What made the masks of one image."""

    model_config = ConfigDict(extra="forbid")

    name: str
    file: str
    sha256: str
    runs: tuple[Run, ...] = ()
    instances: dict[int, InstanceRow] = {}


class ProvenanceFile(BaseModel):
    """The whole file."""

    model_config = ConfigDict(extra="forbid")

    format: Literal["napari-segkit provenance 1"] = "napari-segkit provenance 1"
    images: tuple[ImageProvenance, ...]


def labels_sha256(labels: Labels) -> str:
    """SHA-256 of a label image (H, W) int32, whatever its type and memory order.

    Of height and width (uint32), then first pixel (int64) and id (int32) of every run of equal
    pixels in scan order, all little-endian: as good as the pixels, and 1 MB instead of 100.
    """
    height, width = labels.shape
    digest = hashlib.sha256(struct.pack("<II", height, width))
    flat = labels.ravel()
    if flat.size:
        starts = first_of_runs(flat)
        digest.update(starts.astype("<i8").tobytes())
        digest.update(flat[starts].astype("<i4").tobytes())
    return digest.hexdigest()


def file_sha256(path: Path) -> str:
    """SHA-256 of a file; `OSError` where it cannot be read."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def run_of(segmentation: Segmentation) -> Run | None:
    """The run that made a segmentation; ``None`` where no model did."""
    made = segmentation.provenance
    if made is None:
        return None
    own = made.labels_sha256 or labels_sha256(segmentation.labels)
    return Run(**{**made.as_dict(), "labels_sha256": own})


def beside(target: Path) -> Path:
    """Where the provenance of a dataset lies."""
    return target.with_name(f"{target.name}.provenance.json")


def describe(
    name: str,
    image: Path,
    *,
    runs: tuple[Run, ...],
    instances: Mapping[int, InstanceRow],
    seen_from: Path,
) -> ImageProvenance:
    """What made one image's mask; ``seen_from`` is the folder that the JSON will lie in."""
    try:
        file = os.path.relpath(image, seen_from)
    except ValueError:  # another drive
        file = str(image.absolute())
    return ImageProvenance(
        name=name,
        file=Path(file).as_posix(),
        sha256=file_sha256(image),
        runs=runs,
        instances=dict(instances),
    )


def write_provenance(path: Path, images: list[ImageProvenance]) -> None:
    """Write the file; `WriteError` where the disk refuses, the old one is intact."""
    text = ProvenanceFile(images=tuple(images)).model_dump_json(indent=1)
    with atomic_write(path) as file:
        file.write(text.encode())


def read_provenance(path: Path) -> ProvenanceFile:
    """Read the file.

    Raises
    ------
    InputError
        Where it is none.
    """
    try:
        if path.stat().st_size > limits().text:
            raise InputError("file is too large", where=path)
        return ProvenanceFile.model_validate_json(path.read_bytes())
    except OSError as error:
        raise InputError("file cannot be read", where=path, got=error.strerror) from error
    except ValidationError as error:
        raise InputError(
            "not a provenance file",
            where=path,
            expected="what lies beside an export as NAME.provenance.json",
            got=str(error.errors()[0]["msg"]),
        ) from error


class ProvenanceWriter(DatasetWriter):
    """A dataset writer that writes the provenance beside its target, too.

    Samples without a model, or whose image is no file, are not in it.
    """

    def __init__(self, writer: DatasetWriter, target: Path) -> None:
        self._writer, self._path = writer, beside(target)
        self._images: list[ImageProvenance] = []

    def add(self, sample: Sample) -> None:
        """Write one sample; errors as `DatasetWriter.add`."""
        run = run_of(sample.segmentation)
        told = []
        if run is not None and isinstance(sample.image, Path):
            rows = rows_of_run(sample.segmentation, 0)
            place = self._path.parent
            told = [
                describe(sample.name, sample.image, runs=(run,), instances=rows, seen_from=place)
            ]
        self._writer.add(sample)
        self._images += told

    def commit(self) -> WriteReport:
        """Put the dataset in its place, then its provenance."""
        report = self._writer.commit()
        if self._images:
            write_provenance(self._path, self._images)
        return report

    def discard(self) -> None:
        """Remove what was staged."""
        self._writer.discard()
