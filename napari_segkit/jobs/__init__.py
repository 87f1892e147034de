"""What the program does, as plain generators: the command line, the docks and the tests drain them.

A job yields `Progress` and returns its result; closing it cancels, and nothing half-done is left.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from napari_segkit.jobs.datasets import ClassChange, convert, validate, write_dataset
from napari_segkit.jobs.predict import (
    Failure,
    ImageResult,
    PredictReport,
    predict_files,
    segment,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_segkit.types import Job, Progress

__all__ = [
    "ClassChange",
    "Failure",
    "ImageResult",
    "PredictReport",
    "convert",
    "drain",
    "predict_files",
    "segment",
    "validate",
    "write_dataset",
]

T = TypeVar("T")


def drain(job: Job[T], on_progress: Callable[[Progress], object] | None = None) -> T:
    """Run a job to its end and return its result; what ``on_progress`` raises cancels it."""
    try:
        while True:
            try:
                step = next(job)
            except StopIteration as stop:
                result: T = stop.value
                return result
            if on_progress is not None:
                on_progress(step)
    finally:
        job.close()
