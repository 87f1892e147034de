"""``segkit inpaint``, ``mine``, ``bench``, ``optimize``: models for more than masks."""

from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from napari_segkit.cli.options import Json, Limit, flag, parse_pairs
from napari_segkit.cli.predict_large import given
from napari_segkit.cli.report import err, out, print_json
from napari_segkit.cli.run import run, told
from napari_segkit.data.images import find_images
from napari_segkit.errors import InputError
from napari_segkit.jobs.bench import bench_dust
from napari_segkit.jobs.inpaint import (
    FillOptions,
    InpaintReport,
    ModelMarks,
    fill_masks,
    inpaint_files,
)
from napari_segkit.jobs.mine import mine
from napari_segkit.jobs.optimize import optimize
from napari_segkit.models.base import ModelParams, Segmenter, make_params
from napari_segkit.models.registry import get_model


class Filling(StrEnum):
    """How pixels are filled."""

    TELEA = "telea"
    NS = "ns"


class Numbers(StrEnum):
    """How numbers are stored."""

    FP16 = "fp16"
    INT8 = "int8"


Images = Annotated[list[Path], typer.Argument(help="Files, folders, glob patterns.")]
Weights = Annotated[Path | None, typer.Option(help="Weights file of the model.")]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")]
Preset = Annotated[str | None, typer.Option(help="Named parameters of the model.")]
Settings = Annotated[
    list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="One parameter.")
]


def register(app: typer.Typer) -> None:
    """Add the commands to ``segkit``."""
    app.command("inpaint")(inpaint_command)
    app.command("mine")(mine_command)
    app.command("bench")(bench_command)
    app.command("optimize")(optimize_command)


def _ready(
    name: str, preset: str | None, settings: list[str] | None, weights: Path | None, device: str
) -> tuple[Segmenter, ModelParams]:
    chosen = get_model(name)
    params = make_params(chosen, preset, parse_pairs(settings or [], "--set"))
    model = chosen()
    model.load(weights, device=device)
    return model, params


def inpaint_command(
    context: typer.Context,
    images: Images,
    target: Annotated[Path, flag("--out", "Folder for the cleaned files.")],
    masks: Annotated[
        Path | None,
        typer.Option(metavar="DATASET", help="Fill its masks, by photos' names; no model is run."),
    ] = None,
    model: Annotated[str, typer.Option(help="What finds the pixels to fill.")] = "dust",
    weights: Weights = None,
    device: Device = "auto",
    preset: Preset = None,
    settings: Settings = None,
    method: Annotated[Filling, typer.Option(help="Telea 2004 or Navier-Stokes.")] = Filling.TELEA,
    radius: Annotated[
        int, typer.Option(min=1, max=100, help="Pixels around a speck to fill from.")
    ] = 5,
    grow: Annotated[int, typer.Option(min=0, help="Widen each speck by so many pixels.")] = 2,
    overwrite: Annotated[bool, flag("--overwrite", "Replace files in the folder.")] = False,
    limit: Limit = None,
    as_json: Json = False,
) -> None:
    """Fill dust, or what masks mark, from its surroundings; all other pixels stay the same.

    A TIFF is written as TIFF, everything else as PNG, of the photo's own depth and channels.
    """
    with told(as_json, limit, cancelled=f"cancelled; what is done so far is in {target}"):
        options = FillOptions(method.value, radius, grow)
        sources = find_images(images)
        if masks is None:
            marks = ModelMarks(*_ready(model, preset, settings, weights, device))
            job = inpaint_files(marks, sources, target, filling=options, overwrite=overwrite)
        else:
            if unused := given(context, {"model", "weights", "device", "preset", "settings"}):
                got, remedy = ", ".join(unused), "leave that out, or --masks"
                raise InputError("masks are filled without a model", got=got, remedy=remedy)
            job = fill_masks(masks, sources, target, filling=options, overwrite=overwrite)
        report = run(job, as_json)
        print_json(_inpaint_json(report)) if as_json else _print_inpaint(report)
    if report.failures:
        raise typer.Exit(1)


