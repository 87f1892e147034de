from __future__ import annotations

import numpy as np
import pytest

from napari_segkit.errors import MaskError, ParamsError
from napari_segkit.jobs import drain
from napari_segkit.ops.inpaint import grown, inpaint


def photo(shape: tuple[int, int] = (150, 210)) -> np.ndarray:
    y, x = np.mgrid[: shape[0], : shape[1]]
    return np.stack([y % 256, x % 256, (x + y) % 200], 2).astype(np.uint8)


@pytest.mark.parametrize("method", ["telea", "ns"])
def test_only_marked_pixels_change_and_they_fit_in(method: str) -> None:
    clean = photo()
    mask = np.zeros(clean.shape[:2], bool)
    for y, x in ((0, 0), (149, 209), (63, 64), (62, 120), (75, 30)):  # corners and cell borders
        mask[max(y - 2, 0) : y + 3, max(x - 2, 0) : x + 3] = True
    dusty = clean.copy()
    dusty[mask] = 255
    steps: list[object] = []
    filled = drain(inpaint(dusty, mask, method=method, radius=4), steps.append)
    assert np.array_equal(filled[~mask], dusty[~mask])
    assert np.abs(filled[mask].astype(int) - clean[mask]).mean() < 12
    assert np.abs(dusty[mask].astype(int) - clean[mask]).mean() > 90
    assert (dusty[mask] == 255).all(), "the image itself was written to"
    assert len(steps) > 1, "one piece after the other"


def test_nothing_marked_or_everything() -> None:
    image = photo((30, 40))
    for mask in (np.zeros((30, 40), bool), np.ones((30, 40), bool)):
        assert np.array_equal(drain(inpaint(image, mask)), image)


def test_grown() -> None:
    mask = np.zeros((9, 9), bool)
    mask[4, 4] = True
    assert grown(mask, 0).sum() == 1
    assert grown(mask, 2)[2, 4]
    assert not grown(mask, 2)[1, 4]


def test_refusals() -> None:
    with pytest.raises(MaskError, match="does not match"):
        drain(inpaint(photo(), np.zeros((3, 3), bool)))
    with pytest.raises(ParamsError, match="telea or ns"):
        drain(inpaint(photo(), np.zeros((150, 210), bool), method="magic"))  # type: ignore[arg-type]
    with pytest.raises(ParamsError, match="radius 1 to 100"):
        drain(inpaint(photo(), np.zeros((150, 210), bool), radius=0))
