"""A loopback CVAT with a task of two images, a dataset that fits it, a clock without waiting."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from napari_segkit.data.cvat_connection import Clock
from napari_segkit.data.cvat_server import CvatServer, open_server
from napari_segkit.data.dataset import Sample, WriteOptions
from napari_segkit.data.formats.cvat_mask import CvatMask
from napari_segkit.ops.masks import segmentation_from_labels
from napari_segkit.types import ClassDef

COIN, PAN = ClassDef("coin", (255, 0, 0)), ClassDef("Pfännchen", (0, 128, 255))


def _load() -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        "cvat_loopback", Path(__file__).with_name("loopback.py")
    )
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


class FastClock(Clock):
    """Sleeping costs nothing and is counted."""

    def __init__(self) -> None:
        self.time = 0.0

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += seconds


@pytest.fixture(scope="session")
def cvat() -> ModuleType:
    """The module of the loopback server."""
    return _load()


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the machine's proxy nor its credentials."""
    for name in ("CVAT_ACCESS_TOKEN", "CVAT_TOKEN", "CVAT_USERNAME", "CVAT_PASSWORD", "CVAT_URL"):
        monkeypatch.delenv(name, raising=False)
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setitem(sys.modules, "keyring", None)


@pytest.fixture
def loopback(cvat: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A server with the task 5: ``a.png`` 12x8 and ``sub/b.jpg`` 20x10, labels coin and pan."""
    server = cvat.start()
    server.image("a.png", 12, 8)
    server.image("sub/b.jpg", 20, 10)
    server.label("coin")
    server.label(PAN.name, "mask")
    monkeypatch.setenv("CVAT_ACCESS_TOKEN", cvat.TOKEN)
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def clock() -> FastClock:
    return FastClock()


@pytest.fixture
def connect(loopback: Any, clock: FastClock) -> Callable[..., CvatServer]:
    return lambda **options: open_server(loopback.url, clock=clock, **options)


def make_sample(name: str, width: int, height: int, count: int = 2) -> Sample:
    """``count`` objects in a row of single columns, the second a pan."""
    labels = np.zeros((height, width), np.int32)
    flat = labels.ravel()
    flat[:count] = np.arange(1, count + 1)
    segmentation = segmentation_from_labels(labels, classes=(COIN, PAN), class_of={2: PAN.name})
    return Sample(name, segmentation)


@pytest.fixture
def make_dataset(tmp_path: Path) -> Callable[..., Path]:
    """Writes samples, given as (name, width, height, objects), as a dataset."""

    def make(*samples: tuple[Any, ...], subset: str = "default", to: str = "set.zip") -> Path:
        target = tmp_path / to
        options = WriteOptions(subset=subset)
        with CvatMask().open_writer(target, classes=(COIN, PAN), options=options) as writer:
            for sample in samples or (("a", 12, 8), ("sub/b", 20, 10, 1)):
                writer.add(make_sample(*sample))
        return target

    return make
