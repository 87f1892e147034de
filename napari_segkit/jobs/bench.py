"""Latency, throughput and memory of ways to run a model, side by side in one run."""

from __future__ import annotations

import importlib.util
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_segkit.data.weights import load_weights
from napari_segkit.data.weights_card import WeightsCard
from napari_segkit.data.weights_store import find_weights
from napari_segkit.errors import WeightsError
from napari_segkit.types import Progress

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_segkit.runtime.base import Backend
    from napari_segkit.types import Image, Job

Way = "Callable[[Image], Job[object]]"
CAMERA = (4912, 7360)
"""Pixels of the origin's random photo; both pipelines scale it to 2016² first."""


@dataclass(frozen=True)
class BenchRow:
    """One way: seconds of each image (median and mean), images per second, slowest."""

    name: str
    images: int
    median_s: float
    mean_s: float
    worst_s: float

    @property
    def per_second(self) -> float:
        """Throughput."""
        return 1 / self.mean_s


@dataclass(frozen=True)
class BenchReport:
    """All ways, the peak of memory in MB, on what they ran, and what was left out."""

    rows: tuple[BenchRow, ...]
    peak_mb: float
    machine: str
    notes: tuple[str, ...] = ()


def bench_dust(*, timer: float = 60, weights: Path | None = None) -> Job[BenchReport]:
    """The dust project's benchmark: its pipeline and ours, torch and OpenVINO, in turns.

    Every round each way gets the same random photo of 4912x7360, until ``timer`` seconds per way
    are over. Where no weights are at hand the preset's network with random ones is timed.
    """
    yield Progress(0, None, "preparing")
    with tempfile.TemporaryDirectory() as folder:
        ways = _dust_ways(Path(folder), weights)
        seconds: dict[str, list[float]] = {name: [] for name in ways}
        rng = np.random.default_rng(0)
        begun = time.perf_counter()
        limit = timer * len(ways)
        photo = rng.integers(0, 256, (*CAMERA, 3), np.uint8)
        for name, way in ways.items():
            if "OpenVINO" in name:  # compiles; not counted
                yield Progress(0, None, f"warming up: {name}")
                way(photo)
        while not seconds[name] or time.perf_counter() - begun < limit:
            for name, way in ways.items():
                spent = int(time.perf_counter() - begun)
                yield Progress(min(spent, int(limit)), int(limit), name)
                start = time.perf_counter()
                way(photo)
                seconds[name].append(time.perf_counter() - start)
            photo = np.roll(photo, 7, axis=1)
    rows = tuple(_row(*one) for one in seconds.items())
    notes = () if _can_quantise() else ("INT8 is left out: it needs the package nncf",)
    return BenchReport(rows, _peak_mb(), _machine(), notes)


def _can_quantise() -> bool:
    return importlib.util.find_spec("nncf") is not None


def _dust_ways(folder: Path, weights: Path | None) -> dict[str, Callable[[Image], None]]:
    from napari_segkit.runtime.openvino_backend import (
        OpenVinoBackend,
        convert,
        read_ir,
        save_ir,
        stride_of,
    )
    from napari_segkit.runtime.quantize import quantised
    from napari_segkit.runtime.torch_backend import TorchBackend, make_served

    def halves(model: Any, name: str, precision: str) -> OpenVinoBackend:
        path = folder / f"{name}.xml"
        save_ir(model, path, half=True)
        return OpenVinoBackend(read_ir(path), stride=stride_of(model), precision=precision)

    origin = make_served(_origin_card(), None)
    card, tensors = _own(weights)
    ours = make_served(card, tensors)
    rng = np.random.default_rng(0)
    crops = [rng.integers(0, 256, (1, 256, 256, 3), np.uint8) for _ in range(8)]
    ways = {}
    for name, way, served in (("origin", _origin_way, origin), ("default", _default_way, ours)):
        model = convert(served)
        ways[f"{name}, torch"] = way(TorchBackend(served, "cpu"))
        ways[f"{name}, OpenVINO FP16"] = way(halves(model, f"{name}-16", "FP16"))
        if _can_quantise():
            ways[f"{name}, OpenVINO INT8"] = way(halves(quantised(model, crops), name, "INT8"))
    return ways


def _origin_card() -> WeightsCard:
    return WeightsCard(
        name="origin", model="dust", arch="efficientnet-b1-unet", classes=("dust",), input_size=224
    )


def _own(weights: Path | None) -> tuple[WeightsCard, Any]:
    from napari_segkit.nets.registry import PRESETS

    try:
        tensors, card = load_weights(find_weights("dust", weights))
    except WeightsError:
        if weights is not None:
            raise
        spec = PRESETS["dust"]
        config = dict(spec.config)
        card = _origin_card().model_copy(update={"arch": spec.arch, "arch_config": config})
        return card, None
    return card, tensors


def _origin_way(backend: Backend) -> Callable[[Image], None]:
    from napari_segkit.jobs import drain
    from napari_segkit.models.dust_origin import origin_probability

    def run(photo: Image) -> None:
        drain(origin_probability(backend, photo))

    return run


def _default_way(backend: Backend) -> Callable[[Image], None]:
    import cv2

    from napari_segkit.jobs import drain
    from napari_segkit.models.dust import DustParams
    from napari_segkit.models.dust_origin import BIG
    from napari_segkit.models.tiled import ArrayRows, Tiling, run_tiles

    params = DustParams()
    tiling = Tiling(params.tile, params.overlap)

    def run(photo: Image) -> None:
        big = np.asarray(cv2.resize(photo, (BIG, BIG), interpolation=cv2.INTER_LINEAR), np.uint8)
        drain(run_tiles(backend, ArrayRows(big), tiling, lambda _top, _band: None))

    return run


def _row(name: str, seconds: list[float]) -> BenchRow:
    return BenchRow(
        name,
        len(seconds),
        round(float(np.median(seconds)), 3),
        round(float(np.mean(seconds)), 3),
        round(max(seconds), 3),
    )


def _peak_mb() -> float:
    import resource

    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1)


def _machine() -> str:
    import os
    import platform

    return f"{platform.machine()}, {os.cpu_count()} CPUs, Python {platform.python_version()}"
