from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from napari_segkit.data.weights import save_weights
from napari_segkit.data.weights_card import WeightsCard
from napari_segkit.errors import ModelError, WeightsError
from napari_segkit.jobs import drain
from napari_segkit.models.dust import DustParams
from napari_segkit.models.second_look import (
    ARCH,
    MODEL,
    CarefulJudge,
    JudgeBackend,
    SecondLook,
    Window,
    read_second_look,
    views_of,
)
from napari_segkit.models.tiled import ArrayRows
from napari_segkit.nets.patch_judge import JudgeConfig, PatchJudge, measures
from napari_segkit.ops.candidates import Levels, find_candidates
from napari_segkit.runtime.base import OutOfMemory
from tests.models.dust_test import found, model, photo

CARD = WeightsCard(
    name=MODEL,
    model=MODEL,
    arch=ARCH,
    arch_config={"levels": {"low": 20, "peak": 60, "rim": 0.4}},
    classes=("dust",),
    input_size=96,
)


class Left(PatchJudge):
    """Believes in what has a bright pixel in its middle's red channel left of it."""

    def forward(self, views: torch.Tensor) -> torch.Tensor:
        red = views[:, 0, 0, 48, 32:48].float().mean(1)
        return (red - 128) / 20


def look(net: PatchJudge | None = None) -> SecondLook:
    return careful_look(JudgeBackend(net or Left(JudgeConfig()), "cpu"))


def careful_look(backend: JudgeBackend | Fails, on_cpu: JudgeBackend | None = None) -> SecondLook:
    careful = CarefulJudge(backend, None if on_cpu is None else lambda: on_cpu)
    return SecondLook(careful, CARD, Levels(20, 60, 0.4))


class Fails:
    """Raises what it is told where there are more candidates than `most`; else scores of 1/2."""

    stride = 1

    def __init__(self, error: BaseException, *, most: int = 0, device: str = "cpu") -> None:
        self.name, self.device = f"second look on test, {device}", device
        self.error, self.most = error, most
        self.sizes: list[int] = []

    def run(self, views: np.ndarray) -> np.ndarray:
        self.sizes.append(len(views))
        if len(views) > self.most:
            raise self.error
        return np.full(len(views), 0.5, np.float32)


def six() -> tuple[np.ndarray, np.ndarray]:
    """An image and chances with six candidates."""
    chances = np.zeros((200, 400), np.uint8)
    for x in range(30, 390, 60):
        chances[90:96, x : x + 6] = 150
    return np.full((200, 400, 3), 100, np.uint8), chances


def scores_by(judge: SecondLook) -> np.ndarray:
    image, chances = six()
    drain(judge.judge(ArrayRows(image), chances, scores := np.zeros_like(chances)))
    return scores[chances > 0]


def test_scores_are_painted_over_whole_candidates() -> None:
    chances = np.zeros((300, 200), np.uint8)
    chances[50:55, 50:55] = chances[250:256, 3:9] = 150
    image = np.full((300, 200, 3), 10, np.uint8)
    image[40:70, 30:52] = 250
    scores = np.zeros_like(chances)
    drain(look().judge(ArrayRows(image), chances, scores))
    assert ((scores > 0) == (chances > 0)).all()
    assert set(np.unique(scores[50:55, 50:55])) == {scores[52, 52]}
    assert scores[52, 52] > 200 > 20 > scores[252, 5]


def test_views_show_image_chance_and_mask_at_two_scales() -> None:
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (900, 700, 3), np.uint8)
    chances = np.zeros((900, 700), np.uint8)
    chances[400:410, 300:310] = 120
    chances[4, 690:699] = 100  # at a corner
    corner, middle = find_candidates(chances, Levels(20, 60, 0.4))
    one = views_of(middle, Window(ArrayRows(image)), chances)
    assert one.shape == (2, 5, 96, 96)
    near = image[405 - 48 : 405 + 48, 305 - 48 : 305 + 48]
    assert np.array_equal(one[0, :3].transpose(1, 2, 0), near)
    assert (one[0, 3] == chances[357:453, 257:353]).all()
    assert one[0, 4].sum() == 100 * 255
    wide = image[405 - 144 : 405 + 144, 305 - 144 : 305 + 144]
    wide = wide.reshape(96, 3, 96, 3, 3).mean((1, 3))
    assert np.abs(one[1, :3].transpose(1, 2, 0) - wide).max() <= 1
    assert abs(float(one[1, 4].sum()) * 9 / (100 * 255) - 1) < 0.2
    edge = views_of(corner, Window(ArrayRows(image)), chances)
    assert edge.shape == one.shape
    assert edge[0, 4].any()


def test_a_shift_does_not_change_a_score() -> None:
    torch.manual_seed(0)
    judge = look(PatchJudge(JudgeConfig()))
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (800, 700, 3), np.uint8)
    chances = np.zeros((800, 700), np.uint8)
    chances[400:409, 300:311] = 120
    first, second = np.zeros_like(chances), np.zeros((793, 693), np.uint8)
    drain(judge.judge(ArrayRows(image), chances, first))
    drain(judge.judge(ArrayRows(image[7:, 7:]), chances[7:, 7:], second))
    assert np.array_equal(first[7:, 7:], second)


