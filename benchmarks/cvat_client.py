"""What CVAT's own client does where a server or a connection misbehaves, and what ours does.

Run: .venv/bin/python benchmarks/cvat_client.py [--out FILE]      needs cvat-sdk (group dev)
Both talk to the tests' loopback server; each case gets a fresh one.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import logging
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parents[1]
PATIENCE_S = 6.0


def load_loopback() -> Any:
    path = ROOT / "tests/data/cvat_server/loopback.py"
    spec = importlib.util.spec_from_file_location("cvat_loopback", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


LOOPBACK = load_loopback()


def fresh() -> Any:
    server = LOOPBACK.start()
    server.image("a.png", 12, 8)
    server.label("coin")
    return server


def make_dataset() -> Path:
    from napari_segkit.data.dataset import Sample, WriteOptions
    from napari_segkit.data.formats.cvat_mask import CvatMask
    from napari_segkit.ops.masks import segmentation_from_labels
    from napari_segkit.types import ClassDef

    coin = ClassDef("coin", (255, 0, 0))
    target = Path(tempfile.mkdtemp()) / "set.zip"
    labels = np.ones((8, 12), np.int32)
    with CvatMask().open_writer(target, classes=(coin,), options=WriteOptions()) as writer:
        writer.add(Sample("a", segmentation_from_labels(labels, classes=(coin,))))
    return target


def by_sdk(server: Any, dataset: Path) -> None:
    from cvat_sdk import make_client

    with make_client(server.url, access_token=LOOPBACK.TOKEN) as client:
        client.tasks.retrieve(5).import_annotations(
            "Segmentation mask 1.1",
            dataset,
            conv_mask_to_poly=False,
            import_mode="append",
            status_check_period=0.5,
        )


def by_ours(server: Any, dataset: Path) -> None:
    from napari_segkit.data.cvat_server import open_server
    from napari_segkit.jobs import cvat, drain

    drain(cvat.push(dataset, open_server(server.url, timeout=3), 5))


def case_token(server: Any) -> Any:
    other = fresh()
    server.own_name = other.url
    return lambda: (
        f"token sent to another host: {any('authorization' in a.headers for a in other.asked)}"
    )


CASES: dict[str, Callable[[Any], Any]] = {
    "all well": lambda server: None,
    "the upload's address names another host": case_token,
    "a version that ignores import_mode (2.60)": lambda server: setattr(
        server, "version", "2.60.0"
    ),
    "500 once": lambda server: server.fail("GET", "/tasks/5", LOOPBACK.Fail(500)),
    "429 with Retry-After 3600": lambda server: server.fail(
        "GET", "/tasks/5", LOOPBACK.Fail(429, None, {"Retry-After": "3600"})
    ),
    "cut inside of a piece": lambda server: server.fail("PATCH", "/1_", LOOPBACK.Fail(cut=50)),
    "the last piece's answer is lost": lambda server: server.fail(
        "PATCH", "/1_", LOOPBACK.Fail(lost=True)
    ),
    "a queue that does not move": lambda server: setattr(server, "polls", [{"status": "queued"}]),
}


def outcome(client: Callable[[Any, Path], None], dataset: Path, prepare: Any) -> str:
    """How one case ends within the time."""
    server = fresh()
    extra = prepare(server)
    ended: list[str] = []

    def go() -> None:
        try:
            client(server, dataset)
            ended.append("done")
        except Exception as error:  # noqa: BLE001  whatever a client raises is its answer
            ended.append(f"{type(error).__name__}: {str(error).splitlines()[0]}")

    thread = threading.Thread(target=go, daemon=True)
    thread.start()
    thread.join(PATIENCE_S)
    text = ended[0] if ended else f"still waiting after {PATIENCE_S:g} s"
    imports = f"{len(server.imports)} imports"
    return "; ".join([text, imports, *([extra()] if extra else [])])


def loading(module: str) -> float:
    """Seconds to import a module, beyond numpy and Pillow, in a process of its own; best of 3."""
    script = (
        "import time, numpy, PIL.Image; t = time.perf_counter(); "
        f"import {module}; print(time.perf_counter() - t)"
    )
    command = [sys.executable, "-c", script]
    runs = [float(subprocess.run(command, capture_output=True).stdout) for _ in range(3)]
    return round(min(runs), 3)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    logging.disable(logging.CRITICAL)
    os.environ["CVAT_ACCESS_TOKEN"] = LOOPBACK.TOKEN
    dataset = make_dataset()
    result: dict[str, Any] = {
        "seconds to import": {
            name: loading(name) for name in ("cvat_sdk", "napari_segkit.data.cvat_server")
        }
    }
    for name, prepare in CASES.items():
        start = time.perf_counter()
        result[name] = {
            "cvat-sdk": outcome(by_sdk, dataset, prepare),
            "ours": outcome(by_ours, dataset, prepare),
        }
        print(f"{name} ({time.perf_counter() - start:.1f} s)")
        for who, what in result[name].items():
            print(f"    {who:9} {what}")
    print(json.dumps(result["seconds to import"]))
    if arguments.out:
        arguments.out.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
