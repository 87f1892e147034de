"""A mask as it is at one moment, for jobs; and the job that counts its areas."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_segkit.errors import MaskError
from napari_segkit.types import Progress
from napari_segkit.widgets._layers import current_plane

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Labels
    from numpy.typing import NDArray

    from napari_segkit.ops.instance_index import InstanceIndex
    from napari_segkit.types import Job
    from napari_segkit.widgets._layers import Plane


@dataclass(frozen=True)
class Moment:
    """A mask as it is now, for a job.

    Attributes
    ----------
    data : array of the whole layer
        Live: an answer counts only where ``revision`` is still the mask's.
    """

    data: NDArray[Any]
    plane: Plane
    revision: int
    new_id: int

    @property
    def labels(self) -> NDArray[Any]:
        """(H, W) of the plane, a view."""
        return self.data[self.plane.key]


def editable_plane(mask: Labels, viewer: ViewerModel) -> Plane:
    """The plane of a mask that the viewer shows.

    Raises
    ------
    SegkitError
        Where the mask cannot be edited, or no plane of it is seen.
    """
    data = mask.data
    if mask.multiscale or not isinstance(data, np.ndarray):
        raise MaskError(
            "this mask cannot be edited in napari",
            where=mask.name,
            expected="an array in memory",
            remedy="duplicate it as a single level (right click on the layer)",
        )
    if not mask.editable or not data.flags.writeable or 0 in data.shape:
        raise MaskError("this mask cannot be edited", where=mask.name, got="it is read-only")
    return current_plane(mask, viewer)


def count_job(moment: Moment) -> Job[tuple[Moment, InstanceIndex]]:
    """Areas and boxes of every instance."""
    yield Progress(0, None, "counting areas")
    from napari_segkit.ops.instance_index import InstanceIndex

    return moment, InstanceIndex(moment.labels)
