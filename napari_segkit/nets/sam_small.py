"""``sam-segkit-s``: `segment_anything`'s own `Sam` with a small image encoder.

The embedding (`sam_encoders`) lies at 1/8 of the input, twice as fine as SAM's, so that the
decoder's masks lie at 1/2 of it: thin bands and small holes survive. Prompt encoder and mask
decoder are those of `segment_anything` with fewer channels. Why this form: ``docs/adr``, "A small
base for SAM".
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

import torch
from segment_anything.modeling import MaskDecoder, PromptEncoder, Sam, TwoWayTransformer
from torch import nn

from napari_segkit.nets.sam_encoders import Lite0, Plain, SmallEncoder
from napari_segkit.nets.sam_finish import Finisher

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

PIXEL_MEAN = (123.675, 116.28, 103.53)
PIXEL_STD = (58.395, 57.12, 57.375)
EMBEDDING_STRIDE = 8
_START_SHARE = 0.5


@dataclass(frozen=True)
class SmallSamConfig:
    """Sizes of a small SAM.

    Attributes
    ----------
    image_size
        Input in pixels, a multiple of 32.
    encoder
        What sees the image (`sam_encoders`).
    widths
        Channels of a plain encoder at 1/2, 1/4 and 1/8 of the input.
    width, depth, heads
        Channels, number and heads of the attention blocks at 1/16.
    channels
        Of embedding, prompts and decoder.
    decoder_heads
        Of the decoder's attention.
    evidence
        Prompts without a mask come with the evidence of their colours in its place
        (`napari_segkit.ops.colour_evidence`): the network was trained so.
    """

    image_size: int = 384
    widths: tuple[int, int, int] = (24, 48, 96)
    width: int = 256
    depth: int = 6
    heads: int = 8
    channels: int = 128
    decoder_heads: int = 4
    evidence: bool = False
    encoder: Literal["plain", "lite0"] = "plain"

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> SmallSamConfig:
        """From a card's plain values."""
        return cls(**{**values, "widths": tuple(values.get("widths", cls.widths))})

    def as_dict(self) -> dict[str, Any]:
        """Plain values for a card."""
        return {**asdict(self), "widths": list(self.widths)}


def build_small_sam(config: SmallSamConfig | None = None) -> Sam:
    """A small SAM with random weights, in evaluation mode; its parts are SAM's own classes."""
    config = config or SmallSamConfig()
    grid = (config.image_size // EMBEDDING_STRIDE,) * 2
    sam = Sam(
        image_encoder=SmallEncoder(
            config.image_size,
            Lite0() if config.encoder == "lite0" else Plain(config.widths),
            width=config.width,
            depth=config.depth,
            heads=config.heads,
            channels=config.channels,
        ),
        prompt_encoder=PromptEncoder(
            embed_dim=config.channels,
            image_embedding_size=grid,
            input_image_size=(config.image_size,) * 2,
            mask_in_chans=16,
        ),
        mask_decoder=MaskDecoder(
            transformer_dim=config.channels,
            transformer=(_MixingTransformer if config.evidence else TwoWayTransformer)(
                depth=2,
                embedding_dim=config.channels,
                num_heads=config.decoder_heads,
                mlp_dim=4 * config.channels,
            ),
            iou_head_hidden_dim=config.channels,
        ),
        pixel_mean=list(PIXEL_MEAN),
        pixel_std=list(PIXEL_STD),
    )
    if config.evidence:
        sam.finisher = Finisher()
    return sam.eval()


def takes_evidence(sam: Sam) -> bool:
    """Whether prompts come with the evidence of their colours (`SmallSamConfig.evidence`)."""
    return hasattr(sam, "finisher")


def finished(sam: Sam, image: Tensor, logits: Tensor | None, start: Tensor | None) -> Tensor:
    """The last step of a base that takes evidence; any other leaves the logits as they are.

    Parameters
    ----------
    image : (P, 3, 2M, 2M)
        The network's input, normalised, for each prompt.
    logits : (P, K, M, M)
        The decoder's; None = only what they start from.
    start : (P, 1, M, M)
        What the decoder was given as a mask, or None.
    """
    if not takes_evidence(sam) and logits is not None:
        return logits
    if start is None:
        start = image.new_zeros(len(image), 1, image.shape[-2] // 2, image.shape[-1] // 2)
    coarse = _START_SHARE * start if logits is None else logits + _START_SHARE * start
    found: list[Tensor] = [sam.finisher(image, start, one[:, None]) for one in coarse.unbind(1)]
    return torch.cat(found, dim=1)


def resized(sam: Sam, image_size: int) -> Sam:
    """Set another input size, in place: every part works at any multiple of 32."""
    grid = (image_size // EMBEDDING_STRIDE,) * 2
    sam.image_encoder.img_size = image_size
    prompts = sam.prompt_encoder
    prompts.image_embedding_size, prompts.input_image_size = grid, (image_size,) * 2
    prompts.mask_input_size = (4 * grid[0], 4 * grid[1])
    return sam


class _MixingTransformer(TwoWayTransformer):  # type: ignore[misc]
    """SAM's, after convolutions that let the prompt's mask spread along the image's edges.

    In SAM's own decoder a mask that is given meets the image pixel by pixel only.
    """

    def __init__(self, *, depth: int, embedding_dim: int, num_heads: int, mlp_dim: int) -> None:
        super().__init__(depth, embedding_dim, num_heads, mlp_dim)
        self.mix = nn.Sequential(*(_Mix(embedding_dim, reach) for reach in (1, 2, 4, 1)))

    def forward(self, image: Tensor, places: Tensor, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """As `TwoWayTransformer`."""
        found: tuple[Tensor, Tensor] = super().forward(self.mix(image), places, tokens)
        return found


class _Mix(nn.Module):
    def __init__(self, channels: int, reach: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, padding=reach, dilation=reach)
        self.norm = nn.GroupNorm(4, channels)
        self.second = nn.Conv2d(channels, channels, 3, padding=1)
        _silence(self.second)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = x + self.second(torch.relu(self.norm(self.first(x))))
        return y


def _silence(layer: nn.Conv2d) -> None:
    """A layer that adds nothing yet."""
    for parameter in layer.parameters():
        nn.init.zeros_(parameter)
