"""Remake `sample_data/dust_generated.jpg` and its mask: specks on a sensor, a sky, trees, birds."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from napari_segkit.synth import film
from napari_segkit.synth.dust_lookalikes import birds
from napari_segkit.synth.dust_marks import Mark, instances, lay, prepare
from napari_segkit.synth.dust_shapes import hair, spot
from napari_segkit.synth.grounds_sky import trees

FOLDER = Path(__file__).resolve().parents[1] / "sample_data"
SEED, SHAPE, NOISE = 2, (720, 960), 0.004


def main() -> None:
    rng = np.random.default_rng(SEED)
    picture = trees(SHAPE, rng)
    birds(picture, rng)
    sheet = prepare(film.lens(picture, np.random.default_rng(3)), later_noise=NOISE)
    for number in range(40):
        soft = cv2.GaussianBlur(hair(60, rng), (0, 0), 2.0)
        alpha = soft / soft.max() if number % 13 == 0 else spot(rng.uniform(4, 7), rng)
        place = rng.uniform(0, 1, 2) * (SHAPE[1], SHAPE[0])
        mark = Mark(alpha, np.zeros(3, np.float32), float(rng.uniform(0.05, 0.25)))
        lay(sheet, mark, (int(place[0]), int(place[1])))
    image = film.sensor_noise(sheet.picture, NOISE, rng=rng)
    image = np.clip(image * 255 + 0.5, 0, 255).astype(np.uint8)
    photo = FOLDER / "dust_generated.jpg"
    cv2.imwrite(str(photo), image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 92])
    labels = instances(sheet.mask)
    cv2.imwrite(str(FOLDER / "dust_generated_labels.png"), labels.astype(np.uint8))
    print(f"{photo.name}: {labels.max()} specks, {photo.stat().st_size // 1024} KiB")


if __name__ == "__main__":
    main()
