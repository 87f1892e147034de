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
from openvino.frontend import GeneralFailure, OpConversionFailure, OpValidationFailure
from segment_anything.modeling import ImageEncoderViT

from napari_segkit.errors import SegkitError, WriteError
from napari_segkit.nets.sam_folded import FoldedDecoder, FoldedEncoder
from napari_segkit.paths import user_cache
from napari_segkit.runtime.openvino_backend import read_ir, save_ir
from napari_segkit.runtime.openvino_graph import Graph
from napari_segkit.runtime.sam_backend import SamBackend

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from segment_anything.modeling import Sam

logger = logging.getLogger(__name__)

_TROUBLE = (RuntimeError, MemoryError, GeneralFailure, OpConversionFailure, OpValidationFailure)
_MOST_ENCODERS = 2  # kept compiled: the base and an adapter


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
    """

    def __init__(self, sam: Sam, key: str = "", *, threads: int = 0) -> None:
        super().__init__(sam, "cpu")
        self._threads = threads
        self.name = "OpenVINO, FP32"
        self._key = key
        self._lock = Lock()
        self._encoders: OrderedDict[str, Graph] = OrderedDict()
        self._masks_graph: Graph | None = None

    def _embedding(self, pixels: torch.Tensor) -> torch.Tensor:
        if not self.notes:
            try:
                return torch.from_numpy(self._encoder()(pixels.numpy())[0])
            except _TROUBLE as error:
                self._give_up(error)
        return super()._embedding(pixels)

    def _masks(
        self, image: torch.Tensor, sparse: torch.Tensor, dense: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        if not self.notes:
            try:
                arrays = (one.numpy() for one in (image, sparse, dense))
                logits, scores = self._mask_graph()(*arrays)
                return torch.from_numpy(logits), torch.from_numpy(scores)
            except _TROUBLE as error:
                self._give_up(error)
        return super()._masks(image, sparse, dense)

    def _give_up(self, error: Exception) -> None:
        """From now on torch."""
        first = (str(error).strip() or type(error).__name__).splitlines()[-1][:200]
        logger.warning("OpenVINO failed, torch is used: %s", error)
        self.notes = (f"OpenVINO failed, so torch was used ({first})",)
        self.name = "torch, cpu"

    def _encoder(self) -> Graph:
        with self._lock:
            if self.variant not in self._encoders:
                name = f"sam-encoder-{self._key[:16]}-{self.variant[:16] or 'base'}"
                self._encoders[self.variant] = self._graph(name, lambda: encoder_model(self.sam))
                while len(self._encoders) > _MOST_ENCODERS:
                    self._encoders.popitem(last=False)
            self._encoders.move_to_end(self.variant)
            return self._encoders[self.variant]

    def _mask_graph(self) -> Graph:
        with self._lock:
            if self._masks_graph is None:
                name = f"sam-decoder-{self._key[:16]}"
                self._masks_graph = self._graph(name, lambda: decoder_model(self.sam))
            return self._masks_graph

    def _graph(self, name: str, make: Callable[[], Any]) -> Graph:
        """Of the cache, or made and kept there."""
        path = user_cache() / "openvino" / f"{name}-{ov.__version__.split('-')[0]}.xml"
        if self._key and path.is_file():
            try:
                return Graph(read_ir(path), threads=self._threads)
            except (SegkitError, RuntimeError) as error:
                logger.info("converted anew: %s", error)
        model = make()
        if self._key:
            try:
                save_ir(model, path, half=False)
            except (OSError, WriteError) as error:
                logger.info("nothing is kept for the next start: %s", error)
        return Graph(model, threads=self._threads)


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
