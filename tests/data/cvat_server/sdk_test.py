"""CVAT's own client as a witness: it can talk to the loopback server, and we talk as it does."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from napari_segkit.data.cvat_server import CvatServer
from napari_segkit.jobs import cvat as jobs
from napari_segkit.jobs import drain

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("cvat_sdk") is None, reason="needs cvat-sdk, of the group dev"
)

SCRIPT = """
import json, sys
from cvat_sdk import make_client

url, token, sent, received = sys.argv[1:]
with make_client(url, access_token=token) as client:
    task = client.tasks.retrieve(5)
    task.import_annotations("Segmentation mask 1.1", sent, conv_mask_to_poly=False,
                            import_mode="append", status_check_period=0)
    task.export_dataset("Segmentation mask 1.1", received, include_images=False,
                        status_check_period=0)
    frames = [(f.name, f.width, f.height) for f in task.get_frames_info()]
    labels = [(label.name, str(label.type)) for label in task.get_labels()]
print(json.dumps({"name": task.name, "frames": frames, "labels": labels}))
"""
_OF_THE_PROTOCOL = ("upload-start", "upload-finish", "upload-offset", "tus-resumable",
                    "authorization")  # fmt: skip


def spoken(asked: list[Any], *parts: str) -> list[Any]:
    """What of a conversation CVAT looks at, in order."""
    said = []
    for one in asked:
        if not any(part in one.path for part in parts):
            continue
        path = one.path.rpartition("1_")[0] if "1_" in one.path else one.path
        query = {
            k: v for k, v in one.query.items() if k not in ("filename", "location", "page_size")
        }
        headers = {k: v for k, v in one.headers.items() if k in _OF_THE_PROTOCOL}
        said.append((one.method, path.rstrip("/"), query, headers))
    return said


def test_we_say_what_cvats_own_client_says(
    cvat: Any, loopback: Any, connect: Callable[..., CvatServer], make_dataset: Any, tmp_path: Path
) -> None:
    export = make_dataset(to="export.zip")
    loopback.export = export.read_bytes()
    received = tmp_path / "received.zip"
    command = [sys.executable, "-c", SCRIPT, loopback.url, cvat.TOKEN, str(export), str(received)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    assert seen["name"] == "coins"
    assert seen["frames"] == [["a.png", 12, 8], ["sub/b.jpg", 20, 10]]
    assert seen["labels"] == [["coin", "any"], ["Pfännchen", "mask"]]
    assert received.read_bytes() == loopback.export

    theirs = spoken(loopback.asked, "annotations", "dataset")
    (their_labels,) = spoken(loopback.asked, "labels")
    loopback.asked.clear()
    drain(jobs.push(export, connect(), 5))
    drain(jobs.pull(connect(), 5, tmp_path / "out"))
    assert spoken(loopback.asked, "labels") == [their_labels] * 2
    assert spoken(loopback.asked, "annotations", "dataset") == _with_names_of_booleans(theirs)
    assert loopback.imports[0][1] == export.read_bytes()


def _with_names_of_booleans(said: list[Any]) -> list[Any]:
    """CVAT reads ``False`` and ``false`` alike; its client writes both."""
    return [
        (method, path, {k: v.replace("False", "false") for k, v in query.items()}, headers)
        for method, path, query, headers in said
    ]
