"""Eight bits for OpenVINO: weights and activations quantised after training, by nncf."""

from __future__ import annotations

import contextlib
import logging
import sys
from typing import TYPE_CHECKING, Any

import openvino as ov

from napari_segkit.errors import ParamsError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from napari_segkit.runtime.base import Batch


_PLAIN = ("Parameter", "Constant", "Result")


def quantised(model: Any, batches: Sequence[Batch]) -> Any:
    """A copy of an OpenVINO model in INT8.

    Parameters
    ----------
    model
        Of `napari_segkit.runtime.openvino_backend.convert`.
    batches
        Typical inputs, all of one shape: ranges of activations are taken from them.

    Raises
    ------
    ParamsError
        Without the extra ``quantize``.
    """
    fixed = model.clone()
    fixed.reshape(ov.PartialShape(list(batches[0].shape)))
    made = quantised_graph(fixed, batches)
    made.reshape(ov.PartialShape([-1, -1, -1, 3]))
    return made


def quantised_graph(
    model: Any, inputs: Sequence[NDArray[np.generic]], *, transformer: bool = False
) -> Any:
    """A copy of any OpenVINO model with one input in INT8; see `quantised`."""
    try:
        import nncf
    except ImportError as error:
        raise ParamsError(
            "INT8 needs the package nncf", remedy='pip install "napari-segkit[quantize]"'
        ) from error
    logging.getLogger("nncf").setLevel(logging.ERROR)
    kept = [] if transformer else _rim(model)
    with contextlib.redirect_stdout(sys.stderr):  # its bars; standard output is ours
        return nncf.quantize(
            model,
            nncf.Dataset(list(inputs)),
            preset=nncf.QuantizationPreset.MIXED,
            model_type=nncf.ModelType.TRANSFORMER if transformer else None,
            ignored_scope=nncf.IgnoredScope(names=kept),
            subset_size=len(inputs),
        )


def _rim(model: Any) -> list[str]:
    """All up to the first convolution, and the last one: they cost little.

    What is faint is lost there: 8 bits hold the light of a photo, not how little a soft spot
    differs from the mean around it, which the dust network computes first.
    """
    operations = [one for one in model.get_ordered_ops() if one.get_type_name() not in _PLAIN]
    where = [n for n, one in enumerate(operations) if _is_convolution(one)]
    if not where:
        return []
    kept = [*operations[: where[0] + 1], operations[where[-1]]]
    return [one.get_friendly_name() for one in kept]


def _is_convolution(operation: Any) -> bool:
    return str(operation.get_type_name()) in ("Convolution", "GroupConvolution")
