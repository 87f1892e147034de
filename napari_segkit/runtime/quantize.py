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

    from napari_segkit.runtime.base import Batch


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
    try:
        import nncf
    except ImportError as error:
        raise ParamsError(
            "INT8 needs the package nncf", remedy='pip install "napari-segkit[quantize]"'
        ) from error
    logging.getLogger("nncf").setLevel(logging.ERROR)
    fixed = model.clone()
    fixed.reshape(ov.PartialShape(list(batches[0].shape)))
    with contextlib.redirect_stdout(sys.stderr):  # its bars; standard output is ours
        made = nncf.quantize(
            fixed,
            nncf.Dataset(list(batches)),
            preset=nncf.QuantizationPreset.MIXED,
            subset_size=len(batches),
        )
    made.reshape(ov.PartialShape([-1, -1, -1, 3]))
    return made
