"""A sweep as one HTML file that loads nothing: table, plot by rank, pictures of three weights."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from napari_segkit.data.profile.style import CSS
from napari_segkit.training.evaluation_page import PAGE_STYLE, worst_images

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from napari_segkit.training.judging import Judged

_WIDTH, _HEIGHT, _LEFT, _FOOT = 640, 260, 46, 30
_COLOURS = {"train": "#3f7fbf", "test": "#c2571a", "folds": "#2c8a57"}


@dataclass(frozen=True)
class SweepRow:
    """One rank on one dataset; rank 0 is the base without an adapter.

    ``data`` is train, test, or folds: the mean of a cross-validation, in which no image is judged
    by an adapter that saw it.
    """

    rank: int
    data: str
    metrics: Mapping[str, float]


def sweep_page(
    dataset: str, rows: Sequence[SweepRow], judged: Mapping[tuple[int, str], Judged]
) -> str:
    """Make the page.

    Parameters
    ----------
    judged
        (rank, data) -> answers with pictures; rank 0 is the bare base.
    """
    title = f"Ranks of an adapter on {dataset}"
    names = list(dict.fromkeys(key for row in rows for key in row.metrics if key != "score"))
    head = "".join(f"<th>{escape(name.replace('_', ' '))}</th>" for name in names)
    lines = [
        f"<tr><td>{_name(row.rank)}</td><td>{row.data}</td>"
        + "".join(
            f"<td>{row.metrics[name]:.3f}</td>" if name in row.metrics else "<td>–</td>"
            for name in names
        )
        + "</tr>"
        for row in rows
    ]
    table = f"<table><tr><th>rank</th><th>data</th>{head}</tr>{''.join(lines)}</table>"
    pictures = "".join(
        worst_images(judged[rank, data], f"{_name(rank)} on {data}")
        for data in dict.fromkeys(data for _, data in judged)
        for rank in _shown(rows, data)
    )
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
        "img-src data:; style-src 'unsafe-inline'\">"
        f"<title>{escape(title)}</title><style>{CSS}{PAGE_STYLE}</style></head>"
        f"<body><main><header><h1>{escape(title)}</h1></header>{rank_plot(rows)}{table}"
        f"{pictures}</main></body></html>\n"
    )


def _name(rank: int) -> str:
    return f"rank {rank}" if rank else "bare base"


def _shown(rows: Sequence[SweepRow], data: str) -> list[int]:
    """Ranks with pictures: the base, the best and the worst."""
    ranked = sorted((row.metrics["dice"], row.rank) for row in rows if row.data == data)
    ranked = [one for one in ranked if one[1]]
    return list(dict.fromkeys([0, *([ranked[-1][1], ranked[0][1]] if ranked else [])]))


def rank_plot(rows: Sequence[SweepRow]) -> str:
    """Dice by rank, a line for each kind of data; the bare base is a dashed line."""
    ranks = sorted({row.rank for row in rows if row.rank})
    values = [row.metrics["dice"] for row in rows]
    low, high = min(values) - 0.01, min(1.0, max(values) + 0.01)

    def at(rank: int, value: float) -> tuple[float, float]:
        x = _LEFT + (_WIDTH - _LEFT - 80) * (ranks.index(rank) + 0.5) / max(1, len(ranks))
        return x, (_HEIGHT - _FOOT) * (1 - (value - low) / (high - low))

    parts = []
    for data, colour in _COLOURS.items():
        found = [(row.rank, row.metrics["dice"]) for row in rows if row.data == data]
        line = [at(rank, value) for rank, value in sorted(found) if rank]
        if not line:
            continue
        points = " ".join(f"{x:.1f},{y:.1f}" for x, y in line)
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}"/>')
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in line]
        parts.append(
            f'<text x="{_WIDTH - 76}" y="{line[-1][1] + 4:.1f}" fill="{colour}">{data}</text>'
        )
        for _, value in (one for one in found if one[0] == 0):
            y = at(ranks[0], value)[1]
            parts.append(
                f'<line x1="{_LEFT}" x2="{_WIDTH - 80}" y1="{y:.1f}" y2="{y:.1f}" '
                f'stroke="{colour}" stroke-dasharray="5 4"/>'
            )
    parts += [
        f'<text x="{at(rank, low)[0]:.1f}" y="{_HEIGHT - 10}" text-anchor="middle">{rank}</text>'
        for rank in ranks
    ]
    parts += [
        f'<text x="4" y="{at(ranks[0], value)[1] + 4:.1f}">{value:.3f}</text>'
        for value in (low, high)
    ]
    return (
        f'<svg viewBox="0 -8 {_WIDTH} {_HEIGHT}" width="{_WIDTH}" role="img" '
        f'aria-label="Dice by rank" font-size="12">{"".join(parts)}</svg>'
        "<p>Dice by rank; dashed: the bare base.</p>"
    )
