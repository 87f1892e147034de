from __future__ import annotations

import numpy as np
import pytest
import torch

from napari_segkit.errors import ModelError
from napari_segkit.runtime.base import OutOfMemory
from napari_segkit.runtime.careful import Careful


class Fake:
    """Doubles the mean; fails on batches above a size, or with what it is told."""

    stride = 8

    def __init__(self, most: int = 99, error: BaseException | None = None, device: str = "cpu"):
        self.name = f"fake, {device}"
        self.device = device
        self.most = most
        self.error = error
        self.sizes: list[int] = []

    def run(self, batch: np.ndarray) -> np.ndarray:
        self.sizes.append(len(batch))
        if len(batch) > self.most and self.error is not None:
            raise self.error
        return batch[..., :1].transpose(0, 3, 1, 2).astype(np.float32) / 255


def batch(count: int = 8) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, 8, 16, 3), np.uint8)


FULL = [
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"),
    RuntimeError("[enforce fail at alloc_cpu.cpp:117] DefaultCPUAllocator: can't allocate memory"),
    MemoryError(),
    RuntimeError("std::bad_alloc"),
]


@pytest.mark.parametrize("error", FULL)
def test_F48_a_batch_that_does_not_fit_is_halved(error: BaseException) -> None:
    fake = Fake(most=3, error=error)
    careful = Careful(fake, channels=1)
    result = careful.run(batch())
    assert np.array_equal(result, Fake().run(batch()))
    assert fake.sizes == [8, 4, 2, 2, 2, 2]
    careful.run(batch(4))
    assert fake.sizes[6:] == [2, 2], "it remembers"


def test_F48_then_the_cpu_is_used_and_said() -> None:
    careful = Careful(Fake(0, FULL[0], "cuda"), channels=1, on_cpu=lambda: Fake())
    assert careful.run(batch()).shape == (8, 1, 8, 16)
    assert careful.device == "cpu"
    assert any("the CPU was used" in note for note in careful.notes)


def test_F48_at_last_it_is_told() -> None:
    with pytest.raises(OutOfMemory, match=r"16x8 pixels.*smaller tiles"):
        Careful(Fake(0, FULL[1]), channels=1).run(batch())


def test_F49_a_lost_gpu_stays_lost() -> None:
    fake = Fake(0, RuntimeError("CUDA error: device-side assert triggered"), "cuda")
    careful = Careful(fake, channels=1, on_cpu=lambda: Fake())
    for _ in range(2):
        with pytest.raises(ModelError, match=r"GPU does not answer.*restart"):
            careful.run(batch())
    assert fake.sizes == [8], "it is not asked again"


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_F50_nan_is_refused(value: float, monkeypatch) -> None:
    fake = Fake()
    bad = np.zeros((8, 1, 8, 16), np.float32)
    bad[3, 0, 2, 2] = value
    monkeypatch.setattr(fake, "run", lambda _: bad)
    with pytest.raises(ModelError, match="NaN"):
        Careful(fake, channels=1).run(batch())


def test_F50_another_shape_is_refused() -> None:
    with pytest.raises(ModelError, match=r"another shape.*\(8, 3, 8, 16\)"):
        Careful(Fake(), channels=3).run(batch())


def test_a_bug_stays_a_bug() -> None:
    with pytest.raises(RuntimeError, match="size mismatch"):
        Careful(Fake(0, RuntimeError("size mismatch")), channels=1).run(batch())
