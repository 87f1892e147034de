"""The profile as one HTML file that loads nothing: styles, plots and pictures stand in it."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from napari_segkit.data.profile.rules import KINDS
from napari_segkit.data.profile.style import CSS, MARK
from napari_segkit.data.profile.svg import bars, counted, heat_map, histogram, number

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from napari_segkit.data.profile.rules import Suspect
    from napari_segkit.data.profile.summary import Summary

    Pictures = Mapping[tuple[str, int], str]

_MOST_NAMES = 500  # suspects of a kind that are listed without a picture


def html_page(
    title: str,
    summary: Summary,
    suspects: Sequence[Suspect],
    *,
    notes: Sequence[str] = (),
    pictures: Pictures | None = None,
) -> str:
    """Make the page; every name in it is escaped.

    Parameters
    ----------
    title
        Name of the dataset.
    notes
        Sentences about the dataset's files.
    pictures
        (Image, its place in ``suspects``) -> picture as a ``data:`` address.
    """
    body = "".join(
        (
            f"<header><h1>{escape(title)}</h1>{_tiles(summary, suspects)}</header>",
            _verdict(suspects),
            _notes(notes),
            _suspects(suspects, pictures or {}),
            _plots(summary),
            "<footer>Made by segkit profile. Suspects are guesses: look before you delete."
            "</footer>",
        )
    )
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">{MARK}'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
        "img-src data:; style-src 'unsafe-inline'\">"
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Profile of {escape(title)}</title><style>{CSS}</style></head>"
        f"<body><main>{body}</main></body></html>\n"
    )


def _tiles(summary: Summary, suspects: Sequence[Suspect]) -> str:
    concerned = {title for one in suspects for title in one.titles}
    rows = [
        (summary.images, "image", ""),
        (summary.objects, "object", ""),
        (len(summary.classes), "class", ""),
        (summary.empty, "image", "without objects"),
        (len(concerned), "image", "under suspicion"),
    ]
    tiles = []
    for count, noun, which in rows:
        value, _, name = counted(count, noun).rpartition(" ")
        tiles.append(f"<div><b>{value}</b>{name} {which}</div>")
    return f'<div class="tiles">{"".join(tiles)}</div>'


def _verdict(suspects: Sequence[Suspect]) -> str:
    counts = _counts(suspects)
    if not counts:
        return '<p class="good">Nothing looks wrong.</p>'
    links = "".join(
        f'<li><a href="#{kind}"><b>{number(count)}</b> {escape(KINDS[kind][0])}</a></li>'
        for kind, count in counts.items()
    )
    return f'<ul class="verdict">{links}</ul>'


def _counts(suspects: Sequence[Suspect]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for one in suspects:
        counts[one.kind] = counts.get(one.kind, 0) + 1
    return counts


def _notes(notes: Sequence[str]) -> str:
    if not notes:
        return ""
    items = "".join(f"<li>{escape(note)}</li>" for note in notes)
    return (
        f"<details><summary>Notes on the files ({len(notes)})</summary><ul>{items}</ul></details>"
    )


def _suspects(suspects: Sequence[Suspect], pictures: Pictures) -> str:
    sections = []
    for kind, count in _counts(suspects).items():
        title, meaning = KINDS[kind]
        mine = [(place, one) for place, one in enumerate(suspects) if one.kind == kind]
        shown = [row for row in mine if any((t, row[0]) in pictures for t in row[1].titles)]
        rest = [row for row in mine if row not in shown]
        cards = "".join(_card(place, one, pictures) for place, one in shown)
        sections.append(
            f'<section id="{kind}"><h2>{escape(title)} <em>{number(count)}</em></h2>'
            f'<p class="meaning">{escape(meaning)}</p>'
            f'<div class="cards">{cards}</div>{_list([one for _, one in rest])}</section>'
        )
    return "".join(sections)


def _card(place: int, suspect: Suspect, pictures: Pictures) -> str:
    figures = "".join(_figure(title, pictures.get((title, place))) for title in suspect.titles)
    pair = " pair" if len(suspect.titles) > 1 else ""
    return (
        f'<div class="card{pair}"><div class="figures">{figures}</div>'
        f"<p>{escape(suspect.reason)}</p></div>"
    )


def _figure(title: str, address: str | None) -> str:
    name = escape(title)
    picture = (
        f'<img src="{escape(address)}" alt="{name}" loading="lazy">'
        if address
        else '<div class="missing">no picture</div>'
    )
    return f'<figure>{picture}<figcaption title="{name}">{name}</figcaption></figure>'


def _list(suspects: Sequence[Suspect]) -> str:
    if not suspects:
        return ""
    rows = "".join(
        f"<tr><th>{escape(' · '.join(one.titles))}</th><td>{escape(one.reason)}</td></tr>"
        for one in suspects[:_MOST_NAMES]
    )
    more = len(suspects) - _MOST_NAMES
    tail = f"<p>and {number(more)} more; --json lists all</p>" if more > 0 else ""
    return f'<table class="names">{rows}</table>{tail}'


def _plots(summary: Summary) -> str:
    classes = [
        (
            one.name,
            float(one.objects),
            f"{counted(one.objects, 'object')} in {counted(one.images, 'image')}, "
            f"{number(100 * one.pixels)} % of the pixels",
            "rgb({},{},{})".format(*one.color),
        )
        for one in summary.classes
    ]
    sizes = [(f"{w}×{h}", float(n), counted(n, "image"), "") for w, h, n in summary.sizes]
    if summary.other_sizes:
        sizes.append(
            ("other sizes", float(summary.other_sizes), counted(summary.other_sizes, "image"), "")
        )
    subsets = [(name, float(n), counted(n, "image"), "") for name, n in summary.subsets.items()]
    wide = (("Classes", classes), ("Image sizes", sizes), ("Subsets", subsets))
    plots = "".join(
        f"<figure><figcaption>{escape(one.title)}</figcaption>{histogram(one)}</figure>"
        for one in summary.distributions.values()
    )
    return (
        "<section><h2>What is in it</h2>"
        + "".join(f"<h3>{name}</h3>{bars(rows)}" for name, rows in wide if rows)
        + f'<div class="plots">{plots}<figure><figcaption>Where objects lie</figcaption>'
        f"{heat_map(summary.positions)}</figure></div></section>"
    )
