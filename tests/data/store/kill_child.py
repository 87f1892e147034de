"""Works on a store and is killed before its 1st, 2nd, … call that touches the disk.

    python kill_child.py FOLDER

After every kill the store is opened again: it must hold the state after the last call that
returned, or the one that was being written. Prints JSON: kills, states found, what was wrong.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path

import numpy as np
from PIL import Image

from napari_segkit.data.store import Record, Store, tiles_in
from napari_segkit.ops.instance_rows import InstanceRow

DISK = {"write", "fsync", "replace", "rename", "mkdir", "unlink", "open", "close", "flush"}
DISK |= {"ftruncate", "lseek", "copymode", "scandir", "flock"}
SHAPE = (40, 300)


def state(number: int) -> tuple[np.ndarray, Record]:
    """The mask and record after step ``number``: each step paints one more instance."""
    labels = np.zeros(SHAPE, np.int32)
    for key in range(1, number + 1):
        labels[:, key * 30 : key * 30 + 25] = key
    rows = {key: InstanceRow("coin") for key in range(1, number + 1)}
    classes = (("coin", (1, 2, 3)),)
    return labels, Record(name="a", size=SHAPE, classes=classes, instances=rows, edits=number)


def work(folder: Path, tell: int) -> None:
    """Eight steps, appended and saved in turn; each is told to the parent once it is done."""
    with Store.open(folder) as store:
        for number in range(1, 9):
            labels, record = state(number)
            if number % 3:
                box = (number * 30, 0, number * 30 + 25, 40)
                store.append("a", tiles_in(labels, [box]), record)
            else:
                store.save("a", labels, record, predicted=labels)
            os.write(tell, bytes([number]))


def killed_at(number: int, folder: Path) -> tuple[bool, int]:
    """Whether the child was killed, and the last step that it had told."""
    hear, tell = os.pipe()
    child = os.fork()
    if child == 0:
        calls = 0

        def count(_: object, event: str, called: object) -> None:
            nonlocal calls
            if event == "c_call" and getattr(called, "__name__", "") in DISK:
                calls += 1
                if calls == number:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.setprofile(count)
        work(folder, tell)
        sys.setprofile(None)
        os._exit(0)
    os.close(tell)
    told = b""
    while part := os.read(hear, 100):
        told += part
    os.close(hear)
    _, status = os.waitpid(child, 0)
    if os.WIFEXITED(status) and os.WEXITSTATUS(status) != 0:
        raise SystemExit(f"the child failed by itself before call {number}")
    return os.WIFSIGNALED(status), told[-1] if told else 0


def fault(folder: Path, told: int) -> tuple[int, str]:
    """The step that the store holds, and what is wrong with it."""
    with Store.open(folder) as store:
        if store.read_only:
            return -1, "still locked"
        found = store.load("a")
        line = store.line("a")
        step = found.record.edits
        if step not in (told, told + 1):
            return step, f"step {step} after step {told} was told"
        labels, record = state(step)
        if step and not np.array_equal(found.labels, labels):
            return step, f"the mask of step {step} is another"
        if found.record.instances != record.instances:
            return step, f"the table of step {step} is another"
        if line.edits != step:
            return step, f"the list says {line.edits} instead of {step}"
        store.save("a", *state(8))
        if not np.array_equal(store.load("a").labels, state(8)[0]):
            return step, "cannot go on"
    left = [p.name for p in (folder / ".segkit").rglob(".segkit-*")]
    return step, f"left {left}" if len(left) > 1 else ""  # the next sweep takes one


def main(folder: Path) -> None:
    kills, found, wrong = 0, set(), []
    alive, number = True, 0
    while alive:
        number += 1
        place = folder / str(number)
        place.mkdir(parents=True)
        Image.new("RGB", SHAPE[::-1]).save(place / "a.png")
        alive, told = killed_at(number, place)
        step, what = fault(place, told)
        found.add(step)
        if what:
            wrong.append(f"killed at call {number}: {what}")
        kills += alive
    sys.stdout.write(json.dumps({"kills": kills, "found": sorted(found), "wrong": wrong}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
