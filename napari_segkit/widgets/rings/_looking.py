"""A plane of an image as a promptable model sees it; what is done with it in the thread."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari_segkit.types import Progress
from napari_segkit.widgets._collector import collector_at_rest
from napari_segkit.widgets._layers import read_rgb
from napari_segkit.widgets.masks._masks import warm_up

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from napari_segkit.models.rings import Prepared, RingParams, Rings
    from napari_segkit.models.rings_plan import Found
    from napari_segkit.ops.prompt_objects import Asked
    from napari_segkit.types import Image, Job
    from napari_segkit.widgets._layers import ImageSource


@dataclass(frozen=True, eq=False)
class Sight:
    """What is looked at, and with what.

    Attributes
    ----------
    source
        The plane of an image layer.
    params
        The base and the adapter are among them; the candidate is each object's own.
    device, backend
        What computes.
    """

    source: ImageSource
    params: RingParams
    device: str = "auto"
    backend: str = "auto"

    @property
    def key(self) -> tuple[object, ...]:
        """Equal where the same is seen."""
        source = self.source
        place = source.layer_id, id(source.data), source.plane.place
        return *place, self.params, self.device, self.backend


@dataclass(frozen=True)
class Seen:
    """A sight that has been encoded.

    Attributes
    ----------
    image : (H, W, 3) uint8 RGB
    prepared
        Whether the embedding was made now, and by which weights.
    notes
        What was converted.
    """

    image: Image
    prepared: Prepared
    notes: tuple[str, ...]


def look(model: Rings, sight: Sight) -> Job[Seen]:
    """Read and encode a sight."""
    yield Progress(0, None, "reading the image")
    warm_up()
    image, notes = read_rgb(sight.source)
    with collector_at_rest():
        model.load(device=sight.device, backend=sight.backend)
        prepared = yield from model.prepare(image, sight.params)
    notes = (*notes, *prepared.notes)
    return Seen(image, prepared, notes)


def ask(
    model: Rings,
    image: Image,
    sight: Sight,
    objects: tuple[Asked, ...],
    start: NDArray[np.bool_] | None,
) -> Job[list[Found]]:
    """Find objects of one candidate; ``start`` (H, W) is what there is of a corrected one."""
    params = sight.params.model_copy(update={"candidate": objects[0].candidate})
    prompts = [
        one.prompts(None if one.start is None or start is None else start.astype("int32"))
        for one in objects
    ]
    return (yield from model.find(image, prompts, params))
