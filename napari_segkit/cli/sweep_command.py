"""``segkit sweep``: the rank study of an adapter."""

import re
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from napari_segkit.cli.report import err, print_json
from napari_segkit.cli.report import out as stdout
from napari_segkit.cli.run import run, told
from napari_segkit.cli.train_commands import given, tell_text, typed_values
from napari_segkit.errors import ParamsError
from napari_segkit.jobs.sweep import SweepReport, sweep
from napari_segkit.training.config import read_config

_RANKS = "2,4,8,16,32,64,128,256,512"


def register(app: typer.Typer) -> None:
    """Add the command to ``segkit``."""
    app.command("sweep")(sweep_command)


def sweep_command(
    model: Annotated[str, typer.Argument(help="rings")],
    dataset: Annotated[Path, typer.Argument(help="Dataset of any format, with images.")],
    more: Annotated[
        list[str] | None, typer.Argument(metavar="[RANK]...", help="Further ranks.")
    ] = None,
    *,
    out: Annotated[Path, typer.Option(help="Folder for the trainings, table and page.")],
    ranks: Annotated[str, typer.Option(help="Ranks, with commas or spaces between.")] = _RANKS,
    test: Annotated[Path | None, typer.Option(help="Images that no training sees.")] = None,
    base: Annotated[str | None, typer.Option(help="Base of the adapters: a name or file.")] = None,
    config: Annotated[Path | None, typer.Option(help="TOML file of settings.")] = None,
    epochs: Annotated[int | None, typer.Option(help="How many epochs.")] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="Any other setting.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Ranks that are done stay.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Train adapters of several ranks and compare them with the bare base."""
    with told(as_json):
        from napari_segkit.training.tasks import get_task

        if model != "rings":
            raise ParamsError("only adapters have a rank", expected="rings", got=model)
        changes = typed_values(settings or [])
        changes |= given(base=base, epochs=epochs)
        job = sweep(
            dataset,
            out,
            ranks=_numbers([ranks, *(more or [])]),
            config=read_config(config, changes, get_task(model).defaults),
            test=test,
            resume=resume,
            on_event=None if as_json else tell_text,
        )
        report = run(job, as_json)
        print_json(asdict(report)) if as_json else _print(report)


def _numbers(texts: list[str]) -> list[int]:
    parts = [part for text in texts for part in re.split(r"[,\s]+", text) if part]
    odd = [part for part in parts if not part.isdigit()]
    if odd:
        raise ParamsError("ranks", expected="whole numbers, such as 2 4 8", got=", ".join(odd))
    return [int(part) for part in parts]


def _print(report: SweepReport) -> None:
    names = list(dict.fromkeys(key for row in report.rows for key in row.metrics if key != "score"))
    table = Table("rank", "data", *names)
    for row in report.rows:
        values = (f"{row.metrics[key]:.3f}" if key in row.metrics else "–" for key in names)
        table.add_row(str(row.rank or "bare base"), row.data, *values)
    stdout.print(table)
    err.print(str(report.page))
