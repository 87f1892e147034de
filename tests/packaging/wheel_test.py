"""A built wheel works outside of the checkout, with what it ships inside."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def run(*command: object, cwd: Path) -> str:
    """Run outside of the checkout, with no way back into it."""
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    done = subprocess.run(
        [str(part) for part in command], cwd=cwd, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "-o", folder, ROOT, cwd=folder)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh environment that borrows the installed packages, but not the checkout's install."""
    folder = tmp_path_factory.mktemp("environment")
    run(sys.executable, "-m", "venv", "--without-pip", folder, cwd=folder)
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    site = Path(
        run(python, "-c", "import site; print(site.getsitepackages()[0])", cwd=folder).strip()
    )
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    # A .pth of the borrowed site is not read: the editable install of the checkout stays out.
    (site / "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    where = run(python, "-c", "import napari_segkit as n; print(n.__file__)", cwd=folder).strip()
    assert Path(where).is_relative_to(site)
    return python


def test_it_carries_weights_samples_and_manifest(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert "napari_segkit/napari.yaml" in names
    assert "napari_segkit/py.typed" in names
    assert any(name.startswith("napari_segkit/weights/") for name in names)
    samples = [name for name in names if name.startswith("napari_segkit/sample_data/")]
    assert any(name.endswith((".png", ".jpg")) for name in samples)
    assert not [name for name in names if name.startswith(("tests/", "benchmarks/"))]


def test_models_prediction_and_manifest_from_the_wheel(python: Path, tmp_path: Path) -> None:
    listed = json.loads(run(python, "-m", "napari_segkit", "models", "--json", cwd=tmp_path))
    assert "coins" in [model["id"] for model in listed["models"]]
    code = "from skimage import data, io; io.imsave('coins.png', data.coins())"
    run(python, "-c", code, cwd=tmp_path)
    predict = ("predict", "coins", "coins.png", "--out", "masks.zip", "--json")
    report = json.loads(run(python, "-m", "napari_segkit", *predict, cwd=tmp_path))
    assert len(report["images"][0]["areas"]) == 24
    assert (tmp_path / "masks.zip").is_file()
    run(python, "-m", "npe2", "validate", "napari-segkit", cwd=tmp_path)
    shipped = "from napari_segkit.paths import shipped as s; print(s('weights'), s('sample_data'))"
    for folder in run(python, "-c", shipped, cwd=tmp_path).split():
        assert Path(folder).is_dir()
        assert not Path(folder).is_relative_to(ROOT)
