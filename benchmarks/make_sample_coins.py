"""Remake `sample_data/coins_generated.jpg` and its mask: coins with other things beside them."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from napari_segkit.synth.coins import make_scene

FOLDER = Path(__file__).resolve().parents[1] / "sample_data"
SEED, CONDITION, SIZE = 12, "distractors", (720, 960)


def main() -> None:
    scene = make_scene(SEED, condition=CONDITION, size=SIZE)
    FOLDER.mkdir(exist_ok=True)
    photo = FOLDER / "coins_generated.jpg"
    cv2.imwrite(str(photo), scene.image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 92])
    mask = FOLDER / "coins_generated_labels.png"
    cv2.imwrite(str(mask), scene.labels.astype(np.uint8))
    print(f"{photo.name}: {len(scene.coins)} coins, {photo.stat().st_size // 1024} KiB")


if __name__ == "__main__":
    main()
