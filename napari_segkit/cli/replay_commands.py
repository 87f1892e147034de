"""``segkit replay``: make predictions again from their provenance."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from napari_segkit.cli.report import out, print_json
from napari_segkit.cli.run import run, told
from napari_segkit.jobs.replay import ReplayReport, replay

_WORDS = {
    True: "[green]identical[/green]",
    False: "[red]differs[/red]",
    None: "[yellow]not made[/yellow]",
}


def register(app: typer.Typer) -> None:
    """Add the command to ``segkit``."""
    app.command("replay")(replay_command)


def replay_command(
    path: Annotated[Path, typer.Argument(metavar="FILE", help="NAME.provenance.json.")],
    weights: Annotated[Path | None, typer.Option(help="Instead of the model's own.")] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object instead of text.")
    ] = False,
) -> None:
    """Make predictions again and say whether they are identical; exit code 1 where they are not."""
    with told(as_json):
        report = run(replay(path, weights=weights, device=device), as_json)
        if as_json:
            print_json(asdict(report) | {"identical": report.identical})
        else:
            _print(report)
    if not report.identical:
        raise typer.Exit(1)


def _print(report: ReplayReport) -> None:
    for one in report.replays:
        why = f": {escape(one.why)}" if one.why else ""
        line = f"{escape(one.name)} ({escape(one.model)}): {_WORDS[one.identical]}{why}"
        out.print(line, soft_wrap=True)
    same = sum(one.identical is True for one in report.replays)
    out.print(f"{same} of {len(report.replays)} predictions are identical")
