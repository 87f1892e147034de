"""What lies on the inside of a vessel as a layer: fat, burnt crumbs, sauce, froth; on a `Plan`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from napari_segkit.synth.eggpan_plan import BACKGROUND
from napari_segkit.synth.noise import fractal_noise, mix, step, value_noise
from napari_segkit.synth.textures import linear, random_colour

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_segkit.synth.eggpan_plan import Plan


def grease(plan: Plan, rng: np.random.Generator) -> None:
    """Oil or butter: a smooth film, drops, froth; it belongs to the pan."""
    unit = plan.size / (2 * plan.reach)
    shape = plan.height.shape
    field = fractal_noise(shape, unit * rng.uniform(0.15, 0.6), rng=rng, octaves=3)
    film = step(field, rng.uniform(-0.8, 1.2), 0.15)
    plan.rough += (np.float32(rng.uniform(0.02, 0.15)) - plan.rough) * film
    gold = linear((rng.uniform(190, 255), rng.uniform(150, 230), rng.uniform(40, 140)))
    plan.albedo[:] = mix(plan.albedo, plan.albedo * 0.7 + gold * 0.06, film)
    plan.height += np.float32(0.008) * film
    if rng.random() < 0.6:
        size = max(1.6, unit * rng.uniform(0.015, 0.05))
        drops = step(value_noise(shape, size, rng=rng), rng.uniform(0.8, 1.5), 0.25)
        plan.height += np.float32(0.01) * drops
        plan.rough *= 1 - 0.8 * drops


def residue(plan: Plan, rng: np.random.Generator) -> None:
    """Burnt fat and crumbs stuck to the pan; they belong to it."""
    unit = plan.size / (2 * plan.reach)
    shape = plan.height.shape
    field = fractal_noise(shape, unit * rng.uniform(0.08, 0.4), rng=rng, octaves=4, persistence=0.7)
    spots = step(field, rng.uniform(0.7, 2.0), 0.4) * np.float32(rng.uniform(0.3, 0.95))
    tone = linear((rng.uniform(30, 190), rng.uniform(20, 120), rng.uniform(5, 60)))
    plan.lay(plan.everywhere(), spots, albedo=tone, rough=0.6, height=0.004)


def sauce(plan: Plan, rng: np.random.Generator) -> None:
    """Tomatoes, spinach or beans that fill a vessel and that eggs are poached in; no pan."""
    unit = plan.size / (2 * plan.reach)
    shape = (plan.size, plan.size)
    x, y = plan.places(plan.everywhere())
    lumps = fractal_noise(shape, unit * rng.uniform(0.08, 0.3), rng=rng, octaves=4)
    cover = step(rng.uniform(0.7, 0.95) - np.hypot(x, y) + 0.05 * lumps, 0, 0.05)
    first = random_colour(rng, value=(0.35, 0.85), saturation=(0.6, 1.0), hue=(0, 120))
    other = random_colour(rng, value=(0.2, 0.9), saturation=(0.4, 1.0), hue=(0, 120))
    tone = mix(np.broadcast_to(first, (*shape, 3)), other, step(lumps, 0.2, 1.0))
    plan.lay(
        plan.everywhere(),
        cover,
        albedo=tone,
        rough=rng.uniform(0.1, 0.5),
        height=0.05 * cover + np.float32(0.015) * lumps * cover,
        value=BACKGROUND,
    )


def froth(plan: Plan, egg: NDArray[np.bool_], rng: np.random.Generator) -> None:
    """Bubbles of fat around the eggs; they belong to the pan. ``egg``: (S, S)."""
    unit = plan.size / (2 * plan.reach)
    away = cv2.distanceTransform((~egg).astype(np.uint8), cv2.DIST_L2, 3) / np.float32(unit)
    wide = rng.uniform(0.03, 0.16)
    field = fractal_noise(egg.shape, unit * 0.2, rng=rng, octaves=3)
    near = step(wide * (1 + 0.8 * field) - away, 0, wide * 0.5) * (~egg)
    fine = np.abs(value_noise(egg.shape, max(1.5, unit * rng.uniform(0.012, 0.035)), rng=rng))
    ring = step(fine, rng.uniform(0.2, 0.6), 0.3)
    tone = linear((rng.uniform(200, 250), rng.uniform(185, 235), rng.uniform(120, 200)))
    cover = near * (1 - 0.8 * ring) * np.float32(rng.uniform(0.3, 0.85))
    plan.lay(plan.everywhere(), cover, albedo=tone, rough=0.3, height=0.006)
