"""The dock that pushes masks into a task of a CVAT server, and pulls them."""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING, Any

from qtpy.QtWidgets import (
    QCheckBox,
    QFormLayout,
    QLineEdit,
    QSpinBox,
    QTabWidget,
    QVBoxLayout,
)

from napari_segkit.data.dataset import WriteOptions
from napari_segkit.errors import InputError, MaskError, SegkitError
from napari_segkit.widgets._dock import Dock
from napari_segkit.widgets._worker import Failure, JobRunner
from napari_segkit.widgets.exchange._export import Recipe, classes_of, take_down, writable
from napari_segkit.widgets.exchange._push import Errand, Mismatches, compared, connector, pushed
from napari_segkit.widgets.exchange._server_tabs import PullTab, PushTab
from napari_segkit.widgets.parts._status import StatusBox
from napari_segkit.widgets.parts._words import counted

if TYPE_CHECKING:
    from pathlib import Path

    from napari.components import ViewerModel

    from napari_segkit.data.dataset import WriteReport
    from napari_segkit.jobs.cvat import Compared, PushReport

_DELETE, _LOOK, _OVERWRITE = "Delete them and push", "Look through it", "Replace it"


class CvatDock(Dock):
    """Server and task; what to push or where to pull to; what came of it.

    There is no field for the token: it comes from the environment or the keyring.

    Parameters
    ----------
    napari_viewer
        The viewer that the dock belongs to; napari gives it by this name.
    """

    def __init__(self, napari_viewer: ViewerModel) -> None:
        super().__init__()
        self._viewer = napari_viewer
        self._told: Any = None
        self._pulled: Path | None = None
        self._left_out: tuple[str, ...] = ()
        self.runner = JobRunner(self)
        self.url = QLineEdit(os.environ.get("CVAT_URL", ""))
        self.task = QSpinBox()
        self.insecure = QCheckBox("Allow http:// to another machine")
        self.push, self.pull = PushTab(napari_viewer), PullTab()
        self.tabs = QTabWidget()
        self.status = StatusBox()
        self._lay_out()
        self._connect()
        self._show_running()

    def _lay_out(self) -> None:
        self.url.setPlaceholderText("https://app.cvat.ai")
        self.url.setToolTip(
            "Address of the server. The access token comes from CVAT_ACCESS_TOKEN in the "
            "environment or from the keyring, and is never shown or stored"
        )
        self.task.setRange(0, 2**31 - 1)
        self.task.setSpecialValueText("number of the task")
        self.task.setToolTip("It stands in the task's address: /tasks/N")
        self.insecure.setToolTip("Others in the network can read the token then")
        self.tabs.addTab(self.push, "Push")
        self.tabs.addTab(self.pull, "Pull")
        lines = QFormLayout()
        lines.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        lines.addRow("Server", self.url)
        lines.addRow("Task", self.task)
        lines.addRow("", self.insecure)
        layout = QVBoxLayout(self)
        layout.addLayout(lines)
        layout.addWidget(self.tabs, 1)
        layout.addWidget(self.status)

    def _connect(self) -> None:
        self.push.compare_button.clicked.connect(self._on_compare)
        self.push.push_button.clicked.connect(partial(self._on_push, sure=False))
        self.pull.pull_button.clicked.connect(partial(self._on_pull, overwrite=False))
        self.status.action.connect(self._on_action)
        self.runner.progressed.connect(self.status.show_progress)
        self.runner.done.connect(self._on_done)
        self.runner.failed.connect(self._on_failed)
        self.runner.cancelled.connect(self._on_cancelled)

    def _on_compare(self) -> None:
        self._try(partial(self._start_push, compared, self._on_compared))

    def _on_push(self, *, sure: bool) -> None:
        if self.runner.running:
            self.runner.cancel()
        elif self.push.replaces and not sure:
            self.status.say(
                "Every annotation of the task will be deleted first, also those of images that "
                "are not pushed; that cannot be undone",
                action=_DELETE,
                bad=True,
            )
        else:
            self._try(partial(self._start_push, pushed, self._on_pushed))

    def _on_pull(self, *, overwrite: bool) -> None:
        if self.runner.running:
            self.runner.cancel()
        else:
            self._try(partial(self._start_pull, overwrite=overwrite))

    def _try(self, start: Any) -> None:
        try:
            start()
        except SegkitError as error:
            self._on_failed(Failure.of(error))
        self._show_running()

    def _start_push(self, job: Any, told: Any) -> None:
        errand = Errand(
            source=self._source(),
            connect=connector(self._address(), insecure=self.insecure.isChecked()),
            task=self._task(),
            mode="replace" if self.push.replaces else "append",
            instances="merge" if self.push.merges else "separate",
            direct=self.push.direct,
        )
        self.push.clear()
        self._start(job(errand), told)

    def _source(self) -> Any:
        if self.push.from_dataset:
            return self.push.source.path()
        layers = self.push.masks.layers()
        if not layers:
            raise MaskError("no mask is chosen", remedy="tick one in the list")
        sources, self._left_out = writable([take_down(one, self._viewer) for one in layers])
        return sources, Recipe(classes_of(layers))

    def _start_pull(self, *, overwrite: bool) -> None:
        from napari_segkit.jobs.cvat import pull

        target = self.pull.target.path()
        connect = connector(self._address(), insecure=self.insecure.isChecked())
        task = self._task()
        if not self.pull.target.may_write(target, agreed=overwrite):
            self.status.say(f"{target} exists already", action=_OVERWRITE, bad=True)
            return
        options = WriteOptions(include_images=self.pull.images.isChecked(), overwrite=overwrite)
        self._start(pull(connect(), task, target, options=options), self._on_pulled)

    def _address(self) -> str:
        text = str(self.url.text()).strip()
        if not text:
            raise InputError("no server is named", remedy="type its address: https://app.cvat.ai")
        return text

    def _task(self) -> int:
        if not self.task.value():
            raise InputError("no task is named", remedy="type its number: in its address, /tasks/N")
        return int(self.task.value())

    def _start(self, job: Any, told: Any) -> None:
        self._told = told
        self.status.start("asking the server")
        self.runner.start(job, title="CVAT server")

    def _on_done(self, answer: Any) -> None:
        self._told(answer)
        self._show_running()

    def _on_compared(self, found: Compared) -> None:
        self.push.show_findings(found.mismatches, found.warnings)
        title = f"{found.task.title}: {counted(len(found.task.frames), 'frame')}"
        if found.mismatches:
            said = f"{counted(len(found.mismatches), 'difference')}: nothing would be sent"
            self.status.say(said, notes=(title,), bad=True)
            return
        said = f"{counted(found.images, 'image')} fit by name, size and label"
        rest = f"{counted(found.untouched, 'frame')} of the task would stay as they are"
        self.status.say(said, notes=(title, rest, *self._left_out))

    def _on_pushed(self, report: PushReport | Mismatches) -> None:
        if isinstance(report, Mismatches):
            self.push.show_findings(report.sentences, ())
            self.status.say("Masks and task do not fit: nothing was sent", bad=True)
            return
        self.push.show_findings((), report.warnings)
        done = "appended to" if report.mode == "append" else "put in the place of everything in"
        objects, images = counted(report.instances, "object"), counted(report.images, "image")
        self.status.say(
            f"{objects} in {images} {done} task {report.task} ({report.task_name})",
            notes=(f"{report.server} · CVAT {report.version}", *self._left_out),
        )

    def _on_pulled(self, report: WriteReport) -> None:
        self._pulled = report.path
        images, objects = counted(report.images, "image"), counted(report.instances, "object")
        self.status.say(
            f"{images}, {objects} pulled",
            notes=(str(report.path), *report.warnings),
            action=_LOOK if hasattr(self._viewer, "window") else "",
        )

    def _on_action(self) -> None:
        asked = self.status.action_button.text()
        if asked == _DELETE:
            self._on_push(sure=True)
        elif asked == _OVERWRITE:
            self._on_pull(overwrite=True)
        elif self._pulled is not None:
            plugin = self._viewer.window.add_plugin_dock_widget("napari-segkit", "Import masks")
            plugin[1].open_path(self._pulled)

    def _on_failed(self, failure: Failure) -> None:
        self.status.say(failure.sentence, details=failure.details, bad=True)
        self._show_running()

    def _on_cancelled(self) -> None:
        self.status.say(
            "Cancelled", notes=("If masks were on their way, look at the task before you go on",)
        )
        self._show_running()

    def _show_running(self) -> None:
        self.push.show_running(self.runner.running)
        self.pull.show_running(self.runner.running)
