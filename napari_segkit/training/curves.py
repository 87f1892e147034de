"""Curves of a training as one SVG file: the loss and every measure over the epochs."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_WIDTH, _HEIGHT, _GAP, _COLUMNS = 300, 150, 24, 3
_NOT_DRAWN = ("epoch", "seconds", "images_per_s")
_STYLE = (
    "text{font:12px sans-serif;fill:#5c6675}.name{font-weight:bold;fill:#1c2330}"
    "polyline{fill:none;stroke:#3f7fbf;stroke-width:2}.frame{fill:none;stroke:#dde1e7}"
)


def curves_svg(rows: Sequence[Mapping[str, float]]) -> str:
    """A small plot for each column but the times, with its first, last and extreme values."""
    names = [n for n in dict.fromkeys(n for row in rows for n in row) if n not in _NOT_DRAWN]
    cell = _WIDTH + _GAP, _HEIGHT + 2 * _GAP
    plots = []
    for place, name in enumerate(names):
        points = [
            (row["epoch"], row[name])
            for row in rows
            if row.get(name, float("nan")) == row.get(name)
        ]
        if points:
            down, across = divmod(place, _COLUMNS)
            plots.append(
                f'<g transform="translate({across * cell[0] + _GAP},{down * cell[1] + _GAP})">'
                f"{_plot(name, points)}</g>"
            )
    width = _COLUMNS * cell[0] + _GAP
    height = -(-len(names) // _COLUMNS) * cell[1] + _GAP
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}"><style>{_STYLE}</style>'
        f'<rect width="100%" height="100%" fill="#fff"/>{"".join(plots)}</svg>\n'
    )


def _plot(name: str, points: Sequence[tuple[float, float]]) -> str:
    low, high = (extreme(value for _, value in points) for extreme in (min, max))
    first, last = points[0][0], points[-1][0]
    line = " ".join(
        f"{_WIDTH * _share(epoch, first, last):.1f},{_HEIGHT * (1 - _share(value, low, high)):.1f}"
        for epoch, value in points
    )
    return (
        f'<text class="name" y="-5">{escape(name)}</text>'
        f'<text text-anchor="end" x="{_WIDTH}" y="-5">{low:.3g} to {high:.3g}, '
        f"last {points[-1][1]:.3g}</text>"
        f'<rect class="frame" width="{_WIDTH}" height="{_HEIGHT}"/>'
        f'<polyline points="{line}"/>'
        f'<text y="{_HEIGHT + 14}">epoch {first:.0f}</text>'
        f'<text text-anchor="end" x="{_WIDTH}" y="{_HEIGHT + 14}">{last:.0f}</text>'
    )


def _share(value: float, low: float, high: float) -> float:
    return (value - low) / (high - low) if high > low else 0.5
