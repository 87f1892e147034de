from __future__ import annotations

import pytest
import torch

from napari_segkit.errors import InputError
from napari_segkit.nets.registry import PRESETS, architectures, build

SMALL = {
    "unet-light": {"widths": (8, 12, 16), "blocks": (1, 1, 1)},
    "unet-contrast": {"widths": (8, 12, 16)},
    "unet-origin": {"widths": (4, 8, 16)},
}


@pytest.mark.parametrize("arch", architectures())
@pytest.mark.parametrize("classes", [1, 3])
def test_logits_have_the_size_of_the_input(arch: str, classes: int) -> None:
    net = build(arch, classes=classes, config=SMALL.get(arch)).eval()
    height, width = 2 * net.stride, 3 * net.stride
    with torch.inference_mode():
        logits = net(torch.rand(2, 3, height, width))
    assert logits.shape == (2, classes, height, width)
    assert logits.dtype == torch.float32


@pytest.mark.parametrize("arch", sorted(SMALL))
def test_every_weight_gets_a_gradient(arch: str) -> None:
    net = build(arch, classes=1, config=SMALL.get(arch))
    net(torch.rand(2, 3, 2 * net.stride, 2 * net.stride)).square().sum().backward()
    assert [name for name, one in net.named_parameters() if one.grad is None] == []


@pytest.mark.parametrize("options", [{"stem": 4}, {"separable": True}])
def test_variants(options: dict[str, object]) -> None:
    net = build("unet-light", classes=2, config=SMALL["unet-light"] | options).eval()
    assert net(torch.rand(1, 3, net.stride, net.stride)).shape == (1, 2, net.stride, net.stride)


@pytest.mark.parametrize(("name", "classes", "most"), [("dust", 1, 4e6), ("eggpan", 3, 9e6)])
def test_presets_stay_small(name: str, classes: int, most: float) -> None:
    spec = PRESETS[name]
    net = build(spec.arch, classes=classes, config=spec.config)
    assert sum(one.numel() for one in net.parameters()) <= most


def test_a_constant_image_gives_the_same_logits_everywhere_inside() -> None:
    """Nothing in it knows where in a tile a pixel lies: tiles can be put together."""
    net = build("unet-light", classes=1, config={"widths": (8, 12), "blocks": (1, 1)}).eval()
    with torch.inference_mode():
        logits = net(torch.full((1, 3, 96, 96), 0.3))[0, 0, 32:64, 32:64]
    assert logits.max() - logits.min() < 1e-4


def test_what_is_unknown_is_refused() -> None:
    with pytest.raises(InputError, match="unknown architecture"):
        build("resnet", classes=1)
    with pytest.raises(InputError, match="widht"):
        build("unet-light", classes=1, config={"widht": 3})
    with pytest.raises(InputError, match="colour"):
        build("efficientnet-b1-unet", classes=1, config={"colour": 3})
    with pytest.raises(InputError, match="1 or more classes"):
        build("unet-light", classes=0)
