"""Review in a window: gaps while painting, switching images, memory, what autosave costs.

``paint``: a person paints with the mouse on a 6000x4000 mask of 3,000 objects, with autosave, and
in the same run on the same layer without it, and then by napari alone. A timer that is due every
millisecond measures the gaps of the event loop. ``switch``: from the key to the next turn of the
event loop, the image ahead being ready, and the longest gap until all is drawn; ``busy`` is the GUI
thread's own CPU time, which other programs on the machine do not lengthen; all threads' is that of
software OpenGL and of reading the next image ahead as well. ``memory``: the
program's own memory after 50 images and after all. Needs a display:
``xvfb-run -a python benchmarks/review.py --out FILE``.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import napari
import numpy as np
import psutil
from gui import Gaps, turn_for
from PIL import Image
from qtpy.QtCore import QPoint, Qt
from qtpy.QtTest import QTest

from napari_segkit.data.store import Record, Status, Store
from napari_segkit.ops.instance_rows import InstanceRow
from napari_segkit.widgets.masks._undo import state_of
from napari_segkit.widgets.review._opened import OpenImage
from napari_segkit.widgets.review._saving import Saving

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_segkit.widgets.review.dock import ReviewDock


class Clock:
    """Durations of a method's calls, in ms."""

    def __init__(self, owner: type, name: str) -> None:
        self.found: list[float] = []
        original = getattr(owner, name)

        def timed(*args: Any, **kwargs: Any) -> Any:
            started = time.perf_counter()
            try:
                return original(*args, **kwargs)
            finally:
                self.found.append(1e3 * (time.perf_counter() - started))

        setattr(owner, name, timed)

    def told(self) -> dict[str, float]:
        if not self.found:
            return {"calls": 0}
        return {
            "calls": len(self.found),
            "median_ms": round(statistics.median(self.found), 2),
            "longest_ms": round(max(self.found), 2),
        }


def until(ready: Callable[[], bool], seconds: float = 120) -> None:
    start = time.monotonic()
    while not ready():
        turn_for(10)
        if time.monotonic() - start > seconds:
            raise TimeoutError


def open_folder(viewer: napari.Viewer, folder: Path) -> ReviewDock:
    _, dock = viewer.window.add_plugin_dock_widget("napari-segkit", "Review")
    dock.open_folder(folder)
    until(lambda: dock.session.current is not None)
    settle(dock)
    return dock


def settle(dock: ReviewDock) -> None:
    until(lambda: not (dock.session.busy or dock.session.reader.ahead_busy))
    turn_for(300)


