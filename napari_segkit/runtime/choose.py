"""Which backend runs a network: asked for, remembered, or measured once.

Without a GPU both torch and OpenVINO get the same small batch when weights are used for the first
time on a machine; the faster one is remembered beside the compiled networks. That first time
takes a few seconds more, every later one none (`docs/adr/0018-runtime-by-measuring.md`).
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import time
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from napari_segkit.data.atomic import atomic_write
from napari_segkit.errors import ParamsError, WriteError
from napari_segkit.paths import user_cache
from napari_segkit.runtime.careful import Careful
from napari_segkit.runtime.torch_backend import (
    TorchBackend,
    channels_of,
    make_served,
    pick_device,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_segkit.data.weights_card import WeightsCard
    from napari_segkit.runtime.base import Backend

logger = logging.getLogger(__name__)

BackendName = Literal["auto", "torch", "openvino"]
BACKENDS: tuple[BackendName, ...] = ("auto", "torch", "openvino")
_TRIAL = (4, 256, 256, 3)


def open_backend(
    card: WeightsCard,
    tensors: Mapping[str, NDArray[Any]] | None,
    *,
    where: Path | None = None,
    device: str = "auto",
    backend: str = "auto",
) -> Careful:
    """A network that is ready to run.

    Parameters
    ----------
    card, tensors
        Of `napari_segkit.data.weights.load_weights`.
    where
        The file, for errors.
    device
        ``auto``, ``cpu``, ``cuda`` or ``mps``.
    backend
        ``auto``, ``torch`` or ``openvino``.

    Raises
    ------
    ParamsError
        For a device or backend that is not here.
    WeightsError
        Where the tensors are not those of the card's architecture.
    """
    if backend not in BACKENDS:
        raise ParamsError("unknown backend", expected=", ".join(BACKENDS), got=backend)
    place = "cpu" if backend == "openvino" and device == "auto" else pick_device(device)
    if backend == "openvino" and place != "cpu":
        raise ParamsError("OpenVINO runs on the CPU", expected="device cpu or auto", got=device)

    def torch_on(place: str) -> Backend:
        return TorchBackend(make_served(card, tensors, where=where), place)

    def openvino() -> Backend:
        return _openvino(card, tensors, where)

    chosen = _remembered(card) if backend == "auto" and place == "cpu" else None
    if backend == "auto" and place == "cpu" and chosen is None:
        ready, chosen = _faster({"torch": torch_on("cpu"), "openvino": openvino()})
        _remember(card, chosen)
    elif "openvino" in (backend, chosen):
        ready = openvino()
    else:
        ready = torch_on(place)
    return Careful(ready, channels=channels_of(card), on_cpu=lambda: torch_on("cpu"))


def open_ir(path: Path, card: WeightsCard, *, threads: int = 0) -> Careful:
    """An optimised OpenVINO file that is ready to run.

    Raises
    ------
    WeightsError
        Where it cannot be read.
    """
    from napari_segkit.runtime.openvino_backend import OpenVinoBackend, read_ir, stride_of

    model = read_ir(path)
    precision = card.versions.get("precision", "FP32")
    ready = OpenVinoBackend(model, stride=stride_of(model), precision=precision, threads=threads)
    return Careful(ready, channels=channels_of(card))


def _openvino(
    card: WeightsCard, tensors: Mapping[str, NDArray[Any]] | None, where: Path | None
) -> Backend:
    """Converted once; later starts read the converted file from the cache."""
    from napari_segkit.runtime import openvino_backend as ov

    path = user_cache() / "openvino" / f"{_key(card)}.xml"
    if card.sha256 and path.is_file():
        model = ov.read_ir(path)
    else:
        model = ov.convert(make_served(card, tensors, where=where))
        if card.sha256:
            with _only_a_cache():
                ov.save_ir(model, path, half=False)
    return ov.OpenVinoBackend(model, stride=ov.stride_of(model))


def _faster(backends: dict[str, Backend]) -> tuple[Backend, str]:
    batch = np.random.default_rng(0).integers(0, 256, _TRIAL, np.uint8)
    seconds = {}
    for name, backend in backends.items():
        backend.run(batch)  # compiles
        start = time.perf_counter()
        backend.run(batch)
        seconds[name] = time.perf_counter() - start
    logger.info("seconds for %s: %s", _TRIAL, seconds)
    best = min(seconds, key=lambda name: seconds[name])
    return backends[best], best


def _key(card: WeightsCard) -> str:
    packages = "-".join(version(name) for name in ("torch", "openvino"))
    return f"{card.arch}-{card.sha256[:16]}-{packages}-{os.cpu_count()}"


def _memory() -> Path:
    return user_cache() / "backends.json"


def _read_memory() -> dict[str, str]:
    try:
        known = json.loads(_memory().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}


def _remembered(card: WeightsCard) -> str | None:
    name = _read_memory().get(_key(card))
    return name if name in ("torch", "openvino") else None


def _remember(card: WeightsCard, name: str) -> None:
    path = _memory()
    with _only_a_cache():
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(path) as file:
            file.write(json.dumps(_read_memory() | {_key(card): name}, indent=1).encode())


@contextlib.contextmanager
def _only_a_cache() -> Iterator[None]:
    """A disk that refuses costs time at the next start, nothing else."""
    try:
        yield
    except (OSError, WriteError) as error:
        logger.info("nothing is kept for the next start: %s", error)
