"""What an export does outside of the GUI thread: the dataset, and where its masks come from."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from napari_segkit.data.provenance import beside, describe, write_provenance
from napari_segkit.data.store.record import Run
from napari_segkit.widgets.exchange._export import count_samples, samples, with_names_apart

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from napari_segkit.data.dataset import WriteOptions, WriteReport
    from napari_segkit.data.provenance import ImageProvenance
    from napari_segkit.types import Job
    from napari_segkit.widgets.exchange._export import MaskSource, Recipe


def export_job(
    sources: Sequence[MaskSource],
    recipe: Recipe,
    target: Path,
    *,
    format_id: str,
    options: WriteOptions,
) -> Job[WriteReport]:
    """Write a dataset, and beside it what made the masks of image files.

    Raises
    ------
    MaskError
        Where two layers would become one sample.
    As `napari_segkit.jobs.write_dataset`
    """
    from napari_segkit.jobs import write_dataset

    named = with_names_apart(sources)
    report = yield from write_dataset(
        samples(named, recipe),
        target,
        classes=recipe.class_defs,
        format_id=format_id,
        options=options,
        total=count_samples(named),
    )
    told = [one for source in named if (one := _told(source, target.parent)) is not None]
    if told:
        write_provenance(beside(target), told)
    return report


def _told(source: MaskSource, folder: Path) -> ImageProvenance | None:
    """What made a mask of an image file that a model segmented; ``None`` for any other."""
    made, picture = source.provenance.get(""), source.picture
    if made is None or picture is None or picture.path is None or picture.orientation() != 1:
        return None
    runs = (Run(**made.as_dict()),)
    rows = {
        key: row if row.status == "drawn" else replace(row, run=0)
        for key, row in source.rows.items()
    }
    try:
        return describe(source.name, picture.path, runs=runs, instances=rows, seen_from=folder)
    except OSError:  # moved meanwhile
        return None
