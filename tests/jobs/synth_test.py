"""Generated datasets: the same images whatever the number of processes, whole or not at all."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from napari_segkit.data.formats.registry import recognise
from napari_segkit.data.pixels import sample_pixels
from napari_segkit.errors import DatasetError, InputError, ParamsError, SegkitError
from napari_segkit.jobs import drain, synth
from napari_segkit.jobs.synth import image_seed, synthesise
from napari_segkit.synth.base import SynthOptions

SMALL = SynthOptions(size=48)


def _pixels(folder: Path) -> list[tuple[str, bytes, bytes]]:
    with recognise(folder).open(folder) as dataset:
        rows = []
        for sample in dataset:
            image = sample_pixels(sample)
            assert image is not None
            rows.append((sample.name, image.pixels.tobytes(), sample.segmentation.labels.tobytes()))
        return rows


def test_the_same_seed_gives_the_same_images_however_many_are_asked_for(tmp_path: Path) -> None:
    drain(synthesise("coins", tmp_path / "a", count=4, seed=5, options=SMALL))
    drain(synthesise("coins", tmp_path / "b", count=2, seed=5, options=SMALL))
    drain(synthesise("coins", tmp_path / "c", count=2, seed=6, options=SMALL))
    first, fewer, other = _pixels(tmp_path / "a"), _pixels(tmp_path / "b"), _pixels(tmp_path / "c")
    assert [name for name, _, _ in first] == [f"coins_0000{k}" for k in range(4)]
    assert first[:2] == fewer
    assert fewer[0][1] != other[0][1]
    assert any(np.frombuffer(labels, np.int32).any() for _, _, labels in first)


def test_processes_do_not_change_the_images(tmp_path: Path) -> None:
    options = {"count": 5, "seed": 1, "options": SMALL, "quality": 80}
    drain(synthesise("coins", tmp_path / "one", **options))
    drain(synthesise("coins", tmp_path / "two", **options, processes=2))
    assert _pixels(tmp_path / "one") == _pixels(tmp_path / "two")
    assert (tmp_path / "two/JPEGImages/coins_00004.jpg").is_file()


def test_a_cancelled_job_leaves_nothing(tmp_path: Path) -> None:
    job = synthesise("coins", tmp_path / "out", count=50, options=SMALL)
    next(job)
    next(job)
    job.close()
    assert list(tmp_path.iterdir()) == []


def test_seeds_of_neighbours_differ() -> None:
    seeds = {image_seed(seed, number) for seed in range(20) for number in range(20)}
    assert len(seeds) == 400


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"count": 0}, "number of images"),
        ({"seed": -1}, "seed"),
        ({"processes": 0}, "processes"),
        ({"quality": 101}, "quality"),
    ],
)
def test_numbers_out_of_range_are_refused(
    tmp_path: Path, wrong: dict[str, int], named: str
) -> None:
    with pytest.raises(ParamsError, match=named):
        drain(synthesise("coins", tmp_path / "out", **({"count": 1} | wrong)))
    assert not (tmp_path / "out").exists()


def test_an_unknown_kind_and_a_taken_target_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="expected coins"):
        drain(synthesise("moons", tmp_path / "out", count=1))
    (tmp_path / "full").mkdir()
    (tmp_path / "full/mine.txt").write_text("mine")
    with pytest.raises(DatasetError):
        drain(synthesise("coins", tmp_path / "full", count=1, options=SMALL))
    assert (tmp_path / "full/mine.txt").read_text() == "mine"


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
@pytest.mark.parametrize("asked", [signal.SIGTERM, signal.SIGKILL])
def test_processes_end_with_the_run_that_began_them(tmp_path: Path, asked: signal.Signals) -> None:
    command = [sys.executable, "-m", "napari_segkit", "synth", "coins", "--n", "100000"]
    options = ["--jobs", "2", "--set", "size=64", "--out", str(tmp_path / "out")]
    with subprocess.Popen(
        [*command, *options], stderr=subprocess.PIPE, start_new_session=True
    ) as process:
        while not list(tmp_path.glob(".segkit-tmp-*/**/*.png")):
            assert process.poll() is None
            time.sleep(0.02)
        process.send_signal(asked)
        try:
            process.communicate(timeout=60)  # until no process has its standard error any more
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            raise
    if asked == signal.SIGTERM:
        assert process.returncode == 130
        assert not list(tmp_path.iterdir())


def _end_at_once(_number: int) -> None:
    os._exit(1)


def test_a_process_that_the_system_ends_is_told_in_a_sentence() -> None:
    with pytest.raises(SegkitError, match="--jobs"):
        list(synth._in_order(_end_at_once, 3, 2))  # type: ignore[arg-type]
