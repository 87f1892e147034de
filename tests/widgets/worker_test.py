from __future__ import annotations

import gc
import threading
import weakref
from typing import TYPE_CHECKING

import numpy as np
import pytest
from qtpy.QtCore import QObject, QThreadPool

from napari_segkit.errors import ImageError
from napari_segkit.types import Progress
from napari_segkit.widgets._worker import Failure, JobRunner, _JobWorker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from napari import Viewer
    from pytestqt.qtbot import QtBot

    from napari_segkit.types import Job


@pytest.fixture
def runner(qtbot: QtBot) -> Iterator[JobRunner]:
    yield JobRunner()
    QThreadPool.globalInstance().waitForDone(2000)


def counting(n: int, seen: list[int], closed: list[str]) -> Job[str]:
    try:
        for i in range(n):
            yield Progress(i, n)
            seen.append(i)
    finally:
        closed.append(threading.current_thread().name)
    return "result"


def test_a_job_runs_in_another_thread_and_returns_its_result(
    runner: JobRunner, qtbot: QtBot
) -> None:
    closed: list[str] = []
    with qtbot.waitSignal(runner.done) as caught:
        runner.start(counting(3, [], closed), title="count")
        assert runner.running
    assert caught.args == ["result"]
    assert not runner.running
    assert closed != [threading.current_thread().name]


@pytest.mark.parametrize("error", [RuntimeError("CUDA out of memory"), ValueError("no")])
def test_an_error_of_any_kind_ends_the_job_with_a_sentence(
    runner: JobRunner, qtbot: QtBot, error: Exception
) -> None:
    def job() -> Job[None]:
        yield Progress(0)
        raise error

    with qtbot.waitSignal(runner.failed) as caught:
        runner.start(job(), title="fail")
    failure = caught.args[0]
    assert failure.sentence == f"Something went wrong: {type(error).__name__}: {error}"
    assert "Traceback" in failure.details
    assert failure.bug
    assert not runner.running


def test_a_users_error_is_its_sentence_without_a_traceback(runner: JobRunner, qtbot: QtBot) -> None:
    def job() -> Job[None]:
        yield Progress(0)
        raise ImageError("empty image", where="a.png", remedy="choose another")

    with qtbot.waitSignal(runner.failed) as caught:
        runner.start(job(), title="fail")
    assert caught.args[0] == Failure(
        "empty image (a.png); choose another",
        "error: ImageError\nwhat: empty image\nwhere: a.png\nremedy: choose another",
    )


def test_f46_cancel_takes_effect_within_one_step_and_closes_in_the_thread(
    runner: JobRunner, qtbot: QtBot
) -> None:
    seen: list[int] = []
    closed: list[str] = []
    step, go = threading.Event(), threading.Event()

    def job() -> Job[None]:
        try:
            for i in range(1000):
                yield Progress(i, 1000)
                seen.append(i)
                step.set()
                go.wait(5)
        finally:
            closed.append(threading.current_thread().name)

    with qtbot.waitSignal(runner.cancelled):
        runner.start(job(), title="count")
        qtbot.waitUntil(step.is_set)
        runner.cancel()
        go.set()
    assert seen == [0]
    assert len(closed) == 1
    assert closed != [threading.current_thread().name]


def test_f47_deleting_the_runner_stops_the_job_and_emits_nothing(qtbot: QtBot) -> None:
    parent = QObject()
    runner = JobRunner(parent)
    heard: list[object] = []
    for signal in (runner.done, runner.failed, runner.progressed):
        signal.connect(heard.append)
    stepped, closed = threading.Event(), threading.Event()

    def job() -> Job[None]:
        try:
            while True:
                yield Progress(0)
                stepped.set()
        finally:
            closed.set()

    runner.start(job(), title="endless")
    qtbot.waitUntil(stepped.is_set)
    heard.clear()
    parent.deleteLater()
    qtbot.waitUntil(closed.is_set)
    assert [h for h in heard if not isinstance(h, Progress)] == []


def test_nothing_that_a_job_held_is_kept_alive(runner: JobRunner, qtbot: QtBot) -> None:
    array = np.zeros(10)
    alive = weakref.ref(array)

    def job(pixels: np.ndarray) -> Job[float]:
        yield Progress(0)
        return float(pixels.sum())

    with qtbot.waitSignal(runner.done):
        runner.start(job(array), title="sum")
    del array
    qtbot.waitUntil(lambda: gc.collect() >= 0 and alive() is None)


def live_workers() -> int:
    gc.collect()
    return sum(type(one) is _JobWorker for one in gc.get_objects())


def test_a_window_keeps_no_worker_of_a_job_that_has_ended(
    make_napari_viewer: Callable[..., Viewer], runner: JobRunner, qtbot: QtBot
) -> None:
    """Thousands of images are reviewed in one window, with some jobs for each."""
    tasks = make_napari_viewer().window._task_status_manager

    def failing() -> Job[None]:
        yield Progress(0)
        raise ValueError("no")

    before = live_workers()
    for _ in range(10):
        with qtbot.waitSignal(runner.done):
            runner.start(counting(1, [], []), title="count")
        with qtbot.waitSignal(runner.failed):
            runner.start(failing(), title="fail")
        with qtbot.waitSignal(runner.cancelled):
            runner.start(counting(10**9, [], []), title="count on")
            runner.cancel()
        assert not tasks.is_busy()
    qtbot.waitUntil(lambda: live_workers() <= before)


def test_a_second_start_is_refused_while_one_runs(runner: JobRunner, qtbot: QtBot) -> None:
    go = threading.Event()

    def job() -> Job[None]:
        yield Progress(0)
        go.wait(5)

    with qtbot.waitSignal(runner.done):
        runner.start(job(), title="one")
        with pytest.raises(RuntimeError, match="running already"):
            runner.start(job(), title="two")
        go.set()


def test_no_spinner_of_napari_repaints_the_window_during_a_run(
    runner: JobRunner, qtbot: QtBot
) -> None:
    """It made runs ten times as long on a machine without a GPU."""
    from napari.utils import progress

    bars: list[int] = []

    def job() -> Job[None]:
        yield Progress(0)
        bars.append(len(progress._all_instances))

    with qtbot.waitSignal(runner.done):
        runner.start(job(), title="quiet")
    assert bars == [0]


def test_thousands_of_steps_are_reported_a_few_times(runner: JobRunner, qtbot: QtBot) -> None:
    reports: list[Progress] = []
    runner.progressed.connect(reports.append)
    with qtbot.waitSignal(runner.done):
        runner.start(counting(20_000, [], []), title="many")
    assert 1 <= len(reports) < 200
