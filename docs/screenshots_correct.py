"""Pictures of the Correct dock for the guide; `screenshots.py` takes them with all others.

xvfb-run -a -s "-screen 0 1600x1000x24" python docs/screenshots_correct.py [FOLDER]
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import napari
import numpy as np
from napari.layers import Labels
from PIL import Image, ImageDraw
from qtpy.QtCore import QTimer
from screenshots import SIZE, Camera, open_dock, run, turn_for, wait_for

from napari_segkit.ops.regions import polygon_region
from napari_segkit.widgets._layers import camera_of

if TYPE_CHECKING:
    from collections.abc import Callable

_TILE = (300, 230)
_PARAMS: dict[str, float] = {
    "fill holes": 0,
    "remove specks": 300,
    "smooth": 5,
    "grow": -6,
    "snap to edges": 8,
}
_PARAMS |= {"split": 0.15}


def _scene(name: str) -> tuple[np.ndarray, tuple[int, ...], list[list[float]] | None]:
    """A mask with the fault that a tool mends, what is selected, what is drawn."""
    rows, columns = np.ogrid[:230, :300]
    labels: np.ndarray = np.zeros((230, 300), np.uint16)

    def disc(x: int, y: int, r: int, key: int) -> None:
        labels[(rows - y) ** 2 + (columns - x) ** 2 <= r * r] = key

    if name in ("subtract", "intersect"):
        disc(195, 115, 45, 2)
    disc(125, 115, 60, 1)
    if name == "fill holes":
        disc(110, 100, 16, 0)
        disc(150, 135, 9, 0)
    elif name in ("remove specks", "largest part"):
        for x, y, r in ((215, 60, 7), (230, 130, 5), (35, 190, 6), (215, 190, 12)):
            disc(x, y, r, 1)
    elif name in ("smooth", "convex hull", "ellipse", "snap to edges"):
        for x, y, r in ((125, 52, 12), (180, 90, 9)):
            disc(x, y, r, 1)
        for x, y, r in ((75, 150, 14), (150, 175, 12)):
            disc(x, y, r, 0)
    elif name in ("split", "split along a line", "cut out", "grow", "delete"):
        disc(205, 115, 45, 1)
    elif name == "merge":
        disc(195, 115, 45, 2)
    drawn: dict[str, list[list[float]]] = {
        "split along a line": [[40, 165], [190, 178]],
        "cut out": [[20, 20], [60, 280], [110, 240], [90, 20]],
    }
    chosen = (1, 2) if name in ("merge", "subtract", "intersect") else (1,)
    return labels, chosen, drawn.get(name)


def tools(camera: Camera) -> None:
    """Every tool before and after, in one picture."""
    viewer = camera.viewer
    viewer.layers.clear()
    dock = viewer.window.dock_widgets["Correct (napari-segkit)"]
    rows, columns = np.ogrid[:230, :300]
    disc = ((rows - 115) ** 2 + (columns - 125) ** 2 <= 62**2)[..., None]
    photo = np.where(disc, (150, 140, 110), (40, 44, 52)).astype(np.uint8)
    viewer.add_image(photo, name="photo", rgb=True)
    dock.image.layer = viewer.layers["photo"]
    tiles = []
    for name in dock.tools.buttons:
        labels, keys, drawn = _scene(name)
        mask = viewer.add_layer(Labels(labels, name=name, opacity=0.7))
        while dock.subject.mask is not viewer.layers[name] or dock.subject.index is None:
            turn_for(20)
        dock.instances.select(keys)
        turn_for(400)
        before = _grab(viewer)
        _use(dock, name, drawn)
        turn_for(400)
        tiles.append(_pair(dock.tools.buttons[name].text(), before, _grab(viewer)))
        dock._on_drop()
        del mask
        viewer.layers.remove(name)
    columns_of = 3
    width, height = tiles[0].size
    lines = -(-len(tiles) // columns_of)
    sheet = Image.new("RGB", (columns_of * width, lines * height), (24, 26, 32))
    for number, tile in enumerate(tiles):
        sheet.paste(tile, (number % columns_of * width, number // columns_of * height))
    path = camera.folder / "correct-tools.png"
    sheet.quantize(96).save(path, optimize=True)
    print(path)


def _use(dock: Any, name: str, drawn: list[list[float]] | None) -> None:
    """Show a tool's preview, or use it where it has none."""
    button = dock.tools.buttons[name]
    if name in _PARAMS:
        _do(dock.toolbox.shown, button.click)
        if dock.tools.value.value() != _PARAMS[name]:
            _do(dock.toolbox.shown, lambda: dock.tools.value.setValue(_PARAMS[name]))
    elif drawn is not None:
        button.click()
        kind = "path" if name.startswith("split") else "polygon"
        layer = dock.drawing.layer
        _do(dock.toolbox.written, lambda: layer.add(drawn, shape_type=kind))
    else:
        _do(dock.toolbox.written, button.click)


