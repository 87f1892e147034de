"""The coin project's classical pipeline, step for step: what the default mode is compared with.

::

    convertScaleAbs -> gray -> CLAHE -> sharpen, blur (or blur, sharpen) -> Canny
      -> external contours, filled -> blur -> external contours of what is not 0, filled

The result is one mask; its connected components are the instances.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, cast

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_segkit.types import Image

    Gray = NDArray[np.uint8]

SharpenMode = Literal["none", "default", "gaussian", "laplacian"]

_SHARPEN = np.array([[-1, -1, -1], [-1, 9, -1], [-1, -1, -1]], np.float32)


@dataclass(frozen=True, kw_only=True)
class OriginSettings:
    """The pipeline's parameters under its own names, with its own defaults."""

    blur_kernel_size: int = 5
    blur_sigma: float = 0.0
    canny_threshold_1: float = 40.0
    canny_threshold_2: float = 120.0
    clip_limit: float = 2.0
    tile_grid_size: int = 8
    alpha: float = 1.0
    beta: float = 0.0
    sharpen_mode: SharpenMode = "none"
    pre_blur: bool = False
    kernel_size: int = 9
    sigma_x: float = 10.0
    sigma_y: float = 10.0


def origin_mask(image: Image, settings: OriginSettings) -> NDArray[np.uint8]:
    """Mask of the coins.

    Parameters
    ----------
    image : (H, W, 3) uint8 RGB
    settings
        Kernel sizes are odd.

    Returns
    -------
    (H, W) uint8, 0 or 255
    """
    gray = enhance(image, settings)
    edges = cv2.Canny(gray, settings.canny_threshold_1, settings.canny_threshold_2)
    mask = _fill_external(edges)
    size = (settings.kernel_size, settings.kernel_size)
    blurred = cv2.GaussianBlur(mask, size, settings.sigma_x, sigmaY=settings.sigma_y)
    return _fill_external(blurred.astype(np.uint8))


def enhance(image: Image, settings: OriginSettings) -> Gray:
    """Gray image that Canny gets: brightness, CLAHE, sharpening and blur."""
    scaled = cv2.convertScaleAbs(image, alpha=settings.alpha, beta=settings.beta)
    gray = cv2.cvtColor(scaled, cv2.COLOR_RGB2GRAY)
    tiles = (settings.tile_grid_size, settings.tile_grid_size)
    gray = cv2.createCLAHE(clipLimit=settings.clip_limit, tileGridSize=tiles).apply(gray)
    if settings.pre_blur:
        return sharpen(_blur(gray, settings), settings.sharpen_mode)
    return _blur(sharpen(cast("Gray", gray), settings.sharpen_mode), settings)


def sharpen(gray: Gray, mode: SharpenMode) -> Gray:
    """Sharpened copy of a gray image.

    ``default`` is the 3x3 kernel with 9 in the centre and -1 around it; ``gaussian`` an unsharp
    mask (1.5 image - 0.5 blurred, sigma 3); ``laplacian`` the image minus its Laplacian.
    """
    if mode == "default":
        return cast("Gray", cv2.filter2D(gray, -1, _SHARPEN))
    if mode == "gaussian":
        return cast("Gray", cv2.addWeighted(gray, 1.5, cv2.GaussianBlur(gray, (0, 0), 3), -0.5, 0))
    if mode == "laplacian":
        edges = cv2.Laplacian(gray, cv2.CV_64F)
        return cast("Gray", np.clip(gray - edges, 0, 255).astype(np.uint8))
    return gray


def _blur(gray: Gray, settings: OriginSettings) -> Gray:
    size = (settings.blur_kernel_size, settings.blur_kernel_size)
    return cast("Gray", cv2.GaussianBlur(gray, size, settings.blur_sigma))


def _fill_external(mask: Gray) -> Gray:
    """Filled outer contours of what is not 0, as 0 and 255."""
    contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    filled: Gray = np.zeros(mask.shape, np.uint8)
    cv2.drawContours(filled, contours, -1, 255, cv2.FILLED)
    return filled
