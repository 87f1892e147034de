from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from napari_segkit.data.weights_card import WeightsCard
from napari_segkit.errors import ParamsError, WeightsError
from napari_segkit.jobs import drain, segment
from napari_segkit.models.base import make_params
from napari_segkit.models.dust import Dust, DustParams
from napari_segkit.models.dust_origin import origin_probability
from napari_segkit.paths import shipped
from napari_segkit.runtime.base import OutOfMemory
from napari_segkit.types import Segmentation
from tests.models.tiny import tiny_weights


class Specks:
    """Knows its specks: dark pixels, the darker the surer; counts its calls."""

    name, device, stride, notes = "test", "cpu", 32, ()

    def __init__(self, most: int = 10**9) -> None:
        self.calls = 0
        self.most = most

    def run(self, batch: np.ndarray) -> np.ndarray:
        self.calls += 1
        if batch.shape[1] > self.most:
            raise OutOfMemory("not enough memory")
        return ((255 - batch[..., 0]) / np.float32(255))[:, None]


def model(backend: Specks | None = None, *, arch: str = "unet-light") -> Dust:
    dust = Dust()
    dust._backend = backend or Specks()  # type: ignore[assignment]
    dust._card = WeightsCard(
        name="t", model="dust", arch=arch, classes=("dust",), input_size=256, threshold=0.4
    )
    return dust


def photo(shape: tuple[int, int] = (500, 700)) -> np.ndarray:
    image = np.full((*shape, 3), 255, np.uint8)
    image[100:104, 100:105] = 5  # 20 pixels, sure
    image[300:303, 650:653] = 140  # 9 pixels, doubtful
    image[490, 5] = 0  # one pixel
    return image


def found(dust: Dust, image: np.ndarray, **changes: object) -> Segmentation:
    return drain(segment(dust, image, params=make_params(Dust, changes=changes)))


def test_objects_have_area_box_and_score() -> None:
    result = found(model(), photo(), tile=256)
    assert [i.box for i in result.instances.values()] == [
        (100, 100, 105, 104),
        (650, 300, 653, 303),
    ]
    assert result.instances[1].score == pytest.approx(250 / 255)
    assert result.instances[2].score == pytest.approx(115 / 255)
    assert (result.labels == 1).sum() == 20
    assert len(found(model(), photo(), min_area=1).instances) == 3


def test_sensitivity_and_area_do_not_run_the_network_again() -> None:
    dust = model(backend := Specks())
    image = photo()
    counts = {s: len(found(dust, image, sensitivity=s).instances) for s in (0.0, 0.5, 1.0)}
    assert counts == {0.0: 1, 0.5: 2, 1.0: 2}
    found(dust, image, min_area=30)
    assert backend.calls == 1
    image[0, 0] = 0
    found(dust, image)
    assert backend.calls == 2, "another image"
    found(dust, image, flips=True)
    assert backend.calls == 6, "another way to look"


def test_the_card_says_the_threshold() -> None:
    assert model().threshold(DustParams()) == 102
    assert model().threshold(DustParams(sensitivity=1)) < 10
    assert model().threshold(DustParams(sensitivity=0)) > 240


def test_a_smaller_scale_gives_the_images_size() -> None:
    result = found(model(), photo(), scale=0.5)
    assert result.labels.shape == (500, 700)
    assert result.instances[1].box == pytest.approx((100, 100, 105, 104), abs=2)


def test_F48_memory_is_short_so_tiles_get_smaller() -> None:
    result = found(model(Specks(most=300)), photo((900, 900)), tile=1024)
    assert len(result.instances) == 2
    assert any("tiles of 256" in note for note in result.notes)
    with pytest.raises(OutOfMemory):
        found(model(Specks(most=100)), photo((900, 900)))


def test_F46_cancel_leaves_nothing_behind() -> None:
    dust = model()
    job = segment(dust, photo((900, 900)), params=make_params(Dust, changes={"tile": 256}))
    next(job)
    next(job)
    job.close()
    assert dust._kept is None
    assert len(found(dust, photo(), min_area=4).instances) == 2


def test_overlap_must_fit() -> None:
    with pytest.raises(ParamsError, match="half a tile"):
        make_params(Dust, changes={"tile": 128, "overlap": 100})


