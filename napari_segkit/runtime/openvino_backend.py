"""Networks on OpenVINO: converted from torch in memory, or read from an optimised file.

One compiled form for each shape of a batch; compiled forms are cached on disk, so that a second
start takes a tenth of the time.
"""

from __future__ import annotations

import logging
import os
import tempfile
import threading
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import openvino as ov
import torch
from openvino.frontend import GeneralFailure, OpConversionFailure, OpValidationFailure

from napari_segkit.data.atomic import disk_errors
from napari_segkit.errors import SegkitError, WeightsError, WriteError
from napari_segkit.paths import user_cache
from napari_segkit.runtime.openvino_graph import Graph

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_segkit.runtime.base import Batch, Chances
    from napari_segkit.runtime.torch_backend import Served

logger = logging.getLogger(__name__)

TROUBLE = (RuntimeError, MemoryError, GeneralFailure, OpConversionFailure, OpValidationFailure)
"""What OpenVINO raises where it cannot convert, compile or run a network."""

_MOST_SHAPES = 8  # kept compiled


def convert(served: Served) -> Any:
    """An OpenVINO model of a network; batch, height and width stay free."""
    stride = int(served.net.stride)  # type: ignore[arg-type]
    example = torch.zeros((1, 2 * stride, 2 * stride, 3), dtype=torch.uint8)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # OpenVINO asks torch for its old tracer, which says so
        model = ov.convert_model(served, example_input=example)
    model.reshape(ov.PartialShape([-1, -1, -1, 3]))
    model.set_rt_info(str(stride), ["segkit", "stride"])
    return model


def stride_of(model: Any) -> int:
    """What `convert` noted in the model."""
    return int(model.get_rt_info(["segkit", "stride"]).astype(str))


def save_ir(model: Any, path: Path, *, half: bool) -> None:
    """Write ``….xml`` and ``….bin``; with ``half`` floats take 16 bits.

    Raises
    ------
    WriteError
        Where the disk refuses.
    """
    with disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent) as folder:
            made = Path(folder) / path.name
            ov.save_model(model, made, compress_to_fp16=half)
            os.replace(made.with_suffix(".bin"), path.with_suffix(".bin"))
            os.replace(made, path)


def read_ir(path: Path) -> Any:
    """An OpenVINO model of its ``.xml`` and ``.bin`` files.

    Raises
    ------
    WeightsError
        Where they cannot be read.
    """
    try:
        return ov.Core().read_model(path)
    except RuntimeError as error:
        raise WeightsError(
            "not an OpenVINO model",
            where=path,
            got=str(error).strip().splitlines()[-1][:200],
            remedy="make it again with segkit optimize",
        ) from error


def kept_graph(name: str, make: Callable[[], Any], *, threads: int = 0) -> Graph:
    """A compiled network of the cache, or made and kept there.

    Parameters
    ----------
    name
        Of the file, with a hash of the weights in it; "" keeps nothing on the disk.
    make
        Gives the model where there is none yet.
    threads
        0 = as OpenVINO chooses.
    """
    path = user_cache() / "openvino" / f"{name}-{ov.__version__.split('-')[0]}.xml"
    if name and path.is_file():
        try:
            return Graph(read_ir(path), threads=threads)
        except (SegkitError, RuntimeError) as error:
            logger.info("converted anew: %s", error)
    model = make()
    if name:
        try:
            save_ir(model, path, half=False)
        except (OSError, WriteError) as error:
            logger.info("nothing is kept for the next start: %s", error)
    return Graph(model, threads=threads)


class OpenVinoBackend:
    """See `napari_segkit.runtime.base.Backend`.

    Parameters
    ----------
    model
        Of `convert` or `read_ir`.
    stride
        Of the network.
    precision
        For people: FP32, FP16 or INT8.
    threads
        0 = as OpenVINO chooses.
    """

    device = "cpu"

    def __init__(
        self, model: Any, *, stride: int, precision: str = "FP32", threads: int = 0
    ) -> None:
        self.stride = stride
        self.name = f"OpenVINO, {precision}"
        self._model, self._threads = model, threads
        self._compiled: dict[tuple[int, ...], Graph] = {}
        self._lock = threading.Lock()

    def run(self, batch: Batch) -> Chances:
        """Probabilities of a batch."""
        return self._for(batch.shape)(batch)[0]

    def _for(self, shape: tuple[int, ...]) -> Graph:
        """The network for a shape."""
        with self._lock:
            if shape not in self._compiled:
                while len(self._compiled) >= _MOST_SHAPES:
                    self._compiled.pop(next(iter(self._compiled)))
                fixed = self._model.clone()
                fixed.reshape(ov.PartialShape(list(shape)))
                self._compiled[shape] = Graph(fixed, threads=self._threads)
            return self._compiled[shape]
