"""Plots as inline SVG, in the colours of the page (its CSS sets ``--bar`` and ``--faint``)."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_segkit.data.profile.summary import Distribution

_WIDTH, _HEIGHT, _LEFT, _FOOT, _TOP = 320, 150, 8, 34, 18


def number(value: float) -> str:
    """A number for people: three digits that count, thousands apart."""
    if value != value or abs(value) == float("inf"):
        return "–"
    if abs(value) >= 1000 or value == int(value):
        return f"{value:,.0f}".replace(",", "\N{NARROW NO-BREAK SPACE}")
    return f"{value:.3g}"


def counted(count: int, noun: str) -> str:
    """A number with its noun, one or more."""
    return f"{number(count)} {noun}{'' if count == 1 else 'es' if noun.endswith('s') else 's'}"


def histogram(data: Distribution) -> str:
    """A histogram with its least and largest value, and a line at the median."""
    if not data.count:
        return '<p class="none">no values</p>'
    plot = _WIDTH - 2 * _LEFT, _HEIGHT - _FOOT - _TOP
    highest, bins = max(data.counts), len(data.counts)
    step = plot[0] / bins
    bars = []
    for place, count in enumerate(data.counts):
        tall = plot[1] * count / highest
        tip = f"{number(data.edges[place])} to {number(data.edges[place + 1])}: {number(count)}"
        bars.append(
            f'<rect class="bar" x="{_LEFT + place * step + 0.5:.1f}" '
            f'y="{_TOP + plot[1] - tall:.1f}" width="{max(step - 1, 0.5):.1f}" '
            f'height="{tall:.1f}"><title>{escape(tip)}</title></rect>'
        )
    median = _LEFT + plot[0] * _share(data.quantiles[2], data)
    floor = _TOP + plot[1]
    spread = data.edges if data.logarithmic else data.quantiles  # bins of counts begin at -0.5
    anchor = "start" if median < _WIDTH / 3 else "end" if median > 2 * _WIDTH / 3 else "middle"
    return (
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(data.title)}">'
        f"{''.join(bars)}"
        f'<line class="axis" x1="{_LEFT}" x2="{_WIDTH - _LEFT}" y1="{floor}" y2="{floor}"/>'
        f'<line class="median" x1="{median:.1f}" x2="{median:.1f}" y1="{_TOP - 2}" y2="{floor}"/>'
        f'<text class="mid" text-anchor="{anchor}" x="{median:.1f}" y="12">median '
        f"{number(data.quantiles[2])}</text>"
        f'<text x="{_LEFT}" y="{floor + 14}">{number(spread[0])}</text>'
        f'<text text-anchor="end" x="{_WIDTH - _LEFT}" y="{floor + 14}">'
        f"{number(spread[-1])}</text>"
        f'<text text-anchor="middle" x="{_WIDTH / 2}" y="{floor + 28}">'
        f"{escape(data.unit)}{' (log. scale)' if data.logarithmic else ''}</text></svg>"
    )


def _share(value: float, data: Distribution) -> float:
    """Where a value lies between the first and the last edge, 0 to 1."""
    low, high = data.edges[0], data.edges[-1]
    if data.logarithmic:
        value, low, high = (float(np.log(v)) for v in (value, low, high))
    return min(max((value - low) / (high - low), 0.0), 1.0) if high > low else 0.5


def heat_map(cells: Sequence[Sequence[float]]) -> str:
    """A grid of cells, the brighter the more often objects cover them."""
    side, cell = len(cells), 8
    highest = max((max(row) for row in cells), default=0.0) or 1.0
    squares = [
        f'<rect x="{cell * x}" y="{cell * y}" width="{cell}" height="{cell}" '
        f'fill="{_heat(value / highest)}"><title>{100 * value:.1f} %</title></rect>'
        for y, row in enumerate(cells)
        for x, value in enumerate(row)
    ]
    return (
        f'<svg viewBox="0 0 {cell * side} {cell * side}" class="heat" shape-rendering="crispEdges" '
        f'role="img" aria-label="positions of objects">{"".join(squares)}</svg>'
        f'<div class="scale"><i></i>0 to {100 * highest:.0f} % of the images</div>'
    )


HEAT = ((13, 16, 48), (72, 28, 109), (160, 48, 96), (231, 111, 52), (252, 222, 120))
"""Colours from nothing to the most, RGB."""


def _heat(share: float) -> str:
    place = share * (len(HEAT) - 1)
    below = min(int(place), len(HEAT) - 2)
    mix = place - below
    red, green, blue = (
        round((1 - mix) * a + mix * b) for a, b in zip(HEAT[below], HEAT[below + 1], strict=True)
    )
    return f"#{red:02x}{green:02x}{blue:02x}"


def bars(rows: Sequence[tuple[str, float, str, str]]) -> str:
    """Lying bars.

    Parameters
    ----------
    rows
        (name, value, text behind the bar, CSS colour or "").
    """
    highest = max((value for _, value, _, _ in rows), default=0) or 1
    lines = [
        f'<tr><th title="{escape(name)}">{escape(name)}</th><td class="bars"><span '
        f'style="width:{100 * value / highest:.2f}%;{f"background:{color}" if color else ""}">'
        f'</span></td><td class="num">{escape(text)}</td></tr>'
        for name, value, text, color in rows
    ]
    return f'<table class="bar-table">{"".join(lines)}</table>'
