"""What the import dock does outside of the GUI thread: open a dataset, count it, check it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QObject, Signal

from napari_segkit.widgets._dock import when_destroyed
from napari_segkit.widgets._worker import Failure, JobRunner

if TYPE_CHECKING:
    from pathlib import Path

    from napari_segkit.data.formats.base import Format
    from napari_segkit.jobs.browse import Browser
    from napari_segkit.types import Job


class ImportRun(QObject):
    """One dataset at a time; opening another one gives up what is being done."""

    started = Signal(str)
    """What has begun."""
    progressed = Signal(object)
    opened = Signal(object)
    """A `Browser`; its objects are being counted from now on."""
    counted = Signal(int)
    """How many images cannot be read."""
    checked = Signal(object)
    """A `Validation`."""
    failed = Signal(object)
    """A `Failure`."""
    cancelled = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._browsers: list[Browser] = []
        self._runner = JobRunner(self)
        self._told: Any = None
        self._waiting: tuple[Path, Format | None] | None = None
        self._runner.progressed.connect(self.progressed)
        self._runner.done.connect(self._on_done)
        self._runner.failed.connect(self._on_failed)
        self._runner.cancelled.connect(self._on_cancelled)
        when_destroyed(self, _close_all, self._browsers)

    @property
    def browser(self) -> Browser | None:
        """The dataset that is open."""
        return self._browsers[0] if self._browsers else None

    @property
    def running(self) -> bool:
        """Whether something is being done."""
        return self._runner.running

    def open(self, path: Path, form: Format | None = None) -> None:
        """Open a dataset in the place of the one that was open; `opened` tells.

        Parameters
        ----------
        form
            How it is read; ``None`` recognises it.
        """
        if self._runner.running:
            self._waiting = path, form
            self._runner.cancel()
            return
        from napari_segkit.jobs.browse import open_browser

        _close_all(self._browsers)
        self._start(self._on_opened, open_browser(path, form), f"opening {path.name}")

    def check(self, path: Path) -> None:
        """Find every fault of the dataset that is open, or else of the one at ``path``."""
        from napari_segkit.jobs import validate

        browser = self.browser
        job = validate(path) if browser is None else browser.format.validate(browser.path)
        self._start(self.checked.emit, job, "checking")

    def cancel(self) -> None:
        """Stop at the next image; what was found so far stays."""
        self._waiting = None
        self._runner.cancel()

    def _start(self, told: Any, job: Job[Any], title: str) -> None:
        self._told = told
        self._runner.start(job, title=f"Import: {title}")
        self.started.emit(title)

    def _on_opened(self, browser: Browser) -> None:
        from napari_segkit.jobs.browse import count_objects

        self._browsers.append(browser)
        self._start(self.counted.emit, count_objects(browser), "counting objects")
        self.opened.emit(browser)

    def _on_done(self, answer: Any) -> None:
        if not self._go_on():
            self._told(answer)

    def _on_failed(self, failure: Failure) -> None:
        if not self._go_on():
            self.failed.emit(failure)

    def _on_cancelled(self) -> None:
        if not self._go_on():
            self.cancelled.emit()

    def _go_on(self) -> bool:
        """Open what was wished for meanwhile."""
        waiting, self._waiting = self._waiting, None
        if waiting is None:
            return False
        self.open(*waiting)
        return True


def _close_all(browsers: list[Browser]) -> None:
    while browsers:
        browsers.pop().close()
