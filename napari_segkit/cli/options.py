"""Arguments and options that several commands have, and those that are typed as NAME=VALUE."""

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from napari_segkit.data.formats.registry import FORMATS
from napari_segkit.errors import ParamsError
from napari_segkit.jobs import ClassChange


class Grouping(StrEnum):
    """How many objects an image gets in the dataset."""

    SEPARATE = "separate"
    MERGE = "merge"


def flag(name: str, text: str) -> Any:
    """An option and its help."""
    return typer.Option(name, help=text)


Source = Annotated[Path, typer.Argument(help="Dataset: a folder or an archive.")]
Target = Annotated[Path, typer.Argument(help="Folder or .zip to write.")]
Json = Annotated[bool, flag("--json", "Print one JSON object instead of text.")]
FormatId = Annotated[str, flag("--format", f"One of: {', '.join(FORMATS)}.")]
Subset = Annotated[str, flag("--subset", "Name of the list of images, such as default or Train.")]
Images = Annotated[bool, flag("--images/--no-images", "Write the images, too.")]
Merge = Annotated[
    Grouping, flag("--instances", "separate objects, or merge them to one per class and image.")
]
Values = Annotated[
    str | None,
    typer.Option(metavar="FILE", help="Read masks of values: classes.json, rings or egg-pan."),
]
MaskValues = Annotated[
    str | None,
    typer.Option(
        metavar="NAME=VALUE,…",
        help="Values in indexed-png masks, such as egg=128,pan=255; by default 1, 2, …",
    ),
]
Lossy = Annotated[bool, flag("--lossy", "Write what the format cannot wholly hold, too.")]
Overwrite = Annotated[bool, flag("--overwrite", "Replace what is at the target.")]
Limit = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME=SIZE",
        help="Raise a limit for files from elsewhere: pixels=400M, total=20GB, file=, files=, "
        "ratio=, text=.",
    ),
]


def parse_mask_values(text: str | None, format_id: str) -> dict[str, int]:
    """Value of each class by its name.

    Raises
    ------
    ParamsError
        Where it is not such a list, a value is not 1 to 255, or the format has no values.
    """
    if text is None:
        return {}
    if format_id != "indexed-png":
        raise ParamsError(
            "--mask-values is for masks of values", expected="--format indexed-png", got=format_id
        )
    pairs = parse_pairs(text.split(","), "--mask-values")
    for name, value in pairs.items():
        if not value.isascii() or not value.isdigit() or not 1 <= int(value) <= 255:
            raise ParamsError(
                "no value of a mask", where=f"--mask-values {name}", expected="1 to 255", got=value
            )
    return {name: int(value) for name, value in pairs.items()}


def parse_pairs(texts: Sequence[str], option: str) -> dict[str, str]:
    """Values by name.

    Raises
    ------
    ParamsError
        Where a text is not NAME=VALUE.
    """
    pairs = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not (name and equals):
            raise ParamsError(f"{option} {text}", expected=f"{option} NAME=VALUE", got=text)
        pairs[name.strip()] = value.strip()
    return pairs


def parse_class_changes(rename: Sequence[str], color: Sequence[str]) -> dict[str, ClassChange]:
    """Changes by old name, from ``OLD=NEW`` and ``OLD=R,G,B``."""
    names, colors = parse_pairs(rename, "--rename"), parse_pairs(color, "--color")
    for old, new in names.items():
        if not new:
            raise ParamsError(f"--rename {old}=", expected="a new name", got="nothing")
    return {
        old: ClassChange(names.get(old), _color(colors[old]) if old in colors else None)
        for old in names | colors
    }


def _color(text: str) -> tuple[int, int, int]:
    try:
        red, green, blue = (int(part) for part in text.split(","))
    except ValueError as error:
        raise ParamsError("not a colour", expected="R,G,B, 0 to 255 each", got=text) from error
    return red, green, blue
