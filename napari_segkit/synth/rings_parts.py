"""Parts of finger rings as point clouds: bands of every section, stones, prongs, bezels.

A ring lies in the plane z = 0 of its own frame, its inside has radius 1, its head points to +y.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import cv2
import numpy as np

from napari_segkit.synth.noise import Field, soften
from napari_segkit.synth.splat import Cloud, repeated, sampled, vec

METAL, SECOND, GEM, SIDE_GEM = range(4)
"""Materials of a ring, in order."""
Along: TypeAlias = Callable[[Field], Field]


@dataclass(frozen=True)
class Band:
    """The hoop.

    Attributes
    ----------
    thick, wide
        Full extent outwards and along the axis.
    square
        Of the outside: 2 = half round, larger = flatter.
    swell
        How much thicker and wider it gets towards the head.
    swell_at
        Width of that swelling as an angle.
    ridge : (R,) float32
        Height across the width, for grooves, steps and knife edges.
    relief : (A, R) float32 or None
        Height on the outside, along angle and width.
    twist
        Turns of the section around itself, a whole number: ropes.
    wave
        How far the hoop weaves along its axis.
    """

    thick: float
    wide: float
    square: float = 3.0
    swell: float = 0.0
    swell_at: float = 0.5
    ridge: Field | None = None
    relief: Field | None = None
    twist: float = 0.0
    wave: float = 0.0

    def cloud(self, step: float, material: int = METAL) -> Cloud:
        """Its points, sampled every `step`."""
        return sampled(self._surface, step, material=material)

    def swelling(self, angle: Field) -> Field:
        """Factor of thickness and width at an angle; 1 away from the head."""
        from_head = np.abs(np.mod(angle - math.pi / 2 + math.pi, math.tau) - math.pi)
        return vec(1 + self.swell * np.exp(-((from_head / self.swell_at) ** 2)))

    def _surface(self, u: Field, v: Field) -> Field:
        angle = u * np.float32(math.tau)
        turned = np.mod(v + np.float32(self.twist) * u, 1) if self.twist else v
        outwards, across = self._section(vec(turned))
        grow = self.swelling(angle)
        height = self._height(u, vec((across + 1) / 2)) * np.clip(outwards * 3, 0, 1)
        radius = 1 + grow * self.thick * (0.2 + 0.8 * outwards) + height
        axial = across * grow * self.wide / 2
        if self.wave:
            axial = axial + np.float32(self.wave) * np.sin(3 * angle)
        return np.stack([radius * np.cos(angle), radius * np.sin(angle), axial], axis=-1)

    def _section(self, v: Field) -> tuple[Field, Field]:
        """Place on the section, outwards and across, evenly along its outline."""
        turn = np.linspace(0, math.tau, 4001)
        c, s = np.cos(turn), np.sin(turn)
        power = 2 / self.square
        across = np.sign(s) * np.abs(s) ** power
        outwards = np.where(c > 0, 1.0, -0.25) * np.abs(c) ** power
        steps = np.hypot(np.diff(outwards) * self.thick, np.diff(across) * self.wide / 2)
        length = np.concatenate([[0], np.cumsum(steps)])
        place = v * length[-1]
        return (
            np.interp(place, length, outwards).astype(np.float32),
            np.interp(place, length, across).astype(np.float32),
        )

    def _height(self, u: Field, across: Field) -> Field:
        total = np.zeros(across.shape, np.float32)
        if self.ridge is not None:
            line = np.repeat(self.ridge[None].astype(np.float32), 2, axis=0)
            total += _picked(line, np.zeros_like(across), across)
        if self.relief is not None:
            total += _picked(self.relief, u, across)
        return total


def _picked(texture: Field, down: Field, across: Field) -> Field:
    height, width = texture.shape
    got = cv2.remap(
        texture,
        np.ascontiguousarray(across * np.float32(width - 1), np.float32),
        np.ascontiguousarray(down * np.float32(height - 1), np.float32),
        cv2.INTER_LINEAR,
    )
    return np.asarray(got, np.float32)


def engraving(rng: np.random.Generator, *, deep: float) -> Field:
    """(1024, 96) heights: scrolls, leaves, lines or dots that repeat around the hoop."""
    strip = np.zeros((1024, 96), np.uint8)
    count, kind = int(rng.integers(6, 22)), int(rng.integers(0, 4))
    pitch = 1024 / count
    curve = rng.uniform(-1, 1, (int(rng.integers(2, 5)), 4))
    for k in range(count):
        middle = (k + 0.5) * pitch
        for a, b, c, d in curve:
            t = np.linspace(0, 1, 24)
            y = middle + pitch * 0.45 * (a * t + 0.4 * np.sin(4 * t * b * math.pi))
            x = 48 + 40 * (c * t + 0.5 * d * np.sin(t * math.pi))
            points = np.stack([x, y], axis=1)
            if kind == 0:
                points = points[:1] + (points[::6] - points[:1])
            cv2.polylines(
                strip, [np.rint(points).astype(np.int32)], False, 255, int(2 + 3 * t[1] * 10)
            )
            if kind == 2:
                cv2.ellipse(strip, (int(x[-1]), int(y[-1])), (6, 12), 30 * a, 0, 360, 255, -1)
            if kind == 3:
                cv2.circle(strip, (int(x[12]), int(y[12])), 7, 255, -1)
    heights = soften(strip.astype(np.float32) / 255, 1.2)
    edge = np.clip(np.minimum(np.arange(96), np.arange(96)[::-1]) / 8 - 0.6, 0, 1)
    return np.asarray(-deep * heights * edge, np.float32)


def ridges(rng: np.random.Generator, *, deep: float) -> Field:
    """(96,) heights across a band: grooves, steps, a knife edge."""
    across = np.linspace(-1, 1, 96, dtype=np.float32)
    total = np.zeros(96, np.float32)
    for _ in range(int(rng.integers(1, 4))):
        place, width = rng.uniform(0, 0.8), rng.uniform(0.04, 0.12)
        total -= np.float32(deep) * np.exp(-(((np.abs(across) - place) / width) ** 2))
    if rng.random() < 0.3:
        total += np.float32(3 * deep) * (1 - np.abs(across))
    return np.asarray(total, np.float32)


@dataclass(frozen=True)
class Cut:
    """Form of a stone seen from above: length to width, squareness, pointed ends."""

    long: float = 1.0
    square: float = 2.0
    pointed: float = 0.0

    def radius(self, angle: Field) -> Field:
        """Outline by angle; 1 on the short axis."""
        power = np.float32(self.square)
        c, s = np.abs(np.cos(angle)) / np.float32(self.long), np.abs(np.sin(angle))
        round_ = (c**power + s**power) ** (-1 / power)
        return np.asarray(round_ * (1 - self.pointed * 0.3 * s * (np.sin(angle) > 0)), np.float32)


CUTS = {
    "round": Cut(),
    "oval": Cut(1.35),
    "princess": Cut(1.0, 6.0),
    "emerald": Cut(1.4, 8.0),
    "cushion": Cut(1.1, 3.2),
    "marquise": Cut(1.9, 1.5),
    "pear": Cut(1.3, 1.9, 1.0),
}


def stone(cut: Cut, step: float, *, material: int = GEM) -> Cloud:
    """A stone of radius 1 that looks up: table, crown, girdle and the cone below."""

    def surface(u: Field, v: Field) -> Field:
        angle = u * np.float32(math.tau)
        r = np.interp(v, (0, 0.35, 0.65, 0.7, 1), (0, 0.56, 1, 1, 0.05)).astype(np.float32)
        z = np.interp(v, (0, 0.35, 0.65, 0.7, 1), (0.33, 0.33, 0.03, -0.03, -0.85))
        reach = r * cut.radius(angle)
        return np.stack(
            [reach * np.cos(angle), reach * np.sin(angle), z.astype(np.float32)], axis=-1
        )

    made = sampled(surface, step, material=material)
    made.uv[:, 0] *= 0.999
    made.uv[:, 1] = np.minimum(made.uv[:, 1] / 0.7, 0.999)
    return made


def bead(step: float, *, tall: float = 1.0, material: int = METAL) -> Cloud:
    """An upright capsule of radius 1 and half height `tall`."""

    def surface(u: Field, v: Field) -> Field:
        angle, polar = u * np.float32(math.tau), v * np.float32(math.pi)
        r = np.abs(np.sin(polar)) ** 0.6
        return np.stack([r * np.cos(angle), r * np.sin(angle), tall * np.cos(polar)], axis=-1)

    return sampled(surface, step, material=material)


def collar(cut: Cut, step: float, *, tall: float, thick: float, material: int = METAL) -> Cloud:
    """A wall around a stone of radius 1: bezels, baskets, halos' frames."""

    def surface(u: Field, v: Field) -> Field:
        angle, turn = u * np.float32(math.tau), v * np.float32(math.tau)
        reach = cut.radius(angle) * (1 + np.float32(thick) * (1 + np.cos(turn)))
        z = np.float32(tall) * np.sign(np.sin(turn)) * np.abs(np.sin(turn)) ** 0.5
        return np.stack([reach * np.cos(angle), reach * np.sin(angle), z], axis=-1)

    return sampled(surface, step, material=material)


