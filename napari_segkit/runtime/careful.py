"""A backend that gives way: halves a batch that does not fit, refuses what must not be used."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_segkit.errors import ModelError
from napari_segkit.runtime.base import OutOfMemory

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_segkit.runtime.base import Backend, Batch, Chances

_FULL = ("out of memory", "defaultcpuallocator", "not enough memory", "bad_alloc", "bad alloc")
_LOST = ("cuda error", "device-side assert", "cublas", "cudnn_status", "mps backend")


class Careful:
    """Wraps a backend.

    Parameters
    ----------
    backend
        What runs.
    channels
        Of its output.
    on_cpu
        Makes a backend for the CPU, for when a GPU's memory holds not even one tile.
    """

    def __init__(
        self, backend: Backend, *, channels: int, on_cpu: Callable[[], Backend] | None = None
    ) -> None:
        self._backend = backend
        self._channels = channels
        self._on_cpu = on_cpu
        self._lost: str | None = None
        self.most = 1 << 16
        self.notes: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """For people."""
        return self._backend.name

    @property
    def device(self) -> str:
        """Where it runs now."""
        return self._backend.device

    @property
    def stride(self) -> int:
        """Height and width of a batch are multiples of it."""
        return self._backend.stride

    def run(self, batch: Batch) -> Chances:
        """Probabilities of a batch, in as many parts as memory asks for.

        Raises
        ------
        OutOfMemory
            Where not even one tile fits, on the CPU.
        ModelError
            Where the GPU is lost, or the result has NaN or another shape.
        """
        parts = []
        start = 0
        while start < len(batch):
            part = batch[start : start + self.most]
            done = self._attempt(part)
            if done is not None:
                parts.append(done)
                start += len(part)
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def _attempt(self, batch: Batch) -> Chances | None:
        """Probabilities, or ``None`` where a smaller batch or another device is to be tried."""
        if self._lost is not None:
            raise _lost(self._lost)
        try:
            chances = self._backend.run(batch)
        except (RuntimeError, MemoryError) as error:
            text = f"{type(error).__name__}: {error}".lower()
            if isinstance(error, MemoryError) or any(sign in text for sign in _FULL):
                self._give_way(batch, error)
                return None
            if any(sign in text for sign in _LOST):
                self._lost = str(error).strip().splitlines()[0]
                raise _lost(self._lost) from error
            raise
        self._check(batch, chances)
        return chances

    def _give_way(self, batch: Batch, error: BaseException) -> None:
        if len(batch) > 1:
            self.most = len(batch) // 2
        elif self._backend.device != "cpu" and self._on_cpu is not None:
            self.notes = (f"the memory of {self._backend.device} was full; the CPU was used",)
            self._backend = self._on_cpu()
        else:
            raise self.full(batch) from error

    def full(self, batch: Batch) -> OutOfMemory:
        """What is told where not even this batch of one fits."""
        height, width = batch.shape[1:3]
        return OutOfMemory(
            "not enough memory",
            where=f"a tile of {width}x{height} pixels on {self.name}",
            remedy="choose smaller tiles, or close other programs",
        )

    def shape_for(self, batch: Batch) -> tuple[int, ...]:
        """Of the result for a batch."""
        return (len(batch), self._channels, *batch.shape[1:3])

    def _check(self, batch: Batch, chances: Chances) -> None:
        expected = self.shape_for(batch)
        if chances.shape != expected:
            raise ModelError(
                "the network returned another shape", expected=expected, got=chances.shape
            )
        if not np.isfinite(chances.sum(dtype=np.float64)):
            raise ModelError(
                "the network returned NaN",
                where=self.name,
                remedy="load other weights; these are broken, or the device is",
            )


def _lost(first: str) -> ModelError:
    return ModelError(
        "the GPU does not answer any more",
        got=first[:200],
        remedy="restart the program, or choose the device cpu",
    )
