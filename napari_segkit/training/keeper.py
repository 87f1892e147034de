"""Keeps what a training gives while it runs: log, curves, the best weights and their card."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_segkit.training.checkpoint import State, read_state
from napari_segkit.training.events import Validated
from napari_segkit.training.export import export_weights, is_exported
from napari_segkit.training.fit import LAST
from napari_segkit.training.log import TrainLog, first_process

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from napari_segkit.training.config import TrainConfig
    from napari_segkit.training.events import Event
    from napari_segkit.training.export import Sources
    from napari_segkit.training.task import Task


class Keeper:
    """Writes into the folder of a training; of several processes only the first one does.

    Parameters
    ----------
    out, name
        Folder, and name of the weights in it.
    sources
        For the card.
    resume
        Rows of the epochs that are done stay in the log; what a stop after the last checkpoint
        kept from being written is written now.
    metrics
        For the card, where they are not those of the best validation.

    Raises
    ------
    ParamsError
        Where TensorBoard is wanted and not installed.
    WeightsError
        Where the checkpoint is damaged.
    """

    def __init__(
        self,
        out: Path,
        name: str,
        *,
        task: Task,
        config: TrainConfig,
        sources: Sources,
        resume: bool,
        metrics: Mapping[str, float] | None = None,
    ) -> None:
        self.out, self.name = out, name
        self._task, self._config = task, config
        self._sources, self._metrics = sources, metrics
        self.writes = first_process()
        resumed = resume and (out / LAST).exists()
        self._behind = read_state(out / LAST) if resumed else None
        done = self._behind.epoch if self._behind else 0
        self._log = TrainLog(out, after=done, tensorboard=config.tensorboard and self.writes)

    @property
    def weights(self) -> Path:
        """The weights file."""
        return self.out / f"{self.name}.safetensors"

    def add(self, event: Event) -> None:
        """Take in one event.

        Raises
        ------
        WriteError
            Where the disk refuses.
        """
        if not self.writes:
            return
        if self._behind is not None:  # now, since `fit` has found the checkpoint to be its own
            self._catch_up(self._behind)
            self._behind = None
        self._log.add(event)
        if isinstance(event, Validated) and event.best:
            self._export()

    def _catch_up(self, state: State) -> None:
        self._log.catch_up(state.row)
        if state.best_epoch > 0 and not is_exported(self.out, self.name, metrics=self._metrics):
            self._export()

    def _export(self) -> None:
        export_weights(
            self.out,
            self.name,
            task=self._task,
            config=self._config,
            sources=self._sources,
            metrics=self._metrics,
        )

    def close(self) -> None:
        """Let go of open files."""
        self._log.close()
