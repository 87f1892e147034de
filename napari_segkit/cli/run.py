"""Drain a job behind a progress bar, and end with one line where something is wrong."""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
from typing import TYPE_CHECKING, NoReturn, TypeVar

import typer
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as ProgressBar

from napari_segkit import jobs
from napari_segkit.cli.report import err, print_error, print_json, write_no_more
from napari_segkit.errors import InputError, SegkitError
from napari_segkit.limits import parse_limits, raised

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from types import FrameType

    from napari_segkit.types import Job, Progress

T = TypeVar("T")

_interrupted = threading.Event()


class Interrupted(KeyboardInterrupt):
    """Ctrl+C, or the end that another program asks for (SIGTERM).

    A class of its own: when a plain KeyboardInterrupt passes through ``exec`` of a text, as in the
    import of any module with dataclasses, ``python -m`` kills itself at its end in spite of the
    exit code.
    """


def heed_interrupts() -> None:
    """Make Ctrl+C and SIGTERM raise `Interrupted`; what is ignored (as after ``&``) stays so."""
    for number, usual in (
        (signal.SIGINT, signal.default_int_handler),
        (signal.SIGTERM, signal.SIG_DFL),
    ):
        if signal.getsignal(number) is usual:
            _interrupted.clear()
            signal.signal(number, _on_interrupt)


def _on_interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    _interrupted.set()  # Python drops what is raised in a destructor: the next step tells
    raise Interrupted


@contextlib.contextmanager
def told(
    as_json: bool,
    limit: Sequence[str] | None = None,
    *,
    cancelled: str = "cancelled; nothing was written",
) -> Iterator[None]:
    """End with one line and an exit code where a person or the disk is the cause.

    Parameters
    ----------
    limit
        Limits to raise for what runs inside, as typed.
    cancelled
        What is said after Ctrl+C or SIGTERM.
    """
    try:
        with raised(parse_limits(limit or ())):
            yield
    except SegkitError as error:
        print_error(error, as_json)
        raise typer.Exit(2 if isinstance(error, InputError) else 1) from error
    except KeyboardInterrupt as error:
        if as_json:
            print_json(SegkitError(cancelled).as_dict() | {"error": "Cancelled"})
        else:
            err.print(cancelled)
        raise typer.Exit(130) from error


def end(call: Callable[[], object], arguments: Sequence[str]) -> int:
    """Run the program and give its exit code, whatever becomes of the arguments and the output.

    Parameters
    ----------
    call
        Gives an exit code or ``None``.
    arguments
        As typed: they say whether a mistake in them is told as JSON.

    Returns
    -------
    141 where whoever read the output left, as programs end that the signal ends.
    """
    try:
        code = call()
        sys.stdout.flush()
    except typer.TyperException as error:
        if message := error.format_message().rstrip("."):  # without any, the help was printed
            print_error(InputError(message, remedy="see --help"), "--json" in arguments)
        return 2
    except BrokenPipeError:
        write_no_more()
        return 141
    except OSError as error:
        write_no_more()
        err.print(f"error: the output cannot be written: {error.strerror or error}", markup=False)
        return 1
    return code if isinstance(code, int) else 0


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
