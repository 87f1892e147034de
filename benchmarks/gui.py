"""How long a dock takes to open, and how long the event loop stands still while it works.

Each dock in a process of its own with an empty cache, so that every first run imports what it
needs. The photos are the shipped scenes, that of coins enlarged to 12 Mpx. A timer that is due
every millisecond measures the gaps; ``longest_busy_ms`` is the GUI thread's own CPU time in one
gap, which other programs on the machine do not lengthen; ``stood_still_ms`` is the sum of all gaps
over 50 ms. A gap that is long but not busy is the thread of the job holding Python's lock. Needs a
display: ``xvfb-run -a python benchmarks/gui.py --out FILE``.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import napari
import numpy as np
from qtpy import API_NAME
from qtpy.QtCore import QEventLoop, QTimer

from napari_segkit.data.images import read_image
from napari_segkit.ops.masks import instance_boxes
from napari_segkit.paths import shipped

if TYPE_CHECKING:
    from collections.abc import Callable

ROOM = 6
"""Pixels between a ring and the box that a person draws."""


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
            "stood_still_ms": round(float(gaps[gaps > 50].sum()), 1),
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


def gaps_until(rested: Callable[[], bool], start: Callable[[], Any]) -> dict[str, Any]:
    """From a person's doing until all is found and drawn."""
    gaps = Gaps()
    gaps.start()
    started = time.perf_counter()
    QTimer.singleShot(0, start)
    turn_for(5)
    while not rested():
        turn_for(20)
    seconds = round(time.perf_counter() - started, 2)
    turn_for(200)
    return {"seconds": seconds, **gaps.stop()}


def run_once(dock: Any) -> dict[str, Any]:
    """One run in a real event loop."""
    found = gaps_until(lambda: not dock.running, dock.run_button.click)
    return {"said": dock.status.sentence.text(), **found}


def move_slider(dock: Any, name: str, values: np.ndarray) -> dict[str, Any]:
    """Drag a slider over some values; each is shown before the next is chosen."""
    slider = dock.form._widgets[name]
    shown: list[object] = []
    dock.run.finished.connect(shown.append)

    def drag() -> None:
        for value in values:
            before = len(shown)
            for step in np.linspace(slider.value, value, 10):
                slider.value = float(step)
                turn_for(16)
            while len(shown) == before:
                turn_for(10)

    found = gaps_until(lambda: len(shown) >= len(values), drag)
    return {"values": len(values), **found}


def open_viewer(pixels: np.ndarray) -> napari.Viewer:
    viewer = napari.Viewer(show=True)
    viewer.window.resize(1440, 900)
    viewer.add_image(pixels, name="photo", rgb=True)
    turn_for(1000)
    return viewer


def scene(name: str) -> np.ndarray:
    return read_image(shipped("sample_data") / f"{name}_generated.jpg").pixels


def large_scene(name: str, megapixels: float) -> np.ndarray:
    import cv2

    pixels = scene(name)
    factor = (megapixels * 1e6 / (pixels.shape[0] * pixels.shape[1])) ** 0.5
    return cv2.resize(pixels, None, fx=factor, fy=factor, interpolation=cv2.INTER_CUBIC)


def measure_coins(megapixels: float) -> dict[str, Any]:
    pixels = large_scene("coins", megapixels)
    viewer = open_viewer(pixels)
    result: dict[str, Any] = {"image": f"{pixels.shape[1]}x{pixels.shape[0]}"}
    result["idle"] = gaps_until(lambda: True, lambda: turn_for(1000))
    dock, result["open_ms"] = open_dock(viewer, "Coins")
    _, result["open_export_dock_ms"] = open_dock(viewer, "Export masks")
    result["first_run"] = run_once(dock)
    result["second_run"] = run_once(dock)
    dock.preset.setCurrentText("origin")
    result["run_with_another_preset"] = run_once(dock)
    result["undo"] = gaps_until(lambda: True, viewer.layers[-1].undo)
    viewer.close()
    return result


def measure_network(name: str, title: str, preset: str, slider: str | None) -> dict[str, Any]:
    pixels = scene(name)
    viewer = open_viewer(pixels)
    result: dict[str, Any] = {"image": f"{pixels.shape[1]}x{pixels.shape[0]}"}
    dock, result["open_ms"] = open_dock(viewer, title)
    result["first_run"] = run_once(dock)
    if slider is not None:
        result[slider] = move_slider(dock, slider, np.linspace(0.1, 0.9, 9))
    dock.preset.setCurrentText(preset)
    result["run_with_another_preset"] = run_once(dock)
    viewer.close()
    return result


def measure_rings() -> dict[str, Any]:
    pixels = scene("rings")
    viewer = open_viewer(pixels)
    result: dict[str, Any] = {"image": f"{pixels.shape[1]}x{pixels.shape[0]}"}
    dock, result["open_ms"] = open_dock(viewer, "Rings (SAM + LoRA)")
    session = dock.session
    timers = session._settled, session.pending._timer

    def rested() -> bool:
        waits = session.asker.busy or session.run.running
        return not (waits or any(timer.isActive() for timer in timers))

    result["look"] = gaps_until(rested, lambda: None)
    dock.panel.tools["boxes"].click()
    turn_for(500)
    layer = viewer.layers["photo · boxes"]
    truth = read_image(shipped("sample_data") / "rings_generated_labels.png").pixels[..., 0]
    for number, (x0, y0, x1, y1) in enumerate(instance_boxes(truth.astype(np.int32)).values()):
        low, high = (y0 - ROOM, x0 - ROOM), (y1 + ROOM, x1 + ROOM)
        corners = np.array([low, (low[0], high[1]), high, (high[0], low[1])], float)
        result[f"box_{number}"] = gaps_until(rested, partial(layer.add_rectangles, corners))
    if len(session.ready) != len(layer.data):
        raise RuntimeError(dock.status.sentence.text())
    result["accept"] = gaps_until(rested, dock.panel.accept_button.click)
    result["said"] = dock.status.sentence.text()
    viewer.close()
    return result


def measure_in_a_process(name: str, megapixels: float) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as cache:
        command = [sys.executable, __file__, "--only", name, "--megapixels", str(megapixels)]
        env = {**os.environ, "XDG_CACHE_HOME": cache}
        done = subprocess.run(command, env=env, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout[done.stdout.index("{") :])  # napari prints warnings before


def main() -> None:
    parts: dict[str, Callable[[float], dict[str, Any]]] = {
        "coins": measure_coins,
        "dust": lambda _: measure_network("dust", "Dust spots", "thorough", "sensitivity"),
        "eggpan": lambda _: measure_network("eggpan", "Eggs & pans", "fast", None),
        "rings": lambda _: measure_rings(),
    }
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--megapixels", type=float, default=12.0)
    parser.add_argument("--only", choices=parts)
    options = parser.parse_args()
    if options.only:
        result = parts[options.only](options.megapixels)
    else:
        result = {
            "machine": platform.processor() or platform.machine(),
            "binding": API_NAME,
            "napari": napari.__version__,
            **{name: measure_in_a_process(name, options.megapixels) for name in parts},
        }
    text = json.dumps(result, indent=2, ensure_ascii=False)
    print(text)
    if options.out:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
