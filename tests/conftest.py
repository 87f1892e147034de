"""Tests that open windows are marked ``gui``; without a display they are skipped."""

from __future__ import annotations

import os
import sys
import threading
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pytest

from napari_segkit.models.base import ModelParams, PromptKind, Segmenter
from napari_segkit.ops.masks import segmentation_from_labels
from napari_segkit.types import ClassDef, Progress, Segmentation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from napari_segkit.types import Image, Job, Labels, Prompts

_QT_FIXTURES = {"qtbot", "qapp", "make_napari_viewer", "make_napari_viewer_proxy"}


def _has_display() -> bool:
    if not sys.platform.startswith("linux"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    skip = pytest.mark.skip(reason="needs a display: run `make test`, or xvfb-run -a pytest")
    for item in items:
        if _QT_FIXTURES & set(getattr(item, "fixturenames", ())):
            item.add_marker("gui")
            if not _has_display():
                item.add_marker(skip)


class Gate(Segmenter):
    """A model that stops half-way until it is let through; finds the squares it was told."""

    id = "gate"
    title = "Gate"
    classes: ClassVar[tuple[ClassDef, ...]] = (ClassDef("coin", (255, 196, 0)),)
    prompts: ClassVar[frozenset[PromptKind]] = frozenset({PromptKind.BOXES})
    Params = ModelParams
    presets: ClassVar[dict[str, ModelParams]] = {"default": ModelParams()}

    labels: ClassVar[Labels]
    error: ClassVar[Exception | None]
    seen: ClassVar[list[tuple[Image, Prompts]]]
    inside: ClassVar[threading.Event]
    open: ClassVar[threading.Event]

    @classmethod
    def close(cls, labels: Labels) -> None:
        """Stop the next run half-way; it will find ``labels``."""
        cls.labels, cls.error, cls.seen = labels, None, []
        cls.inside, cls.open = threading.Event(), threading.Event()

    def predict(self, image: Image, prompts: Prompts, params: Any) -> Job[Segmentation]:
        self.seen.append((image, prompts))
        for step in range(1000):
            yield Progress(step, 1000, "waiting")
            self.inside.set()
            if self.open.wait(0.002):
                break
        if self.error is not None:
            raise self.error
        if self.labels.min() < 0:
            return Segmentation(self.labels, {}, self.classes)
        return segmentation_from_labels(self.labels, classes=self.classes)


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Gate]]:
    """A model under the test's control, known to the docks as ``gate``."""
    from napari_segkit.models import registry

    def known(model_id: str) -> type[Segmenter]:
        return Gate if model_id == Gate.id else registry.get_model(model_id)

    monkeypatch.setattr("napari_segkit.widgets.segment.dock.get_model", known)
    labels = np.zeros((40, 60), np.int32)
    labels[2:10, 2:10], labels[20:28, 30:38] = 1, 2
    Gate.close(labels)
    yield Gate
    Gate.open.set()


@pytest.fixture(scope="session", autouse=True)
def own_folders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What a test keeps on this machine (caches, adopted weights) is not the person's."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("XDG_CACHE_HOME", "XDG_DATA_HOME"):
            patch.setenv(name, str(tmp_path_factory.mktemp(name.lower())))
        yield
