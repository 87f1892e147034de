"""Opening the program loads nothing heavy: that happens when a model runs."""

from __future__ import annotations

import subprocess
import sys

import pytest

from napari_segkit.models.registry import model_ids

HEAVY = ("torch", "cv2", "skimage", "openvino", "transformers")
PARAMS = f"[get_model(m).Params.model_json_schema() for m in {model_ids()!r}]"


@pytest.mark.parametrize(
    "code",
    [
        "import napari_segkit",
        f"from napari_segkit.models.registry import get_model; {PARAMS}",
        "import napari_segkit.jobs, napari_segkit.cli",
        "import napari_segkit.data.formats.registry",
    ],
)
def test_heavy_libraries_are_not_loaded(code: str) -> None:
    """The finder also catches a library that is not installed here."""
    script = f"""
import sys

class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {HEAVY!r}:
            raise AssertionError("imports " + name)

sys.meta_path.insert(0, Refuse())
{code}
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
