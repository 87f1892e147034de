"""Objects by prompts, of one viewer: what is drawn, what is found, what is accepted or taken back.

The dock shows it; without a dock it does the same. Prompts and masks that are not accepted are on
layers of their own, so nothing is lost when the dock goes.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any
from weakref import ref

import numpy as np
from qtpy.QtCore import QObject, QTimer, Signal

from napari_segkit.errors import SegkitError
from napari_segkit.ops.prompt_objects import Start
from napari_segkit.widgets._dock import when_destroyed
from napari_segkit.widgets._identity import identity
from napari_segkit.widgets._layers import full_resolution
from napari_segkit.widgets.masks._binding import find_mask, read_binding
from napari_segkit.widgets.masks._features import rows_of
from napari_segkit.widgets.masks._undo import state_of
from napari_segkit.widgets.parts._choosers import unlink
from napari_segkit.widgets.rings import _prompt_layers as prompt_layers
from napari_segkit.widgets.rings._adding import Acceptance, accept_job
from napari_segkit.widgets.rings._asking import Asker
from napari_segkit.widgets.rings._pending import PendingMasks
from napari_segkit.widgets.rings._prompt_history import PromptHistory
from napari_segkit.widgets.rings._prompt_scene import Drawn, Scene, drawn, label_under, take_down
from napari_segkit.widgets.runs._run import SegmentRun

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari.components import ViewerModel
    from napari.layers import Image, Labels, Layer
    from numpy.typing import NDArray

    from napari_segkit.models.rings import Rings
    from napari_segkit.ops.prompt_objects import Asked
    from napari_segkit.types import ClassDef
    from napari_segkit.widgets.rings._looking import Sight
    from napari_segkit.widgets.runs._run import Outcome

_TOOLS: dict[str, tuple[Callable[..., Layer], str]] = {
    "boxes": (prompt_layers.add_boxes, "add_rectangle"),
    "points": (prompt_layers.add_points, "add"),
}


class PromptSession(QObject):
    """See the module.

    Attributes
    ----------
    scene
        What is asked for on the plane that is shown.
    correcting
        Whether clicks correct an object of the mask.
    start
        Which one; ``None`` until a click has hit one.
    """

    changed = Signal()
    """Prompts or answers are others."""
    replaced = Signal()
    """The image has other pixels: look at it again."""

    def __init__(self, viewer: ViewerModel, model: Rings, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self._model = model
        self._image: ref[Image] | None = None
        self._shown: str | None = None
        self._links: list[Any] = []
        self._history = PromptHistory()
        self._accepting: Scene | None = None
        self._in_hand: Layer | None = None
        self._candidates: dict[object, str] = {}
        self._begin: tuple[Start, NDArray[np.bool_]] | None = None
        self.scene = Scene()
        self.correcting = False
        self.start: Start | None = None
        self.asker = Asker(model, self)
        self.pending = PendingMasks(viewer, self)
        self.run = SegmentRun(viewer, self)
        self._settled = QTimer(self)
        self._settled.setSingleShot(True)
        self._settled.setInterval(0)
        self._connect()

    def _connect(self) -> None:
        self._settled.timeout.connect(self._on_prompts)
        self.asker.looked.connect(self._on_looked)
        self.asker.answered.connect(self._show)
        self.run.finished.connect(self._on_finished)
        when_destroyed(self, unlink, self._links)

    @property
    def image(self) -> Image | None:
        """The image, where it is still in the viewer."""
        image = None if self._image is None else self._image()
        return image if image is not None and image in self._viewer.layers else None

    @property
    def mask(self) -> Labels | None:
        """The mask that accepted objects go to, where there is one."""
        image = self.image
        return None if image is None else find_mask(self._viewer.layers, image, self._model.id)

    def look_at(self, image: Image | None, sight: Sight | None) -> None:
        """Look at an image, as `Sight` says; ``None``: at nothing."""
        shown = None if image is None else identity(image)
        if image is not self.image or shown != self._shown:
            self._image, self._shown = None if image is None else ref(image), shown
            self._history.forget()
            self._candidates = {}
            self.follow()
        before = self.asker.sight
        self.asker.look_at(sight)
        if self.asker.sight is not before:
            if before is None or sight is None or before.key[:3] != sight.key[:3]:
                self.pending.show_on(image, None if sight is None else sight.source)
                self.start = None
                self._history.begin(self._drawn())
            self._settled.start()

    def follow(self) -> None:
        """Listen to the image and to its prompt layers, and to no others."""
        unlink(self._links)
        image = self.image
        if image is None:
            return
        self._links.append((image.events.data, self._on_pixels))
        layers = self._viewer.layers
        found = prompt_layers.find_boxes(layers, image), prompt_layers.find_points(layers, image)
        self._links += [(one.events.data, self._on_changed) for one in found if one is not None]
        for emitter, slot in self._links:
            emitter.connect(slot)

    def take_up(self, tool: str) -> Layer | None:
        """Make the layer of a tool, ``boxes`` or ``points``, on demand, and put it in hand."""
        image = self.image
        if image is None:
            return None
        make, mode = _TOOLS[tool]
        layer = make(self._viewer, image)
        prompt_layers.take_up(self._viewer, layer, mode)
        self.follow()
        self._settled.start()
        return layer

    def choose_candidate(self, candidate: str) -> None:
        """Another candidate for the object that was asked for last."""
        if self.scene.objects:
            self._candidates[self.scene.objects[-1].place] = candidate
            self._settled.start()

    @property
    def candidate(self) -> str:
        """That of the object that was asked for last."""
        return self.scene.objects[-1].candidate if self.scene.objects else "auto"

    def correct(self, on: bool) -> None:
        """Let clicks correct an object of the mask, or begin one of their own."""
        self.correcting = on
        self.start = None
        self._settled.start()

    @property
    def ready(self) -> list[Asked]:
        """Objects that can be accepted."""
        return [one for one in self.scene.objects if one in self.asker.answers]

    def accept(self, class_name: str, classes: tuple[ClassDef, ...]) -> None:
        """Make what was found a part of the mask; its prompts go when that is done.

        Raises
        ------
        SegkitError
            Where there is nothing to accept.
        """
        if self.run.running:
            return
        self._on_prompts()  # the mask that is corrected may have been painted on since
        image, sight, seen = self.image, self.asker.sight, self.asker.seen
        ready = self.ready
        if image is None or sight is None or seen is None or not ready:
            raise self.scene.nothing_ready()
        self._accepting = self.scene.part(set(ready))
        mask = self.mask
        place = sight.source.plane.place
        binding = None if mask is None else read_binding(mask)
        accepted = Acceptance(
            model=self._model.id,
            params=sight.params.model_dump(),
            weights=seen.prepared.weights,
            found=tuple((one, self.asker.answers[one]) for one in ready),
            shape=sight.source.plane.shape,
            class_name=class_name,
            classes=classes,
            earlier=None if binding is None else binding.made().get(place),
            kept={} if mask is None else {key: row[1] for key, row in rows_of(mask).items()},
        )
        self._in_hand = self._viewer.layers.selection.active
        make = partial(accept_job, accepted)
        try:
            self.run.begin(self._model, image, sight.source, make)
        except SegkitError:
            self._accepting = None
            raise

    def _on_finished(self, outcome: Outcome) -> None:
        scene, self._accepting = self._accepting, None
        if scene is None or outcome.failure or outcome.offered or outcome.cancelled:
            return
        before, image, layers = self._drawn(), self.image, self._viewer.layers
        if image is not None:
            prompt_layers.remove_prompts(layers, image, scene)
            prompt_layers.put_below(layers, image, self.mask)
        if self._in_hand in layers:
            layers.selection.active = self._in_hand
        self.start, self._begin = None, None
        for one in scene.objects:
            self._candidates.pop(one.place, None)
        self._history.accepted(before, self._drawn(), self.mask)
        self._on_prompts()

    def clear(self) -> None:
        """Remove every prompt of the image; they can be taken back."""
        self._put(Drawn())
        self.start = None
        self._settled.start()

    def take_back(self) -> str:
        """Undo the last change of the prompts, or the last acceptance with them; says what."""
        said, prompts = self._history.take_back(self._viewer.layers)
        if prompts is not None:
            self._put(prompts)
            self.start = Start(prompts.start) if prompts.start else None
            self._history.begin(self._drawn())
            self._settled.start()
        return said

    def _put(self, prompts: Drawn) -> None:
        image = self.image
        if image is not None:
            prompt_layers.put_back(self._viewer.layers, image, prompts)

    def _drawn(self) -> Drawn:
        image = self.image
        label = 0 if self.start is None else self.start.label
        return Drawn() if image is None else drawn(self._viewer, image, label)

    def _on_pixels(self, event: Any = None) -> None:
        self.replaced.emit()

    def _on_changed(self, event: Any = None) -> None:
        self._settled.start()

    def _on_looked(self) -> None:
        self._settled.start()
        self.changed.emit()

    def _on_prompts(self) -> None:
        """Ask for what is drawn now."""
        image, sight = self.image, self.asker.sight
        if image is None or sight is None or full_resolution(image) is not sight.source.data:
            return
        prompt_layers.deselect_clicks(self._viewer.layers, image)
        self.scene = self._scene(image, sight)
        self._history.changed(self._drawn())
        self.asker.want(self.scene.objects, None if self._begin is None else self._begin[1])
        self._show()

    def _scene(self, image: Image, sight: Sight) -> Scene:
        plane = sight.source.plane
        look = partial(take_down, self._viewer, image, plane, candidates=self._candidates)
        scene = look(start=self.start)
        mask = self.mask
        if not self.correcting or mask is None:
            return scene
        label = label_under(mask, plane, scene.clicks) if self.start is None else self.start.label
        if not scene.clicks or not label:
            self.start = None
            return replace(scene, objects=tuple(o for o in scene.objects if o.box is not None))
        self.start = Start(label, state_of(mask).revision)
        if self._begin is None or self._begin[0] != self.start:
            self._begin = self.start, np.asarray(mask.data)[plane.key] == label
        return look(start=self.start)

    def _show(self) -> None:
        image, sight = self.image, self.asker.sight
        if image is not None and sight is not None:
            self.pending.show(image, sight.source, self.scene.objects, self.asker.answers)
        self.changed.emit()
