"""Remake `sample_data/eggpan_generated.jpg` and its mask: fried eggs in a pan."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from napari_segkit.synth.eggpan import make_scene

FOLDER = Path(__file__).resolve().parents[1] / "sample_data"
SEED, THEME, SIZE = 611, "eggs in a pan", 720
VALUES = np.array([0, 128, 255], np.uint8)
"""Of background, egg, pan."""


def main() -> None:
    image, classes = make_scene(SEED, theme=THEME, size=SIZE)
    photo = FOLDER / "eggpan_generated.jpg"
    cv2.imwrite(str(photo), image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 92])
    cv2.imwrite(str(FOLDER / "eggpan_generated_labels.png"), VALUES[classes])
    print(f"{photo.name}: {image.shape[1]} x {image.shape[0]}, {photo.stat().st_size // 1024} KiB")


if __name__ == "__main__":
    main()
