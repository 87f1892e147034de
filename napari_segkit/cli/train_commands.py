"""``segkit train`` and ``segkit evaluate``: make weights from a dataset, and judge them by one."""

import json
import sys
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from napari_segkit.cli.options import Json, Values, parse_pairs
from napari_segkit.cli.report import err, print_json
from napari_segkit.cli.report import out as stdout
from napari_segkit.cli.run import run, told
from napari_segkit.data.formats.classes import read_value_map
from napari_segkit.data.formats.indexed_png import IndexedPng
from napari_segkit.data.formats.registry import get_format
from napari_segkit.jobs.evaluate import evaluate
from napari_segkit.jobs.train import TrainReport, event_json, train
from napari_segkit.training.config import read_config
from napari_segkit.training.log import first_process

if TYPE_CHECKING:
    from napari_segkit.data.formats.base import Format
    from napari_segkit.training.events import Event
    from napari_segkit.training.judging import Evaluation

_MEASURES = (
    "iou",
    "worst_decile",
    "dice",
    "boundary_iou",
    "hole_iou",
    "object_f1",
    "precision",
    "recall",
)


class ProgressForm(StrEnum):
    """How events are told."""

    TEXT = "text"
    JSON = "json"


def register(app: typer.Typer) -> None:
    """Add the commands to ``segkit``."""
    app.command("train")(train_command)
    app.command("evaluate")(evaluate_command)


def train_command(
    model: Annotated[
        str, typer.Argument(help="dust, eggpan, rings (an adapter) or sam-segkit-s (its base).")
    ],
    datasets: Annotated[
        list[Path], typer.Argument(help="Dataset of any format, with images; or several.")
    ],
    out: Annotated[Path, typer.Option(help="Folder for checkpoint, weights and log.")],
    valid: Annotated[
        list[Path] | None, typer.Option(help="Dataset to judge by; may be given again.")
    ] = None,
    config: Annotated[Path | None, typer.Option(help="TOML file of settings.")] = None,
    epochs: Annotated[int | None, typer.Option(help="How many epochs.")] = None,
    steps: Annotated[int | None, typer.Option(help="How many steps, instead of epochs.")] = None,
    batch: Annotated[int | None, typer.Option(help="Images at a time.")] = None,
    rank: Annotated[int | None, typer.Option(help="Of an adapter (rings).")] = None,
    base: Annotated[str | None, typer.Option(help="Base of an adapter: a name or file.")] = None,
    lr: Annotated[float | None, typer.Option(help="Highest learning rate.")] = None,
    seed: Annotated[int | None, typer.Option(help="The same seed gives the same.")] = None,
    threads: Annotated[int | None, typer.Option(help="CPU threads.")] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="Any other setting.")
    ] = None,
    init: Annotated[
        Path | None,
        typer.Option(help="Start from a file, a training's folder, or auto: those in use."),
    ] = None,
    name: Annotated[str, typer.Option(help="Of the weights; by default the model.")] = "",
    resume: Annotated[bool, typer.Option("--resume", help="Go on where it stopped.")] = False,
    progress: Annotated[
        ProgressForm, typer.Option(help="json: one line of JSON for each event.")
    ] = ProgressForm.TEXT,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Train a model; the best weights by validation are kept."""
    first = first_process()
    cancelled = f"cancelled; --resume goes on after the last finished epoch in {out}"
    with told(as_json and first, cancelled=cancelled):
        from napari_segkit.data.weights_store import find_weights
        from napari_segkit.training.tasks import get_task

        changes = typed_values(settings or [])
        changes |= given(epochs=epochs, steps=steps, batch=batch, rank=rank)
        changes |= given(base=base, lr=lr, seed=seed, threads=threads)
        job = train(
            model,
            datasets,
            out,
            config=read_config(config, changes, get_task(model).defaults),
            valid=valid,
            resume=resume,
            init=find_weights(model) if init == Path("auto") else init,
            name=name,
            on_event=_tell_json if progress is ProgressForm.JSON else tell_text,
        )
        report = run(job, as_json or progress is ProgressForm.JSON or not first)
        if first:
            _tell_report(report, progress, as_json=as_json)


def given(**flags: Any) -> dict[str, Any]:
    """Settings by their flags, without those that were not given."""
    return {key: value for key, value in flags.items() if value is not None}


def _tell_report(report: TrainReport, progress: ProgressForm, *, as_json: bool) -> None:
    if progress is ProgressForm.JSON:
        sys.stdout.write(json.dumps({"event": "Finished", **asdict(report)}, default=str) + "\n")
    elif as_json:
        print_json(asdict(report))
    else:
        err.print(f"{report.weights}: epoch {report.best_epoch} of {report.epoch}")


def typed_values(pairs: list[str]) -> dict[str, Any]:
    """Values of ``NAME=VALUE``: a list or table is JSON."""
    return {key: _value(text) for key, text in parse_pairs(pairs, "--set").items()}


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


def tell_text(event: "Event") -> None:
    """One line for people, on stderr."""
    from napari_segkit.training.events import EpochDone, Note, Validated

    if isinstance(event, EpochDone):
        err.print(
            f"epoch {event.epoch}/{event.epochs}: loss {event.loss:.4f}, "
            f"{event.images_per_s:.1f} images/s, {event.waiting:.0%} waiting for crops"
        )
    elif isinstance(event, Validated) and event.metrics:
        numbers = ", ".join(f"{key} {value:.3f}" for key, value in event.metrics.items())
        err.print(f"  {numbers}{'  (best)' if event.best else ''}")
    elif isinstance(event, Note):
        err.print(event.text)


def evaluate_command(
    model: Annotated[str, typer.Argument(help="See `segkit models`.")],
    dataset: Annotated[Path, typer.Argument(help="Dataset of any format, with images.")],
    weights: Annotated[
        list[Path] | None, typer.Option(help="Weights file; several are compared.")
    ] = None,
    preset: Annotated[str | None, typer.Option(help="Named parameters of the model.")] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="One parameter.")
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
    format_id: Annotated[
        str | None, typer.Option("--format", help="Of the dataset; by default as it looks.")
    ] = None,
    values: Values = None,
    ignore: Annotated[
        Path | None, typer.Option(help="JSON file of regions that count neither way.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="HTML report, with pictures of the worst images.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Judge a model's answers by a dataset: IoU, Dice, boundary IoU, objects, the worst tenth."""
    with told(as_json):
        job = evaluate(
            model,
            dataset,
            weights=weights or (None,),
            preset=preset,
            changes=parse_pairs(settings or [], "--set"),
            device=device,
            source_format=_format(format_id, values),
            ignore=ignore,
            out=out,
        )
        result = run(job, as_json)
        print_json(result.as_dict()) if as_json else _print_evaluation(result)


def _format(format_id: str | None, values: str | None) -> "Format | None":
    if values is not None:
        return IndexedPng(read_value_map(values))
    return None if format_id is None else get_format(format_id)


def _print_evaluation(result: "Evaluation") -> None:
    for one in result.judged:
        table = Table(one.weights, *_MEASURES)
        rows = {"all": one.verdict.overall | {"iou": one.verdict.overall["mean_iou"]}}
        for name, row in (rows | one.verdict.classes).items():
            table.add_row(name, *(f"{row[key]:.3f}" if key in row else "–" for key in _MEASURES))
        stdout.print(table)
        clean = one.verdict.overall.get("false_per_clean_image")
        if clean is not None:
            stdout.print(f"false objects per clean image: {clean:.3g}")
