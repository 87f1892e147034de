"""Remake `sample_data/rings_generated.jpg` and its mask: a generated packshot of two rings."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from napari_segkit.synth.rings import RingOptions, Rings

FOLDER = Path(__file__).resolve().parents[1] / "sample_data"
SEED, SIZE = 620, 960


def main() -> None:
    made = Rings().generate(SEED, RingOptions(size=SIZE, pairs="each"))
    photo = FOLDER / "rings_generated.jpg"
    cv2.imwrite(str(photo), made.image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 92])
    cv2.imwrite(str(FOLDER / "rings_generated_labels.png"), made.labels.astype(np.uint8))
    height, width = made.labels.shape
    print(f"{photo.name}: {width} x {height}, {photo.stat().st_size // 1024} KiB")


if __name__ == "__main__":
    main()
