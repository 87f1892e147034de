"""How long the event loop stands still while a large mask is corrected.

A 6000x4000 mask with 3,000 objects in a window with the Correct dock. A timer that is due every
millisecond measures the gaps. ``napari`` is the same change written by napari alone (its own
`data_setitem` and redraw), so that what the dock adds can be told from it; ``busy`` is the GUI
thread's own CPU time in one gap, which other programs on the machine do not lengthen. Needs a
display: ``xvfb-run -a -s "-screen 0 1600x1000x24" python benchmarks/correct.py --out FILE``.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import napari
import numpy as np
from gui import Gaps, open_dock, turn_for
from napari.layers import Labels
from qtpy import API_NAME
from qtpy.QtCore import QEventLoop, QTimer

from napari_segkit.types import ClassDef
from napari_segkit.widgets.correct._edits import adopt
from napari_segkit.widgets.masks._binding import bind

SIZE, GRID = (4000, 6000), (50, 60)
TOOLS = (
    "fill holes",
    "remove specks",
    "smooth",
    "grow",
    "convex hull",
    "ellipse",
    "snap to edges",
    "split",
    "delete",
)


def mask_data() -> np.ndarray:
    """An ellipse in each of 50 x 60 cells."""
    labels = np.zeros(SIZE, np.uint16)
    rows, columns = np.ogrid[:70, :90]
    inside = ((rows - 35) / 33) ** 2 + ((columns - 45) / 42) ** 2 < 1
    for number in range(GRID[0] * GRID[1]):
        y, x = 80 * (number // GRID[1]), 100 * (number % GRID[1])
        labels[y : y + 70, x : x + 90][inside] = number + 1
    return labels


def until(signal: Any, begin: Any) -> None:
    """Begin something and let the program run until it is done, and drawn."""
    loop = QEventLoop()
    signal.connect(loop.quit)
    QTimer.singleShot(0, begin)
    loop.exec_() if hasattr(loop, "exec_") else loop.exec()
    turn_for(300)


def measured(signal: Any, begin: Any) -> dict[str, float]:
    gaps = Gaps()
    gaps.start()
    until(signal, begin)
    return gaps.stop()


def by_napari(mask: Labels, number: int) -> dict[str, float]:
    """A square of 40 x 40 px, written without the dock."""
    gaps = Gaps()
    rows, columns = np.mgrid[20:60, 20:60]
    place = ((rows + 80 * number).ravel(), columns.ravel())
    gaps.start()
    QTimer.singleShot(0, lambda: mask.data_setitem(place, 0))
    turn_for(400)
    return gaps.stop()


def measure() -> dict[str, Any]:
    viewer = napari.Viewer(show=True)
    viewer.window.resize(1440, 900)
    photo = np.random.default_rng(0).integers(0, 255, (*SIZE, 3), np.uint8)
    viewer.add_image(photo, name="photo", rgb=True)
    plain = viewer.add_layer(Labels(mask_data(), name="napari alone"))
    turn_for(2000)
    result: dict[str, Any] = {"binding": API_NAME, "napari": napari.__version__}
    result["napari: square"] = [by_napari(plain, number) for number in range(3)][-1]
    gaps = Gaps()
    gaps.start()
    QTimer.singleShot(50, plain.undo)
    turn_for(700)
    result["napari: undo"] = gaps.stop()
    viewer.layers.remove(plain)
    mask = Labels(mask_data(), name="mask")
    bind(
        mask,
        image=viewer.layers[0],
        image_name="photo",
        model="coins",
        classes=[ClassDef("coin", (255, 196, 0)), ClassDef("egg", (250, 250, 240))],
    )
    adopt(mask, range(1, GRID[0] * GRID[1] + 1))
    viewer.add_layer(mask)
    turn_for(1500)
    gaps = Gaps()
    gaps.start()
    dock, result["open_ms"] = open_dock(viewer, "Correct")
    started = time.perf_counter()
    while dock.subject.index is None:
        turn_for(5)
    result["counted_ms"] = round(1e3 * (time.perf_counter() - started))
    turn_for(1000)
    result["opening"] = gaps.stop()
    result["select"] = _select(dock)
    for number, name in enumerate(TOOLS):
        dock.instances.select((100 + 61 * number,))
        turn_for(300)
        spec = dock.tools.buttons[name]
        if name in ("smooth", "grow", "fill holes", "remove specks", "snap to edges", "split"):
            result[f"{name}: preview"] = measured(dock.toolbox.shown, spec.click)
            result[name] = measured(dock.toolbox.written, dock.tools.apply_button.click)
        else:
            result[name] = measured(dock.toolbox.written, spec.click)
    dock.instances.select((50,))
    dock.instances.class_bar.combo.setEditText("egg")
    gaps = Gaps()
    gaps.start()
    QTimer.singleShot(0, dock.instances.class_bar.give_button.click)
    turn_for(600)
    result["class"] = gaps.stop()
    gaps = Gaps()
    gaps.start()
    QTimer.singleShot(0, mask.undo)
    turn_for(600)
    result["undo"] = gaps.stop()
    viewer.close()
    return result


def _select(dock: Any) -> dict[str, float]:
    gaps = Gaps()
    gaps.start()
    for row in (10, 700, 2900):
        dock.instances.table.selectRow(row)
        turn_for(300)
    return gaps.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    text = json.dumps(measure(), indent=2, ensure_ascii=False)
    print(text)
    if options.out:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
