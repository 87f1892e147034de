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
    read_second_look,
    views_of,
)
from napari_segkit.models.tiled import ArrayRows
from napari_segkit.nets.patch_judge import JudgeConfig, PatchJudge, measures
from napari_segkit.ops.candidates import Levels, find_candidates
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
