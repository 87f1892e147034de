"""The features table of a mask layer: a line per object, shown by napari beside the cursor."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_segkit.ops.instance_rows import InstanceRow
from napari_segkit.widgets._binding import read_binding

if TYPE_CHECKING:
    from napari.layers import Labels

    from napari_segkit.ops.instance_rows import Rows, Source
    from napari_segkit.types import Segmentation
    from napari_segkit.widgets._merge import Patch

COLUMNS = {"index": int, "class": object, "score": float, "status": object}
"""``status``: predicted; edited, where the person painted on it; drawn, by the person alone."""

Row = tuple[int, str, float, str]


def table(rows: list[Row]) -> dict[str, Any]:
    """Features for a layer, the lines in order of ids."""
    columns = zip(*sorted(rows), strict=True) if rows else [()] * len(COLUMNS)
    parts = zip(COLUMNS.items(), columns, strict=True)
    return {name: np.array(column, dtype) for (name, dtype), column in parts}


def ids_of(layer: Labels) -> list[int]:
    """Ids that the features name."""
    return layer.features["index"].tolist() if "index" in layer.features else []


def rows_of(layer: Labels) -> dict[int, Row]:
    """Id -> line; empty where the table is not one of ours."""
    features = layer.features
    if not set(COLUMNS) <= set(features):
        return {}
    lines = features[list(COLUMNS)].itertuples(index=False, name=None)
    return {int(line[0]): tuple(line) for line in lines}


def instance_rows(layer: Labels, *, run: int | None, known: Rows) -> dict[int, InstanceRow]:
    """Id -> row for the store.

    Parameters
    ----------
    run
        That found what is new and predicted.
    known
        Rows as they were read: where each object comes from, and its edits.
    """
    found = {}
    for key, (_, name, score, text) in rows_of(layer).items():
        status: Source = "predicted" if text == "predicted" else "drawn"
        status = "edited" if text == "edited" else status
        row = known.get(key)
        if row is None:
            row = InstanceRow(name, score, status, None if status == "drawn" else run)
        found[key] = replace(row, class_name=name, score=score, status=status)
    return found


def features_after(layer: Labels, patch: Patch, result: Segmentation) -> dict[str, Any]:
    """The table when a patch is written."""
    rows = {key: row for key, row in rows_of(layer).items() if key not in patch.gone}
    for key, label in patch.id_of.items():
        instance = result.instances[key]
        status = "edited" if label in patch.touched else "predicted"
        rows[label] = (label, instance.class_name, round(instance.score, 3), status)
    for label in patch.present - rows.keys():
        rows[label] = (label, result.classes[0].name, 1.0, "drawn")
    return table(list(rows.values()))


def name_drawn_label(layer: Labels) -> None:
    """Give an object that the person began to draw its line, with the model's first class."""
    label = int(layer.selected_label)
    binding = read_binding(layer)
    if not label or binding is None or not binding.classes or label in set(ids_of(layer)):
        return
    row = (label, binding.classes[0][0], 1.0, "drawn")
    layer.features = table([*rows_of(layer).values(), row])
