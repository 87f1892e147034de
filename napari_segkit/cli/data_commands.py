"""``segkit import`` and ``segkit profile``: prepare a dataset, and look at what is in it."""

from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from napari_segkit.cli.options import (
    FormatId,
    Grouping,
    Images,
    Json,
    Limit,
    Lossy,
    Merge,
    Overwrite,
    Source,
    Subset,
    Target,
    Values,
    flag,
)
from napari_segkit.cli.report import count, err, out, print_json, print_written
from napari_segkit.cli.run import run, told
from napari_segkit.data.dataset import WriteOptions
from napari_segkit.data.formats.classes import read_value_map
from napari_segkit.data.formats.indexed_png import IndexedPng
from napari_segkit.data.mask_boxes import BoxFile
from napari_segkit.data.pixels import ImageFinder
from napari_segkit.data.prepare import Recipe
from napari_segkit.data.profile.rules import KINDS
from napari_segkit.data.splits import parse_split
from napari_segkit.errors import ParamsError
from napari_segkit.jobs.prepare import ImportReport, Preparation, import_dataset
from napari_segkit.jobs.profile import Profile, check_page, profile, write_page


class BoxStyle(StrEnum):
    """Which program reads the boxes."""

    OWN = "own"
    RINGS = "rings"


PadSquare = Annotated[bool, flag("--pad-square", "First fill up with black to a square.")]
Resize = Annotated[
    str | None, typer.Option(metavar="N|WxH", help="Then scale; masks by nearest pixel.")
]
Tiles = Annotated[
    int | None, typer.Option(metavar="N", help="Then cut into NxN tiles, NAME_ROW_COLUMN.")
]
Overlap = Annotated[int, flag("--overlap", "Pixels that neighbouring tiles share.")]
KeepEmpty = Annotated[bool, flag("--keep-empty", "Keep tiles without objects.")]
SplitText = Annotated[
    str | None,
    typer.Option(
        metavar="NAME=SHARE,…",
        help="One dataset per subset, such as train=0.8,valid=0.1,test=0.1, by a hash of the "
        "image's name.",
    ),
]
SplitList = Annotated[
    Path | None, flag("--split-list", "By a list: lines NAME,SUBSET, or split.json of an import.")
]
Boxes = Annotated[
    Path | None, flag("--boxes", "Also write boxes around the masks to this JSON file.")
]
BoxesAs = Annotated[
    BoxStyle, flag("--boxes-as", "A box per object, or the ring project's annotations.json.")
]
Jitter = Annotated[
    int, flag("--jitter", "Move box sides outward by 0 to this many pixels, by chance.")
]
Seed = Annotated[int, flag("--seed", "Of the jitter.")]
Photos = Annotated[
    Path | None, flag("--images-from", "Folder of the images that the dataset lacks itself.")
]
SkipBad = Annotated[
    bool, flag("--skip-bad", "Leave out images that cannot be read; then exit code 1.")
]
Page = Annotated[Path | None, flag("--out", "HTML file to write.")]


def register(app: typer.Typer) -> None:
    """Add the commands to ``segkit``."""
    app.command("import")(import_)
    app.command("profile")(profile_)


def import_(
    source: Source,
    target: Target,
    format_id: FormatId = "cvat-mask",
    pad_square: PadSquare = False,
    resize: Resize = None,
    tiles: Tiles = None,
    overlap: Overlap = 0,
    keep_empty: KeepEmpty = False,
    split: SplitText = None,
    split_list: SplitList = None,
    boxes: Boxes = None,
    boxes_as: BoxesAs = BoxStyle.OWN,
    jitter: Jitter = 0,
    seed: Seed = 0,
    images_from: Photos = None,
    subset: Subset = "default",
    with_images: Images = True,
    instances: Merge = Grouping.SEPARATE,
    skip_bad: SkipBad = False,
    values: Values = None,
    lossy: Lossy = False,
    overwrite: Overwrite = False,
    limit: Limit = None,
    as_json: Json = False,
) -> None:
    """Read a dataset and write it ready for training: padded, resized, tiled, split, with boxes."""
    with told(as_json, limit):
        if split and split_list:
            raise ParamsError("both --split and --split-list", expected="one of them")
        preparation = Preparation(
            recipe=Recipe(pad_square, _size(resize), tiles, overlap),
            keep_empty=keep_empty,
            split=parse_split(split) if split else split_list,
            boxes=BoxFile(boxes, boxes_as.value, jitter, seed) if boxes else None,
            images=ImageFinder(images_from) if images_from else None,
            skip_bad=skip_bad,
            lossy=lossy,
            source_format=IndexedPng(read_value_map(values)) if values else None,
        )
        options = WriteOptions(subset, with_images, instances.value, overwrite)
        report = run(
            import_dataset(
                source, target, preparation=preparation, format_id=format_id, options=options
            ),
            as_json,
        )
        print_json(_import_json(report)) if as_json else _print_import(report)
    if report.failures:
        raise typer.Exit(1)


def profile_(
    dataset: Source,
    page: Page = None,
    images_from: Photos = None,
    overwrite: Overwrite = False,
    limit: Limit = None,
    as_json: Json = False,
) -> None:
    """Show sizes, balance, brightness and likely mistakes of a dataset in one offline HTML file."""
    with told(as_json, limit):
        if page is not None:
            check_page(page, overwrite=overwrite)
        finder = ImageFinder(images_from) if images_from else None
        result = run(profile(dataset, images=finder, pictures=page is not None), as_json)
        if page is not None:
            write_page(result, page)
        print_json(result.as_dict()) if as_json else _print_profile(result, page)


def _size(text: str | None) -> tuple[int, int] | None:
    """(H, W) of ``N`` or ``WxH``."""
    if text is None:
        return None
    width, cross, height = text.lower().partition("x")
    try:
        return int(height if cross else width), int(width)
    except ValueError as error:
        raise ParamsError("not a size", expected="N or WxH in pixels", got=text) from error


def _import_json(report: ImportReport) -> dict[str, Any]:
    return {
        "sources": report.sources,
        "written": {subset: asdict(one) for subset, one in report.written.items()},
        "dropped_tiles": report.dropped,
        "vanished_objects": report.vanished,
        "failures": {name: error.as_dict() for name, error in report.failures.items()},
        "notes": report.notes,
    }


def _print_import(report: ImportReport) -> None:
    for one in report.written.values():
        print_written(one)
    out.print(f"made from {count(report.sources, 'image')}")
    for note in report.notes:
        err.print(f"[yellow]note:[/yellow] {escape(note)}", soft_wrap=True)
    for name, error in report.failures.items():
        err.print(f"[red]left out:[/red] {escape(name)}: {escape(str(error))}", soft_wrap=True)


def _print_profile(result: Profile, page: Path | None) -> None:
    found = result.summary
    out.print(
        f"{count(found.images, 'image')}, {count(found.objects, 'object')}, "
        f"classes: {len(found.classes)}, without objects: {count(found.empty, 'image')}",
        highlight=False,
    )
    for kind, number in result.counts().items():
        out.print(f"  {number:5d}  {KINDS[kind][0]}", highlight=False)
    if not result.suspects:
        out.print("nothing looks wrong")
    for note in result.notes:
        err.print(f"[yellow]note:[/yellow] {escape(note)}", soft_wrap=True)
    if page is not None:
        out.print(f"report -> {escape(str(page))}", soft_wrap=True)
