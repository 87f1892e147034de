"""The guide's table is what the formats declare."""

from __future__ import annotations

from pathlib import Path

from napari_segkit.data.formats.base import Capabilities
from napari_segkit.data.formats.registry import FORMATS

GUIDE = Path(__file__).parents[3] / "docs" / "guide" / "formats.md"


def row(name: str, can: Capabilities) -> list[str]:
    return [
        f"`{name}`",
        can.holes,
        can.parts,
        "kept" if can.touching else "merged",
        str(can.max_instances or "any"),
        str(can.classes or "any"),
        "kept" if can.scores else "lost",
        "kept" if can.colors else "lost",
        "can be" if can.overlap else "none",
    ]


def test_the_table_says_what_each_format_holds() -> None:
    lines = [line for line in GUIDE.read_text(encoding="utf-8").splitlines() if line[:3] == "| `"]
    table = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    assert table == [row(name, form.capabilities) for name, form in FORMATS.items()]
