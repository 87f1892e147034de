"""The dock for rings: boxes and clicks on a photo become objects of its mask, while one looks."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, cast

from napari.layers import Image
from qtpy.QtCore import QTimer

from napari_segkit.data.formats.classes import color_or_next
from napari_segkit.errors import SegkitError
from napari_segkit.models.registry import get_model
from napari_segkit.types import ClassDef
from napari_segkit.widgets._dock import Dock
from napari_segkit.widgets._layers import image_source, next_plane
from napari_segkit.widgets.masks._binding import read_binding
from napari_segkit.widgets.parts._choosers import follow
from napari_segkit.widgets.parts._words import counted
from napari_segkit.widgets.rings._looking import Sight
from napari_segkit.widgets.rings._panel import CANDIDATES, RingsPanel
from napari_segkit.widgets.rings._prompt_keys import ACCEPT, BACK, CANDIDATE, STOP, SWAP, PromptKeys
from napari_segkit.widgets.rings._prompt_layers import choose_sign, find_points, kind_of
from napari_segkit.widgets.rings._prompt_session import PromptSession
from napari_segkit.widgets.runs._run import explain

if TYPE_CHECKING:
    from napari.components import ViewerModel

    from napari_segkit.models.rings import RingParams, Rings
    from napari_segkit.types import Progress
    from napari_segkit.widgets._worker import Failure
    from napari_segkit.widgets.parts._status import StatusBox
    from napari_segkit.widgets.runs._run import Outcome


class RingsDock(Dock):
    """Prompts on the open photo, what the model finds, and accepting it.

    Parameters
    ----------
    napari_viewer
        The viewer that the dock belongs to; napari gives it by this name.
    """

    model_id = "rings"

    def __init__(self, napari_viewer: ViewerModel) -> None:
        super().__init__()
        self.viewer = napari_viewer
        self.model = cast("Rings", get_model(self.model_id)())
        self.session = PromptSession(napari_viewer, self.model, self)
        self.panel = RingsPanel(napari_viewer, self.model, self)
        self.keys = PromptKeys(
            self,
            {
                ACCEPT: self._on_accept,
                BACK: self._on_take_back,
                SWAP: self.panel.sign.toggle,
                CANDIDATE: self._on_next_candidate,
                STOP: self.session.asker.stop,
            },
        )
        self._tick = QTimer(self)
        self._tick.setInterval(500)
        self._connect()
        self._on_image()

    @property
    def status(self) -> StatusBox:
        """Where sentences are."""
        return self.panel.status

    def _connect(self) -> None:
        panel, session, asker = self.panel, self.session, self.session.asker
        panel.image.layer_changed.connect(self._on_image)
        device, backend = panel.runtime.device.activated, panel.runtime.backend.activated
        for chooser in (panel.base.chosen, panel.adapter.chosen, device, backend):
            chooser.connect(self._on_image)
        panel.form.changed.connect(self._on_image)
        panel.tools["boxes"].clicked.connect(self._on_boxes)
        panel.tools["points"].clicked.connect(self._on_points)
        panel.tools["correct"].toggled.connect(self._on_correct)
        panel.sign.toggled.connect(self._on_sign)
        panel.candidate.activated.connect(self._on_candidate)
        panel.accept_button.clicked.connect(self._on_accept)
        panel.back_button.clicked.connect(self._on_take_back)
        panel.clear_button.clicked.connect(session.clear)
        panel.stop_button.clicked.connect(self._on_stop_or_again)
        panel.status.action.connect(self._on_add_offered)
        asker.looked.connect(self._on_looked)
        asker.failed.connect(self._on_failed)
        asker.progressed.connect(self._on_progress)
        asker.rested.connect(self._on_rested)
        asker.set_next(self._next_sight)
        session.changed.connect(self._show)
        session.replaced.connect(self._on_image)
        session.run.finished.connect(self._on_finished)
        self._tick.timeout.connect(self._show_state)
        dims = self.viewer.dims.events
        follow(self, [dims.current_step, dims.ndisplay, dims.order], self._on_plane)
        follow(self, [self.viewer.layers.events.removed], self._on_removed)
        follow(self, [self.viewer.layers.selection.events.active], self._on_active)

    def params(self) -> RingParams:
        """Parameters as they stand in the dock."""
        panel = self.panel
        changes = {"base": panel.base.spec, "adapter": panel.adapter.spec}
        return cast("RingParams", panel.form.get().model_copy(update=changes))

    def _on_image(self) -> None:
        image = self.panel.image.layer
        try:
            if isinstance(image, Image):
                self.session.look_at(image, self._sight(image))
            else:
                self.session.look_at(None, None)
        except SegkitError as error:
            self.session.look_at(None, None)
            self._tell(explain(error))
        self._show_classes()
        self._show()

    def _on_plane(self, event: object = None) -> None:
        image = self.session.image
        if image is not None and image.ndim > 2:
            self._on_image()

    def _on_removed(self, event: object = None) -> None:
        self.session.follow()
        self._show()

    def _next_sight(self) -> Sight | None:
        """The next plane of a stack, else the next image of the list: looked at when idle."""
        image, sight = self.session.image, self.session.asker.sight
        following = None if sight is None else next_plane(sight.source)
        if sight is not None and following is not None:
            return replace(sight, source=following)
        images = [one for one in reversed(self.viewer.layers) if isinstance(one, Image)]
        if image not in images or len(images) < 2:
            return None
        other = images[(images.index(image) + 1) % len(images)]
        try:
            return self._sight(other)
        except SegkitError:
            return None

    def _sight(self, image: Image) -> Sight:
        runtime = self.panel.runtime
        return Sight(
            image_source(image, self.viewer),
            self.params(),
            device=str(runtime.device.currentData()),
            backend=str(runtime.backend.currentData()),
        )

    def _on_boxes(self) -> None:
        self._take_up("boxes")

    def _on_points(self) -> None:
        self._take_up("points")
        self.panel.sign.setChecked(False)

    def _take_up(self, tool: str) -> None:
        layer = self.session.take_up(tool)
        if layer is None:
            self.panel.tools[tool].setChecked(False)
            self.panel.status.say("No image is open: open one, or File > Open Sample", bad=True)
            return
        self.keys.bind(layer)
        if self.panel.tools["correct"].isChecked():
            self.panel.tools["correct"].setChecked(False)
        self.panel.show_tool(tool)

    def _on_correct(self, on: bool) -> None:
        if on:
            if self.session.mask is None:
                self.panel.tools["correct"].setChecked(False)
                self.panel.status.say("There is no mask to correct yet: accept an object first")
                return
            layer = self.session.take_up("points")
            if layer is not None:
                self.keys.bind(layer)
        self.session.correct(on)
        self.panel.show_tool("correct" if on else "points")

    def _on_active(self, event: object = None) -> None:
        """Show the tool of the layer that was taken up elsewhere."""
        active = self.viewer.layers.selection.active
        image = self.session.image
        kind = "" if image is None else kind_of(active, image)
        if kind and not self.panel.tools["correct"].isChecked():
            self.panel.show_tool(kind)

    def _on_sign(self, off: bool) -> None:
        image = self.session.image
        layer = None if image is None else find_points(self.viewer.layers, image)
        if layer is not None:
            choose_sign(layer, on=not off)

    def _on_candidate(self) -> None:
        self.session.choose_candidate(str(self.panel.candidate.currentData()))

    def _on_next_candidate(self) -> None:
        values = list(CANDIDATES.values())
        at = (values.index(self.session.candidate) + 1) % len(values)
        self.session.choose_candidate(values[at])

    def _on_accept(self) -> None:
        name = self.panel.classes.currentText().strip() or self.model.classes[0].name
        known = self._known_classes()
        if name not in {one.name for one in known}:
            known = (*known, ClassDef(name, color_or_next(None, len(known))))
        try:
            self.session.accept(name, known)
        except SegkitError as error:
            self._tell(explain(error))
        self._show_buttons()

    def _known_classes(self) -> tuple[ClassDef, ...]:
        mask = self.session.mask
        binding = None if mask is None else read_binding(mask)
        return self.model.classes if binding is None else binding.class_defs

    def _show_classes(self) -> None:
        self.panel.show_classes([one.name for one in self._known_classes()])

    def _on_take_back(self) -> None:
        self.panel.status.say(self.session.take_back())

    def _on_add_offered(self) -> None:
        self.session.run.add_offered()
        self.panel.status.say("Added as a new layer")

    def _on_finished(self, outcome: Outcome) -> None:
        self._tell(outcome)
        self._show_classes()
        self._show_buttons()

    def _on_failed(self, failure: Failure) -> None:
        self.panel.status.say(failure.sentence, details=failure.details, bad=True)

    def _tell(self, outcome: Outcome) -> None:
        self.panel.status.tell(outcome)

    def _on_progress(self, step: Progress) -> None:
        if not self.panel.status.bar.isVisibleTo(self.panel.status):
            self.panel.status.start("starting")
        self.panel.status.show_progress(step)

    def _on_looked(self) -> None:
        if self.session.asker.started is not None:  # anew: what was said of before is over
            self.panel.status.clear()
        self._show_state()

    def _on_stop_or_again(self) -> None:
        asker = self.session.asker
        if asker.busy:
            asker.stop()
        else:
            asker.look_again()

    def _on_rested(self) -> None:
        self.panel.status.bar.hide()
        self._show()

    def _show(self) -> None:
        """Bring buttons and sentences up to date."""
        self._say_what_was_found(len(self.session.ready), len(self.session.scene.objects))
        self._show_buttons()

    def _show_buttons(self) -> None:
        session, panel = self.session, self.panel
        ready = len(session.ready)
        panel.accept_button.setText(f"Accept {ready}" if ready > 1 else "Accept")
        panel.accept_button.setEnabled(session.image is not None and not session.run.running)
        panel.show_candidate(session.candidate, enabled=bool(session.scene.objects))
        self._show_state()

    def _say_what_was_found(self, ready: int, asked: int) -> None:
        asker, notes = self.session.asker, self.session.scene.notes
        if asker.busy or asker.failure is not None:
            return
        if asked:
            found = f"{counted(ready, 'object')} found"
            self.panel.status.say(found if ready == asked else f"{found} of {asked}", notes=notes)
        elif notes:
            self.panel.status.say("No usable prompt", notes=notes, bad=True)

    def _show_state(self) -> None:
        """Say how far the image is."""
        asker = self.session.asker
        notes = () if asker.seen is None else asker.seen.notes
        self.panel.show_state(asker.state, notes, busy=asker.busy, failed=bool(asker.failure))
        if asker.started is not None:
            self._tick.start()
        else:
            self._tick.stop()
