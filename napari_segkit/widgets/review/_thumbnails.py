"""Small pictures for a list, made outside of the GUI thread, the latest wishes first."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

from qtpy.QtCore import QObject, Signal
from qtpy.QtGui import QImage, QPixmap

from napari_segkit.errors import SegkitError
from napari_segkit.types import Progress
from napari_segkit.widgets._worker import JobRunner

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from napari_segkit.data.thumbnails import ThumbnailCache
    from napari_segkit.types import Image, Job

_KEPT = 600
"""Pictures in memory: 50 kB each."""
_WISHES = 60
"""More than a screen shows: what was scrolled by is forgotten."""
_AT_ONCE = 6


class Thumbnails(QObject):
    """Gives pictures that are there, and makes those that are wished for."""

    made = Signal()
    """There are new ones."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._pictures: OrderedDict[Path, QPixmap | None] = OrderedDict()
        self._wishes: OrderedDict[Path, None] = OrderedDict()
        self._cache: ThumbnailCache | None = None
        self._runner = JobRunner(self)
        self._runner.done.connect(self._on_done)
        self._runner.failed.connect(self._on_end)
        self._runner.cancelled.connect(self._on_end)

    @property
    def busy(self) -> bool:
        """Whether pictures are being made."""
        return self._runner.running

    def get(self, path: Path) -> QPixmap | None:
        """The picture of a file; ``None`` where it is not there yet, or no image."""
        if path in self._pictures:
            self._pictures.move_to_end(path)
            return self._pictures[path]
        self._wishes[path] = None
        self._wishes.move_to_end(path)
        while len(self._wishes) > _WISHES:
            self._wishes.popitem(last=False)
        if not self._runner.running:
            self._start()
        return None

    def clear(self) -> None:
        """Forget every wish."""
        self._wishes.clear()

    def _start(self) -> None:
        if not self._wishes:
            return
        if self._cache is None:
            from napari_segkit.data.thumbnails import ThumbnailCache

            self._cache = ThumbnailCache()
            self._runner.start(_tidied(self._cache), title="Tidy thumbnails")
            return
        paths = [self._wishes.popitem()[0] for _ in range(min(_AT_ONCE, len(self._wishes)))]
        self._runner.start(_make(self._cache, paths), title="Make thumbnails")

    def _on_done(self, pictures: dict[Path, Image | None]) -> None:
        for path, picture in pictures.items():
            self._pictures[path] = None if picture is None else _pixmap(picture)
        while len(self._pictures) > _KEPT:
            self._pictures.popitem(last=False)
        if pictures:
            self.made.emit()
        self._on_end()

    def _on_end(self, _failure: object = None) -> None:
        self._start()


def _tidied(cache: ThumbnailCache) -> Job[dict[Path, Image | None]]:
    yield Progress(0, None, "tidying")
    cache.trim()
    return {}


def _make(cache: ThumbnailCache, paths: Sequence[Path]) -> Job[dict[Path, Image | None]]:
    made: dict[Path, Image | None] = {}
    for path in paths:
        yield Progress(len(made), len(paths), path.name)
        try:
            made[path] = cache.get(path)
        except SegkitError:  # told when it is opened
            made[path] = None
    return made


def _pixmap(picture: Image) -> QPixmap:
    height, width = picture.shape[:2]
    image = QImage(picture.tobytes(), width, height, 3 * width, QImage.Format.Format_RGB888)
    return QPixmap.fromImage(image)