def _inpaint_json(report: InpaintReport) -> dict[str, Any]:
    return {
        "images": [asdict(one) | {"path": str(one.path)} for one in report.filled],
        "failures": [{"path": str(one.path), **one.error.as_dict()} for one in report.failures],
        "notes": report.notes,
    }


def _print_inpaint(report: InpaintReport) -> None:
    for one in report.filled:
        told_of = f"{one.path}: {one.objects} objects, {one.pixels} pixels filled"
        out.print(escape("; ".join((told_of, *one.notes))), soft_wrap=True)
    for note in report.notes:
        err.print(f"[yellow]note:[/yellow] {escape(note)}", soft_wrap=True)
    for failure in report.failures:
        line = escape(f"{failure.path}: {failure.error}")
        err.print(f"[red]failed:[/red] {line}", soft_wrap=True)


def mine_command(
    model: Annotated[str, typer.Argument(help="See `segkit models`.")],
    images: Images,
    weights: Weights = None,
    device: Device = "auto",
    preset: Preset = None,
    settings: Settings = None,
    top: Annotated[int, typer.Option(help="How many to list.")] = 50,
    limit: Limit = None,
    as_json: Json = False,
) -> None:
    """Rank images: the most worth labelling first, those that the model is least sure of."""
    with told(as_json, limit):
        segmenter, params = _ready(model, preset, settings, weights, device)
        report = run(mine(segmenter, find_images(images), params=params), as_json)
        rows = report.ranked[:top]
        if as_json:
            print_json({"ranked": [asdict(one) | {"path": str(one.path)} for one in rows]})
        else:
            table = Table("doubt", "objects", "image")
            for one in rows:
                table.add_row(f"{one.doubt:.2f}", str(one.objects), escape(str(one.path)))
            out.print(table)
        for path, error in report.failures:
            err.print(escape(f"{path}: {error}"), soft_wrap=True)
    if report.failures:
        raise typer.Exit(1)


def bench_command(
    model: Annotated[str, typer.Argument(help="dust.")] = "dust",
    timer: Annotated[float, typer.Option(help="Seconds for each way.")] = 60,
    weights: Weights = None,
    as_json: Json = False,
) -> None:
    """Time the origin's pipeline and ours on torch and OpenVINO, in turns, in one run."""
    with told(as_json):
        if model != "dust":
            raise InputError("no benchmark of this model", expected="dust", got=model)
        report = run(bench_dust(timer=timer, weights=weights), as_json)
        if as_json:
            print_json(asdict(report))
            return
        base = next(row for row in report.rows if row.name == "origin, OpenVINO FP16")
        table = Table("way", "images", "median s", "mean s", "worst s", "times the origin")
        for row in report.rows:
            factor = f"{base.median_s / row.median_s:.2f}"
            figures = (f"{row.median_s:.3f}", f"{row.mean_s:.3f}", f"{row.worst_s:.3f}")
            table.add_row(row.name, str(row.images), *figures, factor)
        out.print(table)
        out.print(f"peak memory {report.peak_mb:.0f} MB; {escape(report.machine)}")
        for note in report.notes:
            out.print(escape(note))


def optimize_command(
    model: Annotated[str, typer.Argument(help="dust, eggpan or rings.")],
    target: Annotated[Path, flag("--out", "Folder for the optimised files.")],
    precision: Annotated[Numbers, typer.Option(help="16-bit floats or 8-bit integers.")],
    calibration: Annotated[
        Path | None, typer.Option(help="Dataset with images and masks; by default generated ones.")
    ] = None,
    validation: Annotated[
        Path | None, typer.Option(help="Dataset to compare on; by default the same.")
    ] = None,
    weights: Weights = None,
    as_json: Json = False,
) -> None:
    """Make weights smaller and faster for OpenVINO; refused where the result is worse."""
    with told(as_json):
        job = optimize(
            model,
            target,
            precision=precision.value,
            calibration=calibration,
            validation=validation,
            weights=weights,
        )
        done = run(job, as_json)
        if as_json:
            print_json(asdict(done) | {"path": str(done.path)})
            return
        change = f"{done.measure} {done.before:.4f} -> {done.after:.4f}"
        out.print(escape(f"{done.path}: {done.bytes / 1e6:.1f} MB, {change}"))
