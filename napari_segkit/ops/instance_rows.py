"""What is known of each instance besides its pixels: class, score, where it comes from.

Pure functions from a table and a change of pixels to the next table, so that the table always
agrees with the pixels.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from napari_segkit.types import Segmentation

Source = Literal["predicted", "imported", "edited", "drawn"]


@dataclass(frozen=True)
class InstanceRow:
    """One instance.

    Attributes
    ----------
    class_name, score
        As in `napari_segkit.types.Instance`.
    status
        ``predicted`` by a model or ``imported`` from a file; ``edited``, where a person changed
        that; ``drawn`` by a person.
    run
        Which of the image's runs found it, from 0; ``None`` where a person drew it.
    edits
        Tool or brush -> how often it changed this instance.
    """

    class_name: str
    score: float = 1.0
    status: Source = "drawn"
    run: int | None = None
    edits: Mapping[str, int] = field(default_factory=dict)

    def edited(self, tool: str) -> InstanceRow:
        """The row after one more edit."""
        status: Source = "drawn" if self.status == "drawn" else "edited"
        edits = {**self.edits, tool: self.edits.get(tool, 0) + 1}
        return replace(self, status=status, edits=edits)


Rows = Mapping[int, InstanceRow]


def rows_of_run(segmentation: Segmentation, run: int) -> dict[int, InstanceRow]:
    """The table of a model's answer; ``run`` is the place of that run in the image's list."""
    return {
        key: InstanceRow(one.class_name, round(one.score, 4), "predicted", run)
        for key, one in segmentation.instances.items()
    }


def rows_after(
    rows: Rows,
    *,
    tool: str,
    touched: Iterable[int],
    gone: Collection[int] = (),
    parents: Mapping[int, int] | None = None,
    new_class: str = "",
) -> dict[int, InstanceRow]:
    """The table after a change of pixels.

    Parameters
    ----------
    tool
        What changed them, for the rows' ``edits``.
    touched
        Ids whose pixels changed and that still have some.
    gone
        Ids that have no pixel any more.
    parents
        New id -> the id that it was split from or copied from, whose row it takes.
    new_class
        Class of touched ids without a row and without a parent.
    """
    result = {key: row for key, row in rows.items() if key not in gone}
    for key in touched:
        row = rows.get(key) or rows.get((parents or {}).get(key, 0)) or InstanceRow(new_class)
        result[key] = row.edited(tool)
    return result


def rows_merged(rows: Rows, keys: Iterable[int], *, into: int, tool: str) -> dict[int, InstanceRow]:
    """The table when instances become one: class of ``into``, the lowest of the scores."""
    merged = {*keys, into}
    kept = rows[into].edited(tool)
    lowest = min(rows[key].score for key in merged)
    result = {key: row for key, row in rows.items() if key not in merged}
    result[into] = replace(kept, score=lowest)
    return result


def rows_in_class(rows: Rows, keys: Iterable[int], class_name: str) -> dict[int, InstanceRow]:
    """The table when instances are given another class."""
    chosen = set(keys)
    return {
        key: replace(row, class_name=class_name).edited("class") if key in chosen else row
        for key, row in rows.items()
    }


def class_renamed(rows: Rows, old: str, new: str) -> dict[int, InstanceRow]:
    """The table when a class is renamed; that is no edit of its instances."""
    return {
        key: replace(row, class_name=new) if row.class_name == old else row
        for key, row in rows.items()
    }