def frames_on(angles: Field, radii: Field, axial: Field) -> tuple[Field, Field]:
    """Rotations (K, 3, 3) and places (K, 3) of things that look outwards from the hoop."""
    c, s = np.cos(angles), np.sin(angles)
    zero, one = np.zeros_like(c), np.ones_like(c)
    turns = np.stack(
        [np.stack([-s, zero, c], -1), np.stack([c, zero, s], -1), np.stack([zero, one, zero], -1)],
        axis=1,
    )
    places = np.stack([radii * c, radii * s, axial], axis=-1)
    return turns.astype(np.float32), places.astype(np.float32)


def set_stones(
    angles: Field, radii: Field, axial: Field, sizes: Field, *, cut: Cut, step: float, gem: int
) -> list[Cloud]:
    """Small stones on the hoop with a bead at each of their four corners."""
    turns, places = frames_on(angles, radii, axial)
    small = float(np.median(sizes))
    made = [repeated(stone(cut, step / small, material=gem), turns, places, sizes)]
    template = bead(step / (0.24 * small), tall=1.2)
    for corner in range(4):
        turn = corner * math.pi / 2 + math.pi / 4
        offset = (
            0.95
            * sizes[:, None]
            * (turns[:, :, 0] * math.cos(turn) + turns[:, :, 1] * math.sin(turn))
        )
        at = places + offset + turns[:, :, 2] * (0.08 * sizes)[:, None]
        made.append(repeated(template, turns, at.astype(np.float32), 0.24 * sizes))
    return made