def many_objects(shape: tuple[int, int], count: int) -> np.ndarray:
    """Squares of 30 to 60 px on a grid."""
    rng = np.random.default_rng(0)
    labels = np.zeros(shape, np.int32)
    across = round((count * shape[1] / shape[0]) ** 0.5)
    pitch = shape[1] // across
    for key in range(1, count + 1):
        row, column = divmod(key - 1, across)
        side = int(rng.integers(pitch // 2, pitch - 8))
        labels[row * pitch : row * pitch + side, column * pitch : column * pitch + side] = key
    return labels


def large_photo(folder: Path, shape: tuple[int, int], count: int) -> None:
    noise = np.random.default_rng(1).integers(0, 255, (*shape, 3), np.uint8)
    Image.fromarray(noise).save(folder / "photo.jpg", quality=85)
    labels = many_objects(shape, count)
    ids = np.unique(labels)[1:].tolist()
    record = Record(
        name="photo",
        size=shape,
        status=Status.PREDICTED,
        classes=(("coin", (255, 196, 0)),),
        instances={key: InstanceRow("coin", 0.9, "predicted", None) for key in ids},
    )
    with Store.open(folder) as store:
        store.save("photo", labels, record, predicted=labels)


def paint(viewer: napari.Viewer, seconds: float, seed: int) -> dict[str, Any]:
    """Strokes of half a second, all over the canvas; the same ones again would change nothing."""
    canvas = viewer.window._qt_viewer.canvas.native
    width, height = canvas.width(), canvas.height()
    rng = np.random.default_rng(seed)
    gaps = Gaps()
    gaps.start()
    end, strokes = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        x, y = rng.uniform(0.25, 0.75) * width, rng.uniform(0.35, 0.65) * height
        turn = rng.uniform(0, 6.28)
        QTest.mousePress(canvas, Qt.MouseButton.LeftButton, pos=QPoint(int(x), int(y)))
        for step in range(25):
            x, y = x + 4 * np.cos(turn + step / 9), y + 4 * np.sin(turn + step / 9)
            QTest.mouseMove(canvas, QPoint(int(x), int(y)))
            turn_for(16)
        QTest.mouseRelease(canvas, Qt.MouseButton.LeftButton, pos=QPoint(int(x), int(y)))
        strokes += 1
        turn_for(100)
    return {"strokes": strokes, **gaps.stop()}


def measure_paint(folder: Path, seconds: float) -> dict[str, Any]:
    large_photo(folder, (4000, 6000), 3000)
    viewer = napari.Viewer(show=True)
    viewer.window.resize(1440, 900)
    turn_for(500)
    moment, changes = Clock(OpenImage, "moment"), Clock(Saving, "changes")
    dock = open_folder(viewer, folder)
    mask = dock.session.current.mask
    mask.mode, mask.brush_size, mask.selected_label = "paint", 40, 7
    paint(viewer, 2, 2)
    settle(dock)
    result: dict[str, Any] = {"objects": len(mask.features)}
    result["with_autosave"] = paint(viewer, seconds, 3)
    settle(dock)
    result["moment_in_gui_thread"], result["write_in_thread"] = moment.told(), changes.told()
    dock.session.current.stop()
    result["without"] = paint(viewer, seconds, 4)
    state = state_of(mask)
    for event in (mask.events.paint, mask.events.set_data, mask.events.data):
        for slot in (state._on_paint, state._on_set_data, state._on_data):
            event.disconnect(slot)
    result["napari_alone"] = paint(viewer, seconds, 5)
    result["idle"] = idle()
    viewer.close()
    return result


def idle() -> dict[str, float]:
    gaps = Gaps()
    gaps.start()
    turn_for(2000)
    return gaps.stop()


def masked(folder: Path, name: str, labels: np.ndarray) -> None:
    """A stored mask; of every image in other colours."""
    record = Record(
        name=name,
        size=labels.shape,
        status=Status.PREDICTED,
        classes=(("coin", (255, 196, int(name))),),
        instances={
            key: InstanceRow("coin", 0.9, "predicted", None)
            for key in range(1, int(labels.max()) + 1)
        },
    )
    with Store.open(folder) as store:
        store.save(name, labels, record, predicted=labels)


def measure_switch(
    folder: Path, count: int, shape: tuple[int, int], objects: int
) -> dict[str, Any]:
    for number in range(count):
        noise = np.random.default_rng(number).integers(0, 255, (*shape, 3), np.uint8)
        Image.fromarray(noise).save(folder / f"{number:03d}.jpg")
    for number in range(count if objects else 0):
        masked(folder, f"{number:03d}", many_objects(shape, objects))
    viewer = napari.Viewer(show=True)
    viewer.window.resize(1440, 900)
    turn_for(500)
    dock = open_folder(viewer, folder)
    found = {
        key: [switch(dock, by) for _ in range(count - 1 if by > 0 else 2)]
        for key, by in (("first_visit", 1), ("back", -1))
    }
    viewer.close()
    told = {
        key: {
            "median_ms": round(statistics.median(one["wall"] for one in times), 1),
            "longest_ms": round(max(one["wall"] for one in times), 1),
            "median_busy_ms": round(statistics.median(one["busy"] for one in times), 1),
            "longest_busy_ms": round(max(one["busy"] for one in times), 1),
            "median_all_threads_ms": round(statistics.median(one["all"] for one in times), 1),
            "longest_gap_ms": max(one["longest_ms"] for one in times),
            "longest_gap_busy_ms": max(one["longest_busy_ms"] for one in times),
        }
        for key, times in found.items()
    }
    return {"image": f"{shape[1]}x{shape[0]}", "objects": objects, **told}


def switch(dock: ReviewDock, by: int) -> dict[str, float]:
    """Milliseconds by the clock, of the GUI thread's and of all threads' work; gaps until drawn."""
    settle(dock)
    before, gaps = dock.session.current, Gaps()
    gaps.start()
    clocks = {"wall": time.perf_counter, "busy": time.thread_time, "all": time.process_time}
    started = {key: clock() for key, clock in clocks.items()}
    dock.step(by)
    until(lambda: dock.session.current is not before)
    turn_for(0)
    took = {key: 1e3 * (clock() - started[key]) for key, clock in clocks.items()}
    turn_for(300)
    return took | gaps.stop()


def measure_memory(folder: Path, count: int) -> dict[str, Any]:
    noise = np.random.default_rng(0).integers(0, 255, (600, 800, 3), np.uint8)
    Image.fromarray(noise).save(folder / "0000.jpg")
    for number in range(1, count):
        (folder / f"{number:04d}.jpg").symlink_to(folder / "0000.jpg")
    viewer = napari.Viewer(show=True)
    dock = open_folder(viewer, folder)
    process, found = psutil.Process(), {}
    for number in range(1, count):
        dock.step(1)
        until(lambda: not dock.session.reader.wanted)
        dock.session.current.mask.paint((300, 400), 1)
        if number % 50 == 0 or number == count - 1:
            settle(dock)
            found[number + 1] = round(process.memory_info().rss / 2**20)
    viewer.close()
    return {"image": "800x600", "rss_mib_after_images": found}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--seconds", type=float, default=15.0)
    parser.add_argument("--images", type=int, default=1000)
    parser.add_argument("--only", choices=["paint", "switch", "switch_many_objects", "memory"])
    options = parser.parse_args()
    result: dict[str, Any] = {
        "machine": platform.processor() or platform.machine(),
        "napari": napari.__version__,
    }
    parts = {
        "paint": lambda folder: measure_paint(folder, options.seconds),
        "switch": lambda folder: measure_switch(folder, 8, (2000, 3000), 0),
        "switch_many_objects": lambda folder: measure_switch(folder, 8, (2000, 3000), 400),
        "memory": lambda folder: measure_memory(folder, options.images),
    }
    for name, part in parts.items():
        if options.only in (None, name):
            with tempfile.TemporaryDirectory() as folder:
                result[name] = part(Path(folder))
    text = json.dumps(result, indent=2, ensure_ascii=False)
    print(text)
    if options.out:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
