"""Drain a job behind a progress bar, and end with one line where something is wrong."""

from __future__ import annotations

import contextlib
import signal
import threading
from typing import TYPE_CHECKING, NoReturn, TypeVar

import typer
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as ProgressBar

from napari_segkit import jobs
from napari_segkit.cli.report import err, print_json
from napari_segkit.errors import InputError, SegkitError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

    from napari_segkit.types import Job, Progress

T = TypeVar("T")

_interrupted = threading.Event()


class Interrupted(KeyboardInterrupt):
    """Ctrl+C.

    A class of its own: when a plain KeyboardInterrupt passes through ``exec`` of a text, as in the
    import of any module with dataclasses, ``python -m`` kills itself at its end in spite of the
    exit code.
    """


def heed_interrupts() -> None:
    """Make Ctrl+C raise `Interrupted`; where it is ignored (``nohup``) it stays so."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        _interrupted.clear()
        signal.signal(signal.SIGINT, _on_interrupt)


def _on_interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    _interrupted.set()  # Python drops what is raised in a destructor: the next step tells
    raise Interrupted


@contextlib.contextmanager
def told(as_json: bool) -> Iterator[None]:
    """End with one line and an exit code where a person or the disk is the cause."""
    try:
        yield
    except SegkitError as error:
        if as_json:
            print_json(error.as_dict())
        else:
            err.print(f"[red]error:[/red] {escape(str(error))}", soft_wrap=True)
        raise typer.Exit(2 if isinstance(error, InputError) else 1) from error
    except KeyboardInterrupt as error:
        err.print("cancelled; nothing was written")
        raise typer.Exit(130) from error


def run(job: Job[T], as_json: bool) -> T:
    """Drain a job behind a bar on standard error, where that is a screen."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    quiet = as_json or not err.is_terminal
    with ProgressBar(*columns, console=err, transient=True, disable=quiet) as bar:
        task = bar.add_task("", total=None)

        def show(step: Progress) -> None:
            if _interrupted.is_set():
                raise Interrupted
            bar.update(
                task, completed=step.done, total=step.total, description=escape(step.message)[-40:]
            )

        return jobs.drain(job, show)
