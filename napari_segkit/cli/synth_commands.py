"""``segkit synth``: make labelled images."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from napari_segkit.cli.options import parse_pairs
from napari_segkit.cli.report import print_json, print_written
from napari_segkit.cli.run import run, told
from napari_segkit.data.dataset import WriteOptions
from napari_segkit.data.formats.registry import FORMATS
from napari_segkit.jobs.synth import synthesise
from napari_segkit.models.base import checked
from napari_segkit.synth.registry import KINDS, get_generator


def register(app: typer.Typer) -> None:
    """Add the command to ``segkit``."""
    app.command("synth")(synth)


def synth(
    kind: Annotated[str, typer.Argument(help=f"One of: {', '.join(KINDS)}.")],
    out: Annotated[Path, typer.Option(help="Folder or .zip to write.")],
    count: Annotated[int, typer.Option("--n", help="How many images.")],
    seed: Annotated[int, typer.Option(help="The same seed makes the same images.")] = 0,
    size: Annotated[int | None, typer.Option(help="Longer side in pixels.")] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="One option.")
    ] = None,
    format_id: Annotated[
        str | None, typer.Option("--format", help=f"One of: {', '.join(FORMATS)}.")
    ] = None,
    quality: Annotated[
        int | None, typer.Option("--jpeg", metavar="QUALITY", help="JPEG files instead of PNG.")
    ] = None,
    processes: Annotated[int, typer.Option("--jobs", help="How many processes work.")] = 1,
    subset: Annotated[str, typer.Option(help="Name of the list of images.")] = "default",
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace the dataset at the target.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object instead of text.")
    ] = False,
) -> None:
    """Make labelled images for training and for trying things out: coins, dust, eggs and pans."""
    with told(as_json):
        typed: dict[str, object] = dict(parse_pairs(settings or [], "--set"))
        if size is not None:
            typed["size"] = size
        job = synthesise(
            kind,
            out,
            count=count,
            seed=seed,
            options=checked(get_generator(kind).Options, typed, where=kind),
            format_id=format_id,
            writing=WriteOptions(subset, include_images=True, overwrite=overwrite),
            quality=quality,
            processes=processes,
        )
        report = run(job, as_json)
        print_json(asdict(report)) if as_json else print_written(report)
