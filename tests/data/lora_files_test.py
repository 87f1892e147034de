"""Adapter files: our own say what they are, the ring project's come back byte for byte."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from napari_segkit.data.lora_files import (
    LoraFacts,
    is_lora,
    read_lora,
    write_lora,
    write_origin,
)
from napari_segkit.errors import WeightsError

REAL = Path(__file__).resolve().parents[3] / "shared" / "data" / "rings" / "lora"
TINY = {
    "blocks.0.attn.q.A": np.ones((2, 8), np.float32),
    "blocks.0.attn.q.B": np.zeros((8, 2), np.float32),
}
FACTS = LoraFacts(base="vit_b", base_sha256="b" * 64, rank=2, metrics={"dice": 0.93})


def origin_tensors(rank: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(rank)
    return {
        f"blocks.{b}.attn.{t}.{m}": rng.normal(
            size=(rank, 768) if m == "A" else (768, rank)
        ).astype(np.float32)
        for b in range(12)
        for t in "qv"
        for m in "AB"
    }


@pytest.mark.parametrize("rank", [2, 4, 8])
def test_the_ring_projects_own_files_come_back_byte_for_byte(rank: int, tmp_path: Path) -> None:
    path = REAL / f"lora_rank{rank}.safetensors"
    if not path.is_file():
        pytest.skip("../shared/data/rings/lora is not here")
    tensors, facts, _ = read_lora(path)
    assert (facts.base, facts.rank, facts.targets) == ("vit_b", rank, ("q", "v"))
    assert len(tensors) == 48
    assert tensors["blocks.11.attn.v.B"].shape == (768, rank)
    write_origin(tmp_path / path.name, tensors)
    assert (tmp_path / path.name).read_bytes() == path.read_bytes()


def test_names_of_the_ring_project_go_q_v_by_block(tmp_path: Path) -> None:
    from safetensors.numpy import load_file

    tensors = origin_tensors(3)
    path = tmp_path / "lora_rank3.safetensors"
    write_origin(path, tensors)
    theirs = load_file(path)
    assert sorted(theirs) == sorted(f"w_{m}_{k:03d}" for m in "ab" for k in range(24))
    assert np.array_equal(theirs["w_a_004"], tensors["blocks.2.attn.q.A"])
    assert np.array_equal(theirs["w_b_005"], tensors["blocks.2.attn.v.B"])
    again, facts, _ = read_lora(path)
    assert facts.rank == 3
    assert all(np.array_equal(again[name], one) for name, one in tensors.items())


def test_our_own_files_keep_tensors_and_description(tmp_path: Path) -> None:
    path = tmp_path / "mine.safetensors"
    write_lora(path, TINY, FACTS)
    tensors, facts, sha256 = read_lora(path)
    assert facts == FACTS
    assert all(np.array_equal(tensors[name], one) for name, one in TINY.items())
    write_lora(tmp_path / "again.safetensors", TINY, FACTS)
    assert read_lora(tmp_path / "again.safetensors")[2] == sha256
    assert is_lora(path)


def test_what_is_no_adapter_is_refused(tmp_path: Path) -> None:
    from safetensors.numpy import save_file

    save_file({"conv.weight": np.ones(3, np.float32)}, tmp_path / "net.safetensors")
    assert not is_lora(tmp_path / "net.safetensors")
    with pytest.raises(WeightsError, match="not an adapter"):
        read_lora(tmp_path / "net.safetensors")
    save_file({"w_a_000": np.ones((2, 5), np.float32)}, tmp_path / "odd.safetensors")
    with pytest.raises(WeightsError, match="not an adapter of the ring project"):
        read_lora(tmp_path / "odd.safetensors")
    save_file(TINY, tmp_path / "bad.safetensors", metadata={"segkit": '{"rank": 0}'})
    with pytest.raises(WeightsError, match="description of the adapter"):
        read_lora(tmp_path / "bad.safetensors")
    (tmp_path / "page.safetensors").write_text("<html>")
    with pytest.raises(WeightsError, match=r"page\.safetensors"):
        read_lora(tmp_path / "page.safetensors")


def test_F34_nan_and_nothing_are_not_written(tmp_path: Path) -> None:
    bad = {"blocks.0.attn.q.A": np.full((2, 8), np.nan, np.float32)}
    with pytest.raises(WeightsError, match="NaN"):
        write_lora(tmp_path / "bad.safetensors", bad, FACTS)
    with pytest.raises(WeightsError, match="no tensors"):
        write_lora(tmp_path / "bad.safetensors", {}, FACTS)
    with pytest.raises(WeightsError, match="q and v of twelve blocks only"):
        write_origin(tmp_path / "bad.safetensors", TINY)
    assert list(tmp_path.iterdir()) == []
