"""``segkit train``: train a model on a dataset."""

import json
import sys
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from napari_segkit.cli.options import parse_pairs
from napari_segkit.cli.report import err, print_json
from napari_segkit.cli.run import run, told
from napari_segkit.jobs.train import event_json, train
from napari_segkit.training.config import read_config

if TYPE_CHECKING:
    from napari_segkit.training.events import Event


class ProgressForm(StrEnum):
    """How events are told."""

    TEXT = "text"
    JSON = "json"


def register(app: typer.Typer) -> None:
    """Add the commands to ``segkit``."""
    app.command("train")(train_command)


def train_command(
    model: Annotated[str, typer.Argument(help="dust or eggpan.")],
    dataset: Annotated[Path, typer.Argument(help="Dataset of any format, with images.")],
    out: Annotated[Path, typer.Option(help="Folder for checkpoint, weights and log.")],
    valid: Annotated[Path | None, typer.Option(help="Dataset to judge by.")] = None,
    config: Annotated[Path | None, typer.Option(help="TOML file of settings.")] = None,
    epochs: Annotated[int | None, typer.Option(help="How many epochs.")] = None,
    steps: Annotated[int | None, typer.Option(help="How many steps, instead of epochs.")] = None,
    batch: Annotated[int | None, typer.Option(help="Images at a time.")] = None,
    lr: Annotated[float | None, typer.Option(help="Highest learning rate.")] = None,
    seed: Annotated[int | None, typer.Option(help="The same seed gives the same.")] = None,
    threads: Annotated[int | None, typer.Option(help="CPU threads.")] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="Any other setting.")
    ] = None,
    init: Annotated[Path | None, typer.Option(help="Weights to start from.")] = None,
    name: Annotated[str, typer.Option(help="Of the weights; by default the model.")] = "",
    resume: Annotated[bool, typer.Option("--resume", help="Go on where it stopped.")] = False,
    progress: Annotated[
        ProgressForm, typer.Option(help="json: one line of JSON for each event.")
    ] = ProgressForm.TEXT,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Train a model; the best weights by validation are kept."""
    flags = {
        "epochs": epochs,
        "steps": steps,
        "batch": batch,
        "lr": lr,
        "seed": seed,
        "threads": threads,
    }
    with told(as_json):
        changes = {key: _value(text) for key, text in parse_pairs(settings or [], "--set").items()}
        changes |= {key: value for key, value in flags.items() if value is not None}
        job = train(
            model,
            dataset,
            out,
            config=read_config(config, changes),
            valid=valid,
            resume=resume,
            init=init,
            name=name,
            on_event=_tell_json if progress is ProgressForm.JSON else _tell_text,
        )
        report = run(job, as_json or progress is ProgressForm.JSON)
        if progress is ProgressForm.JSON:
            sys.stdout.write(
                json.dumps({"event": "Finished", **asdict(report)}, default=str) + "\n"
            )
        elif as_json:
            print_json(asdict(report))
        else:
            err.print(f"{report.weights}: epoch {report.best_epoch} of {report.epoch}")


def _value(text: str) -> Any:
    """A list or table as JSON, anything else as it stands."""
    if text[:1] not in ("[", "{"):
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text


def _tell_json(event: "Event") -> None:
    sys.stdout.write(event_json(event) + "\n")
    sys.stdout.flush()


def _tell_text(event: "Event") -> None:
    from napari_segkit.training.events import EpochDone, Note, Validated

    if isinstance(event, EpochDone):
        err.print(
            f"epoch {event.epoch}/{event.epochs}: loss {event.loss:.4f}, "
            f"{event.images_per_s:.1f} images/s, {event.waiting:.0%} waiting for crops"
        )
    elif isinstance(event, Validated):
        numbers = ", ".join(f"{key} {value:.3f}" for key, value in event.metrics.items())
        err.print(f"  {numbers}{'  (best)' if event.best else ''}")
    elif isinstance(event, Note):
        err.print(event.text)
