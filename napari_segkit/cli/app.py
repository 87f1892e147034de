"""``segkit``: the same jobs as the docks', for scripts and servers.

Exit codes: 0 done; 1 some images failed, a dataset has faults, or the disk refused; 2 what was
given cannot be used; 130 cancelled (Ctrl+C, SIGTERM). With ``--json`` one JSON object goes to
standard output.
"""

import logging
import os
import sys
from dataclasses import asdict
from io import TextIOWrapper
from pathlib import Path
from typing import Annotated

import typer

from napari_segkit import __version__, jobs
from napari_segkit.cli import (
    data_commands,
    model_commands,
    propose_commands,
    replay_commands,
    sweep_command,
    synth_commands,
    train_commands,
)
from napari_segkit.cli.cvat_commands import cvat_app
from napari_segkit.cli.options import (
    FormatId,
    Grouping,
    Images,
    Json,
    Limit,
    Lossy,
    MaskValues,
    Merge,
    Overwrite,
    Source,
    Subset,
    Target,
    Values,
    parse_class_changes,
    parse_mask_values,
    parse_pairs,
)
from napari_segkit.cli.predict_large import is_by_bands, predict_one_large, with_remedies
from napari_segkit.cli.report import (
    describe_model,
    out,
    predict_json,
    print_json,
    print_models,
    print_predict,
    print_validation,
    print_written,
)
from napari_segkit.cli.run import end, heed_interrupts, run, told
from napari_segkit.cli.weights_commands import weights_app
from napari_segkit.data.boxes import read_boxes
from napari_segkit.data.dataset import WriteOptions
from napari_segkit.data.formats.classes import read_value_map
from napari_segkit.data.formats.indexed_png import IndexedPng
from napari_segkit.data.images import find_images
from napari_segkit.models.base import make_params
from napari_segkit.models.registry import get_model, model_ids

app = typer.Typer(
    name="segkit",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
data_commands.register(app)
synth_commands.register(app)
propose_commands.register(app)
replay_commands.register(app)
model_commands.register(app)
train_commands.register(app)
sweep_command.register(app)
app.add_typer(cvat_app, name="cvat")
app.add_typer(weights_app, name="weights")


def _version(wanted: bool) -> None:
    if wanted:
        out.print(f"segkit {__version__}", highlight=False)
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say which.")
    ] = False,
) -> None:
    """Segment images, and read, check and write the masks."""


def main() -> None:
    """Entry point of ``segkit`` and ``python -m napari_segkit``."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by the shell: >&-
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115  till the end
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a name must not break the table
    logging.basicConfig(format="%(levelname)s: %(message)s")
    heed_interrupts()
    sys.exit(end(lambda: app(standalone_mode=False), sys.argv))


@app.command()
def models(as_json: Json = False) -> None:
    """List the models: what they find, what they can be told, their presets."""
    with told(as_json):
        rows = [describe_model(get_model(name)) for name in model_ids()]
        print_json({"models": rows}) if as_json else print_models(rows)


@app.command()
def predict(
    context: typer.Context,
    model: Annotated[str, typer.Argument(help="See `segkit models`.")],
    images: Annotated[list[Path], typer.Argument(help="Files, folders, glob patterns.")],
    target: Annotated[Path, typer.Option("--out", help="Folder or .zip to write.")],
    format_id: FormatId = "cvat-mask",
    weights: Annotated[Path | None, typer.Option(help="Weights file of the model.")] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
    backend: Annotated[str, typer.Option(help="auto, torch or openvino.")] = "auto",
    boxes: Annotated[Path | None, typer.Option(help="JSON file of box prompts.")] = None,
    preset: Annotated[str | None, typer.Option(help="Named parameters of the model.")] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="One parameter.")
    ] = None,
    subset: Subset = "default",
    with_images: Images = False,
    instances: Merge = Grouping.SEPARATE,
    mask_values: MaskValues = None,
    overlays: Annotated[Path | None, typer.Option(help="Folder for pictures of results.")] = None,
    overwrite: Overwrite = False,
    limit: Limit = None,
    as_json: Json = False,
) -> None:
    """Segment images and write the masks as a dataset."""
    left = f"no dataset was written, pictures so far are in {overlays}"
    with told(
        as_json, limit, cancelled=f"cancelled; {left if overlays else 'nothing was written'}"
    ):
        chosen, chosen_values = get_model(model), parse_mask_values(mask_values, format_id)
        params = make_params(chosen, preset, parse_pairs(settings or [], "--set"))
        by_bands = is_by_bands(chosen, images, context)
        segmenter = chosen()
        segmenter.load(weights, device=device, backend=backend)
        if by_bands:
            predict_one_large(
                segmenter, images[0], target, params, overwrite=overwrite, as_json=as_json
            )
            return
        report = run(
            jobs.predict_files(
                segmenter,
                find_images(images),
                target,
                params=params,
                boxes=None if boxes is None else read_boxes(boxes),
                format_id=format_id,
                options=WriteOptions(
                    subset, with_images, instances.value, overwrite, chosen_values
                ),
                overlays=overlays,
            ),
            as_json,
        )
        report = with_remedies(report, chosen)
        print_json(predict_json(report)) if as_json else print_predict(report, overlays)
    if report.failures:
        raise typer.Exit(1)


@app.command()
@app.command("convert")
def export(
    source: Source,
    target: Target,
    format_id: FormatId = "cvat-mask",
    subset: Subset = "default",
    with_images: Images = False,
    instances: Merge = Grouping.SEPARATE,
    mask_values: MaskValues = None,
    rename: Annotated[
        list[str] | None, typer.Option(metavar="OLD=NEW", help="Rename a class.")
    ] = None,
    color: Annotated[
        list[str] | None, typer.Option(metavar="OLD=R,G,B", help="Recolour a class.")
    ] = None,
    values: Values = None,
    lossy: Lossy = False,
    overwrite: Overwrite = False,
    limit: Limit = None,
    as_json: Json = False,
) -> None:
    """Write a dataset in any format: as folder or archive, classes renamed or recoloured."""
    with told(as_json, limit):
        chosen_values = parse_mask_values(mask_values, format_id)
        job = jobs.convert(
            source,
            target,
            format_id=format_id,
            options=WriteOptions(subset, with_images, instances.value, overwrite, chosen_values),
            class_changes=parse_class_changes(rename or [], color or []),
            source_format=None if values is None else IndexedPng(read_value_map(values)),
            lossy=lossy,
        )
        report = run(job, as_json)
        print_json(asdict(report)) if as_json else print_written(report)


@app.command()
def validate(
    path: Source,
    limit: Limit = None,
    as_json: Json = False,
) -> None:
    """List every fault of a dataset: file, what is wrong, what to do; exit code 1 for errors."""
    with told(as_json, limit):
        result = run(jobs.validate(path), as_json)
        print_json(asdict(result) | {"ok": result.ok}) if as_json else print_validation(result)
    if not result.ok:
        raise typer.Exit(1)
