"""What models that are one network share: weights and card are found, checked, kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from napari_segkit.data.weights_card import read_card
from napari_segkit.errors import WeightsError
from napari_segkit.models.base import Segmenter

if TYPE_CHECKING:
    from pathlib import Path

    from napari_segkit.data.weights_card import WeightsCard
    from napari_segkit.runtime.careful import Careful


class NetworkSegmenter(Segmenter):
    """A model whose weights are a network's.

    Attributes
    ----------
    card
        Of the weights that are loaded.
    """

    _IR: ClassVar[str] = ".xml"

    def __init__(self) -> None:
        self._backend: Careful | None = None
        self._card: WeightsCard | None = None

    @classmethod
    def weights_state(cls) -> str:
        """The adopted or shipped weights; see `Segmenter.weights_state`."""
        from napari_segkit.data.weights_store import versions

        return next((one.name for one in versions(cls.id) if one.adopted), "none yet")

    @property
    def card(self) -> WeightsCard:
        """What is loaded.

        Raises
        ------
        WeightsError
            Before `load`.
        """
        if self._card is None:
            raise WeightsError(f"model {self.id} is not loaded", remedy="call load() first")
        return self._card

    @property
    def backend(self) -> Careful:
        """What runs the network.

        Raises
        ------
        WeightsError
            Before `load`.
        """
        if self._backend is None:
            raise WeightsError(f"model {self.id} is not loaded", remedy="call load() first")
        return self._backend

    def load(
        self, weights: Path | None = None, *, device: str = "auto", backend: str = "auto"
    ) -> None:
        """Read weights: a file, or the adopted, downloaded or shipped ones.

        Parameters
        ----------
        weights
            ``….safetensors`` with its card, ``….xml`` of ``segkit optimize``, or a checkpoint of
            the origin project (``….pth``).
        device
            ``auto``, ``cpu``, ``cuda`` or ``mps``.
        backend
            ``auto``, ``torch`` or ``openvino``.

        Raises
        ------
        WeightsError
            Where there are none, or they cannot be used; the state before stays.
        """
        from napari_segkit.data.weights import load_weights
        from napari_segkit.data.weights_import import SUFFIXES, import_checkpoint
        from napari_segkit.data.weights_store import find_weights
        from napari_segkit.runtime.choose import open_backend, open_ir

        path = find_weights(self.id, weights)
        if path.suffix == self._IR:
            card = self._checked(read_card(path), path)
            ready = open_ir(path, card)
        else:
            read = import_checkpoint if path.suffix in SUFFIXES else load_weights
            tensors, card = read(path)
            self._checked(card, path)
            ready = open_backend(card, tensors, where=path, device=device, backend=backend)
        self._backend, self._card = ready, card

    def _checked(self, card: WeightsCard, path: Path) -> WeightsCard:
        names = tuple(one.name for one in self.classes)
        if card.model != self.id or card.classes != names:
            raise WeightsError(
                "weights are of another model",
                where=path,
                expected=f"{self.id} ({', '.join(names)})",
                got=f"{card.model} ({', '.join(card.classes)})",
            )
        return card
