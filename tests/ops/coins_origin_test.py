from __future__ import annotations

import cv2
import numpy as np
import pytest

from napari_segkit.ops.coins_origin import OriginSettings, enhance, origin_mask, sharpen


def disc(size: int = 120, radius: float = 40) -> np.ndarray:
    y, x = np.mgrid[:size, :size]
    image = np.full((size, size, 3), 230, np.uint8)
    image[np.hypot(x - size / 2, y - size / 2) < radius] = (120, 90, 60)
    return image


def test_the_defaults_are_those_of_the_origin() -> None:
    assert OriginSettings() == OriginSettings(
        blur_kernel_size=5,
        blur_sigma=0,
        canny_threshold_1=40,
        canny_threshold_2=120,
        clip_limit=2.0,
        tile_grid_size=8,
        alpha=1.0,
        beta=0,
        sharpen_mode="none",
        pre_blur=False,
        kernel_size=9,
        sigma_x=10,
        sigma_y=10,
    )


def test_a_disc_is_filled_and_a_little_larger() -> None:
    mask = origin_mask(disc(), OriginSettings())
    assert set(np.unique(mask)) == {0, 255}
    area = np.count_nonzero(mask)
    assert np.pi * 40**2 < area < np.pi * 48**2


def test_step_by_step_it_is_the_pipeline_of_the_origin() -> None:
    """The same calls, written out once more."""
    image = np.random.default_rng(0).integers(0, 255, (90, 110, 3)).astype(np.uint8)
    image = cv2.GaussianBlur(image, (0, 0), 4)
    settings = OriginSettings(alpha=1.3, beta=-20, clip_limit=3.0, sharpen_mode="default")
    gray = cv2.cvtColor(cv2.convertScaleAbs(image, alpha=1.3, beta=-20), cv2.COLOR_RGB2GRAY)
    gray = cv2.createCLAHE(3.0, (8, 8)).apply(gray)
    kernel = np.array([[-1, -1, -1], [-1, 9, -1], [-1, -1, -1]])
    gray = cv2.GaussianBlur(cv2.filter2D(gray, -1, kernel), (5, 5), 0)
    np.testing.assert_array_equal(enhance(image, settings), gray)
    expected = cv2.Canny(gray, 40, 120)
    for blur in (True, False):
        contours, _ = cv2.findContours(expected, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
        filled = cv2.drawContours(np.zeros_like(gray), contours, -1, 255, cv2.FILLED)
        expected = cv2.GaussianBlur(filled, (9, 9), 10) if blur else filled
    np.testing.assert_array_equal(origin_mask(image, settings), expected)


def test_blur_and_sharpening_swap() -> None:
    image = np.random.default_rng(0).integers(0, 255, (60, 60, 3)).astype(np.uint8)
    first = enhance(image, OriginSettings(sharpen_mode="default", pre_blur=True))
    last = enhance(image, OriginSettings(sharpen_mode="default", pre_blur=False))
    assert (first != last).any()


@pytest.mark.parametrize("mode", ["default", "gaussian", "laplacian"])
def test_sharpening_steepens_an_edge(mode: str) -> None:
    gray = cv2.GaussianBlur(np.repeat([[60, 180]], 20, 0).repeat(20, 1).astype(np.uint8), (9, 9), 0)
    before = int(np.diff(gray[10].astype(int)).max())
    assert int(np.diff(sharpen(gray, mode)[10].astype(int)).max()) > before  # type: ignore[arg-type]
    np.testing.assert_array_equal(sharpen(gray, "none"), gray)
