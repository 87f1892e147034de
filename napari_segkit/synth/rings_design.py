"""Designs of finger rings at random: hoop, head, pavé; what a jeweller's shop window shows."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from napari_segkit.synth.rings_parts import (
    CUTS,
    GEM,
    SECOND,
    SIDE_GEM,
    Band,
    Cut,
    bead,
    collar,
    engraving,
    frames_on,
    ridges,
    set_stones,
    stone,
)
from napari_segkit.synth.splat import Cloud, repeated, sampled, together, vec
from napari_segkit.synth.studio import Material

if TYPE_CHECKING:
    from napari_segkit.synth.noise import Field

METALS: dict[str, tuple[float, float, float]] = {
    "silver": (0.93, 0.92, 0.90),
    "platinum": (0.72, 0.71, 0.70),
    "gold": (1.0, 0.71, 0.29),
    "pale gold": (0.98, 0.80, 0.48),
    "rose gold": (0.95, 0.60, 0.45),
    "titanium": (0.42, 0.41, 0.40),
    "black": (0.06, 0.06, 0.065),
}
_GEMS = (
    ((1.0, 1.0, 1.0), 0.62),
    ((0.10, 0.18, 0.75), 0.08),
    ((0.75, 0.04, 0.08), 0.08),
    ((0.05, 0.55, 0.20), 0.07),
    ((0.55, 0.25, 0.75), 0.05),
    ((0.95, 0.70, 0.25), 0.05),
    ((0.03, 0.03, 0.04), 0.05),
)
KINDS = {
    "band": 0.16,
    "engraved": 0.10,
    "signet": 0.08,
    "solitaire": 0.18,
    "halo": 0.12,
    "three": 0.10,
    "eternity": 0.10,
    "pave": 0.09,
    "rope": 0.04,
    "pearl": 0.03,
}


@dataclass(frozen=True)
class Head:
    """A stone on top: cut, radius, height of its girdle above the hoop's inside, its setting."""

    cut: Cut
    size: float
    rise: float
    turn: float
    prongs: int
    halo: int = 0
    sides: float = 0.0


@dataclass(frozen=True)
class Design:
    """A ring: kind, hoop, head, rows of small stones, whether it is made of two metals."""

    kind: str
    band: Band
    head: Head | None
    rows: int = 0
    reach: float = 0.0
    seal: bool = False
    pearl: float = 0.0
    liner: bool = False

    def cloud(self, step: float) -> Cloud:
        """Its points, sampled every `step`; materials as in `rings_parts`."""
        parts = [self.band.cloud(step)]
        if self.liner:
            inside = replace(self.band, thick=self.band.thick * 0.55, relief=None, ridge=None)
            parts.append(replace(inside, wide=inside.wide * 1.12).cloud(step, SECOND))
        if self.rows:
            parts += self._pave(step)
        if self.seal:
            parts.append(self._seal(step))
        if self.pearl:
            top = np.array([[0, 1 + self.band.thick + self.pearl * 0.85, 0]], np.float32)
            ball = bead(step / self.pearl, material=GEM)
            parts.append(repeated(ball, np.eye(3, dtype=np.float32)[None], top, vec([self.pearl])))
        if self.head is not None:
            parts += _head(self.head, self.band, step)
        return together(parts)

    def _pave(self, step: float) -> list[Cloud]:
        size = self.band.wide / self.rows / 2 * 0.9
        radius = 1 + self.band.thick
        count = max(3, int(self.reach * radius / (size * 2.05)))
        whole = self.reach >= math.tau - 0.01
        along = np.arange(count) / (count if whole else count - 1) - (0 if whole else 0.5)
        angles, axial = [], []
        for row in range(self.rows):
            angles.append(along * self.reach + math.pi / 2 + (row % 2) * size / radius)
            axial.append(np.full(count, (row + 0.5 - self.rows / 2) * 2 * size))
        angle = np.concatenate(angles).astype(np.float32)
        grow = self.band.swelling(angle)
        return set_stones(
            angle,
            (1 + grow * self.band.thick + 0.02).astype(np.float32),
            (np.concatenate(axial) * grow).astype(np.float32),
            (size * grow).astype(np.float32),
            cut=CUTS["round"],
            step=step,
            gem=SIDE_GEM,
        )

    def _seal(self, step: float) -> Cloud:
        """A signet's plate."""
        cut = CUTS["oval"] if self.rows == 0 and self.reach == 0 else CUTS["cushion"]
        size, tall = self.band.wide * 1.15, 0.09

        def surface(u: Field, v: Field) -> Field:
            angle = u * np.float32(math.tau)
            r = np.interp(v, (0, 0.7, 0.76, 1), (0, 0.96, 1, 0.55)).astype(np.float32)
            z = np.interp(v, (0, 0.7, 0.76, 1), (tall, tall, tall - 0.03, -0.3))
            reach = r * cut.radius(angle) * np.float32(size)
            return np.stack(
                [reach * np.cos(angle), reach * np.sin(angle), z.astype(np.float32)], -1
            )

        turns, places = frames_on(vec([math.pi / 2]), vec([1 + self.band.thick * 1.1]), vec([0]))
        return repeated(sampled(surface, step), turns, places, np.ones(1, np.float32))