def test_origin_mode_is_81_tiles_in_9_batches_returned_at_the_images_size() -> None:
    seen: list[tuple[int, ...]] = []

    class Noted(Specks):
        def run(self, batch: np.ndarray) -> np.ndarray:
            seen.append(batch.shape)
            return super().run(batch)

    image = np.full((1008, 4032, 3), 255, np.uint8)
    image[500:520, 2000:2020] = 127  # at 2016²: a little over and at one half
    image[100:120, 3000:3020] = 128
    chances = drain(origin_probability(Noted(), image))
    assert seen == [(9, 224, 224, 3)] * 9
    assert chances.shape == (1008, 4032)
    assert chances[510, 2010] >= 128
    assert chances[110, 3010] < 128
    dust = model(Specks(), arch="efficientnet-b1-unet")
    result = found(dust, image, method="origin", min_area=1)
    assert len(result.instances) == 1
    assert result.instances[1].box == pytest.approx((2000, 500, 2020, 520), abs=2)


def test_origin_mode_needs_the_origins_network() -> None:
    with pytest.raises(WeightsError, match="origin mode needs"):
        found(model(), photo(), method="origin")


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_shifted_by_7_pixels_a_network_finds_the_same(seed: int) -> None:
    """With real weights where there are some: whole objects at joints, no seams."""
    weights = shipped("weights") / "dust.safetensors"
    if not weights.is_file():
        pytest.skip("the dust weights are not made yet: make weights-dust")
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:520, :520]
    sky = np.stack([150 + y / 10, 170 + y / 12, 205 + y / 20], 2) + rng.normal(0, 2, (520, 520, 1))
    for cy, cx in rng.integers(30, 490, (25, 2)):
        sky -= 60 * np.exp(-(((y - cy) ** 2 + (x - cx) ** 2) / 18))[..., None]
    image = np.clip(sky, 0, 255).astype(np.uint8)
    dust = Dust()
    dust.load(weights, backend="torch")
    first = found(dust, image, tile=256).labels[40:480, 40:480]
    second = found(dust, image[7:, 7:], tile=256).labels[33:473, 33:473]
    assert len(np.unique(first)) - 1 >= 20, "nearly all; some lie on others or at the border"
    assert len(np.unique(first)) == len(np.unique(second))
    both, either = (first > 0) & (second > 0), (first > 0) | (second > 0)
    assert both.sum() / either.sum() > 0.93  # at least 0.949 with seeds 0 to 7


def test_shipped_or_missing_weights_are_told(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("napari_segkit.data.weights_store.shipped", lambda _kind: tmp_path)
    with pytest.raises(WeightsError, match=r"no weights here.*--weights"):
        Dust().load()
    with pytest.raises(WeightsError, match="no such weights file"):
        Dust().load(tmp_path / "none.safetensors")
    with pytest.raises(WeightsError, match="another model"):
        Dust().load(tiny_weights("eggpan", tmp_path))
    with pytest.raises(WeightsError, match="not loaded"):
        _ = Dust().card


def test_an_adopted_version_is_the_one_that_is_used(tmp_path: Path, monkeypatch) -> None:
    from napari_segkit.data.weights_store import add_version, adopt, roll_back, versions

    monkeypatch.setattr("napari_segkit.data.weights_store.shipped", lambda _kind: tmp_path / "s")
    monkeypatch.setattr("napari_segkit.data.weights_store.user_data", lambda: tmp_path / "u")
    torch.manual_seed(0)
    (tmp_path / "s").mkdir()
    (tmp_path / "mine").mkdir()
    first = tiny_weights("dust", tmp_path / "s")
    other = tiny_weights("dust", tmp_path / "mine", seed=5)
    add_version(other, "second")
    dust = Dust()
    dust.load(backend="torch")
    before = dust.card.sha256
    adopt("dust", "second")
    dust.load(backend="torch")
    assert dust.card.sha256 != before
    assert [(v.name, v.adopted) for v in versions("dust")] == [("shipped", False), ("second", True)]
    assert roll_back("dust").path == first
    dust.load(backend="torch")
    assert dust.card.sha256 == before
    with pytest.raises(WeightsError, match="nothing to roll back"):
        roll_back("dust")
    with pytest.raises(WeightsError, match="expected shipped, second"):
        adopt("dust", "third")
    with pytest.raises(WeightsError, match="already"):
        add_version(other, "second")
    with pytest.raises(WeightsError, match="not a version's name"):
        add_version(other, "../up")
