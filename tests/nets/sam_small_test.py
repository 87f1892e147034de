"""The small SAM is SAM: its classes, its predictor, its adapters; within its size."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from segment_anything import SamPredictor
from segment_anything.modeling import MaskDecoder, PromptEncoder, Sam

from napari_segkit.nets import lora
from napari_segkit.nets.lora_layers import LoraConfig
from napari_segkit.nets.sam_small import SmallSamConfig, build_small_sam, resized

TINY = SmallSamConfig(
    image_size=64, widths=(8, 8, 16), width=32, depth=2, heads=2, channels=16, decoder_heads=2
)


def test_it_is_built_of_segment_anything_and_keeps_to_its_size() -> None:
    sam = build_small_sam()
    assert type(sam) is Sam
    assert type(sam.prompt_encoder) is PromptEncoder
    assert type(sam.mask_decoder) is MaskDecoder
    parameters = sum(t.numel() for t in sam.state_dict().values())
    assert parameters <= 12_000_000
    assert 2 * parameters <= 25_000_000, "an fp16 file would be too large"


def test_its_own_predictor_runs_it_with_box_points_and_mask() -> None:
    torch.manual_seed(0)
    predictor = SamPredictor(build_small_sam(TINY))
    predictor.set_image(np.zeros((48, 60, 3), np.uint8))
    masks, scores, logits = predictor.predict(box=np.array([5, 5, 40, 30]))
    assert masks.shape == (3, 48, 60)
    assert logits.shape == (3, 32, 32)
    again, _, _ = predictor.predict(
        point_coords=np.array([[20, 20]]),
        point_labels=np.array([1]),
        box=np.array([5, 5, 40, 30]),
        mask_input=logits[:1],
        multimask_output=False,
    )
    assert again.shape == (1, 48, 60)
    assert scores.shape == (3,)


@pytest.mark.parametrize("size", [32, 96])
def test_it_works_at_other_input_sizes(size: int) -> None:
    predictor = SamPredictor(resized(build_small_sam(TINY), size))
    predictor.set_image(np.zeros((48, 60, 3), np.uint8))
    masks, _, logits = predictor.predict(box=np.array([5, 5, 40, 30]))
    assert masks.shape == (3, 48, 60)
    assert logits.shape == (3, size // 2, size // 2)


def test_adapters_fit_it() -> None:
    torch.manual_seed(0)
    sam = build_small_sam(TINY)
    x = torch.randn(1, 3, 64, 64)
    before = sam.image_encoder(x)
    lora.add_adapter(sam.image_encoder, LoraConfig(4))
    for tensor in lora.adapter_state(sam.image_encoder, "default").values():
        tensor.add_(0.1)
    assert not torch.allclose(sam.image_encoder(x), before)


def test_its_config_goes_through_plain_values() -> None:
    assert SmallSamConfig.of(TINY.as_dict()) == TINY
    assert SmallSamConfig.of({}) == SmallSamConfig()
