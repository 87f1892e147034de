"""Weights files: safetensors with a card beside them, whole or refused.

::

    NAME.safetensors    16-bit floats, 32-bit in memory; integers as they are
    NAME.json           the card (`napari_segkit.data.weights_card`)
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_segkit.data.atomic import atomic_write, disk_errors
from napari_segkit.data.weights_card import card_path, read_card
from napari_segkit.data.weights_checks import check_safetensors, looks_like
from napari_segkit.errors import WeightsError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_segkit.data.weights_card import WeightsCard

    Tensors = dict[str, NDArray[Any]]

_FLOAT16_MAX = float(np.finfo(np.float16).max)


def save_weights(path: Path, tensors: Mapping[str, NDArray[Any]], card: WeightsCard) -> WeightsCard:
    """Write weights and their card; each appears whole or not at all, the card last.

    Parameters
    ----------
    path
        ``….safetensors``.
    tensors
        By name; floats are stored with 16 bits, except those that 16 bits cannot hold.
    card
        Its ``sha256`` is filled in.

    Returns
    -------
    The card as it was written.

    Raises
    ------
    WeightsError
        For a wrong suffix, no tensors, or a NaN or infinite number (nothing is written).
    WriteError
        Where the disk refuses.
    """
    from safetensors.numpy import save

    if path.suffix != ".safetensors":
        raise WeightsError("not the name of weights", where=path, expected="….safetensors")
    if not tensors:
        raise WeightsError("there are no tensors to save", where=path)
    packed = {name: _packed(np.asarray(one)) for name, one in sorted(tensors.items())}
    check_numbers(packed, path)
    data = save(packed)
    written = card.model_copy(update={"sha256": hashlib.sha256(data).hexdigest()})
    with disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(path) as file:
        file.write(data)
    with atomic_write(card_path(path)) as file:
        text = json.dumps(written.model_dump(mode="json"), indent=2, ensure_ascii=False)
        file.write(text.encode() + b"\n")
    return written


def _packed(tensor: NDArray[Any]) -> NDArray[Any]:
    if tensor.dtype.kind != "f" or np.abs(tensor).max(initial=0) > _FLOAT16_MAX:
        return np.array(tensor, order="C")
    return np.array(tensor, np.float16, order="C")


def load_weights(path: Path) -> tuple[Tensors, WeightsCard]:
    """Tensors and card of a weights file.

    Returns
    -------
    tensors
        By name; floats as float32.
    card

    Raises
    ------
    WeightsError
        Where the file or its card is missing, damaged, of another kind, or has a NaN.
    """
    tensors = read_safetensors(path)
    card = read_card(path)
    if card.sha256 and card.sha256 != sha256_of(path):
        raise WeightsError(
            "weights are damaged: they do not have the hash that their card names",
            where=path,
            expected=card.sha256[:12],
            got=sha256_of(path)[:12],
            remedy="copy or download both files again",
        )
    return tensors, card


def read_safetensors(path: Path) -> Tensors:
    """Tensors of a safetensors file, floats as float32; its card is not asked for.

    Raises
    ------
    WeightsError
        Where it is none, is damaged, or has a NaN.
    """
    if not path.is_file():
        raise WeightsError("no such weights file", where=path)
    kind = looks_like(path)
    if kind is not None:
        raise WeightsError(
            "not a weights file", where=path, expected="safetensors", got=kind[0], remedy=kind[1]
        )
    check_safetensors(path)
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        loaded = load_file(path)
    except (SafetensorError, OSError, ValueError, KeyError) as error:
        raise WeightsError(
            "weights are damaged", where=path, got=error, remedy="copy or download them again"
        ) from error
    check_numbers(loaded, path)
    return {
        name: one.astype(np.float32) if one.dtype.kind == "f" else one
        for name, one in loaded.items()
    }


def check_numbers(tensors: Mapping[str, NDArray[Any]], where: Path) -> None:
    """Refuse NaN and infinities.

    Raises
    ------
    WeightsError
        Naming the first such tensor.
    """
    for name, one in tensors.items():
        if one.dtype.kind == "f" and not np.isfinite(one).all():
            raise WeightsError(
                "weights have NaN or infinite numbers",
                where=where,
                got=name,
                remedy="take an earlier checkpoint; the training went wrong",
            )


def sha256_of(path: Path) -> str:
    """Hash of a file.

    Raises
    ------
    WeightsError
        Where it cannot be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise WeightsError("weights cannot be read", where=path, got=error.strerror) from error
