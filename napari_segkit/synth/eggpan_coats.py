"""What pans, plates and other vessels are made of, as a `Plan` of their inside and a paint."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from napari_segkit.synth.eggpan_plan import Plan
from napari_segkit.synth.noise import Field, fractal_noise, mix, step, value_noise
from napari_segkit.synth.rays import Material
from napari_segkit.synth.textures import linear, random_colour

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True)
class Coat:
    """A surface: colour and share of mirrored light (3,) linear, roughness, and a pattern."""

    albedo: Field
    mirror: Field
    rough: float
    pattern: str = "plain"
    strength: float = 0.3


def _gray(value: float) -> Field:
    return np.full(3, (value / 255) ** 2.2, np.float32)


_BLACK_PATTERNS = ("plain", "plain", "rings", "specks", "worn", "ridges")


def _black(rng: np.random.Generator) -> Coat:
    tint = 1 + rng.uniform(-0.08, 0.08, 3)
    albedo = _gray(rng.uniform(12, 62)) * tint
    return Coat(
        albedo.astype(np.float32), np.full(3, rng.uniform(0.03, 0.09), np.float32),
        rng.uniform(0.12, 0.85), str(rng.choice(_BLACK_PATTERNS)),
        rng.uniform(0.05, 0.5),
    )  # fmt: skip


def _iron(rng: np.random.Generator) -> Coat:
    albedo = _gray(rng.uniform(18, 60)) * np.array([1.1, 1.0, 0.92], np.float32)
    return Coat(
        albedo, np.full(3, rng.uniform(0.03, 0.1), np.float32), rng.uniform(0.35, 0.9),
        str(rng.choice(["cast", "worn", "rings", "ridges"])), rng.uniform(0.2, 0.8),
    )  # fmt: skip


def _gray_coat(rng: np.random.Generator) -> Coat:
    return Coat(
        _gray(rng.uniform(60, 150)), np.full(3, rng.uniform(0.04, 0.15), np.float32),
        rng.uniform(0.2, 0.8), str(rng.choice(["plain", "rings", "specks", "marble"])),
        rng.uniform(0.1, 0.6),
    )  # fmt: skip


def _steel(rng: np.random.Generator) -> Coat:
    warm = rng.uniform(-0.04, 0.06)
    mirror = np.float32(rng.uniform(0.4, 0.75)) * np.array([1 + warm, 1, 1 - warm])
    return Coat(
        _gray(rng.uniform(60, 130)), mirror.astype(np.float32), rng.uniform(0.1, 0.7),
        str(rng.choice(["brushed", "brushed", "rings", "stained"])), rng.uniform(0.2, 0.9),
    )  # fmt: skip


def _ceramic(rng: np.random.Generator) -> Coat:
    albedo = random_colour(rng, value=(0.72, 0.97), saturation=(0.0, 0.15), hue=(20, 60))
    return Coat(
        albedo, np.full(3, 0.05, np.float32), rng.uniform(0.1, 0.5),
        str(rng.choice(["plain", "specks", "worn"])), rng.uniform(0.05, 0.4),
    )  # fmt: skip


def _coloured(rng: np.random.Generator) -> Coat:
    albedo = random_colour(rng, value=(0.25, 0.9), saturation=(0.3, 0.95))
    return Coat(
        albedo, np.full(3, 0.05, np.float32), rng.uniform(0.12, 0.7),
        str(rng.choice(["plain", "specks", "rings"])), rng.uniform(0.05, 0.5),
    )  # fmt: skip


def _copper(rng: np.random.Generator) -> Coat:
    mirror = np.array([0.85, 0.5, 0.36], np.float32) * np.float32(rng.uniform(0.6, 1.0))
    albedo = random_colour(rng, value=(0.3, 0.6), saturation=(0.5, 0.8), hue=(12, 28))
    return Coat(
        albedo * np.float32(0.5), mirror, rng.uniform(0.15, 0.6),
        str(rng.choice(["brushed", "rings", "plain"])), rng.uniform(0.1, 0.6),
    )  # fmt: skip


def _speckled(rng: np.random.Generator) -> Coat:
    albedo = random_colour(rng, value=(0.2, 0.75), saturation=(0.0, 0.4))
    return Coat(
        albedo, np.full(3, 0.05, np.float32), rng.uniform(0.15, 0.7), "granite", rng.uniform(0.5, 1)
    )


def _carbon(rng: np.random.Generator) -> Coat:
    """Carbon steel with the patina of use: blue, brown, black."""
    albedo = random_colour(rng, value=(0.12, 0.4), saturation=(0.1, 0.5), hue=(10, 45))
    mirror = np.float32(rng.uniform(0.08, 0.35)) * np.array([1, 0.9, 0.8], np.float32)
    return Coat(
        albedo, mirror, rng.uniform(0.3, 0.8), str(rng.choice(["worn", "marble", "stained"])),
        rng.uniform(0.4, 1.4),
    )  # fmt: skip


def _enamel(rng: np.random.Generator) -> Coat:
    """White or cream enamel, scratched and stained."""
    albedo = random_colour(rng, value=(0.8, 0.99), saturation=(0.0, 0.12), hue=(30, 60))
    return Coat(
        albedo, np.full(3, 0.06, np.float32), rng.uniform(0.05, 0.3),
        str(rng.choice(["plain", "stained", "specks"])), rng.uniform(0.05, 0.8),
    )  # fmt: skip


PAN_COATS: dict[str, tuple[Callable[[np.random.Generator], Coat], float]] = {
    "black": (_black, 0.33),
    "iron": (_iron, 0.15),
    "gray": (_gray_coat, 0.1),
    "steel": (_steel, 0.15),
    "ceramic": (_ceramic, 0.06),
    "coloured": (_coloured, 0.07),
    "speckled": (_speckled, 0.06),
    "carbon": (_carbon, 0.05),
    "enamel": (_enamel, 0.03),
}
"""What pans are coated with inside, and how often."""
HELD_OUT_COATS: dict[str, tuple[Callable[[np.random.Generator], Coat], float]] = {
    "copper": (_copper, 0.4),
    "black": (_black, 0.3),
    "steel": (_steel, 0.15),
    "coloured": (_coloured, 0.15),
}
"""For images that judge: copper is never trained on."""


def pan_coat(rng: np.random.Generator, *, held_out: bool = False) -> Coat:
    """The inside of a pan."""
    coats = HELD_OUT_COATS if held_out else PAN_COATS
    names = list(coats)
    weights = np.array([coats[name][1] for name in names])
    return coats[str(rng.choice(names, p=weights / weights.sum()))][0](rng)


def china(rng: np.random.Generator) -> Coat:
    """A plate or a cup: mostly white, some coloured, wood or steel."""
    kind = rng.random()
    if kind < 0.55:
        albedo = random_colour(rng, value=(0.75, 0.98), saturation=(0.0, 0.1))
    else:
        albedo = random_colour(rng, value=(0.1, 0.9), saturation=(0.0, 0.8))
    return Coat(
        albedo, np.full(3, 0.05, np.float32), rng.uniform(0.05, 0.5),
        str(rng.choice(["plain", "plain", "specks", "rings"])), rng.uniform(0.02, 0.3),
    )  # fmt: skip


def bare_plan(coat: Coat, size: int, reach: float, value: int, rng: np.random.Generator) -> Plan:
    """The inside of an empty vessel."""
    plan = Plan.blank(size, reach, value)
    x, y = plan.places(plan.everywhere())
    unit = size / (2 * reach)
    plan.albedo[:] = coat.albedo
    plan.rough[:] = coat.rough
    shape = (size, size)
    soft = fractal_noise(shape, unit * 0.5, rng=rng, octaves=4, persistence=0.6)
    plan.albedo *= (1 + np.float32(0.12 * coat.strength) * soft)[..., None]
    _pattern(plan, coat, x, y, unit, rng)
    plan.rough += np.float32(0.15 * coat.strength) * soft
    np.clip(plan.rough, 0.02, 1, out=plan.rough)
    return plan


def _pattern(
    plan: Plan, coat: Coat, x: Field, y: Field, unit: float, rng: np.random.Generator
) -> None:
    shape, k = x.shape, np.float32(coat.strength)
    rho = np.sqrt(x * x + y * y)
    if coat.pattern in {"rings", "brushed"}:
        count = 512
        line = rng.standard_normal(count).astype(np.float32)
        line = cv2.GaussianBlur(line[None], (0, 0), rng.uniform(0.6, 6))[0]
        line /= max(1e-6, float(line.std()))
        ring = line[np.clip(rho / plan.reach / 1.5 * count, 0, count - 1).astype(np.int32)]
        plan.albedo *= (1 + 0.12 * k * ring)[..., None]
        plan.height += np.float32(0.0012) * k * ring
    elif coat.pattern in {"specks", "granite"}:
        for _ in range(1 if coat.pattern == "specks" else 3):
            grain = max(1.2, unit * rng.uniform(0.006, 0.03))
            speck = step(value_noise(shape, grain, rng=rng), rng.uniform(0.7, 1.4), 0.3)
            tone = random_colour(rng, value=(0.05, 1.0), saturation=(0.0, 0.3))
            plan.albedo[:] = mix(plan.albedo, tone, k * speck)
    elif coat.pattern == "marble":
        vein = np.abs(fractal_noise(shape, unit * 0.4, rng=rng, octaves=4))
        tone = random_colour(rng, value=(0.05, 1.0), saturation=(0.0, 0.3))
        plan.albedo[:] = mix(plan.albedo, tone, k * np.exp(-vein / np.float32(0.2)))
    elif coat.pattern == "ridges":  # a grill pan
        angle, pitch = rng.uniform(0, math.pi), rng.uniform(0.08, 0.16)
        along = x * np.float32(math.cos(angle)) + y * np.float32(math.sin(angle))
        ridge = step(np.sin(along * np.float32(math.tau / pitch)), 0.3, 0.6)
        plan.height += np.float32(0.02) * ridge * (rho < 0.85)
    elif coat.pattern == "cast":
        plan.height += np.float32(0.004) * k * value_noise(shape, max(1.5, unit * 0.02), rng=rng)
    elif coat.pattern in {"worn", "stained"}:
        field = fractal_noise(shape, unit * 0.4, rng=rng, octaves=4, persistence=0.7)
        spots = step(field - rho, rng.uniform(-0.6, 0.8), 0.8)
        tone = linear((rng.uniform(80, 190),) * 3) * np.array([1, 0.85, 0.65], np.float32)
        plan.albedo[:] = mix(plan.albedo, tone, np.float32(0.5) * k * spots)
        _scratch(plan, rng, k)


def _scratch(plan: Plan, rng: np.random.Generator, strength: np.float32) -> None:
    """Fine scratches of forks and spatulas."""
    canvas = np.zeros(plan.height.shape, np.uint8)
    for _ in range(int(rng.integers(5, 60))):
        start = rng.uniform(0, plan.size, 2)
        angle, length = rng.uniform(0, math.tau), plan.size * rng.uniform(0.03, 0.3)
        end = start + length * np.array([math.cos(angle), math.sin(angle)])
        cv2.line(canvas, start.astype(int).tolist(), end.astype(int).tolist(), 255, 1, cv2.LINE_AA)
    cover = canvas.astype(np.float32) / 255 * strength * np.float32(rng.uniform(0.2, 0.8))
    plan.albedo[:] = mix(plan.albedo, linear((170.0, 170.0, 170.0)), cover)


def uniform_paint(coat: Coat, rng: np.random.Generator, *, grain: float = 0.05) -> Callable[
    [Field, Field, Field, Field], Material
]:  # fmt: skip
    """Paint of one coat with a faint mottle; ``grain`` in world units."""
    phase = rng.uniform(0, math.tau, 3)

    def paint(x: Field, y: Field, z: Field, normal: Field) -> Material:
        del normal
        wave = np.sin(x / grain + phase[0]) * np.sin(y / grain + phase[1]) * np.sin(z / grain)
        albedo = (1 + np.float32(0.1 * coat.strength) * wave)[:, None] * coat.albedo
        mirror = np.broadcast_to(coat.mirror, albedo.shape)
        return Material(albedo.astype(np.float32), mirror, np.full(len(x), coat.rough, np.float32))

    return paint
