from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from napari_segkit.data.store import Record, Status
from napari_segkit.data.store.files import ImageFiles
from napari_segkit.data.store.journal import Entry, append, read_journal
from napari_segkit.data.store.tiles import DirtyTiles, tiles_in
from napari_segkit.errors import DatasetError, SegkitError
from napari_segkit.ops.instance_rows import InstanceRow

SHAPE = (300, 400)
TWO = [(3, 4, 9, 1, True), (5, 5, 50, 2, False)]

edits = st.lists(
    st.tuples(
        st.integers(0, 380),
        st.integers(0, 280),
        st.integers(1, 60),
        st.integers(0, 5),
        st.booleans(),
    ),
    min_size=1,
    max_size=6,
)


def states(steps: list[tuple[int, int, int, int, bool]]) -> list[tuple[np.ndarray, Record, tuple]]:
    """Mask, record and changed box after every edit."""
    labels, found = np.zeros(SHAPE, np.int32), []
    for number, (x, y, side, key, _) in enumerate(steps):
        labels = labels.copy()
        labels[y : y + side, x : x + side] = key
        rows = {
            int(k): InstanceRow(f"class {k}", edits={"brush": number})
            for k in np.unique(labels[labels > 0])
        }
        status = list(Status)[number % len(Status)]
        made = Record(name="a", size=SHAPE, instances=rows, edits=number + 1, status=status)
        found.append((labels, made, (x, y, x + side, y + side)))
    return found


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(edits, st.data())
def test_F52_any_edits_and_any_torn_tail_give_a_state_that_was(
    steps: list[tuple[int, int, int, int, bool]], data: st.DataObject
) -> None:
    with tempfile.TemporaryDirectory() as name:
        files = ImageFiles(Path(name), "k")
        made = states(steps)
        ends = [0]
        for (labels, record, box), (*_, save) in zip(made, steps, strict=True):
            if save:
                files.save(labels, record, predicted=None, force=False)
                ends = [0] * (record.edits + 1)
            else:
                files.append(tiles_in(labels, [box]), record)
                ends.append(files.seen[2])
        journal = Path(name) / "k.journal"
        whole = journal.read_bytes() if journal.exists() else b""
        cut = data.draw(st.integers(0, len(whole)))
        journal.write_bytes(whole[:cut])
        saved = max((k + 1 for k, step in enumerate(steps) if step[-1]), default=0)
        want = max([saved, *(k for k, end in enumerate(ends) if 0 < end <= cut)])
        again = ImageFiles(Path(name), "k")
        contents = again.read()
        if want == 0:
            assert contents is None
            return
        labels, record, _ = made[want - 1]
        assert contents is not None
        assert np.array_equal(contents.labels, labels)
        assert contents.record == record
        again.append([], record.changed(edits=99))  # over the torn tail
        after = ImageFiles(Path(name), "k").read()
        assert after is not None
        assert after.record.edits == 99
        assert np.array_equal(after.labels, labels)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_F20_fuzzed_files_raise_only_our_errors(data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as name:
        files = ImageFiles(Path(name), "k")
        (labels, record, _), (more, later, other) = states(TWO)
        files.save(labels, record, predicted=labels, force=False)
        files.append(tiles_in(more, [other]), later)
        path = Path(name) / data.draw(st.sampled_from(["k.mask", "k.journal"]))
        content = bytearray(path.read_bytes())
        for _ in range(data.draw(st.integers(1, 4))):
            content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
        path.write_bytes(content[: data.draw(st.integers(0, len(content)))])
        with contextlib.suppress(SegkitError):
            found = ImageFiles(Path(name), "k").read()
            assert found is not None
            assert found.record in (record, later)  # never anything else
            assert np.array_equal(found.labels, more if found.record == later else labels)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.binary(max_size=60), max_size=4))
def test_F20_records_of_nonsense_with_right_sums_raise_only_our_errors(
    payloads: list[bytes],
) -> None:
    with tempfile.TemporaryDirectory() as name:
        end = 0
        for number, payload in enumerate(payloads, 1):
            end = append(Path(name) / "k.journal", Entry(number, payload), end=end)
        with contextlib.suppress(SegkitError):
            ImageFiles(Path(name), "k").read()


def test_damage_before_whole_records_is_no_torn_tail(tmp_path: Path) -> None:
    path, end = tmp_path / "j", 0
    for number in (1, 2, 3):
        end = append(path, Entry(number, b"x" * 50), end=end)
    data = bytearray(path.read_bytes())
    data[end // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(DatasetError, match="broken record at byte 70"):
        read_journal(path)


def test_a_save_that_died_before_it_removed_the_journal(tmp_path: Path) -> None:
    files = ImageFiles(tmp_path, "k")
    (labels, record, box), (more, later, _) = states(TWO)
    files.append(tiles_in(labels, [box]), record)
    old = (tmp_path / "k.journal").read_bytes()
    files.save(more, later, predicted=None, force=False)
    (tmp_path / "k.journal").write_bytes(old)
    found = ImageFiles(tmp_path, "k").read()
    assert found is not None
    assert found.record == later
    assert np.array_equal(found.labels, more)


def test_dirty_tiles_are_those_that_changed_and_come_back_when_they_cannot_be_written() -> None:
    labels = np.arange(600 * 700, dtype=np.int32).reshape(600, 700)
    dirty = DirtyTiles((600, 700))
    assert not dirty
    dirty.mark((250, 10, 260, 20))
    dirty.mark((690, 590, 9999, 9999))
    dirty.mark((-50, -50, -1, -1))
    tiles = dirty.take(labels)
    assert [(t.top, t.left, t.labels.shape) for t in tiles] == [
        (0, 0, (256, 256)),
        (0, 256, (256, 256)),
        (512, 512, (88, 188)),
    ]
    assert not dirty
    dirty.put_back(tiles)
    assert len(dirty.take(labels)) == 3


def test_a_stroke_among_many_instances_takes_few_bytes(tmp_path: Path) -> None:
    rows = {key: InstanceRow("coin") for key in range(1, 501)}
    files = ImageFiles(tmp_path, "k")
    record = Record(name="a", size=(9, 9), instances=rows)
    files.append([], record)
    start = files.seen[2]
    for number in range(1, 11):
        row = rows[number].edited("brush")
        record = record.changed(instances={**record.instances, number: row}, edits=number)
        files.append([], record)
    assert (files.seen[2] - start) / 10 < 250
    assert ImageFiles(tmp_path, "k").read_record() == record
