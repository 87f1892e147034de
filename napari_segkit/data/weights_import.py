"""Checkpoints of the origin projects (``.pth``), read without running anything that they hold.

A checkpoint is a zip archive around a pickle. torch neither checks the archive's checksums nor how
far a packed entry grows, so both are done here first; the pickle is then opened with
``weights_only=True`` (torch >= 2.10: CVE-2025-32434, CVE-2026-24747) and never in another way.
"""

from __future__ import annotations

import hashlib
import io
import pickle
import warnings
import zipfile
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from napari_segkit.data.weights import check_numbers
from napari_segkit.data.weights_card import Normalisation, WeightsCard
from napari_segkit.data.weights_checks import looks_like
from napari_segkit.errors import WeightsError

if TYPE_CHECKING:
    from pathlib import Path

    from napari_segkit.data.weights import Tensors

SUFFIXES = (".pth", ".pt", ".ckpt")
MAX_BYTES = 4 << 30
_MAX_ENTRIES = 20_000
_WRAPPERS = ("state_dict", "model_state_dict", "model")


def import_checkpoint(path: Path) -> tuple[Tensors, WeightsCard]:
    """Tensors (floats as float32) and a card of a checkpoint of the dust or egg and pan project.

    Raises
    ------
    WeightsError
        Where it is damaged, holds more than tensors, or is of another network.
    """
    tensors, sha256 = read_checkpoint(path)
    tensors = {_renamed(name): one for name, one in tensors.items()}
    return tensors, _card(tensors, path, sha256)


def read_checkpoint(path: Path) -> tuple[Tensors, str]:
    """Tensors of any checkpoint, floats as float32 and without wrappers, and the file's sha256.

    Raises
    ------
    WeightsError
        Where it is damaged or holds more than tensors.
    """
    data = _read(path)
    tensors = _plain(_unwrapped(_unpickled(data, path), path), path)
    check_numbers(tensors, path)
    return tensors, hashlib.sha256(data).hexdigest()


def _read(path: Path) -> bytes:
    """The file's bytes, once it is known to be an archive of stored, intact entries."""
    if not path.is_file():
        raise WeightsError("no such weights file", where=path)
    kind = looks_like(path)
    if kind is None or not kind[0].startswith("a zip"):
        got, remedy = kind or ("a file of another kind", "save it with torch.save")
        raise WeightsError(
            "not a checkpoint", where=path, expected="an archive", got=got, remedy=remedy
        )
    try:
        if path.stat().st_size > MAX_BYTES:
            raise WeightsError("checkpoint is too large", where=path, expected="at most 4 GB")
        data = path.read_bytes()
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            _check_entries(archive, path)
            broken = archive.testzip()
    except (OSError, zipfile.BadZipFile, ValueError, NotImplementedError, EOFError) as error:
        raise WeightsError(
            "checkpoint is damaged", where=path, got=error, remedy="copy or download it again"
        ) from error
    if broken is not None:
        raise WeightsError(
            "checkpoint is damaged: a checksum is wrong",
            where=path,
            got=broken,
            remedy="copy or download it again",
        )
    return data


def _check_entries(archive: zipfile.ZipFile, path: Path) -> None:
    entries = archive.infolist()
    if len(entries) > _MAX_ENTRIES:
        raise WeightsError("checkpoint has too many entries", where=path, got=len(entries))
    if len({entry.filename for entry in entries}) < len(entries):
        raise WeightsError("checkpoint names an entry twice", where=path)
    for entry in entries:
        if entry.compress_type != zipfile.ZIP_STORED or entry.flag_bits & 1:
            raise WeightsError(
                "checkpoint is packed; torch stores without packing",
                where=path,
                got=entry.filename,
                remedy="save it again with torch.save",
            )
        if "/code/" in entry.filename or entry.filename.endswith("constants.pkl"):
            raise WeightsError(
                "checkpoint holds a program (TorchScript)",
                where=path,
                expected="tensors only",
                remedy="save its state_dict() with torch.save",
            )


def _unpickled(data: bytes, path: Path) -> object:
    import torch

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # sparse tensors take long to check; refused below
            return torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise WeightsError(
            "checkpoint holds more than tensors; it was not opened",
            where=path,
            expected="a state_dict",
            remedy="save its state_dict() with torch.save",
        ) from error
    except (RuntimeError, ValueError, KeyError, EOFError, TypeError, AttributeError) as error:
        raise WeightsError(
            "checkpoint is damaged", where=path, got=str(error).splitlines()[0]
        ) from error


def _unwrapped(loaded: object, path: Path) -> Mapping[str, object]:
    """The state dict inside of ``{epoch, state_dict, optimizer}`` and of ``module.`` names."""
    for _ in range(3):
        if not isinstance(loaded, Mapping):
            break
        inner = next((loaded[key] for key in _WRAPPERS if key in loaded), None)
        if inner is None:
            break
        loaded = inner
    if not isinstance(loaded, Mapping) or not loaded or not all(isinstance(k, str) for k in loaded):
        raise WeightsError(
            "checkpoint has no state_dict",
            where=path,
            expected="tensors by name, or a state_dict of them",
            got=type(loaded).__name__,
        )
    if all(name.startswith("module.") for name in loaded):
        return {name.removeprefix("module."): one for name, one in loaded.items()}
    return loaded


def _plain(loaded: Mapping[str, object], path: Path) -> Tensors:
    import torch

    tensors: dict[str, Any] = {}
    for name, one in loaded.items():
        if not isinstance(one, torch.Tensor):
            got = f"{name}: {type(one).__name__}"
            raise WeightsError("checkpoint holds more than tensors", where=path, got=got)
        if one.layout != torch.strided or one.is_quantized or one.is_complex() or one.is_meta:
            raise WeightsError(
                "checkpoint has a tensor of a kind that is not read",
                where=path,
                expected="plain numbers",
                got=f"{name}: {one.dtype}, {one.layout}",
            )
        dense = one.detach()
        tensors[name] = (dense.float() if dense.is_floating_point() else dense).numpy()
    return tensors


def _renamed(name: str) -> str:
    """The dust project calls ``head`` what segmentation-models-pytorch calls otherwise."""
    return f"segmentation_head.{name[5:]}" if name.startswith("head.") else name


def _card(tensors: Tensors, path: Path, sha256: str) -> WeightsCard:
    if "double_conv_downs.0.0.weight" in tensors:
        widths = [len(one) for name, one in tensors.items() if _opens_a_level(name)]
        return WeightsCard(
            name=path.stem,
            model="eggpan",
            arch="unet-origin",
            arch_config={"widths": widths},
            classes=("egg", "pan"),
            # ToTensor divides by 255, and the project's data set does so once more
            normalisation=Normalisation(std=(255, 255, 255)),
            input_size=400,
            sha256=sha256,
        )
    for encoder, stem in _STEMS.items():
        if stem in tensors:
            return WeightsCard(
                name=path.stem,
                model="dust",
                arch="efficientnet-b1-unet",
                arch_config={"encoder": encoder},
                classes=("dust",),
                input_size=224,
                sha256=sha256,
            )
    raise WeightsError(
        "checkpoint is of a network that is not known",
        where=path,
        expected="one of the dust or the egg and pan project",
        got=f"{len(tensors)} tensors ({next(iter(tensors))} …)",
    )


_STEMS = {
    "tu-efficientnet_b1": "encoder.model.conv_stem.weight",
    "efficientnet-b1": "encoder._conv_stem.weight",
}


def _opens_a_level(name: str) -> bool:
    return name.startswith("double_conv_downs.") and name.endswith(".0.weight")
