"""What runs a network, and what may go wrong there.

::

    open_backend(weights) -> Careful          halves what does not fit, refuses NaN
                               └ Backend      TorchBackend | OpenVinoBackend
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from napari_segkit.errors import ModelError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Batch = NDArray[np.uint8]
    """(N, H, W, 3) uint8 RGB; H and W are multiples of the backend's ``stride``."""
    Chances = NDArray[np.float32]
    """(N, C, H, W) float32 in 0-1: sigmoid of one channel, or softmax over several."""


class OutOfMemory(ModelError):
    """Even one tile does not fit into memory."""


class Backend(Protocol):
    """A network that is ready."""

    @property
    def name(self) -> str:
        """For people: ``torch, cuda``, ``OpenVINO, INT8``."""
        ...

    @property
    def device(self) -> str:
        """``cpu``, ``cuda`` or ``mps``."""
        ...

    @property
    def stride(self) -> int:
        """Height and width of a batch are multiples of it."""
        ...

    def run(self, batch: Batch) -> Chances:
        """Probabilities of a batch; may be called from several threads."""
        ...
