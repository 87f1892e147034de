"""One compiled OpenVINO network and its requests, for any number of threads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import openvino as ov

from napari_segkit.paths import user_cache

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Graph:
    """Arrays in, arrays out; what is compiled is kept on the disk for the next start.

    Parameters
    ----------
    model
        Of `ov.convert_model` or `ov.Core.read_model`.
    threads
        0 = as OpenVINO chooses.
    """

    def __init__(self, model: Any, *, threads: int = 0) -> None:
        folder = user_cache() / "openvino"
        settings: dict[str, Any] = {
            "PERFORMANCE_HINT": "LATENCY",
            "CACHE_DIR": str(folder),
            "INFERENCE_PRECISION_HINT": "f32",  # else bf16 where the processor has it
        }
        if threads:
            settings["INFERENCE_NUM_THREADS"] = threads
        self._compiled = ov.Core().compile_model(model, "CPU", settings)
        self._idle: list[Any] = []

    def __call__(self, *arrays: NDArray[Any]) -> tuple[NDArray[np.float32], ...]:
        """The outputs as float32, each its own memory."""
        try:  # not in a threading.local: a request that dies with its thread ends the program
            request = self._idle.pop()
        except IndexError:
            request = self._compiled.create_infer_request()
        request.infer([np.ascontiguousarray(one) for one in arrays], share_inputs=True)
        count = len(self._compiled.outputs)
        found = tuple(np.array(request.get_output_tensor(n).data, np.float32) for n in range(count))
        self._idle.append(request)
        return found
