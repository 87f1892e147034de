"""Adapter files: our own with a description inside, and the ring project's without.

==========  ==========================================================================
ours        safetensors; ``blocks.3.attn.q.A`` (r, d), ``blocks.3.attn.q.B`` (d, r), …;
            ``tuned.NAME``: a tensor of the base that it holds whole (`nets.tuned`);
            metadata ``segkit``: the description as JSON (`LoraFacts`)
origin      ``lora_rank{r}.safetensors``: ``w_a_000`` … (r, 768), ``w_b_000`` … (768, r)
            in the order q of block 0, v of block 0, q of block 1, …; no metadata; ViT-B
==========  ==========================================================================
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from napari_segkit.data.atomic import atomic_write, disk_errors
from napari_segkit.data.weights import check_numbers, read_safetensors, sha256_of
from napari_segkit.errors import WeightsError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    Tensors = dict[str, NDArray[Any]]

_KEY = "segkit"
TUNED = "tuned."
_ORIGIN_BLOCKS, _ORIGIN_WIDTH = 12, 768
ORIGIN_BASE = "vit_b"


class LoraFacts(BaseModel):
    """What an adapter is.

    Attributes
    ----------
    base, base_sha256
        Name of the base it was trained on, and `nets.lora.base_sha256` of it ("" = unknown).
    rank, alpha, targets
        Form of its pairs.
    tune
        Parts of the base that it holds whole.
    classes
        What it was trained to find.
    metrics
        What it reached in validation.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    name: str = "adapter"
    base: str = Field(min_length=1)
    base_sha256: str = Field("", pattern=r"^([0-9a-f]{64})?$")
    rank: int = Field(ge=1, le=512)
    alpha: float | None = None
    targets: tuple[str, ...] = ("q", "v")
    tune: tuple[str, ...] = ()
    classes: tuple[str, ...] = ("ring",)
    metrics: dict[str, float] = Field(default_factory=dict)
    training: dict[str, str] = Field(default_factory=dict)
    version: str = ""


def write_lora(path: Path, tensors: Mapping[str, NDArray[Any]], facts: LoraFacts) -> None:
    """Write an adapter, whole or not at all; 32-bit floats.

    Raises
    ------
    WeightsError
        For NaN or no tensors.
    WriteError
        Where the disk refuses.
    """
    from safetensors.numpy import save

    if not tensors:
        raise WeightsError("there are no tensors to save", where=path)
    check_numbers(tensors, path)
    plain = {key: np.ascontiguousarray(one, np.float32) for key, one in sorted(tensors.items())}
    data = save(plain, metadata={_KEY: facts.model_dump_json()})
    with disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(path) as file:
        file.write(data)


def read_lora(path: Path) -> tuple[Tensors, LoraFacts, str]:
    """Tensors by our names, description and sha256 of an adapter file of either kind.

    Raises
    ------
    WeightsError
        Where it is damaged or no adapter.
    """
    tensors = read_safetensors(path)
    if "w_a_000" in tensors:
        named, facts = _from_origin(tensors, path)
        return named, facts, sha256_of(path)
    return tensors, _facts(path), sha256_of(path)


def is_lora(path: Path) -> bool:
    """Whether a safetensors file is an adapter, by its names."""
    names = read_safetensors(path)
    return "w_a_000" in names or all(
        name.endswith((".A", ".B")) or name.startswith(TUNED) for name in names
    )


def _facts(path: Path) -> LoraFacts:
    from safetensors import safe_open

    with safe_open(path, "np") as file:
        text = (file.metadata() or {}).get(_KEY)
    if text is None:
        raise WeightsError(
            "not an adapter",
            where=path,
            expected="a file that segkit train rings wrote, or lora_rank….safetensors",
        )
    try:
        return LoraFacts.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"]) or "JSON"
        raise WeightsError(
            "description of the adapter cannot be used",
            where=path,
            expected=f"{field}: {first['msg']}",
        ) from error


def _from_origin(tensors: Tensors, path: Path) -> tuple[Tensors, LoraFacts]:
    rank = int(tensors["w_a_000"].shape[0])
    shapes = {"a": (rank, _ORIGIN_WIDTH), "b": (_ORIGIN_WIDTH, rank)}
    wanted = {f"w_{m}_{k:03d}": shapes[m] for m in ("a", "b") for k in range(2 * _ORIGIN_BLOCKS)}
    if {name: one.shape for name, one in tensors.items()} != wanted:
        raise WeightsError(
            "not an adapter of the ring project",
            where=path,
            expected=f"{len(wanted)} tensors of width {_ORIGIN_WIDTH}, rank {rank}",
            got=f"{len(tensors)} tensors, w_a_000 {tensors['w_a_000'].shape}",
        )
    named = {_our_name(name): one for name, one in tensors.items()}
    return named, LoraFacts(name=path.stem, base=ORIGIN_BASE, rank=rank)


def _our_name(name: str) -> str:
    _, matrix, number = name.split("_")
    block, which = divmod(int(number), 2)
    return f"blocks.{block}.attn.{'qv'[which]}.{matrix.upper()}"


def write_origin(path: Path, tensors: Mapping[str, NDArray[Any]]) -> None:
    """Write an adapter as the ring project does; its own files come out byte for byte.

    Raises
    ------
    WeightsError
        Where it is not of q and v of ViT-B's twelve blocks.
    WriteError
        Where the disk refuses.
    """
    from safetensors.numpy import save

    theirs = {
        f"w_{m}_{2 * block + which:03d}": f"blocks.{block}.attn.{'qv'[which]}.{m.upper()}"
        for m in ("a", "b")
        for block in range(_ORIGIN_BLOCKS)
        for which in (0, 1)
    }
    if sorted(theirs.values()) != sorted(tensors):
        raise WeightsError(
            "the ring project's format holds q and v of twelve blocks only",
            where=path,
            got=f"{len(tensors)} tensors",
            remedy="save it in our own format",
        )
    data = save({name: np.ascontiguousarray(tensors[ours]) for name, ours in theirs.items()})
    with atomic_write(path) as file:
        file.write(data)
