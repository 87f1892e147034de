"""Adapters change what they should and nothing else."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from segment_anything.modeling import ImageEncoderViT
from torch import nn

from napari_segkit.errors import ParamsError, WeightsError
from napari_segkit.nets import lora
from napari_segkit.nets.lora_layers import LoraConfig


def encoder(*, width: int = 32, depth: int = 2) -> ImageEncoderViT:
    torch.manual_seed(0)
    made = ImageEncoderViT(
        img_size=64,
        embed_dim=width,
        depth=depth,
        num_heads=4,
        norm_layer=partial(nn.LayerNorm, eps=1e-6),
        use_rel_pos=True,
        window_size=2,
        global_attn_indexes=(1,),
        out_chans=16,
    )
    return made.eval()


def image() -> torch.Tensor:
    return torch.randn(1, 3, 64, 64, generator=torch.Generator().manual_seed(1))


def stir(net: nn.Module, name: str, seed: int = 2) -> None:
    """Give B values, so that the adapter does something."""
    generator = torch.Generator().manual_seed(seed)
    for key, tensor in lora.adapter_state(net, name).items():
        if key.endswith(".B"):
            tensor.copy_(torch.randn(tensor.shape, generator=generator) * 0.1)


@pytest.mark.parametrize("rank", [1, 4, 512])
def test_a_new_adapter_changes_nothing_and_the_base_keeps_its_hash(rank: int) -> None:
    net = encoder()
    before, digest = net(image()), lora.base_sha256(net.state_dict())
    lora.add_adapter(net, LoraConfig(rank))
    assert torch.equal(net(image()), before)
    stir(net, "default")
    assert not torch.allclose(net(image()), before)
    assert lora.base_sha256(net.state_dict()) == digest
    lora.remove_adapter(net, "default")
    assert torch.equal(net(image()), before)


def test_training_moves_the_adapter_only() -> None:
    net = encoder()
    digest = lora.base_sha256(net.state_dict())
    lora.add_adapter(net, LoraConfig(4))
    trained = [p for p in net.parameters() if p.requires_grad]
    assert sum(p.numel() for p in trained) == 2 * 2 * 2 * 4 * 32  # blocks, q and v, A and B
    optimiser = torch.optim.Adam(trained, 1e-2)
    for _ in range(3):
        optimiser.zero_grad()
        net(image()).pow(2).mean().backward()
        optimiser.step()
    assert lora.base_sha256(net.state_dict()) == digest
    state = lora.adapter_state(net, "default")
    assert all(state[key].abs().max() > 0 for key in state if key.endswith(".B"))


def test_q_and_v_change_and_k_does_not() -> None:
    net = encoder()
    x = torch.randn(1, 4, 4, 32)
    qkv = net.blocks[0].attn.qkv
    before = qkv(x)
    lora.add_adapter(net, LoraConfig(3))
    stir(net, "default")
    state = lora.adapter_state(net, "default")
    after = net.blocks[0].attn.qkv(x)
    for part, name in enumerate("qkv"):
        rows = slice(32 * part, 32 * (part + 1))
        change = after[..., rows] - before[..., rows]
        if name == "k":
            assert not change.any()
        else:
            a, b = (state[f"blocks.0.attn.{name}.{m}"] for m in "AB")
            assert torch.allclose(change, x @ a.T @ b.T, atol=1e-6)


def test_merge_gives_the_same_answers_and_unmerge_the_same_bytes() -> None:
    net = encoder()
    digest = lora.base_sha256(net.state_dict())
    lora.add_adapter(net, LoraConfig(4, alpha=8, targets=("q", "k", "v", "proj")))
    stir(net, "default")
    adapted = net(image())
    lora.merge(net)
    lora.merge(net)
    assert lora.base_sha256(net.state_dict()) != digest
    assert torch.allclose(net(image()), adapted, atol=1e-5)
    lora.unmerge(net)
    assert lora.base_sha256(net.state_dict()) == digest
    assert torch.equal(net(image()), adapted)


def test_several_adapters_lie_side_by_side() -> None:
    net = encoder()
    bare = net(image())
    lora.add_adapter(net, LoraConfig(2), "first")
    stir(net, "first")
    first = net(image())
    lora.add_adapter(net, LoraConfig(5), "second")
    stir(net, "second", 3)
    second = net(image())
    assert lora.adapter_names(net) == ("first", "second")
    assert not torch.allclose(first, second)
    lora.merge(net)
    lora.select(net, "first")  # unmerges on the way
    assert torch.equal(net(image()), first)
    assert not any(p.requires_grad for p in lora.adapter_state(net, "second").values())
    lora.select(net, None)
    assert torch.equal(net(image()), bare)
    with pytest.raises(ParamsError, match="unknown adapter"):
        lora.select(net, "third")
    with pytest.raises(ParamsError, match="a new one without dots"):
        lora.add_adapter(net, LoraConfig(2), "first")


def test_an_adapter_goes_from_one_encoder_to_another_of_the_same_form() -> None:
    net, other = encoder(), encoder()
    config = LoraConfig(4, targets=("q", "v", "proj"))
    lora.add_adapter(net, config)
    stir(net, "default")
    lora.load_adapter(other, lora.adapter_state(net, "default"), config, "came")
    assert torch.equal(net(image()), other(image()))


def test_F33_an_adapter_of_another_base_is_refused_with_the_reason() -> None:
    net, wide = encoder(), encoder(width=48, depth=3)
    lora.add_adapter(net, LoraConfig(4))
    tensors = lora.adapter_state(net, "default")
    with pytest.raises(WeightsError) as error:
        lora.load_adapter(wide, tensors, LoraConfig(4))
    assert error.value.expected == "q, v of 3 blocks of width 48, rank 4"
    assert error.value.got == "q, v of 2 blocks of width 32, rank 4"
    assert lora.adapter_names(wide) == ()
    with pytest.raises(WeightsError, match="another base"):
        lora.load_adapter(encoder(), tensors, LoraConfig(8))


def test_dropout_works_in_training_only_and_alpha_scales() -> None:
    net = encoder()
    lora.add_adapter(net, LoraConfig(4, dropout=0.5), "dropping")
    stir(net, "dropping")
    assert torch.equal(net(image()), net(image()))
    net.train()
    assert not torch.equal(net(image()), net(image()))
    assert LoraConfig(4).scale == 1
    assert LoraConfig(4, alpha=8).scale == 2


@pytest.mark.parametrize(
    "odd",
    [
        {"rank": 0},
        {"rank": 513},
        {"rank": 4, "alpha": 0.0},
        {"rank": 4, "dropout": 1.0},
        {"rank": 4, "targets": ("w",)},
        {"rank": 4, "targets": ()},
    ],
)
def test_values_out_of_range_are_refused(odd: dict) -> None:
    with pytest.raises(ParamsError, match="of an adapter"):
        LoraConfig(**odd)


def test_an_encoder_without_attention_is_refused() -> None:
    with pytest.raises(ParamsError, match="no attention"):
        lora.add_adapter(nn.Sequential(nn.Linear(2, 2)), LoraConfig(4))
