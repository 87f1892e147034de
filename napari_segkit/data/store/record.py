"""What the store knows of one image besides its pixels, as JSON; and the differences of two."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from napari_segkit.errors import DatasetError
from napari_segkit.ops.instance_rows import InstanceRow
from napari_segkit.types import ClassDef, Color, Provenance


class Status(StrEnum):
    """Where an image stands in the review."""

    NEW = "new"
    PREDICTED = "predicted"
    EDITED = "edited"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    SKIPPED = "skipped"


class ImageMark(BaseModel):
    """By what an image file is known again: bytes, time of change, sum of its first and last."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    size: int
    mtime_ns: int
    crc: int


class Run(BaseModel):
    """One run of a model on the image, enough to make it again.

    Attributes
    ----------
    model, params, prompts, weights_sha256, version
        As in `napari_segkit.types.Provenance`.
    labels_sha256
        Of the labels that it returned (`napari_segkit.data.provenance.labels_sha256`).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str
    params: dict[str, Any] = {}
    prompts: dict[str, Any] = {}
    weights_sha256: str | None = None
    version: str = ""
    labels_sha256: str = ""

    def provenance(self) -> Provenance:
        """The same as everywhere else in the program."""
        return Provenance(**dict(self))


class Record(BaseModel):
    """One image.

    Attributes
    ----------
    name
        As in `napari_segkit.data.images.ImageSource`.
    size
        (H, W) of the mask; ``None`` where there is none.
    classes
        Name and colour, in order.
    instances
        Id -> row; agrees with the mask.
    runs
        The model runs whose instances may be in the mask, oldest first.
    edits, seconds
        Steps that a person made and the time that they spent.
    uncertainty
        Of the prediction, 0 to 1; ``None`` where the model tells none.
    iou
        Of the prediction against the accepted mask.
    image
        The file that the mask was made on.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    name: str
    size: tuple[int, int] | None = None
    status: Status = Status.NEW
    classes: tuple[tuple[str, Color], ...] = ()
    instances: dict[int, InstanceRow] = {}
    runs: tuple[Run, ...] = ()
    edits: int = 0
    seconds: float = 0.0
    uncertainty: float | None = None
    iou: float | None = None
    image: ImageMark | None = None

    @property
    def class_defs(self) -> tuple[ClassDef, ...]:
        """The classes, as everywhere else in the program."""
        return tuple(ClassDef(name, color) for name, color in self.classes)

    def changed(self, **values: Any) -> Record:
        """A copy with other values, checked."""
        return Record.model_validate({**dict(self), **values})


_FIELDS = Record.model_fields.keys() - {"instances"}
_ROWS: TypeAdapter[dict[int, InstanceRow | None]] = TypeAdapter(dict[int, InstanceRow | None])


def to_json(record: Record) -> bytes:
    """A record for the disk."""
    return record.model_dump_json().encode()


def from_json(data: bytes, *, where: object) -> Record:
    """A record from the disk.

    Raises
    ------
    DatasetError
        Where it is none.
    """
    try:
        return Record.model_validate_json(data)
    except (ValidationError, UnicodeDecodeError) as error:
        raise damaged(where) from error


def difference(before: Record | None, after: Record) -> bytes:
    """What must be known to make ``after`` of ``before``: JSON of the fields that changed.

    Rows of instances go one by one: a stroke on one of 3,000 takes 100 bytes, not 300 kB.
    """
    rows = after.instances
    old = Record(name="") if before is None else before
    changed = {
        key: row
        for key, row in rows.items()
        if (was := old.instances.get(key)) is not row and was != row
    }
    fields = {
        name for name in _FIELDS if before is None or getattr(before, name) != getattr(after, name)
    }
    patch = after.model_dump_json(include=fields)
    gone = dict.fromkeys(old.instances.keys() - rows.keys())
    return b"[%b,%b]" % (patch.encode(), _ROWS.dump_json({**changed, **gone}))


def patch(plain: dict[str, Any], change: bytes, *, where: object) -> None:
    """Make a `difference` in a record as plain values, in place; ``{}`` is none yet.

    Raises
    ------
    DatasetError
        Where it is none.
    """
    try:
        fields, rows = json.loads(change)
        instances = plain.setdefault("instances", {})
        instances.update(rows)
        for key in [key for key in rows if rows[key] is None]:
            del instances[key]
        plain.update({key: value for key, value in fields.items() if key != "instances"})
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise damaged(where) from error


def from_plain(plain: dict[str, Any], *, where: object) -> Record | None:
    """The record of plain values, ``None`` of ``{}``; errors as `patch`."""
    try:
        return Record.model_validate(plain) if plain else None
    except ValidationError as error:
        raise damaged(where) from error


def damaged(where: object, got: str | None = None) -> DatasetError:
    """The refusal of a file of the store; nothing is written over it."""
    return DatasetError(
        "stored work is damaged",
        where=where,
        got=got,
        remedy="restore the file from a backup, or set it aside to begin this image anew",
    )
