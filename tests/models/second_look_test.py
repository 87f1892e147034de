from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from napari_segkit.data.weights import save_weights
from napari_segkit.data.weights_card import WeightsCard
from napari_segkit.errors import WeightsError
from napari_segkit.jobs import drain
from napari_segkit.models.dust import DustParams
from napari_segkit.models.second_look import (
    ARCH,
    MODEL,
    SecondLook,
    Window,
    patches_of,
    read_second_look,
)
from napari_segkit.models.tiled import ArrayRows
from napari_segkit.nets.patch_judge import JudgeConfig, PatchJudge
from napari_segkit.ops.candidates import Levels, find_candidates
from tests.models.dust_test import found, model, photo

CARD = WeightsCard(
    name=MODEL,
    model=MODEL,
    arch=ARCH,
    arch_config={"levels": {"low": 20, "peak": 60, "rim": 0.4}},
    classes=("dust",),
    input_size=32,
)


class Left(PatchJudge):
    """Believes in what has a bright pixel in its middle's red channel left of it."""

    def forward(self, patches: torch.Tensor) -> torch.Tensor:
        red = patches[:, 0, 0, 16, :16].float().mean(1)
        return (red - 128) / 20


def look(net: PatchJudge | None = None) -> SecondLook:
    return SecondLook((net or Left(JudgeConfig())).eval(), CARD, Levels(20, 60, 0.4), "cpu")


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


def test_patches_show_image_chance_and_mask_at_three_scales() -> None:
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (900, 700, 3), np.uint8)
    chances = np.zeros((900, 700), np.uint8)
    chances[400:410, 300:310] = 120
    chances[4, 690:699] = 100  # at a corner
    corner, middle = find_candidates(chances, Levels(20, 60, 0.4))
    one = patches_of(middle, Window(ArrayRows(image)), chances)
    assert one.shape == (3, 5, 32, 32)
    near = image[405 - 16 : 405 + 16, 305 - 16 : 305 + 16]
    assert np.array_equal(one[0, :3].transpose(1, 2, 0), near)
    assert (one[0, 3] == chances[389:421, 289:321]).all()
    assert one[0, 4].sum() == 100 * 255
    wide = image[405 - 48 : 405 + 48, 305 - 48 : 305 + 48].reshape(32, 3, 32, 3, 3).mean((1, 3))
    assert np.abs(one[1, :3].transpose(1, 2, 0) - wide).max() <= 1
    assert abs(float(one[2, 4].sum()) * 81 / (100 * 255) - 1) < 0.2
    edge = patches_of(corner, Window(ArrayRows(image)), chances)
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
