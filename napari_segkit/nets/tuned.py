"""Parts of a SAM that an adapter holds whole, beside its low-rank pairs.

Low-rank pairs move what the encoder sees; where masks end (with a margin or on the edge, holes
filled or not) is the decoder's. So a few images of one's own teach more where it learns, too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from napari_segkit.errors import WeightsError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from segment_anything.modeling import Sam
    from torch import Tensor, nn

Part = Literal["decoder", "neck"]
_PARTS: dict[Part, tuple[str, ...]] = {
    "decoder": ("mask_decoder.", "finisher."),
    "neck": ("image_encoder.neck.",),
}
_STATISTICS = ("running_mean", "running_var", "num_batches_tracked")
"""Of batches: they stay the base's."""


def is_tuned(name: str, parts: Sequence[Part]) -> bool:
    """Whether a tensor of a SAM is a parameter of some parts, by its name."""
    starts = tuple(start for part in parts for start in _PARTS[part])
    return name.startswith(starts) and not name.endswith(_STATISTICS)


def tuned_parameters(sam: Sam, parts: Sequence[Part]) -> dict[str, nn.Parameter]:
    """Parameters of some parts, by their names in the SAM."""
    return {name: one for name, one in sam.named_parameters() if is_tuned(name, parts)}


def check_tuned(sam: Sam, tensors: Mapping[str, Tensor]) -> None:
    """Refuse tensors that are not those of this SAM's parts.

    Raises
    ------
    WeightsError
        For a name or a shape that it does not have.
    """
    own = dict(sam.named_parameters())
    for name, tensor in tensors.items():
        if name not in own or own[name].shape != tensor.shape:
            raise WeightsError(
                "this adapter was made for another base",
                expected=f"{name} {tuple(own[name].shape)}" if name in own else f"no {name}",
                got=f"{name} {tuple(tensor.shape)}",
                remedy="choose the base that it was trained on",
            )


def exchange(sam: Sam, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Put tensors that fit in the place of a SAM's own; what was there comes back."""
    own = dict(sam.named_parameters())
    before = {name: own[name].data for name in tensors}
    for name, tensor in tensors.items():
        own[name].data = tensor.to(own[name].device)
    return before
