"""The dock that looks through a dataset, checks it, and opens its images with their masks."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from qtpy.QtCore import Qt
from qtpy.QtGui import QKeySequence, QShortcut
from qtpy.QtWidgets import QFormLayout, QLabel, QPushButton, QTabWidget, QVBoxLayout

from napari_segkit.errors import SegkitError
from napari_segkit.widgets._dock import Dock
from napari_segkit.widgets._worker import Failure
from napari_segkit.widgets.exchange._import_run import ImportRun
from napari_segkit.widgets.exchange._import_tabs import ClassesTab, FaultsTab, ImagesTab
from napari_segkit.widgets.exchange._imported import close_unchanged, find_shown, show
from napari_segkit.widgets.exchange._loader import SampleLoader, Unknown
from napari_segkit.widgets.parts._places import FormatChooser, SourceLine, dropped_path
from napari_segkit.widgets.parts._status import StatusBox
from napari_segkit.widgets.parts._words import counted, objects_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from napari.components import ViewerModel
    from qtpy.QtGui import QDragEnterEvent, QDropEvent

    from napari_segkit.data.dataset import Validation
    from napari_segkit.data.formats.base import Format
    from napari_segkit.jobs.browse import Browser, Loaded, Preview
    from napari_segkit.types import Progress

_OPEN = "Look through it"
_CLASSES, _FAULTS = 1, 2
_FIRST = "\0"  # stands for the first image; no image is called so


class ImportDock(Dock):
    """Where from; then images, classes and faults of the dataset, and what came of it.

    Parameters
    ----------
    napari_viewer
        The viewer that the dock belongs to; napari gives it by this name.
    """

    def __init__(self, napari_viewer: ViewerModel) -> None:
        super().__init__()
        self._viewer = napari_viewer
        self._first: str | None = None
        self.run = ImportRun(self)
        self.loader = SampleLoader(self)
        self.source = SourceLine()
        self.format = FormatChooser(unnamed="recognised by itself")
        self.open_button = QPushButton(_OPEN)
        self.about = QLabel()
        self.images, self.classes, self.faults = ImagesTab(), ClassesTab(), FaultsTab()
        self.tabs = QTabWidget()
        self.status = StatusBox()
        self._lay_out()
        self._connect()
        self._show_running()

    def _lay_out(self) -> None:
        self.setAcceptDrops(True)
        self.about.setWordWrap(True)
        self.about.hide()
        self.tabs.addTab(self.images, "Images")
        self.tabs.addTab(self.classes, "Classes")
        self.tabs.addTab(self.faults, "Faults")
        lines = QFormLayout()
        lines.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        lines.addRow("Dataset", self.source)
        lines.addRow("Format", self.format)
        layout = QVBoxLayout(self)
        layout.addLayout(lines)
        layout.addWidget(self.open_button)
        layout.addWidget(self.about)
        layout.addWidget(self.tabs, 1)
        layout.addWidget(self.status)

    def _connect(self) -> None:
        self.source.chosen.connect(self._on_chosen)
        self.open_button.clicked.connect(self._on_open_or_cancel)
        self.images.selected.connect(self._on_selected)
        self.images.opened.connect(self.open_image)
        self.classes.answered.connect(self._on_answered)
        self.faults.checked.connect(self._on_check)
        self.status.action.connect(partial(self.tabs.setCurrentIndex, _CLASSES))
        self.run.started.connect(self._on_started)
        self.run.progressed.connect(self._on_progress)
        self.run.opened.connect(self._on_opened)
        self.run.counted.connect(self._on_counted)
        self.run.checked.connect(self._on_checked)
        self.run.failed.connect(self._on_failed)
        self.run.cancelled.connect(self._on_cancelled)
        self.loader.previewed.connect(self._on_previewed)
        self.loader.loaded.connect(self._on_loaded)
        self.loader.unknown.connect(self._on_unknown)
        self.loader.failed.connect(self._on_load_failed)
        for key, by in (("Ctrl+PgUp", -1), ("Ctrl+PgDown", 1)):
            shortcut = QShortcut(QKeySequence(key), self)
            shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
            shortcut.activated.connect(partial(self.images.step, by))

    def open_path(self, path: Path, *, open_first: bool = False) -> None:
        """Look through a dataset or a mask file, in the place of what was shown before.

        Parameters
        ----------
        open_first
            Open its first image as soon as it is known.
        """
        self.source.line.setText(str(path))
        self._open(path, self.format.form())
        self._first = _FIRST if open_first else None

    def open_image(self, name: str) -> None:
        """Open an image and its mask; what is open already is only selected."""
        browser = self.run.browser
        if browser is None:
            return
        self.images.select(name)
        mask = find_shown(self._viewer, browser.path, name)
        if mask is None:
            self.loader.load(browser, name)
            return
        self._viewer.layers.selection.active = mask
        self._say(f"{name} is open already: it was left as it is")

    def _open(self, path: Path, form: Format | None) -> None:
        self._first = None
        self._show_browser(None)
        self.run.open(path, form)

    def _on_chosen(self) -> None:
        try:
            self.open_path(self.source.path())
        except SegkitError as error:
            self._on_failed(Failure.of(error))

    def _on_open_or_cancel(self) -> None:
        if self.run.running:
            self.open_button.setEnabled(False)
            self.run.cancel()
        else:
            self._on_chosen()

    def _on_check(self) -> None:
        self.faults.show_faults(())
        try:
            self.run.check(self.source.path())
        except SegkitError as error:
            self._on_failed(Failure.of(error))

    def _on_started(self, title: str) -> None:
        self.status.start(title)
        self._show_running()

    def _on_progress(self, step: Progress) -> None:
        self.status.show_progress(step)
        self.images.table.viewport().update()  # only what is seen is asked for its counts

    def _on_opened(self, browser: Browser) -> None:
        self._show_browser(browser)
        first, self._first = self._first, None
        first = next(iter(browser.names), None) if first is _FIRST else first
        if first in browser.names:
            self.open_image(first)

    def _on_counted(self, unreadable: int) -> None:
        browser = self.run.browser
        self._show_running()
        self.images.table.viewport().update()
        self.status.bar.hide()
        if browser is None or self.status.sentence.text():
            return  # what was said of an image meanwhile is newer
        objects = sum(row.objects for row in browser.rows.values())
        said = f"{counted(len(browser.names), 'image')}, {counted(objects, 'object')}"
        if unreadable:
            said += f"; {counted(unreadable, 'image')} cannot be read: see Faults"
        self.status.say(said, notes=browser.notes, bad=bool(unreadable))

    def _on_checked(self, found: Validation) -> None:
        self._show_running()
        self.faults.show_faults(found.faults)
        self.tabs.setTabText(_FAULTS, f"Faults ({len(found.faults)})")
        self.tabs.setCurrentIndex(_FAULTS)
        errors = sum(fault.severity == "error" for fault in found.faults)
        said = f"{counted(errors, 'error')}, {counted(len(found.faults) - errors, 'warning')}"
        said = said if found.faults else "No fault"
        self.status.say(f"{said} in {counted(found.images, 'image')}", bad=not found.ok)

    def _on_failed(self, failure: Failure) -> None:
        self.status.say(failure.sentence, details=failure.details, bad=True)
        self._show_running()

    def _on_cancelled(self) -> None:
        self.status.say("Cancelled: what was found so far stays")
        self._show_running()

    def _on_selected(self, name: str) -> None:
        if self.run.browser is not None:
            self.loader.preview(self.run.browser, name)

    def _on_previewed(self, preview: Preview) -> None:
        if preview.name == self.images.current():
            self.images.preview.show_preview(preview)
        self.images.table.viewport().update()

    def _on_loaded(self, loaded: Loaded) -> None:
        try:
            changes = self.classes.classes.classes()
        except SegkitError as error:  # a class without a name
            self._on_failed(Failure.of(error))
            return
        active = self._viewer.layers.selection.active
        before = None if active is None else active.extent.data[1].tolist()
        shown = show(self._viewer, loaded, changes)
        changed = close_unchanged(self._viewer, loaded.dataset, keep=loaded.name)
        if shown.mask.extent.data[1].tolist() != before:
            self._viewer.reset_view()
        notes = list(shown.notes)
        if changed:
            notes.append(f"{counted(changed, 'changed mask')} of this dataset stay open")
        self._say(f"{loaded.name}: {objects_of(loaded.segmentation)}", notes=notes)
        if self.run.browser is not None:
            self.loader.preview(self.run.browser, loaded.name)

    def _say(self, sentence: str, notes: Sequence[str] = ()) -> None:
        """Say something while the counting goes on."""
        counting = not self.status.bar.isHidden()
        self.status.say(sentence, notes=notes)
        self.status.bar.setVisible(counting)

    def _on_unknown(self, unknown: Unknown) -> None:
        if self.run.browser is not None:
            self._first = unknown.name
            self.classes.meanings.ask(unknown.error.found, self.run.browser.classes)
            self.classes.ask(f"{unknown.name}: {unknown.error.what}. What do they mean?")
            self.status.say(str(unknown.error), action="Say what they mean", bad=True)

    def _on_answered(self) -> None:
        from napari_segkit.jobs.browse import with_meanings

        browser, name = self.run.browser, self._first
        if browser is not None:
            said = {
                **getattr(browser.format, "meanings", {}),
                **self.classes.meanings.meanings(),
            }
            self._open(browser.path, with_meanings(browser.format, said))
            self._first = name
            self.tabs.setCurrentIndex(0)

    def _on_load_failed(self, name: str, failure: Failure, whole: bool) -> None:
        if whole:
            self.status.say(failure.sentence, details=failure.details, bad=True)
        if name == self.images.current():
            self.images.preview.say(failure.sentence)

    def _show_browser(self, browser: Browser | None) -> None:
        self.loader.forget()
        self.faults.show_faults(())
        self.tabs.setTabText(_FAULTS, "Faults")
        self.classes.ask("")
        self.about.setVisible(browser is not None)
        self.images.preview.say("")
        classes = () if browser is None else browser.classes
        if browser is not None:
            images = counted(len(browser.names), "image")
            of = f"{len(classes)} class{'' if len(classes) == 1 else 'es'}"
            self.about.setText(f"{browser.format.title} · {images} · {of}")
        self.classes.classes.show_classes({one.name: one for one in classes})
        self.images.show_browser(browser)

    def _show_running(self) -> None:
        running = self.run.running
        self.open_button.setText("Cancel" if running else _OPEN)
        self.open_button.setEnabled(True)
        self.open_button.setToolTip(
            "Stop; nothing is lost" if running else "List its images; nothing is changed by that"
        )
        self.faults.check_button.setEnabled(not running)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Let one folder or file be dropped."""
        if dropped_path(event) is not None:
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Look through what was dropped."""
        path = dropped_path(event)
        if path is not None:
            event.acceptProposedAction()
            self.open_path(path)
