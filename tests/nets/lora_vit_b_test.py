"""The ring project's adapters on ViT-B, with random weights: they fit, and only there."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from napari_segkit.data.lora_files import read_lora
from napari_segkit.errors import WeightsError
from napari_segkit.nets import lora
from napari_segkit.nets.lora_layers import LoraConfig

REAL = Path(__file__).resolve().parents[3] / "shared" / "data" / "rings" / "lora"

pytestmark = pytest.mark.slow


def test_the_three_files_fit_vit_b_and_no_other() -> None:
    from segment_anything import sam_model_registry
    from segment_anything.modeling import ImageEncoderViT

    files = sorted(REAL.glob("*.safetensors"))
    if not files:
        pytest.skip("../shared/data/rings/lora is not here")
    encoder = sam_model_registry["vit_b"]().image_encoder
    digest = lora.base_sha256(encoder.state_dict())
    x = torch.randn(1, 4, 4, 768, generator=torch.Generator().manual_seed(0))
    bare = encoder.blocks[0].attn.qkv(x)
    other = ImageEncoderViT(img_size=64, embed_dim=32, depth=12, num_heads=2)
    for path in files:
        tensors, facts, sha256 = read_lora(path)
        plain = {key: torch.from_numpy(one) for key, one in tensors.items()}
        config = LoraConfig(facts.rank)
        lora.load_adapter(encoder, plain, config, sha256[:8])
        qkv = encoder.blocks[0].attn.qkv(x)
        a, b = plain["blocks.0.attn.q.A"], plain["blocks.0.attn.q.B"]
        assert torch.allclose(qkv[..., :768], bare[..., :768] + x @ a.T @ b.T, atol=1e-5)
        assert torch.equal(qkv[..., 768:1536], bare[..., 768:1536]), "k is untouched"
        saved = lora.adapter_state(encoder, sha256[:8])
        assert all(torch.equal(saved[key], one) for key, one in plain.items())
        with pytest.raises(WeightsError, match="12 blocks of width 32"):
            lora.load_adapter(other, plain, config)
    assert len(lora.adapter_names(encoder)) == 3
    assert lora.base_sha256(encoder.state_dict()) == digest
