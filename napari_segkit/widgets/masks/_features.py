"""The features table of a mask layer: a line per object, shown by napari beside the cursor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import numpy as np

from napari_segkit.ops.instance_rows import InstanceRow

if TYPE_CHECKING:
    from napari.layers import Labels

    from napari_segkit.ops.instance_rows import Rows, Source
    from napari_segkit.types import Segmentation
    from napari_segkit.widgets.masks._merge import Patch

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


def show_rows(layer: Labels, rows: Rows) -> None:
    """Put lines into a layer's features; columns of other programs stay where their ids do."""
    lines: list[Row] = [(key, row.class_name, row.score, row.status) for key, row in rows.items()]
    new = table(lines)
    features = layer.features
    others = [name for name in features if name not in COLUMNS]
    if others and "index" in features:
        kept = features.drop_duplicates("index").set_index("index")[others].reindex(new["index"])
        new |= {name: kept[name].to_numpy() for name in others}
    layer.features = new


def seen_rows(rows: Rows) -> dict[int, tuple[str, float, str]]:
    """What of rows stands in the features."""
    return {key: (row.class_name, row.score, row.status) for key, row in rows.items()}


def rows_from(layer: Labels, known: Rows) -> dict[int, InstanceRow]:
    """The rows that a layer's features tell; edits and runs as far as they were known."""
    rows = {}
    for key, name, score, status in rows_of(layer).values():
        old = known.get(key)
        edits, run = (old.edits, old.run) if old else ({}, None)
        rows[key] = InstanceRow(str(name), float(score), cast("Source", status), run, edits)
    return rows


def rows_after_run(
    rows: Rows, patch: Patch, result: Segmentation, *, run: int | None = None
) -> dict[int, InstanceRow]:
    """The rows when a patch is written; ``run`` is its place in the image's list of runs."""
    after = {key: row for key, row in rows.items() if key not in patch.gone}
    for key, label in patch.id_of.items():
        instance = result.instances[key]
        status: Source = "edited" if label in patch.touched else "predicted"
        after[label] = InstanceRow(instance.class_name, round(instance.score, 3), status, run)
    for label in patch.present - after.keys():
        after[label] = InstanceRow(result.classes[0].name)
    return after
