"""Losses: right answers cost little, wrong ones much, unknown pixels nothing."""

from __future__ import annotations

import pytest
import torch

from napari_segkit.training.losses import IGNORE, seg_loss

NAMES = ("bce", "dice", "dice-ce", "focal", "lovasz")


def logits_of(target: torch.Tensor, channels: int, strength: float) -> torch.Tensor:
    """Logits that say the target, the louder the stronger; negative = the contrary."""
    if channels == 1:
        return ((target == 1).float() * 2 - 1)[:, None] * strength
    known = target.clamp(max=channels - 1)
    return torch.nn.functional.one_hot(known, channels).permute(0, 3, 1, 2).float() * strength


@pytest.fixture(params=[1, 3])
def channels(request: pytest.FixtureRequest) -> int:
    return int(request.param)


@pytest.fixture
def target(channels: int) -> torch.Tensor:
    made = torch.zeros(2, 8, 8, dtype=torch.long)
    made[:, 2:5, 2:6] = 1
    if channels == 3:
        made[0, 5:, :] = 2
    return made


@pytest.mark.parametrize("name", NAMES)
def test_right_is_cheap_wrong_is_dear(name: str, channels: int, target: torch.Tensor) -> None:
    right = seg_loss(name, logits_of(target, channels, 12), target)
    unsure = seg_loss(name, logits_of(target, channels, 0), target)
    wrong = seg_loss(name, logits_of(target, channels, -12), target)
    assert right < 0.05
    assert right < unsure < wrong


@pytest.mark.parametrize("name", NAMES)
def test_gradient_leads_to_the_target(name: str, channels: int, target: torch.Tensor) -> None:
    logits = torch.zeros(2, channels, 8, 8, requires_grad=True)
    for _ in range(60):
        loss = seg_loss(name, logits, target)
        (slope,) = torch.autograd.grad(loss, logits)
        assert torch.isfinite(slope).all()
        logits = (logits - 40 * slope).detach().requires_grad_()
    found = (logits[:, 0] > 0).long() if channels == 1 else logits.argmax(1)
    assert (found == target).float().mean() > 0.95


@pytest.mark.parametrize("name", NAMES)
def test_unknown_pixels_count_neither_way(name: str, channels: int, target: torch.Tensor) -> None:
    known = target.clone()
    known[:, 6:] = IGNORE
    good = logits_of(target, channels, 12)
    bad = good.clone()
    bad[:, :, 6:] = -good[:, :, 6:]
    assert seg_loss(name, bad, known) == pytest.approx(float(seg_loss(name, good, known)))


@pytest.mark.parametrize("name", NAMES)
def test_nothing_known_or_nothing_there_is_finite(name: str, channels: int) -> None:
    for value in (0, IGNORE):
        target = torch.full((1, 8, 8), value)
        logits = torch.zeros(1, channels, 8, 8, requires_grad=True)
        loss = seg_loss(name, logits, target)
        loss.backward()
        assert torch.isfinite(loss)
        assert logits.grad is not None
        assert torch.isfinite(logits.grad).all()


@pytest.mark.parametrize("name", ["bce", "dice-ce", "focal"])
def test_weights_make_a_missed_object_dearer(
    name: str, channels: int, target: torch.Tensor
) -> None:
    nothing = torch.zeros_like(target)
    logits = logits_of(nothing, channels, 3)
    weights = torch.tensor([5.0] if channels == 1 else [1.0, 5.0, 5.0])
    assert seg_loss(name, logits, target, weights) > seg_loss(name, logits, target)


def test_dice_is_that_of_the_masks() -> None:
    target = torch.zeros(1, 10, 10, dtype=torch.long)
    target[0, :, :5] = 1
    found = torch.zeros(1, 1, 10, 10)
    found[..., 3:8] = 1  # 50 pixels, of which 20 are right: Dice 0.4
    loss = seg_loss("dice", (found * 2 - 1) * 50, target)
    assert 1 - float(loss) == pytest.approx((2 * 20 + 1) / (100 + 1), abs=1e-4)


def test_lovasz_of_hard_masks_is_the_jaccard_loss() -> None:
    target = torch.zeros(1, 10, 10, dtype=torch.long)
    target[0, :, :5] = 1
    found = torch.zeros(1, 1, 10, 10)
    found[..., 3:8] = 1
    loss = seg_loss("lovasz", (found * 2 - 1) * 50, target)
    assert float(loss) == pytest.approx(1 - 20 / 80, abs=1e-4)
