from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from napari_segkit.jobs import drain
from napari_segkit.models.tiled import ArrayRows, Tiling, filled, is_flat, run_tiles
from napari_segkit.ops.tiling import balanced, tile_grid


class Bright:
    """Says how dark a pixel and its neighbours are; counts its calls."""

    name, device, stride = "test", "cpu", 16

    def __init__(self) -> None:
        self.shapes: list[tuple[int, ...]] = []

    def run(self, batch: np.ndarray) -> np.ndarray:
        self.shapes.append(batch.shape)
        assert all(side % self.stride == 0 for side in batch.shape[1:3])
        gray = 255 - batch.mean(3)
        return (ndimage.uniform_filter(gray, (0, 3, 3)) / 255)[:, None].astype(np.float32)


def chances(backend: Bright, image: np.ndarray, tiling: Tiling) -> np.ndarray:
    found = np.full(image.shape[:2], 99, np.uint8)

    def take(top: int, band: np.ndarray) -> None:
        found[top : top + len(band)] = band

    drain(run_tiles(backend, ArrayRows(image), tiling, take))
    return found


def noise(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (height, width, 3), np.uint8)


@pytest.mark.parametrize("size", [(1, 1), (5, 200), (129, 64), (300, 333), (257, 512)])
@pytest.mark.parametrize("flips", [False, True])
def test_tiles_give_what_one_look_gives(size: tuple[int, int], flips: bool) -> None:
    image = noise(*size)
    backend = Bright()
    tiled = chances(backend, image, Tiling(128, 16, flips))
    whole = ndimage.uniform_filter(255 - image.mean(2), 3, mode="reflect")
    assert np.abs(tiled[1:-1, 1:-1].astype(float) - whole[1:-1, 1:-1]).max(initial=0) <= 1
    assert len(set(backend.shapes)) <= 1, "every other shape would be compiled"


def test_the_same_image_shifted_by_7_pixels() -> None:
    """No seam: where a tile begins makes no difference."""
    image = noise(400, 400)
    first = chances(Bright(), image, Tiling(160, 32))
    second = chances(Bright(), image[7:, 7:], Tiling(160, 32))
    assert np.abs(first[8:-1, 8:-1].astype(int) - second[1:-1, 1:-1]).max() <= 1


def test_flat_tiles_cost_nothing() -> None:
    image = np.full((600, 600, 3), 90, np.uint8)
    image[..., 1] = 120
    backend = Bright()
    assert not chances(backend, image, Tiling(128, 0)).any()
    assert backend.shapes == []
    image[300, 300] = 10
    found = chances(backend, image, Tiling(128, 0))
    assert found[300, 300] > 0
    assert len(backend.shapes) == 1


def test_what_is_flat() -> None:
    image = np.full((64, 64, 3), 100, np.uint8)
    assert is_flat(image)
    image[33, 17] = 102
    assert is_flat(image)
    image[33, 18] = 103
    assert not is_flat(image)


def test_a_tile_can_be_cancelled_and_is_announced() -> None:
    job = run_tiles(Bright(), ArrayRows(noise(300, 300)), Tiling(128, 16), lambda *_: None)
    steps = [next(job), next(job)]
    assert steps[0].total == 9
    assert [step.done for step in steps] == [0, 1]
    job.close()


def test_small_images_are_filled_up_to_few_shapes() -> None:
    shapes = {filled(noise(h, w), 1280, 32).shape for h in (3, 77, 128) for w in (1, 100, 127)}
    assert shapes == {(128, 128, 3)}


@pytest.mark.parametrize(("length", "side"), [(2016, 1056), (1280, 1280), (100, 100), (4000, 1056)])
def test_tiles_are_as_small_as_their_number_allows(length: int, side: int) -> None:
    found = balanced(length, 1280, overlap=64, step=32)
    assert found == side
    count = len(tile_grid((length, 1), (found, 1), overlap=0)) if length <= found else -1
    starts = tile_grid((length, 200), (found, 200), overlap=64)
    assert len(starts) == -(-(length - 64) // (1280 - 64))
    assert count in (-1, 1)
