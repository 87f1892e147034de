"""The rank study of an adapter: train one for each rank, judge all of them in the same way."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from napari_segkit.data.atomic import atomic_write, disk_errors
from napari_segkit.errors import ParamsError
from napari_segkit.jobs.evaluate import evaluate
from napari_segkit.jobs.train import train
from napari_segkit.types import Progress

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from napari_segkit.training.config import TrainConfig
    from napari_segkit.training.events import Event
    from napari_segkit.training.judging import Judged
    from napari_segkit.training.sweep_page import SweepRow
    from napari_segkit.types import Job

_MEASURES = ("dice", "iou", "boundary_iou", "hole_iou", "worst_decile")


@dataclass(frozen=True)
class SweepReport:
    """All rows, and the files that show them."""

    rows: tuple[SweepRow, ...]
    table: Path
    page: Path


def sweep(
    dataset: Path,
    out: Path,
    *,
    ranks: Sequence[int],
    config: TrainConfig,
    test: Path | None = None,
    resume: bool = False,
    on_event: Callable[[Event], object] | None = None,
) -> Job[SweepReport]:
    """Train adapters of several ranks.

    ::

        out/rank8/ …     a training for each rank, as `segkit train rings` leaves it
        out/sweep.json   a row for each rank and dataset; rank 0 is the bare base
        out/sweep.html   table, plot, and pictures of base, best and worst rank

    Parameters
    ----------
    test
        Images that no training sees.
    resume
        Ranks that are done stay, the one that was interrupted goes on.

    Raises
    ------
    InputError, ModelError, WriteError
        As `train` and `evaluate`.
    """
    from napari_segkit.training.sweep_page import SweepRow, sweep_page

    if not ranks or min(ranks) < 1 or max(ranks) > 512:
        raise ParamsError("ranks of a sweep", expected="numbers from 1 to 512", got=list(ranks))
    with disk_errors(out):
        out.mkdir(parents=True, exist_ok=True)
    rows: list[SweepRow] = []
    judged: dict[tuple[int, str], Judged] = {}
    places = {"train": dataset} | ({"test": test} if test else {})
    for step, rank in enumerate((0, *sorted(set(ranks)))):
        yield Progress(step, len(ranks) + 1, f"rank {rank}" if rank else "the bare base")
        adapter = None
        if rank:
            own = config.model_copy(update={"rank": rank})
            place = out / f"rank{rank}"
            report = yield from train(
                "rings", dataset, place, config=own, resume=resume, on_event=on_event
            )
            adapter = report.weights
            if report.folds:
                rows.append(SweepRow(rank, "folds", dict(report.metrics)))
        for data, path in places.items():
            one = yield from _judged(path, adapter, config)
            judged[rank, data] = one
            rows.append(SweepRow(rank, data, _metrics(one)))
        with atomic_write(out / "sweep.json") as file:
            file.write(json.dumps([asdict(row) for row in rows], indent=2).encode() + b"\n")
    with atomic_write(out / "sweep.html") as file:
        file.write(sweep_page(dataset.name, rows, judged).encode())
    return SweepReport(tuple(rows), out / "sweep.json", out / "sweep.html")


def _judged(path: Path, adapter: Path | None, config: TrainConfig) -> Job[Judged]:
    changes = {"base": config.base} | ({} if adapter else {"adapter": "none"})
    result = yield from evaluate("rings", path, weights=(adapter,), changes=changes, pictures=True)
    return result.judged[0]


def _metrics(one: Judged) -> dict[str, float]:
    found = next(iter(one.verdict.classes.values()))
    return {key: found[key] for key in _MEASURES if key in found}
