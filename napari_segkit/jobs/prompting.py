"""Ask a promptable model about one instance: what GrabCut does in `ops.refine`, by a network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from napari_segkit.errors import ModelError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_segkit.ops.delta import Delta, Rect
    from napari_segkit.types import Image, Job, Labels, Prompts

    Mask = NDArray[np.bool_]


class Refiner(Protocol):
    """A model that can change one object by prompts; `models.rings.Rings.refine` is one."""

    @property
    def id(self) -> str:
        """Name in files and sentences."""

    def refine(self, image: Image, start: Mask, prompts: Prompts, params: Any) -> Job[Mask]:
        """Another mask of one object; see `models.rings.Rings.refine`."""


def is_promptable(model: object) -> bool:
    """Whether a model, or its class, can be asked about one instance."""
    return callable(getattr(model, "refine", None))


def refine_with(
    model: Refiner,
    params: Any,
    labels: Labels,
    image: Image,
    key: int,
    prompts: Prompts,
    *,
    region: Rect | None = None,
    box: Rect | None = None,
) -> Job[Delta]:
    """Give an instance the shape that prompts ask a model for; nothing else changes.

    Parameters
    ----------
    model
        Loaded.
    params
        Of the model's own ``Params``.
    labels : (H, W) int32
    image : (H, W, 3) uint8 RGB
    key
        Id of the instance: what there is of it is the start. Where the mask has no such instance,
        box or clicks begin it.
    prompts
        All of this correction, each time; of boxes the first one counts.
    region
        Where pixels may change; by default the instance's box, clicks and boxes with a quarter of
        their size around them.
    box
        Of the instance, where it is known.

    Raises
    ------
    PromptError
        Where there is neither an instance nor a box nor a click on it, or nothing lies inside of
        the image.
    ModelError
        For an answer of another size than the image's.
    """
    from napari_segkit.ops.edit import window
    from napari_segkit.ops.prompts import clean_prompts
    from napari_segkit.ops.refine import known_box, reach, reshaped

    cleaned, _ = clean_prompts(prompts, image.shape[:2])
    box = box or known_box(labels, key)
    place = reach(labels, box, cleaned, region)
    start = np.zeros(labels.shape, bool)
    if box is not None:
        mine = window(labels.shape, box)
        start[mine] = labels[mine] == key
    found = yield from model.refine(image, start, cleaned, params)
    if found.shape != labels.shape:
        raise ModelError(
            f"model {model.id} returned another size than the image's",
            expected=labels.shape,
            got=found.shape,
        )
    return reshaped(labels, place, key, found[place])
