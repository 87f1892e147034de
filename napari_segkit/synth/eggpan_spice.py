"""Spice over what lies on a `Plan`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from napari_segkit.synth.textures import linear

if TYPE_CHECKING:
    from napari_segkit.synth.eggpan_plan import Plan


def season(plan: Plan, rng: np.random.Generator) -> None:
    """Pepper, salt, herbs or paprika over everything; classes stay."""
    kinds = {
        "pepper": ((30.0, 24.0, 20.0), 0.010),
        "herbs": ((60.0, 110.0, 35.0), 0.028),
        "paprika": ((185.0, 50.0, 20.0), 0.008),
        "salt": ((250.0, 250.0, 250.0), 0.006),
        "chives": ((50.0, 140.0, 50.0), 0.03),
    }
    name = str(rng.choice(list(kinds)))
    rgb, grain = kinds[name]
    canvas = np.zeros(plan.height.shape, np.uint8)
    middle = rng.uniform(-0.4, 0.4, 2)
    for _ in range(int(np.exp(rng.uniform(2.5, 6)))):
        x, y = (middle + rng.normal(0, rng.uniform(0.2, 0.5), 2) + plan.reach) / plan.pixel
        size = max(1.0, grain / plan.pixel * rng.uniform(0.4, 1.3))
        axes = (int(size * 8), int(size * 8 * rng.uniform(0.3, 1)))
        place = (int(x * 16), int(y * 16))
        cv2.ellipse(canvas, place, axes, rng.uniform(0, 180), 0, 360, 255, -1, shift=4)
    cover = canvas.astype(np.float32) / 255 * np.float32(rng.uniform(0.5, 1))
    plan.lay(plan.everywhere(), cover, albedo=linear(rgb), height=0.004)
