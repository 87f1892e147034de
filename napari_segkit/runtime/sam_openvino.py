"""A SAM on OpenVINO; where that fails, torch goes on and it is said.

Encoder and decoder are converted once and kept in the cache under the hash of the base and of the
adapter that is merged into it. The prompts' small encoder stays on torch.
"""

from __future__ import annotations

import logging
import warnings
from collections import OrderedDict
from threading import Lock
from typing import TYPE_CHECKING, Any

import openvino as ov
import torch
from segment_anything.modeling import ImageEncoderViT

from napari_segkit.nets.sam_folded import FoldedDecoder, FoldedEncoder
from napari_segkit.runtime.openvino_backend import TROUBLE, kept_graph
from napari_segkit.runtime.openvino_graph import Graph
from napari_segkit.runtime.sam_backend import SamBackend

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from segment_anything.modeling import Sam

logger = logging.getLogger(__name__)

_MOST = 4  # graphs kept compiled: encoder and decoder of the base and of an adapter


class OpenVinoSam(SamBackend):
    """See `SamBackend`.

    Parameters
    ----------
    sam
        With its weights.
    key
        Hash of them; "" keeps nothing on the disk.
    threads
        0 = as OpenVINO chooses.
    encoder
        An OpenVINO model of the encoder (`models.rings_encoder`) in place of the base's own; with
        it no adapter may be merged.
    """

    def __init__(
        self, sam: Sam, key: str = "", *, threads: int = 0, encoder: Any | None = None
    ) -> None:
        super().__init__(sam, "cpu")
        self._threads = threads
        self.name = "OpenVINO, FP32" if encoder is None else "OpenVINO, optimised encoder"
        self._encoder = encoder
        self._key = key
        self._lock = Lock()
        self._graphs: OrderedDict[str, Graph] = OrderedDict()

    def _embedding(self, pixels: torch.Tensor) -> torch.Tensor:
        if not self.notes:
            try:
                return torch.from_numpy(self._ready("encoder", encoder_model)(pixels.numpy())[0])
            except TROUBLE as error:
                self._give_up(error)
        return super()._embedding(pixels)

    def _masks(
        self, image: torch.Tensor, sparse: torch.Tensor, dense: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        if not self.notes:
            try:
                arrays = (one.numpy() for one in (image, sparse, dense))
                logits, scores = self._ready("decoder", decoder_model)(*arrays)
                return torch.from_numpy(logits), torch.from_numpy(scores)
            except TROUBLE as error:
                self._give_up(error)
        return super()._masks(image, sparse, dense)

    def _give_up(self, error: Exception) -> None:
        """From now on torch."""
        first = (str(error).strip() or type(error).__name__).splitlines()[-1][:200]
        logger.warning("OpenVINO failed, torch is used: %s", error)
        self.notes = (f"OpenVINO failed, so torch was used ({first})",)
        self.name = "torch, cpu"

    def _ready(self, part: str, model: Callable[[Sam], Any]) -> Graph:
        """Encoder or decoder with the adapter in use."""
        name = f"sam-{part}-{self._key[:16]}-{self.variant[:16] or 'base'}"
        with self._lock:
            if name not in self._graphs and part == "encoder" and self._encoder is not None:
                self._graphs[name] = Graph(self._encoder, threads=self._threads)
            elif name not in self._graphs:
                self._graphs[name] = kept_graph(
                    name if self._key else "", lambda: model(self.sam), threads=self._threads
                )
                while len(self._graphs) > _MOST:
                    self._graphs.popitem(last=False)
            self._graphs.move_to_end(name)
            return self._graphs[name]


def encoder_model(sam: Sam) -> Any:
    """The encoder as an OpenVINO model; an adapter must be merged."""
    encoder = sam.image_encoder
    size = int(encoder.img_size)
    net = FoldedEncoder(encoder) if isinstance(encoder, ImageEncoderViT) else encoder
    return _converted(net, (torch.zeros(1, 3, size, size),), [(1, 3, size, size)])


def decoder_model(sam: Sam) -> Any:
    """The decoder as an OpenVINO model; the number of objects and of their prompts stays free."""
    height, width = sam.prompt_encoder.image_embedding_size
    channels = int(sam.prompt_encoder.embed_dim)
    example = (
        torch.zeros(1, channels, height, width),
        torch.zeros(2, 3, channels),
        torch.zeros(2, channels, height, width),
    )
    shapes = [(1, channels, height, width), (-1, -1, channels), (-1, channels, -1, -1)]
    return _converted(FoldedDecoder(sam), example, shapes)


def _converted(
    net: torch.nn.Module,
    example: tuple[torch.Tensor, ...],
    shapes: Sequence[tuple[int, ...]],
) -> Any:
    with warnings.catch_warnings(), torch.inference_mode():
        warnings.simplefilter("ignore")  # the old tracer says so
        trace: Any = torch.jit.trace  # its types are unknown
        traced = trace(net.eval(), example, check_trace=False)
        return ov.convert_model(traced, example_input=example, input=list(shapes))
