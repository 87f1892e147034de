"""What a training leaves to look at: a CSV row for each epoch, curves as SVG, TensorBoard."""

from __future__ import annotations

import csv
import io
import os
from typing import TYPE_CHECKING, Any

from napari_segkit.data.atomic import atomic_write
from napari_segkit.errors import ParamsError
from napari_segkit.training.curves import curves_svg
from napari_segkit.training.events import BatchDone, EpochDone, Validated

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from napari_segkit.training.events import Event


def first_process() -> bool:
    """Whether this process writes and tells: the only one, or the first of several."""
    return os.environ.get("RANK", "0") == "0"


def row_of(done: EpochDone, lr: float) -> dict[str, float]:
    """An epoch's row, before its validation."""
    row = {"epoch": done.epoch, "loss": done.loss, "lr": lr}
    return row | {"seconds": done.seconds, "images_per_s": done.images_per_s}


class TrainLog:
    """Writes ``log.csv`` and ``curves.svg`` into a folder.

    Parameters
    ----------
    after
        Epochs that are done: rows of later ones, of an interrupted run, are dropped.
    tensorboard
        Write events for TensorBoard, too.

    Raises
    ------
    ParamsError
        Where TensorBoard is not installed.
    """

    def __init__(self, folder: Path, *, after: int, tensorboard: bool) -> None:
        self.folder = folder
        self._rows = _read(folder / "log.csv", after)
        self._rate = 0.0
        self._board = _board(folder) if tensorboard else None

    def add(self, event: Event) -> None:
        """Take in one event; an epoch's row is written when it has been validated.

        Raises
        ------
        WriteError
            Where the disk refuses.
        """
        if isinstance(event, BatchDone):
            self._rate = event.lr
            if self._board is not None:
                self._board.add_scalar("loss", event.loss, event.step)
        elif isinstance(event, EpochDone):
            self._rows.append(row_of(event, self._rate))
        elif isinstance(event, Validated):
            self._rows[-1].update(event.metrics)
            for name, value in event.metrics.items():
                if self._board is not None:
                    self._board.add_scalar(f"valid/{name}", value, event.epoch)
            self._write()

    def catch_up(self, row: Mapping[str, float]) -> None:
        """Write again, with the last epoch's row (may be empty) where a stop kept it out.

        Raises
        ------
        WriteError
            Where the disk refuses.
        """
        if row and all(one["epoch"] != row["epoch"] for one in self._rows):
            self._rows.append(dict(row))
        if self._rows:
            self._write()

    def _write(self) -> None:
        names = list(dict.fromkeys(name for row in self._rows for name in row))
        text = io.StringIO()
        table = csv.DictWriter(text, names, lineterminator="\n")
        table.writeheader()
        table.writerows({k: f"{v:.6g}" for k, v in row.items()} for row in self._rows)
        with atomic_write(self.folder / "log.csv") as file:
            file.write(text.getvalue().encode())
        with atomic_write(self.folder / "curves.svg") as file:
            file.write(curves_svg(self._rows).encode())

    def close(self) -> None:
        """Let go of TensorBoard's file."""
        if self._board is not None:
            self._board.close()


def _read(path: Path, after: int) -> list[dict[str, float]]:
    if not after or not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        rows = [{k: float(v) for k, v in row.items() if v} for row in csv.DictReader(file)]
    return [row for row in rows if row["epoch"] <= after]


def _board(folder: Path) -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise ParamsError(
            "TensorBoard is not installed",
            remedy="pip install napari-segkit[tensorboard], or leave the setting out",
        ) from error
    return SummaryWriter(folder / "tensorboard")
