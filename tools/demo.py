"""The main job on scikit-image's real photo of 24 coins: in napari, or without a screen."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OUT = Path("demo")  # inside the checkout


def has_screen() -> bool:
    """Whether a window can be opened here."""
    if sys.platform in ("darwin", "win32"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def open_napari() -> int:
    """The photo in napari, the coin dock beside it: press Run."""
    import napari
    from qtpy.QtCore import QTimer

    viewer = napari.Viewer(title="napari-segkit: press Run in the Coins dock")
    viewer.open_sample("napari-segkit", "coins")
    viewer.window.add_plugin_dock_widget("napari-segkit", "Coins")
    QTimer.singleShot(500, viewer.reset_view)  # the dock made the canvas narrower
    napari.run()
    return 0


def run_command_line() -> int:
    """Segment the photo, write a CVAT mask 1.1 zip and a picture, check the zip."""
    from PIL import Image
    from skimage import data

    os.chdir(ROOT)
    OUT.mkdir(exist_ok=True)
    photo = OUT / "coins.png"
    Image.fromarray(data.coins()).save(photo)
    dataset = str(OUT / "coins-cvat.zip")
    predict = ["predict", "coins", str(photo), "--out", dataset, "--images", "--overwrite"]
    for arguments in (["models"], [*predict, "--overlays", str(OUT)], ["validate", dataset]):
        print(f"\n$ segkit {' '.join(arguments)}", flush=True)
        done = subprocess.run([sys.executable, "-m", "napari_segkit", *arguments], check=False)
        if done.returncode:
            return done.returncode
    return 0


if __name__ == "__main__":
    sys.exit(open_napari() if has_screen() else run_command_line())
