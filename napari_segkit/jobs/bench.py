"""Latency, throughput and memory of ways to run a model, side by side in one run."""

from __future__ import annotations

import importlib.util
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from napari_segkit.data.weights import load_weights, save_weights
from napari_segkit.data.weights_card import WeightsCard, card_path, read_card
from napari_segkit.data.weights_store import find_weights
from napari_segkit.errors import WeightsError
from napari_segkit.types import Progress

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_segkit.models.dust import Dust
    from napari_segkit.runtime.base import Backend
    from napari_segkit.runtime.torch_backend import Served
    from napari_segkit.types import Image, Job

Way = "Callable[[Image], Job[object]]"
CAMERA = (4912, 7360)
"""Pixels of the origin's benchmark photo; all ways scale it to 2016² first."""


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

    Ours is the whole default mode: network, second look, objects; the network alone has rows of
    its own. Every round each way gets the same generated photo of 4912x7360, shifted since the
    round before, until ``timer`` seconds per way are over. Where no weights are at hand the
    preset's network with random ones is timed.
    """
    yield Progress(0, None, "preparing")
    with tempfile.TemporaryDirectory() as folder:
        ways = _dust_ways(Path(folder), weights)
        seconds: dict[str, list[float]] = {name: [] for name in ways}
        photo = _photo()
        begun = time.perf_counter()
        limit = timer * len(ways)
        for name, way in ways.items():
            if "OpenVINO" in name:  # compiles; not counted
                yield Progress(0, None, f"warming up: {name}")
                way(photo)
        while not seconds[name] or time.perf_counter() - begun < limit:
            photo = np.roll(photo, 7, axis=1)  # dust keeps its answer for the same image
            for name, way in ways.items():
                spent = int(time.perf_counter() - begun)
                yield Progress(min(spent, int(limit)), int(limit), name)
                start = time.perf_counter()
                way(photo)
                seconds[name].append(time.perf_counter() - start)
    rows = tuple(_row(*one) for one in seconds.items())
    notes = () if _can_quantise() else ("INT8 is left out: it needs the package nncf",)
    return BenchReport(rows, _peak_mb(), _machine(), notes)


def _can_quantise() -> bool:
    return importlib.util.find_spec("nncf") is not None


def _dust_ways(folder: Path, weights: Path | None) -> dict[str, Callable[[Image], None]]:
    from napari_segkit.models.dust import Dust
    from napari_segkit.runtime.choose import open_ir
    from napari_segkit.runtime.torch_backend import TorchBackend, make_served

    card = _origin_card()
    served = make_served(card, None)
    ways = {"origin, torch": _origin_way(TorchBackend(served, "cpu"))}
    for form, path in _optimised(folder, served, card).items():
        ways[f"origin, {form}"] = _origin_way(open_ir(path, read_card(path)))
    ours = _own(folder, weights)
    tensors, card = load_weights(ours)
    forms = {"torch": ours} | _optimised(folder, make_served(card, tensors), card)
    alone = {}
    for form, path in forms.items():
        dust = Dust()
        dust.load(path, device="cpu", backend="torch")
        ways[f"default, {form}"] = _default_way(dust)
        alone[f"U-Net alone, {form}"] = _network_way(dust.backend)
    return ways | alone


def _optimised(folder: Path, served: Served, card: WeightsCard) -> dict[str, Path]:
    """A network's files for OpenVINO, each with its card."""
    from napari_segkit.runtime.openvino_backend import convert, save_ir
    from napari_segkit.runtime.quantize import quantised

    rng = np.random.default_rng(0)
    crops = [rng.integers(0, 256, (1, 256, 256, 3), np.uint8) for _ in range(8)]
    models = {"FP16": convert(served)}
    if _can_quantise():
        models["INT8"] = quantised(models["FP16"], crops)
    files = {}
    for precision, model in models.items():
        path = folder / f"{card.arch}-{precision}.xml"
        save_ir(model, path, half=True)
        own = card.model_copy(update={"versions": {"precision": precision}})
        card_path(path).write_text(own.model_dump_json(), encoding="utf-8")
        files[f"OpenVINO {precision}"] = path
    return files


def _origin_card() -> WeightsCard:
    return WeightsCard(
        name="origin", model="dust", arch="efficientnet-b1-unet", classes=("dust",), input_size=224
    )


def _own(folder: Path, weights: Path | None) -> Path:
    """The weights that are asked for or in use; where there are none, untrained ones."""
    from napari_segkit.nets.registry import PRESETS, build

    try:
        return find_weights("dust", weights)
    except WeightsError:
        if weights is not None:
            raise
    spec = PRESETS["dust"]
    config = dict(spec.config)
    card = _origin_card().model_copy(update={"arch": spec.arch, "arch_config": config})
    net = build(spec.arch, classes=1, config=config)
    path = folder / "untrained.safetensors"
    save_weights(path, {name: one.numpy() for name, one in net.state_dict().items()}, card)
    return path


def _photo() -> Image:
    """A generated photo with dust: on noise the second look would have nothing to judge."""
    import cv2

    from napari_segkit.models.dust_origin import BIG
    from napari_segkit.synth.dust import Dust, DustOptions

    image = Dust().generate(1, DustOptions(size=BIG, clean=0)).image
    height, width = CAMERA
    return np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)


def _origin_way(backend: Backend) -> Callable[[Image], None]:
    from napari_segkit.jobs import drain
    from napari_segkit.models.dust_origin import origin_probability

    def run(photo: Image) -> None:
        drain(origin_probability(backend, photo))

    return run


def _default_way(dust: Dust) -> Callable[[Image], None]:
    """All that a person waits for: network, second look, objects."""
    from napari_segkit.jobs import drain, segment
    from napari_segkit.models.dust import DustParams

    def run(photo: Image) -> None:
        drain(segment(dust, _shrunk(photo), params=DustParams()))

    return run


def _network_way(backend: Backend) -> Callable[[Image], None]:
    from napari_segkit.jobs import drain
    from napari_segkit.models.dust import DustParams
    from napari_segkit.models.tiled import ArrayRows, Tiling, run_tiles

    params = DustParams()
    tiling = Tiling(params.tile, params.overlap)

    def run(photo: Image) -> None:
        drain(run_tiles(backend, ArrayRows(_shrunk(photo)), tiling, lambda _top, _band: None))

    return run


def _shrunk(photo: Image) -> Image:
    import cv2

    from napari_segkit.models.dust_origin import BIG

    return np.asarray(cv2.resize(photo, (BIG, BIG), interpolation=cv2.INTER_LINEAR), np.uint8)


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
