"""Flat things by maps of their height and colour: bread, crackers, meat, cloth, egg cartons.

Each maker gives a `Slab`; lengths are in radii of a pan of 24 cm.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from napari_segkit.synth.eggpan_plan import BACKGROUND
from napari_segkit.synth.eggpan_render import plan_lookup
from napari_segkit.synth.noise import Field, fractal_noise, mix, step, value_noise
from napari_segkit.synth.rays import Bounds, Material, Solid
from napari_segkit.synth.textures import linear, random_colour, wood

if TYPE_CHECKING:
    from napari_segkit.synth.eggpan_things import Place
    from napari_segkit.synth.noise import Real

_SIDE = 112
_NOTHING = np.float32(-0.05)


@dataclass(frozen=True)
class Slab:
    """Maps of a square from -reach to reach.

    Attributes
    ----------
    height : (S, S)
        Above the table; nothing is where it is below 0.
    albedo : (S, S, 3) linear
    """

    reach: float
    height: Field
    albedo: Field
    rough: float

    def solid(self, place: Place, turn: float) -> Solid:
        """It at a place, turned by radians; background."""
        c, s = np.float32(math.cos(turn)), np.float32(math.sin(turn))
        x0, y0, z0 = (np.float32(part) for part in place)
        top = cv2.GaussianBlur(np.where(self.height > 0, self.height, _NOTHING), (0, 0), 0.7)

        def local(x: Real, y: Real) -> tuple[Field, Field]:
            dx, dy = x - x0, y - y0
            return dx * c + dy * s, dy * c - dx * s

        def surface(x: Real, y: Real, z: Real) -> Field:
            return np.asarray(z - z0 - plan_lookup(top, self.reach, *local(x, y)), np.float32)

        def paint(x: Field, y: Field, z: Field, normal: Field) -> Material:
            del z, normal
            albedo = plan_lookup(self.albedo, self.reach, *local(x, y))
            shiny = np.full(albedo.shape, 0.045, np.float32)
            return Material(albedo, shiny, np.full(len(x), self.rough, np.float32))

        reach, high = 1.42 * self.reach, float(top.max())
        bounds = Bounds(
            place[0] - reach, place[0] + reach, place[1] - reach, place[1] + reach,
            place[2], place[2] + high,
        )  # fmt: skip
        return Solid(surface, bounds, paint, BACKGROUND, steps=12)


def _grid(reach: float) -> tuple[Field, Field]:
    line = (np.arange(_SIDE, dtype=np.float32) + 0.5) * np.float32(2 * reach / _SIDE)
    return np.meshgrid(line - np.float32(reach), line - np.float32(reach))


def _noise(cell: float, reach: float, rng: np.random.Generator, octaves: int = 3) -> Field:
    """Noise with features of ``cell`` units."""
    return fractal_noise(
        (_SIDE, _SIDE), max(1.5, cell * _SIDE / (2 * reach)), rng=rng, octaves=octaves
    )


def bread(rng: np.random.Generator) -> Slab:
    """A slice of bread, toast, a crispbread: pores within a crust."""
    half, aspect, power = rng.uniform(0.25, 0.6), rng.uniform(0.55, 1.0), rng.uniform(2.2, 8)
    reach = 1.1 * half
    u, v = _grid(reach)
    oval = (np.abs(u / half) ** power + np.abs(v / (half * aspect)) ** power) ** (1 / power)
    depth = 1 - oval + np.float32(0.02) * _noise(0.15, reach, rng)
    red = rng.uniform(170, 250)
    crumb = linear((red, red * rng.uniform(0.75, 0.93), red * rng.uniform(0.45, 0.8)))
    crust = linear((rng.uniform(110, 200), rng.uniform(60, 120), rng.uniform(20, 60)))
    pores = step(_noise(rng.uniform(0.02, 0.06), reach, rng), rng.uniform(0.4, 1.2), 0.5)
    colour = mix(np.broadcast_to(crumb, (_SIDE, _SIDE, 3)), crumb * np.float32(0.6), pores)
    toasted = step(_noise(0.3, reach, rng), rng.uniform(-0.5, 2.0), 0.8) * rng.uniform(0, 0.8)
    colour = mix(colour, crust, np.maximum(toasted, 1 - step(depth, rng.uniform(0.03, 0.1), 0.06)))
    thick = rng.uniform(0.03, 0.12) * (1 - np.float32(0.06) * pores)
    return Slab(reach, np.where(depth > 0, thick, _NOTHING), colour, 0.9)


def cracker(rng: np.random.Generator) -> Slab:
    """A cracker or biscuit: baked edges, rows of holes or jam in the middle, round or square."""
    half, power = rng.uniform(0.1, 0.35), rng.choice([2.0, 2.0, 7.0])
    reach, aspect = 1.1 * half, rng.uniform(0.5, 1) if power > 2 else 1.0
    u, v = _grid(reach)
    waves = np.cos(np.arctan2(v, u) * int(rng.integers(6, 24))) * rng.choice([0, 0.04])
    oval = (np.abs(u / half) ** power + np.abs(v / (half * aspect)) ** power) ** (1 / power)
    depth = 1 - oval + waves.astype(np.float32)
    red = rng.uniform(150, 245)
    baked = linear((red, red * rng.uniform(0.6, 0.85), red * rng.uniform(0.3, 0.65)))
    brown = step(1 - depth + 0.2 * _noise(0.1, reach, rng), rng.uniform(0.6, 1.0), 0.5)
    colour = mix(np.broadcast_to(baked, (_SIDE, _SIDE, 3)), baked * np.float32(0.5), brown)
    thick = np.full(depth.shape, rng.uniform(0.02, 0.08), np.float32)
    if rng.random() < 0.5:
        pitch = half * rng.uniform(0.15, 0.4)
        hole = step(np.cos(u * math.tau / pitch) + np.cos(v * math.tau / pitch), 1.5, 0.3)
        colour = mix(colour, baked * np.float32(0.25), 0.8 * hole)
    elif rng.random() < 0.6:
        jam = random_colour(rng, value=(0.2, 0.9), saturation=(0.5, 1), hue=(-10, 50))
        middle = step(rng.uniform(0.3, 0.6) - oval, 0, 0.1)
        colour, thick = mix(colour, jam, middle), np.asarray(thick * (1 + 0.3 * middle), np.float32)
    else:
        chips = step(_noise(0.06, reach, rng), 1.1, 0.2)
        colour = mix(colour, random_colour(rng, value=(0.05, 0.4)), chips)
    dome = np.clip(depth * 4, 0, 1) ** 0.5
    return Slab(reach, np.where(depth > 0, thick * dome + 0.005, _NOTHING), colour, 0.8)


def meat(rng: np.random.Generator) -> Slab:
    """Raw or cured meat, fish, cheese: a smooth blob with streaks of fat."""
    half, reach = rng.uniform(0.2, 0.5), 0.65
    u, v = _grid(reach)
    depth = 1 - np.hypot(u / half, v / (half * rng.uniform(0.4, 0.9)))
    depth += np.float32(0.22) * _noise(half * 0.8, reach, rng, 2)
    base = random_colour(rng, value=(0.45, 0.97), saturation=(0.2, 0.75), hue=(-8, 35))
    streak = np.exp(-np.abs(_noise(half * rng.uniform(0.3, 0.9), reach, rng)) * rng.uniform(4, 15))
    pale = linear((245.0, rng.uniform(200, 235), rng.uniform(180, 215)))
    colour = mix(np.broadcast_to(base, (*u.shape, 3)), pale, streak * rng.uniform(0.1, 0.8))
    colour = colour * (1 + np.float32(0.1) * _noise(0.2, reach, rng))[..., None]
    high = rng.uniform(0.04, 0.22) * np.clip(depth * 2, 0, 1) ** 0.5 + np.float32(0.005)
    return Slab(reach, np.where(depth > 0, high, _NOTHING), colour, rng.uniform(0.15, 0.6))


def cloth(rng: np.random.Generator) -> Slab:
    """A cloth, a sack or crumpled paper: folds, plain, striped or checked."""
    reach = rng.uniform(0.6, 1.5)
    half = reach * rng.uniform(0.6, 0.92, 2)
    u, v = _grid(reach)
    wave = np.float32(0.06 * reach) * _noise(0.7 * reach, reach, rng, 2)
    inside = (np.abs(u + wave) < half[0]) & (np.abs(v - wave) < half[1])
    base = random_colour(rng, value=(0.6, 1.0), saturation=(0.0, 0.25), hue=(20, 60))
    if rng.random() < 0.4:
        base = random_colour(rng, value=(0.1, 0.9), saturation=(0.1, 0.8))
    colour: Field = np.broadcast_to(base, (*u.shape, 3))
    tone = random_colour(rng, value=(0.1, 1.0), saturation=(0.0, 0.9))
    pitch, width = rng.uniform(0.08, 0.4), rng.uniform(-0.3, 0.9)
    kind = rng.random()
    if kind < 0.45:  # stripes, one way or both
        lines = step(np.sin((u + wave) * np.float32(math.tau / pitch)), width, 0.2)
        if kind < 0.25:
            across = step(np.sin((v - wave) * np.float32(math.tau / pitch)), width, 0.2)
            lines = np.asarray((lines + across) / 2, np.float32)
        colour = mix(colour, tone, lines)
    colour = colour * (1 + np.float32(0.05) * _noise(0.02, reach, rng, 1))[..., None]
    fold = 1 - np.abs(_noise(rng.uniform(0.3, 0.9) * reach, reach, rng, 3))
    high = rng.uniform(0.02, 0.12) * reach * np.clip(0.5 + 0.5 * fold, 0.1, 1.5)
    return Slab(reach, np.where(inside, high, _NOTHING), np.clip(colour, 0, 1), 0.95)


def board(rng: np.random.Generator) -> Slab:
    """A wooden board or tray, its grain to be seen, with a handle now and then."""
    reach = rng.uniform(0.5, 1.3)
    power, aspect = rng.choice([2.0, 12.0, 12.0]), rng.uniform(0.5, 1)
    u, v = _grid(reach)
    edge = 0.95 if power > 2 else 0.75
    oval = (np.abs(u / edge) ** power + np.abs(v / (aspect * edge)) ** power) ** (1 / power)
    inside = oval < reach
    if rng.random() < 0.4:
        inside |= (np.abs(v) < rng.uniform(0.06, 0.12) * reach) & (u > 0)
    grain = wood((_SIDE, _SIDE), rng.uniform(20, 60), rng)
    thick = np.float32(rng.uniform(0.03, 0.1))
    return Slab(reach, np.where(inside, thick, _NOTHING), grain, rng.uniform(0.4, 0.9))


def pulp(rows: int, columns: int, pitch: float, high: float, rng: np.random.Generator) -> Slab:
    """A tray of rows and columns of cups, ``pitch`` apart; of pulp, foam or plastic."""
    reach = (max(rows, columns) / 2 + 0.12) * pitch
    u, v = _grid(reach)
    inside = (np.abs(u) < (columns / 2 + 0.08) * pitch) & (np.abs(v) < (rows / 2 + 0.08) * pitch)
    across = [
        np.cos((part / pitch + (count - 1) / 2) * math.tau)
        for part, count in ((u, columns), (v, rows))
    ]
    wall = np.clip((2 - across[0] - across[1]) / 4, 0.02, 1) ** rng.uniform(0.6, 1.3)
    if rng.random() < 0.7:
        value = rng.uniform(90, 235)
        base = linear((value, value * rng.uniform(0.85, 1.0), value * rng.uniform(0.7, 1.0)))
    else:
        base = random_colour(rng, value=(0.3, 0.97), saturation=(0.0, 0.7))
    grain = value_noise(u.shape, 1.6, rng=rng) * np.float32(rng.uniform(0.02, 0.12))
    colour = base * (1 + grain)[..., None] * (0.55 + 0.45 * wall)[..., None]
    return Slab(
        reach, np.where(inside, high * wall, _NOTHING), np.clip(colour, 0, 1).astype(np.float32),
        rng.uniform(0.4, 1.0),
    )  # fmt: skip


FLAT = (bread, bread, cracker, cracker, meat, cloth, board)
"""What lies flat and is no egg; many of `SMALL` lie together."""
SMALL = (bread, cracker, meat)
