"""Make the pictures of the rings' guide from the running program; see `screenshots`.

xvfb-run -a -s "-screen 0 1600x1000x24" python docs/screenshots_rings.py [FOLDER]
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import napari
import numpy as np
from qtpy.QtGui import QGuiApplication
from screenshots import SIZE, Camera, open_dock, turn_for

from napari_segkit.data.images import read_image
from napari_segkit.ops.masks import instance_boxes
from napari_segkit.paths import shipped

if TYPE_CHECKING:
    from collections.abc import Callable

NAME = "rings_generated"
ROOM = 6  # pixels between a ring and its box


def wait_until(done: Callable[[], bool]) -> None:
    while not done():
        turn_for(50)


def settle(dock: Any) -> None:
    """Wait until what is asked for is found and drawn."""
    session = dock.session
    timers = session._settled, session.pending._timer
    wait_until(
        lambda: (
            not session.asker.busy
            and not session.run.running
            and not any(timer.isActive() for timer in timers)
        )
    )
    turn_for(300)


def box(dock: Any, corners: tuple[float, ...]) -> None:
    x0, y0, x1, y1 = corners
    layer = dock.viewer.layers[f"{NAME} · boxes"]
    layer.add_rectangles(np.array([[y0, x0], [y0, x1], [y1, x1], [y1, x0]], float))
    settle(dock)


def click(dock: Any, x: float, y: float, *, on: bool) -> None:
    dock.panel.sign.setChecked(not on)
    dock.viewer.layers[f"{NAME} · points"].add([y, x])
    settle(dock)


def rings(camera: Camera) -> None:
    """Boxes and clicks; accepted; corrected."""
    viewer = camera.viewer
    viewer.open_sample("napari-segkit", NAME)
    dock = open_dock(viewer, "Rings (SAM + LoRA)")
    wait_until(lambda: dock.session.asker.seen is not None)
    truth = read_image(shipped("sample_data") / f"{NAME}_labels.png").pixels[..., 0]
    boxes = [
        (max(x0 - ROOM, 0), max(y0 - ROOM, 0), x1 + ROOM, y1 + ROOM)
        for x0, y0, x1, y1 in instance_boxes(truth.astype(np.int32)).values()
    ]
    dock.panel.tools["boxes"].click()
    for corners in boxes:
        box(dock, corners)
    viewer.reset_view()
    camera.window("rings-boxes")
    dock.panel.tools["points"].click()
    click(dock, *_inside(truth, 1), on=True)
    click(dock, *_hole(truth, 1), on=False)
    camera.window("rings-points")
    dock.panel.accept_button.click()
    settle(dock)
    dock.panel.tools["correct"].click()
    click(dock, *_inside(truth, 2), on=True)
    camera.window("rings-correct")


def _inside(truth: np.ndarray, key: int) -> tuple[float, float]:
    """(x, y) on an object, far from its edge."""
    import cv2

    far = cv2.distanceTransform((truth == key).astype(np.uint8), cv2.DIST_L2, 5)
    y, x = np.unravel_index(int(far.argmax()), far.shape)
    return float(x), float(y)


def _hole(truth: np.ndarray, key: int) -> tuple[float, float]:
    """(x, y) in the middle of a ring."""
    x0, y0, x1, y1 = instance_boxes(truth.astype(np.int32))[key]
    return (x0 + x1) / 2, (y0 + y1) / 2


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "images"
    viewer = napari.Viewer()
    viewer.window.resize(*SIZE)
    viewer.theme = "dark"
    turn_for(1000)
    rings(Camera(viewer, folder))
    viewer.close()
    QGuiApplication.processEvents()


if __name__ == "__main__":
    main()