def _head(head: Head, band: Band, step: float) -> list[Cloud]:
    at = vec([math.pi / 2])
    radius = 1 + band.thick + head.rise
    turns, places = frames_on(at, vec([radius]), vec([0]))
    c, s = math.cos(head.turn), math.sin(head.turn)
    turns = turns @ np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]], np.float32)
    size, one = vec([head.size]), head.size
    parts = [repeated(stone(head.cut, step / one), turns, places, size)]
    foot = -head.rise / one - 0.3
    if head.prongs:
        angle = np.arange(head.prongs) * math.tau / head.prongs + math.pi / head.prongs
        reach = head.cut.radius(angle.astype(np.float32))
        for a, r in zip(angle, reach, strict=True):
            parts.append(repeated(_prong(a, float(r), foot, step / one), turns, places, size))
        basket = collar(head.cut, step / one, tall=0.05, thick=0.04)
        parts.append(repeated(basket, turns, places - turns[:, :, 2] * one * 0.45, size * 0.62))
    else:
        tall, middle = (0.2 - foot) / 2, (0.2 + foot) / 2  # down to the hoop
        wall = collar(head.cut, step / one, tall=tall, thick=0.07)
        parts.append(repeated(wall, turns, places + turns[:, :, 2] * one * middle, size))
    for row in range(head.halo):
        parts += _halo(head, turns, places, step, row)
    if head.sides:
        away = (one * head.cut.long + head.sides * 1.1) / radius
        angles = vec([math.pi / 2 - away, math.pi / 2 + away])
        height = vec([1 + band.thick + head.rise * 0.6] * 2)
        parts += set_stones(
            angles, height, np.zeros(2, np.float32), vec([head.sides] * 2),
            cut=CUTS["round"], step=step, gem=SIDE_GEM,
        )  # fmt: skip
    return parts


def _prong(angle: float, reach: float, foot: float, step: float) -> Cloud:
    """A claw from the hoop over the girdle, for a stone of radius 1."""

    def surface(u: Field, v: Field) -> Field:
        turn = u * np.float32(math.tau)
        r = np.interp(
            v, (0, 0.75, 0.92, 1), (reach * 0.35, reach * 1.02, reach * 1.0, reach * 0.84)
        )
        z = np.interp(v, (0, 0.75, 0.92, 1), (foot, 0.0, 0.2, 0.26))
        thick = np.float32(0.085) * np.clip((1 - v) * 12, 0.2, 1)
        out, side = thick * np.cos(turn), thick * np.sin(turn)
        x = (r + out) * math.cos(angle) - side * math.sin(angle)
        y = (r + out) * math.sin(angle) + side * math.cos(angle)
        return np.stack([x, y, z], axis=-1).astype(np.float32)

    return sampled(surface, step)


def _halo(head: Head, turns: Field, places: Field, step: float, row: int) -> list[Cloud]:
    small = head.size * 0.17
    gap = head.size * (1.18 + 0.34 * row)
    angle = np.linspace(0, math.tau, 400, dtype=np.float32)
    reach = head.cut.radius(angle) * gap
    x, y = reach * np.cos(angle), reach * np.sin(angle)
    length = np.concatenate([[0], np.cumsum(np.hypot(np.diff(x), np.diff(y)))])
    count = int(length[-1] / (2.05 * small))
    at = np.interp(np.arange(count) / count * length[-1], length, angle)
    reach = head.cut.radius(at.astype(np.float32)) * gap
    local = np.stack([reach * np.cos(at), reach * np.sin(at), np.zeros(count)], -1)
    spots = (places + local.astype(np.float32) @ turns[0].T).astype(np.float32)
    many = np.repeat(turns, count, axis=0)
    sizes = np.full(count, small, np.float32)
    stones = repeated(stone(CUTS["round"], step / small, material=SIDE_GEM), many, spots, sizes)
    frame = collar(head.cut, step / gap, tall=0.09, thick=0.09)
    below = places - turns[:, :, 2] * small * 0.7
    return [stones, repeated(frame, turns, below.astype(np.float32), vec([gap * 0.94]))]


