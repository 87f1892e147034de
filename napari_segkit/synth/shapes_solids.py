"""Solids of all sorts as point clouds: vessels, fruit, loops, frames, plants; many have holes.

Every solid is about one unit tall, stands in its own frame on any height, and is drawn from an rng
that is spent once: `random_solid` returns a function of the points' spacing.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TypeAlias

import cv2
import numpy as np

from napari_segkit.synth.noise import Field, fractal_noise, soften
from napari_segkit.synth.rings_design import random_design
from napari_segkit.synth.shapes_slabs import slab
from napari_segkit.synth.splat import Cloud, repeated, sampled, together, turn_about, vec

Solid: TypeAlias = Callable[[float], Cloud]
"""Spacing of the points -> the points; materials 0 and 1."""
_TAU = np.float32(math.tau)
MATERIALS = 4
"""Materials of a solid; most use the first two."""

PROFILES: dict[str, tuple[tuple[float, float], ...]] = {
    "vase": ((0.0, 0.0), (0.25, 0.0), (0.42, 0.35), (0.15, 0.75), (0.24, 1.0)),
    "bottle": ((0.0, 0.0), (0.2, 0.0), (0.2, 0.55), (0.07, 0.72), (0.08, 1.0)),
    "jar": ((0.0, 0.0), (0.3, 0.0), (0.34, 0.1), (0.34, 0.75), (0.25, 0.85), (0.25, 1.0)),
    "cup": ((0.0, 0.0), (0.3, 0.0), (0.38, 0.5), (0.42, 0.8)),
    "bowl": ((0.0, 0.0), (0.2, 0.0), (0.5, 0.25), (0.6, 0.5)),
    "plate": ((0.0, 0.0), (0.35, 0.0), (0.5, 0.04), (0.7, 0.1)),
    "pot": ((0.0, 0.0), (0.25, 0.0), (0.38, 0.5), (0.42, 0.5), (0.42, 0.6), (0.37, 0.6)),
    "goblet": ((0.0, 0.0), (0.25, 0.0), (0.04, 0.08), (0.04, 0.5), (0.3, 0.65), (0.27, 1.0)),
    "can": ((0.0, 0.0), (0.27, 0.0), (0.28, 0.03), (0.28, 0.82), (0.25, 0.86), (0.0, 0.86)),
    "tub": ((0.0, 0.0), (0.4, 0.0), (0.5, 0.55), (0.53, 0.57), (0.5, 0.6), (0.0, 0.61)),
    "lamp": ((0.0, 0.0), (0.2, 0.0), (0.04, 0.06), (0.04, 0.5), (0.4, 0.5), (0.2, 0.95)),
    "pear": ((0.0, 0.0), (0.22, 0.02), (0.35, 0.25), (0.25, 0.5), (0.13, 0.75), (0.0, 0.82)),
    "bulb": ((0.0, 0.0), (0.1, 0.0), (0.1, 0.2), (0.3, 0.5), (0.22, 0.75), (0.0, 0.85)),
}
_OPEN = {"vase", "cup", "bowl", "plate", "pot", "goblet", "jar"}


def _curve(points: Field, v: Field) -> Field:
    """A polyline with rounded corners at places v in [0, 1] of its length; (…, 2)."""
    fine = np.repeat(points, 12, axis=0).astype(np.float32)
    t = np.linspace(0, len(points) - 1, 160)
    line = np.stack([np.interp(t, np.arange(len(points)), points[:, k]) for k in (0, 1)], axis=1)
    smooth = cv2.GaussianBlur(line, (1, 15), 0, sigmaY=3.0, borderType=cv2.BORDER_REPLICATE)
    smooth[0], smooth[-1] = fine[0], fine[-1]
    length = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(smooth, axis=0).T))])
    place = v * length[-1]
    got = [np.interp(place, length, smooth[:, k]).astype(np.float32) for k in (0, 1)]
    return np.stack(got, axis=-1)


def vessel(rng: np.random.Generator, kind: str | None = None) -> Solid:
    """A turned thing: one of `PROFILES` stretched and bent at random, with handles and a lid."""
    name = kind or str(rng.choice(list(PROFILES)))
    points = np.array(PROFILES[name], np.float32)
    points *= np.exp(rng.normal(0, 0.25, 2)) * np.exp(rng.normal(0, 0.08, points.shape))
    points[0, 0] = 0
    if name in _OPEN:  # the wall has an inside
        wall = points[1:][::-1] - (0.03, -0.03) * np.ones((len(points) - 1, 2))
        points = np.concatenate([points, np.maximum(wall, 0.001)]).astype(np.float32)
    flutes, deep = int(rng.integers(4, 30)), rng.uniform(0, 0.05) * (rng.random() < 0.3)
    square = rng.choice([2.0, 2.0, 2.0, 4.0, 8.0])
    handles = int(rng.choice([0, 1, 2], p=[0.4, 0.5, 0.1])) if name in {"cup", "vase", "jar"} else 0
    loop = (rng.uniform(0.12, 0.26), rng.uniform(0.02, 0.05), rng.uniform(0.35, 0.65))
    colour = int(rng.random() < 0.2)

    def made(step: float) -> Cloud:
        def surface(u: Field, v: Field) -> Field:
            angle, line = u * _TAU, _curve(points, v)
            c, s = np.cos(angle), np.sin(angle)
            outline = (np.abs(c) ** square + np.abs(s) ** square) ** np.float32(-1 / square)
            r = line[..., 0] * outline * (1 + np.float32(deep) * np.cos(flutes * angle))
            return np.stack([r * c, r * s, line[..., 1]], axis=-1)

        parts = [sampled(surface, step)]
        size, thick, height = loop
        tall = float(points[:, 1].max())
        reach = float(
            np.interp(
                height * tall, points[: len(PROFILES[name]), 1], points[: len(PROFILES[name]), 0]
            )
        )
        for k in range(handles):
            ring = torus(size, thick, tall=1.3, material=colour)(step).moved(
                turn_about(0, math.pi / 2)
            )
            ring = ring.moved(by=vec([reach + size * 0.55, 0, height * tall]))
            parts.append(ring.moved(turn_about(2, math.pi * k)))
        return together(parts)

    return made


def torus(radius: float, thick: float, *, tall: float = 1.0, material: int = 0) -> Solid:
    """A hoop in the plane z = 0, stretched along y."""

    def surface(u: Field, v: Field) -> Field:
        angle, turn = u * _TAU, v * _TAU
        r = np.float32(radius) + np.float32(thick) * np.cos(turn)
        return np.stack(
            [r * np.cos(angle), r * np.sin(angle) * np.float32(tall), thick * np.sin(turn)], axis=-1
        ).astype(np.float32)

    return lambda step: sampled(surface, step, material=material)


def lump(rng: np.random.Generator) -> Solid:
    """A superquadric or a bumpy ball: fruit, stones, boxes, cushions, soap."""
    power = np.exp(rng.uniform(-1.9, 0.2, 2)).astype(np.float32)
    size = np.exp(rng.normal(-0.9, 0.35, 3)).astype(np.float32)
    noise = soften(fractal_noise((128, 256), rng.uniform(10, 60), rng=rng, octaves=4), 1.0)
    fade = (
        np.sin(np.linspace(0, math.pi, 128))[:, None] * np.sin(np.linspace(0, math.pi, 256))[None]
    )
    noise = (noise * fade * rng.uniform(0, 0.18) * (rng.random() < 0.5)).astype(np.float32)

    around = _superellipse(float(power[1]), 0, math.tau)
    upright = _superellipse(float(power[0]), -math.pi / 2, math.pi / 2)

    def surface(u: Field, v: Field) -> Field:
        (x, y), (reach, z) = around(u), upright(v)
        places = np.ascontiguousarray(u * 255), np.ascontiguousarray(v * 127)
        bump = 1 + cv2.remap(noise, *places, cv2.INTER_LINEAR)
        return vec(np.stack([reach * x, reach * y, z], axis=-1) * size * bump[..., None])

    return lambda step: sampled(surface, step)


def _superellipse(power: float, start: float, end: float) -> Callable[[Field], tuple[Field, Field]]:
    """Place in [0, 1] along an arc of a superellipse -> x and y; evenly along its length."""
    turn = np.linspace(start, end, 4001)
    line = [np.sign(f(turn)) * np.abs(f(turn)) ** power for f in (np.cos, np.sin)]
    length = np.concatenate([[0], np.cumsum(np.hypot(*(np.diff(part) for part in line)))])

    def at(place: Field) -> tuple[Field, Field]:
        x, y = (np.interp(place * length[-1], length, part).astype(np.float32) for part in line)
        return x, y

    return at


def loop(rng: np.random.Generator) -> Solid:
    """A tube along a random curve: knots, hooks, wires, pretzels, spirals."""
    closed = rng.random() < 0.6
    waves = int(rng.integers(2, 6))
    swing = rng.normal(0, 1, (waves, 2, 3)) / (1 + np.arange(waves))[:, None, None] ** 1.2
    swing[..., 2] *= rng.uniform(0.05, 0.6)
    thick = float(np.exp(rng.uniform(math.log(0.015), math.log(0.12))))
    flat = float(np.exp(rng.uniform(-1.2, 0.6)))

    def line(u: Field) -> Field:
        t = u * _TAU if closed else u * np.float32(math.pi)
        parts = [
            np.cos(t * (k + 1))[..., None] * swing[k, 0]
            + np.sin(t * (k + 1))[..., None] * swing[k, 1]
            for k in range(waves)
        ]
        return np.asarray(0.35 * np.sum(parts, axis=0), np.float32)

    def surface(u: Field, v: Field) -> Field:
        middle, turn = line(u), v * _TAU
        ahead = line(u + np.float32(1e-3)) - middle
        ahead /= np.maximum(np.linalg.norm(ahead, axis=-1, keepdims=True), 1e-9)
        side = np.cross(ahead, vec([0.1, 0.2, 1.0]))
        side /= np.maximum(np.linalg.norm(side, axis=-1, keepdims=True), 1e-9)
        up = np.cross(side, ahead)
        return np.asarray(
            middle + thick * (np.cos(turn)[..., None] * side + flat * np.sin(turn)[..., None] * up),
            np.float32,
        )

    return lambda step: sampled(surface, step)


def plant(rng: np.random.Generator) -> Solid:
    """Leaves on stems in a pot."""
    pot, count = vessel(rng, "pot"), int(rng.integers(6, 40))
    long, wide, bend = rng.uniform(0.25, 0.9), rng.uniform(0.05, 0.3), rng.uniform(0.2, 1.6)
    turns, places = [], []
    for _ in range(count):
        turn = turn_about(2, rng.uniform(0, math.tau)) @ turn_about(1, rng.uniform(-1.3, 0.2))
        turns.append(turn)
        places.append(vec([0, 0, 0.5 + rng.uniform(0, 0.5)]))
    sizes = np.exp(rng.normal(0, 0.25, count)).astype(np.float32)

    def leaf(u: Field, v: Field) -> Field:
        half = np.sin(math.pi * u**0.8) * np.float32(wide)
        y = (v - 0.5) * 2 * half
        z = -np.float32(bend) * (u - 0.3) ** 2 * 0.4 + np.abs(y) * 0.4
        return np.stack([u * np.float32(long), y, z], axis=-1).astype(np.float32)

    def made(step: float) -> Cloud:
        leaves = sampled(leaf, step * 0.9, material=1)
        many = repeated(leaves, np.stack(turns), np.stack(places), sizes)
        return together([pot(step), many])

    return made


def ring(rng: np.random.Generator) -> Solid:
    """A finger ring of unit height."""
    design = random_design(rng)
    half = np.float32(0.4)

    def made(step: float) -> Cloud:
        whole = design.cloud(step / float(half))
        return repeated(
            whole,
            np.eye(3, dtype=np.float32)[None],
            np.zeros((1, 3), np.float32),
            vec([half]),
        )

    return made


_KINDS: tuple[tuple[Callable[[np.random.Generator], Solid], float], ...] = (
    (vessel, 0.3),
    (lump, 0.22),
    (loop, 0.16),
    (slab, 0.18),
    (plant, 0.06),
    (ring, 0.08),
)


def random_solid(rng: np.random.Generator) -> Solid:
    """One of the families above."""
    odds = np.array([share for _, share in _KINDS])
    return _KINDS[int(rng.choice(len(_KINDS), p=odds / odds.sum()))][0](rng)
