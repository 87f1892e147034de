"""What `segkit optimize` converts: a network whole, or the image encoder of a base of rings."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_segkit.data.formats.registry import recognise
from napari_segkit.data.pixels import sample_pixels
from napari_segkit.data.weights import load_weights
from napari_segkit.data.weights_store import find_weights
from napari_segkit.errors import DatasetError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from napari_segkit.data.weights_card import WeightsCard
    from napari_segkit.types import Image

_CALIBRATION, _WHOLE = 256, 16
"""Crops that activations are measured on; whole images, for encoders."""
_SIDE = 256


class NetworkPart:
    """The network of `dust` or `eggpan`.

    Attributes
    ----------
    source
        The weights file.
    card
        Of the weights, or of what is made.
    changes
        Parameters of the model when both are compared.
    """

    def __init__(self, model_id: str, weights: Path | None) -> None:
        self.source = find_weights(model_id, weights)
        self._tensors, self.card = load_weights(self.source)
        self.changes: dict[str, Any] = {}

    def converted(self) -> Any:
        """As an OpenVINO model."""
        from napari_segkit.runtime.openvino_backend import convert
        from napari_segkit.runtime.torch_backend import make_served

        return convert(make_served(self.card, self._tensors, where=self.source))

    def quantised(self, model: Any, calibration: Path) -> Any:
        """In INT8."""
        from napari_segkit.runtime.quantize import quantised

        return quantised(model, _crops(self.card, calibration))


class EncoderPart:
    """The encoder of a base, without an adapter; see `NetworkPart`."""

    def __init__(self, weights: Path | None) -> None:
        from napari_segkit.models.rings_base import load_base
        from napari_segkit.models.rings_encoder import encoder_card
        from napari_segkit.models.rings_files import NONE, SMALL, find_base

        named = SMALL if weights is None else str(weights)
        self.source = find_base(named)
        base = load_base(self.source, "cpu", "torch")
        self._backend = base.backend
        spec = str(self.source.resolve()) if weights == self.source else named
        self.card = encoder_card(base.name, spec, base.sha256, base.backend.input_size)
        self.changes = {"adapter": NONE}

    def converted(self) -> Any:
        """As an OpenVINO model."""
        from napari_segkit.runtime.sam_openvino import encoder_model

        return encoder_model(self._backend.sam)

    def quantised(self, model: Any, calibration: Path) -> Any:
        """In INT8."""
        from napari_segkit.runtime.quantize import quantised_graph

        shots = [
            self._backend.pixels(one).numpy()
            for one in itertools.islice(_images(calibration), _WHOLE)
        ]
        return quantised_graph(model, shots, transformer=True)


def _images(dataset: Path) -> Iterator[Image]:
    """The images of a dataset.

    Raises
    ------
    DatasetError
        Where there is none, or one is missing.
    """
    with recognise(dataset).open(dataset) as opened:
        if not len(opened):
            raise DatasetError("dataset has no images", where=dataset)
        for name in opened.names:
            loaded = sample_pixels(opened.read(name))
            if loaded is None:
                raise DatasetError("no image to calibrate with", where=name)
            yield loaded.pixels


def _crops(card: WeightsCard, dataset: Path) -> list[Image]:
    """Batches of one: crops for tiled models, whole scaled images for the others."""
    from napari_segkit.ops.resizing import pad_square, resize_image

    rng = np.random.default_rng(0)
    crops: list[Image] = []
    while len(crops) < _CALIBRATION:
        for pixels in itertools.islice(_images(dataset), _CALIBRATION - len(crops)):
            part, side = pixels, card.input_size
            if card.model == "dust":
                side = _SIDE
                y, x = (int(rng.integers(max(1, n - side + 1))) for n in pixels.shape[:2])
                part = pixels[y : y + side, x : x + side]
            crops.append(resize_image(pad_square(part), (side, side))[None])
    return crops