def random_design(rng: np.random.Generator, kind: str | None = None) -> Design:
    """A ring of some kind of `KINDS`."""
    if kind is None:
        kind = str(rng.choice(list(KINDS), p=np.array(list(KINDS.values()))))
    thick = float(np.exp(rng.uniform(math.log(0.07), math.log(0.22))))
    stony = kind in {"solitaire", "halo", "three", "pave", "pearl"}
    wide = float(rng.uniform(0.12, 0.4) if stony else np.exp(rng.uniform(-1.7, 0.1)))
    band = Band(thick, wide, float(rng.choice([2.0, 2.4, 3.0, 5.0, 8.0])))
    if rng.random() < 0.3:
        band = replace(band, ridge=ridges(rng, deep=thick * 0.15))
    if stony and rng.random() < 0.6:
        band = replace(band, swell=rng.uniform(-0.4, 0.5), swell_at=rng.uniform(0.3, 1.0))
    if kind == "engraved":
        wide = rng.uniform(0.35, 0.9)
        band = replace(
            band, wide=wide, square=6.0, relief=engraving(rng, deep=rng.uniform(0.02, 0.05))
        )
    design = Design(kind, band, None, liner=rng.random() < 0.12)
    if kind == "signet":
        return replace(design, band=replace(band, wide=rng.uniform(0.3, 0.5), swell=0.7), seal=True)
    if kind == "rope":
        return replace(
            design, band=replace(band, wide=thick * 1.6, square=1.5, twist=int(rng.integers(8, 30)))
        )
    if kind == "pearl":
        return replace(design, pearl=rng.uniform(0.25, 0.5))
    if kind == "eternity":
        rows = int(rng.choice([1, 1, 2, 3]))
        band = replace(band, wide=rows * rng.uniform(0.14, 0.3), ridge=None)
        reach = math.tau if rng.random() < 0.6 else rng.uniform(2.5, 4.5)
        return replace(design, band=band, rows=rows, reach=float(reach))
    return _with_head(design, rng)


def _with_head(design: Design, rng: np.random.Generator) -> Design:
    kind = design.kind
    if kind in {"band", "engraved"}:
        return design
    cut = CUTS[str(rng.choice(list(CUTS)))]
    size = rng.uniform(0.18, 0.42)
    head = Head(
        cut,
        size,
        rise=size * rng.uniform(0.5, 1.1),
        turn=float(rng.choice([0, math.pi / 2])),
        prongs=int(rng.choice([0, 4, 4, 6, 8])),
        halo=int(rng.choice([1, 1, 2])) if kind == "halo" else 0,
        sides=size * rng.uniform(0.5, 0.9) if kind == "three" else 0.0,
    )
    rows = int(rng.choice([1, 1, 2])) if kind == "pave" or rng.random() < 0.35 else 0
    return replace(design, head=head, rows=rows, reach=rng.uniform(1.2, 3.6) if rows else 0.0)


def random_materials(rng: np.random.Generator, design: Design) -> tuple[Material, ...]:
    """Metal, second metal, gem, small gems."""
    shares = np.array([0.32, 0.14, 0.2, 0.08, 0.14, 0.06, 0.06])
    names = rng.choice(list(METALS), 2, p=shares / shares.sum())
    rough = float(rng.choice([0.0, 0.05, 0.15, 0.4, 0.7], p=[0.35, 0.25, 0.2, 0.12, 0.08]))
    black = np.zeros(3, np.float32)
    metals = [
        Material(black + 0.02, vec(METALS[str(n)]) * np.float32(rng.uniform(0.85, 1)), rough)
        for n in names
    ]
    colours, odds = [c for c, _ in _GEMS], np.array([p for _, p in _GEMS])
    first = vec(colours[int(rng.choice(len(colours), p=odds))])
    side = vec(colours[0]) if rng.random() < 0.85 else first
    if design.pearl:
        cream = vec([0.85, 0.8, 0.72])
        gem = Material(cream, vec([0.08] * 3), 0.4)
    else:
        gem = _gem(first, rng)
    return (*metals, gem, _gem(side, rng))


def _gem(colour: Field, rng: np.random.Generator) -> Material:
    return Material(colour, vec([0.17] * 3), 0.0, sparkle=float(rng.uniform(0.6, 0.95)))
