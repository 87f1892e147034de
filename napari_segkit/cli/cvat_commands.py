"""``segkit cvat``: masks to and from a task on a CVAT server.

Credentials come from the environment or the keyring; there is no option for them, because a
command line shows in lists of processes and in histories.
"""

from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from napari_segkit.cli.options import (
    FormatId,
    Grouping,
    Images,
    Json,
    Merge,
    Overwrite,
    Source,
    Subset,
)
from napari_segkit.cli.report import count, err, out, print_json, print_written
from napari_segkit.cli.run import run, told
from napari_segkit.data.cvat_compare import MismatchError
from napari_segkit.data.cvat_server import open_server
from napari_segkit.data.dataset import WriteOptions
from napari_segkit.errors import InputError
from napari_segkit.jobs import cvat as jobs

cvat_app = typer.Typer(
    help="Masks to and from a task on a CVAT server. The access token comes from the environment "
    "(CVAT_ACCESS_TOKEN or CVAT_TOKEN; or CVAT_USERNAME and CVAT_PASSWORD) or from the keyring.",
    no_args_is_help=True,
)


class Mode(StrEnum):
    """What becomes of the annotations that the task has."""

    APPEND = "append"
    REPLACE = "replace"


Task = Annotated[int, typer.Option(min=1, help="Number of the task: in its address, /tasks/N.")]
Url = Annotated[
    str, typer.Option(envvar="CVAT_URL", help="Address of the server: https://app.cvat.ai")
]
Insecure = Annotated[
    bool, typer.Option("--insecure", help="Allow http:// to another machine: others can listen.")
]
Timeout = Annotated[float, typer.Option(min=1, help="Give up after so many seconds.")]


@cvat_app.command()
def push(
    dataset: Source,
    task: Task,
    url: Url,
    mode: Annotated[
        Mode, typer.Option(help="append to the task's annotations, or replace all of them.")
    ] = Mode.APPEND,
    yes: Annotated[bool, typer.Option("--yes", help="Do replace; it cannot be undone.")] = False,
    subset: Annotated[
        str | None, typer.Option(help="Only the images of this list, such as Train.")
    ] = None,
    instances: Merge = Grouping.SEPARATE,
    direct: Annotated[
        bool, typer.Option("--direct", help="Send shapes, no file: over 255 objects, only append.")
    ] = False,
    insecure: Insecure = False,
    timeout: Timeout = 3600,
    as_json: Json = False,
) -> None:
    """Compare a dataset with a task, and put its masks there where everything fits."""
    with told(as_json):
        if mode is Mode.REPLACE and not yes:
            raise InputError(
                "replace deletes every annotation of the task, also those of images that the "
                "dataset does not have",
                where="--mode replace",
                remedy="add --yes if that is meant, or use --mode append",
            )
        server = open_server(url, insecure=insecure, timeout=timeout)
        try:
            report = run(
                jobs.push(
                    dataset,
                    server,
                    task,
                    mode=mode.value,
                    subset=subset,
                    instances=instances.value,
                    direct=direct,
                ),
                as_json,
            )
        except MismatchError as error:
            _print_mismatches(error, as_json)
            raise typer.Exit(2) from None
        except KeyboardInterrupt as error:  # what has arrived is told by the job
            err.print("cancelled")
            raise typer.Exit(130) from error
    print_json(asdict(report)) if as_json else _print_push(report)


@cvat_app.command()
def pull(
    task: Task,
    url: Url,
    target: Annotated[Path, typer.Option("--out", help="Folder or .zip to write.")],
    format_id: FormatId = "cvat-mask",
    with_images: Images = False,
    subset: Subset = "default",
    overwrite: Overwrite = False,
    insecure: Insecure = False,
    timeout: Timeout = 3600,
    as_json: Json = False,
) -> None:
    """Fetch a task's masks as a dataset."""
    with told(as_json):
        options = WriteOptions(subset, with_images, overwrite=overwrite)
        server = open_server(url, insecure=insecure, timeout=timeout)
        job = jobs.pull(server, task, target, format_id=format_id, options=options)
        report = run(job, as_json)
        print_json(asdict(report)) if as_json else print_written(report)


def _print_mismatches(error: MismatchError, as_json: bool) -> None:
    if as_json:
        print_json({**error.as_dict(), "mismatches": error.mismatches})
        return
    for mismatch in error.mismatches:
        err.print(f"[red]mismatch:[/red] {escape(mismatch)}", soft_wrap=True)
    ending = f"({error.where}); {error.remedy}"
    err.print(f"[red]error:[/red] {error.what} {escape(ending)}", soft_wrap=True)


def _print_push(report: jobs.PushReport) -> None:
    done = "appended to" if report.mode == "append" else "put in the place of everything in"
    place = escape(f"task {report.task} ({report.task_name}) at {report.server}")
    counts = f"{count(report.instances, 'object')} in {count(report.images, 'image')}"
    out.print(f"{counts} {done} {place}", soft_wrap=True)
    if report.untouched:
        verb = "is" if report.untouched == 1 else "are"
        out.print(f"{count(report.untouched, 'frame')} of the task {verb} not in the dataset")
    for warning in report.warnings:
        err.print(f"[yellow]warning:[/yellow] {escape(warning)}", soft_wrap=True)