def test_what_measures_rule_out_is_not_looked_at_further() -> None:
    """The encoder sees what is left, and a candidate's score does not depend on the others."""
    torch.manual_seed(1)
    net = PatchJudge(JudgeConfig(sift=0.44)).eval()
    views = torch.randint(0, 256, (40, 2, 5, 96, 96), dtype=torch.uint8)
    views[::2, :, :3] = 128
    seen: list[int] = []
    net.encoder.register_forward_hook(lambda _, given, __: seen.append(len(given[0]) // 2))
    with torch.inference_mode():
        first = net.of_measures(measures(views)).mean(0).sigmoid()
        scores = net(views).sigmoid()
        together = sum(seen)
        alone = torch.cat([net(views[k : k + 1]).sigmoid() for k in range(40)])
    assert 0 < int((first >= 0.44).sum()) < 40
    assert together == int((first >= 0.44).sum())
    assert scores[first < 0.44].max() < 1e-6
    assert scores[first >= 0.44].min() > 1e-3
    assert torch.allclose(scores, alone, atol=1e-4)


def test_sensitivity_moves_scores_alone_and_it_can_be_switched_off() -> None:
    dust = model()
    before = found(dust, photo())
    dust._judge = look()
    image = photo()
    image[100:104, 60:100] = 60  # darker left of the sure one
    assert [i.box for i in found(dust, image, sensitivity=0.6, tile=256).instances.values()] == [
        (650, 300, 653, 303)
    ]
    assert dust.threshold(DustParams()) == 128, "the judge's own"
    assert dust.threshold(DustParams(second_look=False)) == 102
    assert len(found(dust, photo(), second_look=False).instances) == len(before.instances)


FULL = torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")


@pytest.mark.parametrize("error", [FULL, MemoryError(), RuntimeError("DefaultCPUAllocator: no")])
def test_F48_candidates_that_do_not_fit_are_halved(error: BaseException) -> None:
    fails = Fails(error, most=2)
    assert (scores_by(careful_look(fails)) == 128).all()
    assert fails.sizes == [6, 3, 1, 1, 1, 1, 1, 1]


def test_F48_then_the_cpu_judges_and_that_is_said_once() -> None:
    note = "the memory of cuda was full; the CPU was used"
    judge = careful_look(Fails(FULL, device="cuda"), JudgeBackend(Left(JudgeConfig()), "cpu"))
    assert (scores_by(judge) == scores_by(look())).all()
    assert judge.backend.device == "cpu"
    dust = model()
    dust._judge, dust.backend.notes = judge, (note,)  # the first network fell back, too
    assert found(dust, photo(), tile=256).notes == (note,)


def test_F48_at_last_it_is_told_what_to_do() -> None:
    words = r"not enough memory \(one candidate, second look on test, cpu\).*second look off"
    with pytest.raises(OutOfMemory, match=words):
        scores_by(careful_look(Fails(MemoryError())))


def test_F49_a_lost_gpu_stays_lost() -> None:
    fails = Fails(RuntimeError("CUDA error: device-side assert triggered"), device="cuda")
    judge = careful_look(fails, JudgeBackend(Left(JudgeConfig()), "cpu"))
    for _ in range(2):
        with pytest.raises(ModelError, match=r"GPU does not answer.*restart"):
            scores_by(judge)
    assert fails.sizes == [6], "it is not asked again"


def test_F50_nan_is_refused() -> None:
    class Broken(Left):
        def forward(self, views: torch.Tensor) -> torch.Tensor:
            return super().forward(views) * torch.nan

    with pytest.raises(ModelError, match=r"returned NaN \(second look on torch, cpu\); load other"):
        scores_by(look(Broken(JudgeConfig())))


def test_weights_that_are_read_give_way_too(tmp_path: Path) -> None:
    tensors = {k: v.numpy() for k, v in PatchJudge(JudgeConfig()).state_dict().items()}
    save_weights(path := tmp_path / "a.safetensors", tensors, CARD)
    judge = read_second_look(path, "cpu")
    assert isinstance(judge.backend, CarefulJudge)
    judge.backend._backend = Fails(FULL, device="cuda")
    assert len(scores_by(judge)) == 6 * 36
    assert judge.backend.name == "second look on torch, cpu"


def test_weights_of_another_kind_are_refused(tmp_path: Path) -> None:
    tensors = {k: v.numpy() for k, v in PatchJudge(JudgeConfig()).state_dict().items()}
    save_weights(path := tmp_path / "a.safetensors", tensors, CARD)
    assert read_second_look(path, "cpu").levels == Levels(20, 60, 0.4)
    save_weights(path, tensors, CARD.model_copy(update={"model": "dust"}))
    with pytest.raises(WeightsError, match="another model"):
        read_second_look(path, "cpu")
    save_weights(path, {"a": np.zeros(3)}, CARD)
    with pytest.raises(WeightsError, match="do not fit"):
        read_second_look(path, "cpu")
