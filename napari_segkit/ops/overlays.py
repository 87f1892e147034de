"""Pictures of a result: the photo with outlines and numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from napari_segkit.types import Image, Segmentation


def draw_overlay(image: Image, segmentation: Segmentation) -> Image:
    """Outline every instance in its class's colour and write its id beside its centre.

    Parameters
    ----------
    image : (H, W, 3) uint8 RGB
    segmentation
        Of the same height and width.

    Returns
    -------
    overlay : (H, W, 3) uint8 RGB
        A new picture.
    """
    overlay = image.copy()
    colors = {c.name: c.color for c in segmentation.classes}
    line = max(1, round(min(image.shape[:2]) / 300))
    scale = max(0.35, min(image.shape[:2]) / 900)
    for key, instance in segmentation.instances.items():
        x0, y0, x1, y1 = (int(value) for value in instance.box)
        region = (segmentation.labels[y0:y1, x0:x1] == key).astype(np.uint8)
        outlines, _ = cv2.findContours(
            region, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE, offset=(x0, y0)
        )
        cv2.drawContours(overlay, outlines, -1, (0, 0, 0), 3 * line)
        cv2.drawContours(overlay, outlines, -1, colors[instance.class_name], line)
        _write(overlay, str(key), ((x0 + x1) // 2, (y0 + y1) // 2), scale)
    return overlay


def _write(picture: Image, text: str, centre: tuple[int, int], scale: float) -> None:
    font, thick = cv2.FONT_HERSHEY_SIMPLEX, max(1, round(2 * scale))
    (width, height), _ = cv2.getTextSize(text, font, scale, thick)
    place = (centre[0] - width // 2, centre[1] + height // 2)
    cv2.putText(picture, text, place, font, scale, (0, 0, 0), 3 * thick, cv2.LINE_AA)
    cv2.putText(picture, text, place, font, scale, (255, 255, 255), thick, cv2.LINE_AA)
