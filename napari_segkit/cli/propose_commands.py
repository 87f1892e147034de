"""``segkit propose``, ``name-clusters`` and ``self-train``: photos that have no masks yet."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from napari_segkit.cli.report import out as console
from napari_segkit.cli.report import print_json, print_written
from napari_segkit.cli.run import run, told
from napari_segkit.cli.train_commands import typed_values
from napari_segkit.data.dataset import WriteOptions
from napari_segkit.data.images import find_images
from napari_segkit.jobs.propose import NAMES, Proposing, name_clusters, propose
from napari_segkit.jobs.self_train import self_train
from napari_segkit.training.config import read_config

Images = Annotated[list[Path], typer.Argument(help="Files, folders, glob patterns.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")]


def register(app: typer.Typer) -> None:
    """Add the commands to ``segkit``."""
    app.command("propose")(propose_)
    app.command("name-clusters")(name_clusters_)
    app.command("self-train")(self_train_)


def propose_(
    images: Images,
    out: Annotated[Path, typer.Option(help="Folder for proposals, examples and names.toml.")],
    clusters: Annotated[int, typer.Option(help="How many kinds of regions you will name.")] = 12,
    parts: Annotated[int, typer.Option(help="Kinds of pixels within an image.")] = 8,
    least: Annotated[float, typer.Option(help="Smallest region, as a share of its image.")] = 0.01,
    weights: Annotated[
        Path | None, typer.Option(help="Network whose features are used, too.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Find regions in photos without masks and cluster them; you name the clusters."""
    with told(as_json):
        settings = Proposing(clusters, parts, least, weights)
        report = run(propose(find_images(images), out, settings=settings), as_json)
        if as_json:
            print_json(asdict(report))
            return
        print_written(report)
        console.print(
            f"fill in {out / NAMES}, then: segkit name-clusters {out} --out DATASET", soft_wrap=True
        )


def name_clusters_(
    proposals: Annotated[Path, typer.Argument(help="Folder that `segkit propose` wrote.")],
    out: Annotated[Path, typer.Option(help="Folder or .zip to write.")],
    format_id: Annotated[str, typer.Option("--format", help="As `segkit export`.")] = "cvat-mask",
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the dataset.")] = False,
    as_json: Json = False,
) -> None:
    """Write the clusters that were named as a dataset."""
    with told(as_json):
        options = WriteOptions(include_images=True, overwrite=overwrite)
        report = run(name_clusters(proposals, out, format_id=format_id, options=options), as_json)
        print_json(asdict(report)) if as_json else print_written(report)


def self_train_(
    model: Annotated[str, typer.Argument(help="dust or eggpan.")],
    dataset: Annotated[Path, typer.Argument(help="Labelled images.")],
    images: Images,
    out: Annotated[Path, typer.Option(help="Folder; every round has its own in it.")],
    valid: Annotated[Path, typer.Option(help="Dataset to judge every round by.")],
    rounds: Annotated[int, typer.Option(help="How often photos are predicted.")] = 1,
    sure: Annotated[float, typer.Option(help="Least score of every object of a photo.")] = 0.9,
    config: Annotated[Path | None, typer.Option(help="TOML file of settings.")] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="One setting.")
    ] = None,
    init: Annotated[Path | None, typer.Option(help="Weights that every round starts from.")] = None,
    as_json: Json = False,
) -> None:
    """Train on labelled images, then also on photos that the model is sure of."""
    with told(as_json):
        from napari_segkit.training.tasks import get_task

        changes = typed_values(settings or [])
        job = self_train(
            model,
            dataset,
            find_images(images),
            out,
            config=read_config(config, changes, get_task(model).defaults),
            valid=valid,
            rounds=rounds,
            sure=sure,
            init=init,
        )
        report = run(job, as_json)
        if as_json:
            print_json(asdict(report))
            return
        for number, one in enumerate(report.rounds):
            best = "  (best)" if one is report.best else ""
            console.print(f"round {number}: {one.kept} photos, score {one.score:.3f}{best}")
