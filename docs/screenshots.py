"""Make the pictures of README and user guide from the running program.

    xvfb-run -a -s "-screen 0 1600x1000x24" python docs/screenshots.py [FOLDER]

They go to ``docs/images`` unless another folder is named.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import napari
import numpy as np
from PIL import Image
from qtpy.QtCore import QEventLoop, QTimer
from qtpy.QtGui import QGuiApplication

if TYPE_CHECKING:
    from qtpy.QtWidgets import QWidget

SIZE = (1280, 800)


def turn_for(milliseconds: int) -> None:
    """Let the program run."""
    loop = QEventLoop()
    QTimer.singleShot(milliseconds, loop.quit)
    loop.exec_() if hasattr(loop, "exec_") else loop.exec()


def wait_for(signal: Any) -> None:
    """Let the program run until it says so."""
    loop = QEventLoop()
    signal.connect(loop.quit)
    loop.exec_() if hasattr(loop, "exec_") else loop.exec()
    turn_for(300)


class Camera:
    """Takes pictures of a window into a folder."""

    def __init__(self, viewer: napari.Viewer, folder: Path) -> None:
        self.viewer, self.folder = viewer, folder
        folder.mkdir(parents=True, exist_ok=True)

    def window(self, name: str) -> None:
        turn_for(500)
        path = self.folder / f"{name}.png"
        self.viewer.screenshot(str(path), canvas_only=False, flash=False)
        _say(path)

    def widget(self, name: str, widget: QWidget) -> None:
        turn_for(300)
        path = self.folder / f"{name}.png"
        widget.grab().save(str(path))
        _say(path)


def _say(path: Path) -> None:
    print(path)


def open_dock(viewer: napari.Viewer, name: str) -> Any:
    _, dock = viewer.window.add_plugin_dock_widget("napari-segkit", name)
    turn_for(300)
    return dock


def run(dock: Any) -> None:
    QTimer.singleShot(0, dock.run_button.click)
    wait_for(dock.run.finished)


def coins(camera: Camera) -> None:
    """The main job: open, run."""
    viewer = camera.viewer
    viewer.open_sample("napari-segkit", "coins")
    dock = open_dock(viewer, "Coins")
    camera.window("coins-open")
    run(dock)
    viewer.reset_view()
    camera.window("coins-result")
    dock.advanced.expand(animate=False)
    dock.form.groups["Origin pipeline"].expand(animate=False)
    camera.widget("coins-advanced", dock)
    dock.advanced.collapse(animate=False)


def boxes(camera: Camera) -> None:
    """The search limited to two boxes."""
    viewer = camera.viewer
    dock = viewer.window.dock_widgets["Coins (napari-segkit)"]
    viewer.layers.remove("coins · coins")
    rectangles = [[[20, 130], [20, 240], [90, 240], [90, 130]]]
    shapes = viewer.add_shapes(
        rectangles, name="boxes", face_color="transparent", edge_color="cyan", edge_width=2
    )
    dock.boxes.layer = shapes
    run(dock)
    camera.window("coins-boxes")
    viewer.layers.remove(shapes)


def refusal(camera: Camera) -> None:
    """A failure: one sentence, details."""
    viewer = camera.viewer
    dock = viewer.window.dock_widgets["Coins (napari-segkit)"]
    dock.boxes.layer = viewer.add_shapes(name="boxes")
    dock.run_button.click()
    dock.status.details_button.click()
    camera.widget("coins-refused", dock)
    viewer.layers.remove("boxes")


def networks(camera: Camera) -> None:
    """Dust and eggs: found; dust filled; what is folded away."""
    viewer = camera.viewer
    viewer.layers.clear()
    viewer.open_sample("napari-segkit", "dust_generated")
    dock = open_dock(viewer, "Dust spots")
    run(dock)
    viewer.reset_view()
    camera.window("dust-result")
    QTimer.singleShot(0, dock.fill.button.click)
    wait_for(dock.fill.finished)
    viewer.layers["dust_generated · dust"].visible = False
    camera.window("dust-inpainted")
    dock.ranking.expand(animate=False)
    dock.advanced.expand(animate=False)
    camera.widget("dust-folds", dock)
    viewer.window.remove_dock_widget(dock)
    viewer.layers.clear()
    viewer.open_sample("napari-segkit", "eggpan_generated")
    dock = open_dock(viewer, "Eggs & pans")
    run(dock)
    viewer.reset_view()
    camera.window("eggpan-result")
    viewer.window.remove_dock_widget(dock)


def export(camera: Camera, folder: Path) -> None:
    """The export dock, and what it says."""
    viewer = camera.viewer
    dock = viewer.window.dock_widgets["Coins (napari-segkit)"]
    viewer.open_sample("napari-segkit", "coins_generated")
    run(dock)
    viewer.window.remove_dock_widget(dock)
    panel = open_dock(viewer, "Export masks")
    panel.target.setText(str(folder / "masks.zip"))
    panel.include_images.setChecked(True)
    QTimer.singleShot(0, panel.export_button.click)
    wait_for(panel.runner.done)
    viewer.reset_view()
    camera.window("export")


def make_dataset(folder: Path) -> Path:
    """A dataset of generated photos with coins, one mask of which is damaged."""
    from napari_segkit.data.dataset import Sample, WriteOptions
    from napari_segkit.jobs import drain, write_dataset
    from napari_segkit.ops.masks import segmentation_from_labels
    from napari_segkit.synth.registry import get_generator
    from napari_segkit.types import ClassDef

    generator = get_generator("coins")
    classes = (ClassDef("coin", (255, 196, 0)), ClassDef("small coin", (0, 160, 255)))
    samples = []
    for seed in range(6):
        made = generator.generate(seed, generator.Options(size=600))
        found = segmentation_from_labels(made.labels, classes=classes)
        small = {k for k, one in found.instances.items() if one.box[2] - one.box[0] < 87}
        found = segmentation_from_labels(
            made.labels, classes=classes, class_of=dict.fromkeys(small, "small coin")
        )
        samples.append(Sample(f"table/{seed:03d}", found, made.image))
    target = folder / "coins"
    options = WriteOptions(include_images=True)
    drain(write_dataset(samples, target, classes=classes, options=options))
    (target / "SegmentationClass/table/004.png").write_bytes(b"no picture")
    file = target / "SegmentationClass/table/005.png"
    pixels = np.array(Image.open(file))
    pixels[pixels[..., 0] == 255] = (200, 30, 120)
    Image.fromarray(pixels).save(file)
    return target


def import_dataset(camera: Camera, folder: Path) -> None:
    """The import dock: images, faults."""
    viewer = camera.viewer
    viewer.layers.clear()
    dock = open_dock(viewer, "Import masks")
    dataset = make_dataset(folder)
    QTimer.singleShot(0, lambda: dock.open_path(dataset, open_first=True))
    wait_for(dock.run.counted)
    turn_for(1500)
    viewer.reset_view()
    camera.window("import")
    QTimer.singleShot(0, dock.faults.check_button.click)
    wait_for(dock.run.checked)
    camera.widget("import-faults", dock)
    dock.open_image("table/005")
    wait_for(dock.loader.unknown)
    dock.tabs.setCurrentIndex(1)
    camera.widget("import-classes", dock)
    viewer.window.remove_dock_widget(dock)


def server(camera: Camera) -> None:
    """The CVAT dock, with what keeps masks from a task."""
    viewer = camera.viewer
    loopback = _loopback()
    loopback.image("table/000.png", 800, 800)
    loopback.label("Coin")
    os.environ["CVAT_ACCESS_TOKEN"] = sys.modules["cvat_loopback"].TOKEN
    dock = open_dock(viewer, "CVAT server")
    dock.url.setText(loopback.url)
    dock.task.setValue(5)
    QTimer.singleShot(0, dock.push.compare_button.click)
    wait_for(dock.runner.done)
    dock.url.setText("https://cvat.example.org")
    camera.window("cvat-server")
    loopback.shutdown()
    viewer.window.remove_dock_widget(dock)


def _loopback() -> Any:
    """The server of the tests, on this machine."""
    place = Path(__file__).parents[1] / "tests/data/cvat_server/loopback.py"
    spec = importlib.util.spec_from_file_location("cvat_loopback", place)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module.start()


def correct(camera: Camera) -> None:
    """The Correct dock, and each of its tools."""
    from screenshots_correct import correct

    correct(camera)


def review(camera: Camera, folder: Path) -> None:
    """The review of a folder: list and mask, model, results."""
    from napari_segkit.synth.registry import get_generator

    viewer = camera.viewer
    viewer.layers.clear()
    folder.mkdir(exist_ok=True)
    generator = get_generator("coins")
    for seed in range(24):
        made = generator.generate(seed, generator.Options(size=600))
        Image.fromarray(made.image).save(folder / f"table {seed + 1:02d}.jpg", quality=92)
    dock = open_dock(viewer, "Review")
    QTimer.singleShot(0, lambda: dock.open_folder(folder))
    wait_for(dock.session.shown)
    dock.predicting.expand(animate=False)
    dock.predict.model.setCurrentIndex(dock.predict.model.findData("coins"))
    QTimer.singleShot(0, dock.predict.button.click)
    wait_for(dock.predict.runner.done)
    viewer.reset_view()
    camera.window("review-predict")
    dock.predicting.collapse(animate=False)
    for button in (dock.decisions.accept, dock.decisions.accept, dock.decisions.skip):
        QTimer.singleShot(0, button.click)
        wait_for(dock.session.shown)
        turn_for(1500)
    camera.window("review")
    dock.reporting.expand(animate=False)
    camera.widget("review-results", dock)
    viewer.window.remove_dock_widget(dock)
    turn_for(500)


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "images"
    viewer = napari.Viewer()
    viewer.window.resize(*SIZE)
    viewer.theme = "dark"
    turn_for(1000)
    camera = Camera(viewer, folder)
    coins(camera)
    boxes(camera)
    refusal(camera)
    place = Path(tempfile.gettempdir()) / "coins"  # a short name: it is in the picture
    export(camera, place)
    viewer.window.remove_dock_widget(viewer.window.dock_widgets["Export masks (napari-segkit)"])
    import_dataset(camera, place)
    server(camera)
    review(camera, place / "photos")
    networks(camera)
    correct(camera)
    shutil.rmtree(place)
    viewer.close()
    QGuiApplication.processEvents()


if __name__ == "__main__":
    main()
