"""How long a dock takes to open, and how long the event loop stands still during a run.

The photo is the shipped scene, enlarged to 12 Mpx. A timer that is due every millisecond measures
the gaps; ``longest_busy_ms`` is the GUI thread's own CPU time in one gap, which other programs on
the machine do not lengthen. Needs a display: ``xvfb-run -a python benchmarks/gui.py --out FILE``.
"""

from __future__ import annotations

import argparse
import json
import platform
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import napari
import numpy as np
from qtpy import API_NAME
from qtpy.QtCore import QEventLoop, QTimer

from napari_segkit.data.images import read_image
from napari_segkit.paths import shipped


@dataclass
class Gaps:
    """Times between turns of the event loop, in ms."""

    found: list[float] = field(default_factory=list)
    busy: list[float] = field(default_factory=list)
    last: float = 0.0
    last_busy: float = 0.0

    def start(self) -> None:
        self.timer = QTimer()
        self.timer.timeout.connect(self.turn)
        self.last, self.last_busy = time.perf_counter(), time.thread_time()
        self.timer.start(1)

    def turn(self) -> None:
        now, busy = time.perf_counter(), time.thread_time()
        self.found.append(1e3 * (now - self.last))
        self.busy.append(1e3 * (busy - self.last_busy))
        self.last, self.last_busy = now, busy

    def stop(self) -> dict[str, float]:
        self.timer.stop()
        gaps = np.array(self.found)
        return {
            "longest_ms": round(float(gaps.max()), 1),
            "longest_busy_ms": round(max(self.busy), 1),
            "p99_ms": round(float(np.percentile(gaps, 99)), 1),
            "over_50_ms": int((gaps > 50).sum()),
            "turns": len(gaps),
        }


def turn_for(milliseconds: int) -> None:
    loop = QEventLoop()
    QTimer.singleShot(milliseconds, loop.quit)
    loop.exec_() if hasattr(loop, "exec_") else loop.exec()


def open_dock(viewer: napari.Viewer, name: str) -> tuple[Any, float]:
    """The dock, and the ms until it stands there."""
    started = time.perf_counter()
    _, dock = viewer.window.add_plugin_dock_widget("napari-segkit", name)
    turn_for(0)
    return dock, round(1e3 * (time.perf_counter() - started), 1)


def run_once(dock: Any) -> dict[str, Any]:
    """One run in a real event loop."""
    loop, gaps = QEventLoop(), Gaps()
    dock.run.finished.connect(loop.quit)
    gaps.start()
    started = time.perf_counter()
    QTimer.singleShot(0, dock.run_button.click)
    loop.exec_() if hasattr(loop, "exec_") else loop.exec()
    seconds = time.perf_counter() - started
    turn_for(200)
    return {"seconds": round(seconds, 2), "said": dock.status.sentence.text(), **gaps.stop()}


def photo(megapixels: float) -> np.ndarray:
    import cv2

    scene = read_image(shipped("sample_data") / "coins_generated.jpg").pixels
    factor = (megapixels * 1e6 / (scene.shape[0] * scene.shape[1])) ** 0.5
    return cv2.resize(scene, None, fx=factor, fy=factor, interpolation=cv2.INTER_CUBIC)


def measure(megapixels: float) -> dict[str, Any]:
    viewer = napari.Viewer(show=True)
    viewer.window.resize(1440, 900)
    pixels = photo(megapixels)
    viewer.add_image(pixels, name="photo", rgb=True)
    turn_for(1000)
    idle = Gaps()
    idle.start()
    turn_for(1000)
    result: dict[str, Any] = {
        "machine": platform.processor() or platform.machine(),
        "binding": API_NAME,
        "napari": napari.__version__,
        "image": f"{pixels.shape[1]}x{pixels.shape[0]}",
        "idle": idle.stop(),
    }
    dock, result["open_coins_dock_ms"] = open_dock(viewer, "Coins")
    _, result["open_export_dock_ms"] = open_dock(viewer, "Export masks")
    result["first_run"] = run_once(dock)
    result["second_run"] = run_once(dock)
    dock.preset.setCurrentText("origin")
    result["run_with_another_preset"] = run_once(dock)
    gaps = Gaps()
    gaps.start()
    QTimer.singleShot(50, viewer.layers[-1].undo)
    turn_for(1000)
    result["undo"] = gaps.stop()
    viewer.close()
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--megapixels", type=float, default=12.0)
    options = parser.parse_args()
    text = json.dumps(measure(options.megapixels), indent=2, ensure_ascii=False)
    print(text)
    if options.out:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
