from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from segment_anything.modeling import Sam

from napari_segkit.nets import lora
from napari_segkit.nets.lora_layers import LoraConfig
from napari_segkit.nets.sam_small import SmallSamConfig, build_small_sam
from napari_segkit.runtime import sam_openvino
from napari_segkit.runtime.openvino_graph import Graph
from napari_segkit.runtime.sam_backend import SamBackend
from napari_segkit.runtime.sam_openvino import OpenVinoSam

SMALL = SmallSamConfig(64, (8, 8, 16), 32, 2, 2, 16, 2)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for module in ("openvino_backend", "openvino_graph"):
        monkeypatch.setattr(f"napari_segkit.runtime.{module}.user_cache", lambda: tmp_path)
    return tmp_path / "openvino"


def small_sam() -> Sam:
    torch.manual_seed(0)
    return build_small_sam(SMALL)


def photo() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (50, 70, 3), np.uint8)


BOXES = np.array([[4, 5, 40, 30], [10, 8, 60, 44], [1, 1, 9, 9]], np.float32)
POINTS = np.array([[[20, 20], [3, 40]]], np.float32).repeat(3, 0)
PROMPTS = {
    "one box": {"boxes": BOXES[:1]},
    "three boxes, points": {
        "boxes": BOXES,
        "points": POINTS,
        "point_labels": np.array([[1, 0]] * 3, np.int32),
    },
    "points, candidates": {
        "points": POINTS[:1],
        "point_labels": np.array([[1, 0]], np.int32),
        "several": True,
    },
    "masks": {"boxes": BOXES, "masks": np.random.default_rng(1).normal(size=(3, 32, 32))},
}


@pytest.mark.parametrize("prompts", PROMPTS.values(), ids=PROMPTS)
def test_openvino_and_torch_agree(prompts: dict[str, object]) -> None:
    sam = small_sam()
    plain, fast = SamBackend(sam, "cpu"), OpenVinoSam(sam)
    expected = plain.encode(photo())
    embedding = fast.encode(photo())
    assert np.abs(embedding - expected).max() < 1e-4
    logits, scores = plain.decode(expected, (50, 70), **prompts)
    found, sure = fast.decode(expected, (50, 70), **prompts)
    assert found.shape == logits.shape
    assert np.abs(found - logits).max() < 1e-4
    assert np.abs(sure - scores).max() < 1e-4
    assert fast.name == "OpenVINO, FP32"


def test_sam_s_own_encoder_runs_folded() -> None:
    from segment_anything.modeling import ImageEncoderViT, MaskDecoder, PromptEncoder

    torch.manual_seed(0)
    small = small_sam()
    encoder = ImageEncoderViT(
        img_size=64, patch_size=8, embed_dim=32, depth=2, num_heads=2, out_chans=16,
        qkv_bias=True, use_rel_pos=True, window_size=3, global_attn_indexes=(1,),
    )  # fmt: skip
    assert isinstance(small.prompt_encoder, PromptEncoder)
    assert isinstance(small.mask_decoder, MaskDecoder)
    torch.nn.init.normal_(encoder.blocks[0].attn.rel_pos_h)
    sam = Sam(encoder, small.prompt_encoder, small.mask_decoder).eval()
    found = OpenVinoSam(sam).encode(photo())
    assert np.abs(found - SamBackend(sam, "cpu").encode(photo())).max() < 1e-4


def test_an_adapter_is_merged_and_kept_by_its_own_name(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sam = small_sam()
    fast, plain = OpenVinoSam(sam, key="k" * 64), SamBackend(sam, "cpu")
    bare = fast.encode(photo())
    lora.add_adapter(sam.image_encoder, LoraConfig(2), "one")
    for name, parameter in sam.image_encoder.named_parameters():
        if name.endswith(".B"):
            torch.nn.init.normal_(parameter, std=0.3)
    lora.merge(sam.image_encoder)
    fast.variant = "a" * 64
    adapted = fast.encode(photo())
    assert np.abs(adapted - bare).max() > 1e-3
    assert np.abs(adapted - plain.encode(photo())).max() < 1e-4
    names = sorted(path.name.rsplit("-", 1)[0] for path in cache.glob("sam-*.xml"))
    assert names == [f"sam-encoder-{'k' * 16}-{'a' * 16}", f"sam-encoder-{'k' * 16}-base"]
    lora.select(sam.image_encoder, None)
    fast.variant = ""
    assert np.array_equal(fast.encode(photo()), bare)

    def never(_: object) -> None:
        raise AssertionError("it was converted before")

    monkeypatch.setattr(sam_openvino, "encoder_model", never)
    again = OpenVinoSam(sam, key="k" * 64)
    assert np.abs(again.encode(photo()) - bare).max() < 1e-5


def test_where_openvino_fails_torch_goes_on_and_it_is_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sam = small_sam()
    expected = SamBackend(sam, "cpu").encode(photo())

    def broken(*_: object) -> None:
        raise RuntimeError("Exception from src/plugins:\nno such primitive")

    monkeypatch.setattr(Graph, "__call__", broken)
    fast = OpenVinoSam(sam)
    assert np.allclose(fast.encode(photo()), expected, atol=1e-5)
    assert fast.notes == ("OpenVINO failed, so torch was used (no such primitive)",)
    assert fast.name == "torch, cpu"
    assert fast.decode(expected, (50, 70), boxes=BOXES)[0].shape == (3, 1, 32, 32)


def test_a_broken_file_in_the_cache_is_made_anew(cache: Path) -> None:
    sam = small_sam()
    expected = OpenVinoSam(sam, key="k").encode(photo())
    for path in cache.glob("sam-*.xml"):
        path.write_text("<net>")
    fast = OpenVinoSam(sam, key="k")
    assert np.abs(fast.encode(photo()) - expected).max() < 1e-5
    assert fast.notes == ()


def test_conversion_reports_to_nobody() -> None:
    """OpenVINO's converter would tell a server of each conversion, by a process of its own."""
    code = (
        "import napari_segkit.runtime.openvino_graph\n"
        "from openvino.tools.ovc import convert_impl, telemetry_utils\n"
        "print(convert_impl.tm.__name__, telemetry_utils.tm.__name__)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["openvino.tools.ovc.telemetry_stub"] * 2
