"""Which backend runs a SAM (`docs/adr/0026-sam-on-openvino.md`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_segkit.errors import ParamsError

if TYPE_CHECKING:
    from segment_anything.modeling import Sam

    from napari_segkit.runtime.sam_backend import SamBackend

_BACKENDS = ("auto", "torch", "openvino")


def check_sam_place(device: str, backend: str) -> str:
    """Where it would run: ``cpu``, ``cuda`` or ``mps``.

    Raises
    ------
    ParamsError
        For a device or backend that is not here, or that do not go together.
    """
    from napari_segkit.runtime.torch_backend import pick_device

    if backend not in _BACKENDS:
        raise ParamsError("unknown backend", expected=", ".join(_BACKENDS), got=backend)
    place = "cpu" if backend == "openvino" and device == "auto" else pick_device(device)
    if backend == "openvino" and place != "cpu":
        raise ParamsError("OpenVINO runs on the CPU", expected="device cpu or auto", got=device)
    return place


def open_sam(
    sam: Sam,
    sha256: str,
    *,
    device: str = "auto",
    backend: str = "auto",
    encoder: Any | None = None,
) -> SamBackend:
    """A SAM that is ready; ``auto`` is OpenVINO for SAM's own encoder on a CPU, else torch.

    Parameters
    ----------
    sam
        With its weights.
    sha256
        Of them: the key of what is kept for the next start.
    encoder
        See `OpenVinoSam`.

    Raises
    ------
    ParamsError
        As `check_sam_place`; or for an encoder of OpenVINO's on anything else.
    """
    from segment_anything.modeling import ImageEncoderViT

    from napari_segkit.runtime.sam_backend import SamBackend

    if encoder is not None:
        if backend == "torch":
            raise ParamsError(
                "an optimised encoder needs OpenVINO",
                expected="backend auto or openvino",
                got=backend,
            )
        backend = "openvino"
    place = check_sam_place(device, backend)
    large = isinstance(sam.image_encoder, ImageEncoderViT)
    if backend == "openvino" or (backend == "auto" and place == "cpu" and large):
        from napari_segkit.runtime.sam_openvino import OpenVinoSam

        return OpenVinoSam(sam, sha256, encoder=encoder)
    return SamBackend(sam, place)
