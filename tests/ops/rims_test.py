from __future__ import annotations

import numpy as np
import pytest

from napari_segkit.ops.polar import Frames, refitted
from napari_segkit.ops.pyramid import Pyramid
from napari_segkit.ops.rims import Rims, bumps, trace

RHOS = np.linspace(0.7, 1.4, 50, dtype=np.float32)


def coin(
    *, rings: tuple[tuple[float, int], ...], ground: int = 40, noise: float = 4, size: int = 160
) -> np.ndarray:
    """Concentric discs (radius, brightness) in the middle."""
    y, x = np.mgrid[:size, :size]
    distance = np.hypot(x - size / 2, y - size / 2)
    image = np.full((size, size), float(ground))
    for radius, brightness in rings:
        image[distance < radius] = brightness
    image += np.random.default_rng(0).normal(0, noise, image.shape)
    return np.dstack([np.clip(image, 0, 255).astype(np.uint8)] * 3)


def traced(
    image: np.ndarray, x: float, y: float, radius: float, **options: object
) -> tuple[Frames, Rims]:
    frames = Frames(np.array([[x, y]], np.float32), radius * np.eye(2, dtype=np.float32)[None])
    values, inside = Pyramid(image).sample(frames, 64, RHOS, radius=20)
    rims = trace(values, inside, RHOS, order=4, penalty=0.04, **options)  # type: ignore[arg-type]
    return refitted(frames, rims.coefficients), rims


def test_a_rough_guess_becomes_the_rim() -> None:
    frames, rims = traced(coin(rings=((50, 180),)), 76, 83, 45)
    np.testing.assert_allclose(frames.centers, [[80, 80]], atol=1)
    assert frames.radius[0] == pytest.approx(50, rel=0.02)
    assert rims.score[0] > 0.8
    assert rims.visible[0] == 1


def test_texture_alone_scores_low() -> None:
    noise = np.random.default_rng(1).integers(0, 255, (160, 160, 3)).astype(np.uint8)
    _, rims = traced(noise, 80, 80, 50)
    assert rims.score[0] < 0.5


def test_flat_ground_scores_nothing() -> None:
    _, rims = traced(np.full((160, 160, 3), 90, np.uint8), 80, 80, 50)
    assert rims.score[0] < 0.1


def test_outward_prefers_the_fainter_outer_rim() -> None:
    image = coin(rings=((56, 90), (50, 200)), noise=2)
    inner, _ = traced(image, 80, 80, 52, outward=(0.0,))
    outer, _ = traced(image, 80, 80, 52, outward=(0.0, 9.0))
    assert inner.radius[0] == pytest.approx(50, abs=1.2)
    assert outer.radius[0] == pytest.approx(56, abs=1.2)


def test_a_rim_cut_by_the_frame_knows_how_much_is_visible() -> None:
    image = coin(rings=((50, 180),))[:, 60:]
    frames, rims = traced(image, 20, 80, 50)
    assert 0.5 < rims.visible[0] < 0.85
    assert frames.radius[0] == pytest.approx(50, rel=0.05)


def test_bumps_are_zero_for_an_ellipse_only() -> None:
    ellipse = np.array([[1, 0.1, 0, 0.2, 0.1, 0, 0, 0, 0]], np.float32)
    square = np.array([[1, 0, 0, 0, 0, 0, 0, 0.1, 0]], np.float32)
    assert bumps(ellipse)[0] == 0
    assert bumps(square)[0] == pytest.approx(0.0707, rel=0.01)
