"""An evaluation as one HTML file that loads nothing: tables, and pictures of the worst images."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

import numpy as np

from napari_segkit.data.profile.pictures import data_address
from napari_segkit.data.profile.style import CSS
from napari_segkit.ops.overlays import draw_overlay
from napari_segkit.ops.resizing import resize_image

if TYPE_CHECKING:
    from napari_segkit.training.judging import Evaluation, Judged
    from napari_segkit.types import Image, Segmentation

_SIDE = 640
PAGE_STYLE = """
table { border-collapse: collapse; margin: 12px 0; background: var(--card); }
td, th { border: 1px solid var(--line); padding: 4px 10px; text-align: right; }
th:first-child, td:first-child { text-align: left; }
.card.pair { width: 100%; }
.figures img { width: calc(50% - 5px); height: auto; max-width: none; max-height: none; }
"""


def picture(image: Image, answer: Segmentation) -> str:
    """A small picture with outlines as a ``data:`` address."""
    drawn = draw_overlay(image, answer)
    scale = min(1.0, _SIDE / max(drawn.shape[:2]))
    height, width = (max(1, round(length * scale)) for length in drawn.shape[:2])
    return data_address(np.asarray(resize_image(drawn, (height, width))))


def evaluation_page(result: Evaluation) -> str:
    """Make the page; every name in it is escaped."""
    title = f"{result.model} on {result.dataset}"
    count = len(result.judged[0].images)
    body = "".join(
        (
            f"<header><h1>{escape(title)}</h1><p>{count} images. A found object is a true one "
            f"from an IoU of {result.touch:g}.</p></header>",
            _table("All classes", {one.weights: one.verdict.overall for one in result.judged}),
            *(
                _table(name, {one.weights: one.verdict.classes[name] for one in result.judged})
                for name in result.judged[0].verdict.classes
            ),
            *(worst_images(one, f"Worst images: {one.weights}") for one in result.judged),
        )
    )
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
        "img-src data:; style-src 'unsafe-inline'\">"
        f"<title>{escape(title)}</title><style>{CSS}{PAGE_STYLE}</style></head>"
        f"<body><main>{body}</main></body></html>\n"
    )


def _table(title: str, rows: dict[str, dict[str, float]]) -> str:
    names = list(dict.fromkeys(name for row in rows.values() for name in row))
    head = "".join(f"<th>{escape(name.replace('_', ' '))}</th>" for name in names)
    lines = [
        f"<tr><td>{escape(weights)}</td>"
        + "".join(f"<td>{row[name]:.3f}</td>" if name in row else "<td>–</td>" for name in names)
        + "</tr>"
        for weights, row in rows.items()
    ]
    return f"<h2>{escape(title)}</h2><table><tr><th>weights</th>{head}</tr>{''.join(lines)}</table>"


def worst_images(one: Judged, title: str) -> str:
    """Cards of the images that have pictures, the worst first."""
    rows = sorted(one.images, key=lambda row: row.mean_iou)
    cards = []
    for row in rows:
        if row.name in one.pictures:
            truth, answer = one.pictures[row.name]
            cards.append(
                f'<div class="card pair"><div class="figures"><img src="{truth}" alt="truth">'
                f'<img src="{answer}" alt="answer"></div><p>{escape(row.name)}: mean IoU '
                f"{row.mean_iou:.3f}; left the truth, right the answer</p></div>"
            )
    return f'<h2>{escape(title)}</h2><div class="cards">{"".join(cards)}</div>'
