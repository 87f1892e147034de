"""The dust project's pipeline: 2016², 81 tiles of 224 that do not overlap, 9 batches of 9.

The mask is returned at the image's own size (there it stayed 2016²).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_segkit.types import Progress

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_segkit.runtime.base import Backend
    from napari_segkit.types import Image, Job

BIG, PIECE = 2016, 224


def origin_probability(backend: Backend, image: Image) -> Job[NDArray[np.uint8]]:
    """Probability times 255, (H, W) uint8; 128 and above is what was >= 0.5."""
    import cv2

    from napari_segkit.ops.resizing import resize_labels

    big = cv2.resize(image, (BIG, BIG), interpolation=cv2.INTER_LINEAR)
    chances = np.empty((BIG, BIG), np.uint8)
    count = BIG // PIECE
    for row in range(count):
        yield Progress(row, count, "rows of tiles")
        band = big[row * PIECE : (row + 1) * PIECE]
        batch = band.reshape(PIECE, count, PIECE, 3).swapaxes(0, 1)
        found = backend.run(np.ascontiguousarray(batch))[:, 0]
        chances[row * PIECE : (row + 1) * PIECE] = _coded(found.swapaxes(0, 1)).reshape(PIECE, BIG)
    return resize_labels(chances, image.shape[:2])  # type: ignore[arg-type,return-value]


def _coded(chances: NDArray[np.float32]) -> NDArray[np.uint8]:
    """0.5 becomes 128, anything below at most 127."""
    return np.minimum(np.floor(chances * 256), 255).astype(np.uint8)
