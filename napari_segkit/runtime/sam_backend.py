"""A SAM on torch: an image once, then prompts; arrays in, arrays out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from segment_anything.utils.transforms import ResizeLongestSide

from napari_segkit.errors import ModelError
from napari_segkit.nets.sam_folded import FoldedDecoder
from napari_segkit.nets.sam_small import finished

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from segment_anything.modeling import Sam

    from napari_segkit.types import Image

    Floats = NDArray[np.float32]


class SamBackend:
    """A SAM that is ready; it keeps nothing of an image or an object between calls.

    Attributes
    ----------
    input_size
        Side of the encoder's input in pixels.
    mask_size
        Side of the decoder's logits.
    variant
        Hash of the adapter that is merged into the encoder, or "".
    notes
        What a person should know of how it runs.
    """

    variant: str = ""
    notes: tuple[str, ...] = ()

    def __init__(self, sam: Sam, device: str) -> None:
        self.sam = sam.to(device).eval()
        self.device = device
        self.name = f"torch, {device}"
        self.input_size = int(sam.image_encoder.img_size)
        self.mask_size = int(sam.prompt_encoder.mask_input_size[0])
        self._resize = ResizeLongestSide(self.input_size)
        self._decoder = FoldedDecoder(self.sam).eval()

    @torch.inference_mode()
    def encode(self, image: Image) -> Floats:
        """(H, W, 3) uint8 RGB -> (C, h, w) embedding."""
        return _finite(self._embedding(self.pixels(image))[0], "embedding")

    def pixels(self, image: Image) -> torch.Tensor:
        """(H, W, 3) uint8 RGB -> (1, 3, S, S), as the encoder takes it."""
        small = torch.from_numpy(self._resize.apply_image(np.ascontiguousarray(image)))
        pixels = small.permute(2, 0, 1).contiguous()[None].to(self.device)
        given: torch.Tensor = self.sam.preprocess(pixels.float())
        return given

    def _embedding(self, pixels: torch.Tensor) -> torch.Tensor:
        """(1, 3, S, S) normalised -> (1, C, h, w)."""
        embedding: torch.Tensor = self.sam.image_encoder(pixels)
        return embedding

    @torch.inference_mode()
    def decode(
        self,
        embedding: NDArray[np.floating],
        shape: tuple[int, int],
        *,
        boxes: Floats | None = None,
        points: Floats | None = None,
        point_labels: NDArray[np.int32] | None = None,
        masks: Floats | None = None,
        several: bool = False,
    ) -> tuple[Floats, Floats]:
        """Masks of N objects.

        Parameters
        ----------
        embedding : (C, h, w)
        shape
            (H, W) of the image or window that was encoded.
        boxes : (N, 4)
            x0 y0 x1 y1 in its pixels.
        points : (N, K, 2), point_labels : (N, K)
            x y in its pixels; 1 = object, 0 = not.
        masks : (N, M, M)
            Logits to start from.
        several
            Three candidates instead of one.

        Returns
        -------
        logits : (N, 1 or 3, M, M)
        scores : (N, 1 or 3)
            IoU that the network expects.
        """
        place = self.device
        asked = None
        if points is not None and point_labels is not None:
            at = self._resize.apply_coords(points, shape)
            asked = (
                torch.as_tensor(at, dtype=torch.float32, device=place),
                torch.as_tensor(point_labels, device=place),
            )
        corners = None
        if boxes is not None:
            corners = torch.as_tensor(
                self._resize.apply_boxes(boxes, shape), dtype=torch.float32, device=place
            )
        start = None
        if masks is not None:
            start = torch.as_tensor(masks, dtype=torch.float32, device=place)[:, None]
        sparse, dense = self.sam.prompt_encoder(points=asked, boxes=corners, masks=start)
        if masks is None:
            dense = dense[:1, :, :1, :1]  # one vector everywhere
        image = torch.as_tensor(embedding, dtype=torch.float32, device=place)[None]
        logits, scores = self._masks(image, sparse, dense)
        wanted = slice(1, None) if several else slice(0, 1)
        return _finite(logits[:, wanted], "mask"), _finite(scores[:, wanted], "score")

    def _masks(
        self, image: torch.Tensor, sparse: torch.Tensor, dense: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """See `FoldedDecoder`."""
        logits, scores = self._decoder(image, sparse, dense)
        return logits, scores

    @torch.inference_mode()
    def finish(
        self, window: Image, shape: tuple[int, int], logits: Floats, masks: Floats
    ) -> Floats:
        """The last step of a small base that takes evidence.

        Parameters
        ----------
        window : (S, S, 3) uint8 RGB
            The input, with the window of ``shape`` at its top left.
        logits : (N, K, M, M), masks : (N, M, M)
            What `decode` gave, and was given to start from.
        """
        pixels = torch.from_numpy(window).to(self.device).permute(2, 0, 1)[None].float()
        normal = (pixels - self.sam.pixel_mean) / self.sam.pixel_std
        normal[..., shape[0] :, :] = 0
        normal[..., shape[1] :] = 0
        start = torch.as_tensor(masks, device=self.device)[:, None]
        coarse = torch.as_tensor(logits, device=self.device)
        many = normal.expand(len(coarse), -1, -1, -1)
        return _finite(finished(self.sam, many, coarse, start), "mask")


def _finite(tensor: torch.Tensor, what: str) -> Floats:
    array: Floats = tensor.float().cpu().numpy()
    if not np.isfinite(array).all():
        raise ModelError(
            f"the network returned a {what} with NaN",
            remedy="load other weights; these are broken, or the device is",
        )
    return array
