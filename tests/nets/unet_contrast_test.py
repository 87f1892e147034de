"""The small U-Net of local contrast."""

from __future__ import annotations

import pytest
import torch
from pydantic import ValidationError

from napari_segkit.nets.unet_contrast import ContrastConfig, UNetContrast, local_contrast


@pytest.mark.parametrize(("classes", "shape"), [(1, (64, 96)), (3, (32, 32))])
def test_logits_have_the_size_of_the_image(classes: int, shape: tuple[int, int]) -> None:
    net = UNetContrast(classes=classes, config=ContrastConfig(widths=(8, 16, 24, 32, 40))).eval()
    with torch.inference_mode():
        logits = net(torch.zeros(2, 3, *shape))
    assert logits.shape == (2, classes, *shape)
    assert net.stride == 32


def test_untrained_it_finds_next_to_nothing() -> None:
    net = UNetContrast(classes=1, config=ContrastConfig(widths=(8, 16, 24))).eval()
    with torch.inference_mode():
        assert torch.sigmoid(net(torch.randn(1, 3, 64, 64))).mean() < 0.2


def test_contrast_ignores_brightness_and_sees_a_faint_spot() -> None:
    flat = torch.full((1, 12, 16, 16), 0.7)
    assert local_contrast(flat).abs().max() < 1e-5
    flat[:, :, 8, 8] -= 0.12  # 8 of 255
    contrast = local_contrast(flat)
    assert contrast[0, :, 8, 8].max() < -0.5
    assert contrast[0, :, 8, 8].abs().min() > 10 * contrast[0, :, 0, 0].abs().max()


def test_every_pixel_reaches_the_stem() -> None:
    """Nothing is left out by working at half the resolution."""
    net = UNetContrast(classes=1, config=ContrastConfig(widths=(8, 16, 24))).eval()
    image = torch.randn(1, 3, 32, 32, requires_grad=True)
    net(image)[0, 0, 8:24, 8:24].sum().backward()
    assert image.grad is not None
    assert (image.grad.abs().sum(1) > 0).float().mean() > 0.9


def test_a_deeper_one_goes_on_where_a_shallower_one_was() -> None:
    widths = (8, 16, 24)
    shallow = UNetContrast(classes=1, config=ContrastConfig(widths=widths))
    shallow(torch.randn(4, 3, 32, 32))  # so that the norms know something
    deep = UNetContrast(classes=1, config=ContrastConfig(widths=widths, depths=(1, 3)))
    missing = deep.load_state_dict(shallow.state_dict(), strict=False).missing_keys
    assert {key[: len("down.1.2")] for key in missing} == {"down.1.2", "down.1.3"}
    image = torch.randn(1, 3, 32, 32)
    with torch.inference_mode():
        assert torch.allclose(shallow.eval()(image), deep.eval()(image), atol=1e-6)


def test_depths_of_more_levels_than_there_are_are_refused() -> None:
    with pytest.raises(ValidationError, match="more depths than levels"):
        ContrastConfig(widths=(8, 16, 24), depths=(1, 1, 1))
