from __future__ import annotations

import pytest
import torch
from segment_anything.modeling import ImageEncoderViT

from napari_segkit.nets.sam_folded import FoldedDecoder, FoldedEncoder
from napari_segkit.nets.sam_small import SmallSamConfig, build_small_sam


def encoder(*, window: int, size: int = 96) -> ImageEncoderViT:
    torch.manual_seed(0)
    made = ImageEncoderViT(
        img_size=size,
        patch_size=8,
        embed_dim=24,
        depth=3,
        num_heads=3,
        out_chans=16,
        qkv_bias=True,
        use_rel_pos=True,
        window_size=window,
        global_attn_indexes=(1,),
    ).eval()
    for parameter in made.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    return made


@pytest.mark.parametrize("window", [4, 5, 7], ids=["fits", "filled up", "two windows"])
def test_the_folded_encoder_says_the_same(window: int) -> None:
    plain = encoder(window=window)
    image = torch.randn(1, 3, 96, 96)
    with torch.no_grad():
        expected = plain(image)
        found = FoldedEncoder(plain)(image)
    assert found.shape == expected.shape == (1, 16, 12, 12)
    assert torch.allclose(found, expected, atol=2e-4 * float(expected.abs().max()))


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("masks", [False, True], ids=["boxes", "boxes and masks"])
def test_the_folded_decoder_says_the_same(count: int, masks: bool) -> None:
    torch.manual_seed(1)
    sam = build_small_sam(SmallSamConfig(64, (8, 8, 16), 32, 1, 2, 16, 2))
    boxes = torch.tensor([[4.0, 5, 40, 50]]).repeat(count, 1) + torch.arange(count)[:, None]
    start = torch.randn(count, 1, 32, 32) if masks else None
    embedding = torch.randn(1, 16, 8, 8)
    with torch.no_grad():
        sparse, dense = sam.prompt_encoder(points=None, boxes=boxes, masks=start)
        position = sam.prompt_encoder.get_dense_pe()
        expected = sam.mask_decoder.predict_masks(embedding, position, sparse, dense)
        given = dense if masks else dense[:1, :, :1, :1]
        found = FoldedDecoder(sam)(embedding, sparse, given)
    for one, other in zip(found, expected, strict=True):
        assert one.shape == other.shape
        assert torch.allclose(one, other, atol=1e-5)
