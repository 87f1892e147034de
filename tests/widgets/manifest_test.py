"""What napari reads of the package, and what opening a dock loads."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from npe2 import PluginManifest

from napari_segkit import contributions

_ROOT = Path(__file__).parents[2]


@pytest.fixture
def manifest() -> PluginManifest:
    return PluginManifest.from_distribution("napari-segkit")


def test_the_root_manifest_is_the_packages_own() -> None:
    assert (_ROOT / "napari.yaml").resolve() == _ROOT / "napari_segkit" / "napari.yaml"


def test_docks_stand_in_the_menus(manifest: PluginManifest) -> None:
    assert [w.display_name for w in manifest.contributions.widgets] == [
        "Coins",
        "Dust spots",
        "Eggs & pans",
        "Rings (SAM + LoRA)",
        "Correct",
        "Export masks",
        "Import masks",
        "CVAT server",
        "Review",
    ]
    menus = {
        name: [item.command for item in items]
        for name, items in manifest.contributions.menus.items()
    }
    assert menus == {
        "napari/layers/segment": [
            "napari-segkit.coins_dock",
            "napari-segkit.dust_dock",
            "napari-segkit.eggpan_dock",
            "napari-segkit.rings_dock",
        ],
        "napari/layers/annotate": [
            "napari-segkit.correct_dock",
            "napari-segkit.review_dock",
        ],
        "napari/file/io_utilities": [
            "napari-segkit.import_dock",
            "napari-segkit.export_dock",
            "napari-segkit.cvat_dock",
        ],
    }


def test_no_command_has_the_name_of_a_sample(manifest: PluginManifest) -> None:
    """Napari registers samples as commands too, and then refuses the second one."""
    samples = {f"napari-segkit.{one.key}" for one in manifest.contributions.sample_data}
    assert not samples & {one.id for one in manifest.contributions.commands}


def test_every_command_can_be_imported(manifest: PluginManifest) -> None:
    manifest.validate_imports()


@pytest.mark.parametrize(
    "key",
    ["coins", "coins_generated", "dust_generated", "eggpan_generated", "rings_generated"],
)
def test_sample_data_opens_without_a_network(manifest: PluginManifest, key: str) -> None:
    (sample,) = [one for one in manifest.contributions.sample_data if one.key == key]
    function = getattr(contributions, sample.command.rpartition(".")[2])
    ((pixels, options, kind),) = function()
    assert kind == "image"
    assert options["name"] == key
    assert pixels.shape[0] > 100


_OPEN_ALL = """
import sys
from qtpy.QtWidgets import QApplication
app = QApplication([])
from napari.components import ViewerModel
from napari_segkit.widgets.segment.dock import CoinsDock
from napari_segkit.widgets.segment.dust import DustDock
from napari_segkit.widgets.segment.network import EggPanDock
from napari_segkit.widgets.exchange.export_dock import ExportDock
from napari_segkit.widgets.exchange.import_dock import ImportDock
from napari_segkit.widgets.review.dock import ReviewDock
from napari_segkit.widgets.exchange.server_dock import CvatDock
viewer = ViewerModel()
kinds = [CoinsDock, DustDock, EggPanDock, ExportDock, ImportDock, CvatDock, ReviewDock]
docks = [kind(viewer) for kind in kinds]
print(*sorted({"torch", "cv2", "torchvision", "openvino"} & set(sys.modules)))
"""


def test_opening_any_dock_loads_neither_torch_nor_cv2(qapp: object) -> None:
    run = subprocess.run(
        [sys.executable, "-c", _OPEN_ALL], capture_output=True, text=True, check=True, timeout=120
    )
    assert run.stdout.strip() == ""