def _do(signal: Any, begin: Callable[[], Any]) -> None:
    QTimer.singleShot(0, begin)
    wait_for(signal)


def _grab(viewer: napari.Viewer) -> Image.Image:
    camera = camera_of(viewer)
    camera.center, camera.zoom = (0, 115, 150), 1.0
    turn_for(150)
    shot = viewer.screenshot(canvas_only=True, flash=False)[..., :3]
    y, x = shot.shape[0] // 2, shot.shape[1] // 2
    half = _TILE[1] // 2, _TILE[0] // 2
    return Image.fromarray(shot[y - half[0] : y + half[0], x - half[1] : x + half[1]])


def _pair(text: str, before: Image.Image, after: Image.Image) -> Image.Image:
    small = (before.width * 7 // 10, before.height * 7 // 10)
    tile = Image.new("RGB", (2 * small[0] + 12, small[1] + 30), (24, 26, 32))
    ImageDraw.Draw(tile).text((6, 6), text, fill=(230, 230, 230), font_size=16)
    tile.paste(before.resize(small), (4, 26))
    tile.paste(after.resize(small), (small[0] + 6, 26))
    return tile


def correct(camera: Camera) -> None:
    """The dock, a preview, clicks, classes; then each tool."""
    viewer = camera.viewer
    viewer.layers.clear()
    viewer.open_sample("napari-segkit", "coins")
    coins = open_dock(viewer, "Coins")
    run(coins)
    viewer.window.remove_dock_widget(coins)
    dock = open_dock(viewer, "Correct")
    turn_for(1200)
    viewer.reset_view()
    camera.window("correct-open")
    dock.instances.table.selectRow(4)
    turn_for(500)
    _do(dock.toolbox.shown, dock.tools.buttons["grow"].click)
    _do(dock.toolbox.shown, lambda: dock.tools.value.setValue(4))
    camera.window("correct-preview")
    dock._on_drop()
    mask = viewer.layers["coins · coins"]
    x0, y0, x1, y1 = dock.subject.box(5)
    area = [(x0 - 2, y0 - 2), ((x0 + x1) / 2 - 5, y0 - 2), ((x0 + x1) / 2 - 12, y1 + 2), (x0, y1)]
    region = polygon_region(np.array(area), mask.data.shape)
    rows, columns = (
        at + start for at, start in zip(np.nonzero(region.mask), region[:2], strict=True)
    )
    of_it = mask.data[rows, columns] == 5
    mask.data_setitem((rows[of_it], columns[of_it]), 0)
    turn_for(500)
    dock.prompts.clicks_button.click()
    _do(dock.toolbox.shown, lambda: dock.prompting.clicks.add(x0 + 8, (y0 + y1) / 2, on=True))
    camera.window("correct-clicks")
    dock._on_drop()
    tools(camera)
    viewer.window.remove_dock_widget(dock)


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "images"
    viewer = napari.Viewer()
    viewer.window.resize(*SIZE)
    viewer.theme = "dark"
    turn_for(1000)
    correct(Camera(viewer, folder))
    viewer.close()


if __name__ == "__main__":
    main()
