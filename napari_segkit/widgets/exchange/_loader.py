"""Reads one image of a dataset at a time outside of the GUI thread; the latest wish wins."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from qtpy.QtCore import QObject, Signal

from napari_segkit.data.formats.strange import StrangeError
from napari_segkit.widgets._worker import Failure, JobRunner
from napari_segkit.widgets.masks._masks import warm_up

if TYPE_CHECKING:
    from napari_segkit.jobs.browse import Browser, Loaded, Preview
    from napari_segkit.types import Job


@dataclass(frozen=True)
class Unknown:
    """An image whose mask has values that no class has."""

    name: str
    error: StrangeError


@dataclass(frozen=True)
class _Wish:
    browser: Browser
    name: str
    whole: bool


class SampleLoader(QObject):
    """Gives small pictures and whole images of a dataset.

    While one is read, only the last of further wishes is kept; a whole image is not given up for a
    picture.
    """

    previewed = Signal(object)
    """A `Preview`."""
    loaded = Signal(object)
    """A `Loaded`."""
    unknown = Signal(object)
    """An `Unknown` of a whole image."""
    failed = Signal(str, object, bool)
    """Name, `Failure`, and whether a whole image was wished for."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._runner = JobRunner(self)
        self._now: _Wish | None = None
        self._next: _Wish | None = None
        self._runner.done.connect(self._on_done)
        self._runner.failed.connect(self._on_failed)
        self._runner.cancelled.connect(self._on_end)

    @property
    def busy(self) -> bool:
        """Whether something is being read or waits."""
        return self._runner.running or self._next is not None

    def preview(self, browser: Browser, name: str) -> None:
        """Wish for a small picture."""
        if self._next is None or not self._next.whole:
            self._wish(_Wish(browser, name, whole=False))

    def load(self, browser: Browser, name: str) -> None:
        """Wish for an image and its mask."""
        self._wish(_Wish(browser, name, whole=True))

    def forget(self) -> None:
        """Give up whatever was wished for."""
        self._next = None
        self._now = None
        self._runner.cancel()

    def _wish(self, wish: _Wish) -> None:
        if self._runner.running:
            self._next = wish
            return
        self._now = wish
        self._runner.start(_read(wish), title=f"Read {wish.name}")

    def _on_done(self, answer: Loaded | Preview | Unknown) -> None:
        wish = self._now
        self._on_end()
        if wish is None:
            return
        if isinstance(answer, Unknown):
            if wish.whole:
                self.unknown.emit(answer)
            else:
                self.failed.emit(wish.name, Failure.of(answer.error), False)
        elif wish.whole:
            self.loaded.emit(answer)
        else:
            self.previewed.emit(answer)

    def _on_failed(self, failure: Failure) -> None:
        wish = self._now
        self._on_end()
        if wish is not None:
            self.failed.emit(wish.name, failure, wish.whole)

    def _on_end(self) -> None:
        self._now, wish, self._next = None, self._next, None
        if wish is not None:
            self._wish(wish)


def _read(wish: _Wish) -> Job[Loaded | Preview | Unknown]:
    from napari_segkit.jobs.browse import load_sample, preview

    try:
        if wish.whole:
            warm_up()
            return (yield from load_sample(wish.browser, wish.name))
        return (yield from preview(wish.browser, wish.name))
    except StrangeError as error:
        return Unknown(wish.name, error)
