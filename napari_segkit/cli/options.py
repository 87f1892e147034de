"""Options that are typed as NAME=VALUE."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_segkit.errors import ParamsError
from napari_segkit.jobs import ClassChange

if TYPE_CHECKING:
    from collections.abc import Sequence


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
