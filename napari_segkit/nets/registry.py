"""Which networks there are, by the name that stands in a weights card.

======================== ====================================================================
``unet-light``           ours: widths, blocks, stem, separable (`unet_light.LightConfig`)
``unet-contrast``        ours for faint, small things: widths, depths (`unet_contrast`)
``unet-lite0``           EfficientNet-Lite0 below a small decoder: widths (`unet_lite`)
``unet-origin``          the egg and pan project's: widths (`unet_origin.OriginConfig`)
``efficientnet-b1-unet`` the dust project's, built by segmentation-models-pytorch: encoder
======================== ====================================================================

Every network maps (N, 3, H, W) float32, normalised, to logits (N, classes, H, W); H and W must be
multiples of its ``stride``.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, ValidationError

from napari_segkit.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from torch import nn


class Spec(NamedTuple):
    """An architecture and its configuration."""

    arch: str
    config: Mapping[str, Any]


PRESETS: Mapping[str, Spec] = MappingProxyType(
    {
        "dust": Spec("unet-contrast", {}),
        "eggpan": Spec("unet-lite0", {}),
    }
)
"""What each trainable model uses unless told otherwise."""


def architectures() -> tuple[str, ...]:
    """Names that `build` knows."""
    return tuple(_BUILDERS)


def build(arch: str, *, classes: int, config: Mapping[str, Any] | None = None) -> nn.Module:
    """A network with untrained weights, in training mode.

    Parameters
    ----------
    arch
        One of `architectures`.
    classes
        Channels of the logits.
    config
        What differs from the architecture's defaults.

    Returns
    -------
    A module with the attribute ``stride``.

    Raises
    ------
    InputError
        For an unknown architecture or a configuration that it does not take.
    """
    if arch not in _BUILDERS:
        raise InputError("unknown architecture", expected=", ".join(_BUILDERS), got=arch)
    if classes < 1:
        raise InputError("a network needs an output", expected="1 or more classes", got=classes)
    try:
        return _BUILDERS[arch](classes, dict(config or {}))
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        raise InputError(
            f"configuration of {arch}", where=field, expected=first["msg"], got=first["input"]
        ) from error


class _EncoderConfig(BaseModel):
    """The dust project's encoder is timm's; the other one is that of efficientnet-pytorch."""

    model_config = ConfigDict(extra="forbid")
    encoder: Literal["tu-efficientnet_b1", "efficientnet-b1"] = "tu-efficientnet_b1"


def _light(classes: int, config: dict[str, Any]) -> nn.Module:
    from napari_segkit.nets.unet_light import LightConfig, UNetLight

    return UNetLight(classes=classes, config=LightConfig.model_validate(config))


def _contrast(classes: int, config: dict[str, Any]) -> nn.Module:
    from napari_segkit.nets.unet_contrast import ContrastConfig, UNetContrast

    return UNetContrast(classes=classes, config=ContrastConfig.model_validate(config))


def _lite(classes: int, config: dict[str, Any]) -> nn.Module:
    from napari_segkit.nets.unet_lite import LiteConfig, UNetLite

    return UNetLite(classes=classes, config=LiteConfig.model_validate(config))


def _origin(classes: int, config: dict[str, Any]) -> nn.Module:
    from napari_segkit.nets.unet_origin import OriginConfig, UNetOrigin

    return UNetOrigin(classes=classes, config=OriginConfig.model_validate(config))


def _efficientnet_b1(classes: int, config: dict[str, Any]) -> nn.Module:
    import segmentation_models_pytorch as smp

    net: nn.Module = smp.Unet(
        _EncoderConfig.model_validate(config).encoder,
        encoder_weights=None,
        decoder_channels=(256, 128, 64, 32, 16),
        classes=classes,
    )
    net.stride = 32  # type: ignore[assignment]
    return net


_BUILDERS: dict[str, Callable[[int, dict[str, Any]], nn.Module]] = {
    "unet-light": _light,
    "unet-contrast": _contrast,
    "unet-lite0": _lite,
    "unet-origin": _origin,
    "efficientnet-b1-unet": _efficientnet_b1,
}
