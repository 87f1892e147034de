"""An image at scales 1, 1/2, 1/4 …, made when asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from napari_segkit.ops.polar import sample

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_segkit.ops.polar import Bools, Floats, Frames
    from napari_segkit.types import Image


class Pyramid:
    """Halved copies of an RGB image, each made once.

    Parameters
    ----------
    image : (H, W, 3) uint8 RGB
    """

    def __init__(self, image: Image) -> None:
        self.shape = (image.shape[0], image.shape[1])
        self._rgb: list[NDArray[np.uint8]] = [np.ascontiguousarray(image)]

    def rgb(self, level: int) -> NDArray[np.uint8]:
        """The image halved ``level`` times."""
        while len(self._rgb) <= level:
            height, width = self._rgb[-1].shape[:2]
            size = (max(1, width // 2), max(1, height // 2))
            self._rgb.append(cv2.resize(self._rgb[-1], size, interpolation=cv2.INTER_AREA))
        return self._rgb[level]

    def resized(self, longest: int) -> tuple[NDArray[np.uint8], float]:
        """Smoothed Lab image whose longer side is ``longest`` at most, and its scale."""
        scale = min(1.0, longest / max(self.shape))
        rgb = self.rgb(int(np.floor(np.log2(1 / scale))))
        size = (max(1, round(self.shape[1] * scale)), max(1, round(self.shape[0] * scale)))
        if size != rgb.shape[1::-1]:
            rgb = cv2.resize(rgb, size, interpolation=cv2.INTER_LINEAR)
        return cv2.cvtColor(cv2.GaussianBlur(rgb, (3, 3), 0), cv2.COLOR_RGB2Lab), scale

    def sample(
        self, frames: Frames, n_rays: int, rhos: Floats, *, radius: float
    ) -> tuple[Floats, Bools]:
        """Polar Lab samples of each frame, where its radius is ``radius`` to twice that in pixels.

        Returns
        -------
        values : (3, N, T, R) float32
        inside : (N, T, R) bool
        """
        level = np.floor(np.log2(np.maximum(frames.radius / radius, 1))).astype(int)
        different = np.unique(level).tolist()
        if len(different) == 1:
            return self._sample(different[0], frames, n_rays, rhos)
        values = np.empty((3, len(frames), n_rays, len(rhos)), np.float32)
        inside = np.empty(values.shape[1:], bool)
        for k in different:
            which = np.flatnonzero(level == k)
            values[:, which], inside[which] = self._sample(k, frames[which], n_rays, rhos)
        return values, inside

    def _sample(
        self, level: int, frames: Frames, n_rays: int, rhos: Floats
    ) -> tuple[Floats, Bools]:
        rgb = self.rgb(level)
        return sample(rgb, frames.scaled(rgb.shape[1] / self.shape[1]), n_rays, rhos)
