from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_segkit.ops.delta import Delta, delta_between
from napari_segkit.ops.instance_rows import (
    InstanceRow,
    class_renamed,
    rows_after,
    rows_in_class,
    rows_merged,
    rows_of_run,
)
from napari_segkit.ops.masks import segmentation_from_labels
from napari_segkit.ops.undo import History, Step, step_of
from napari_segkit.types import ClassDef

SHAPE = (20, 30)


class Image:
    """A mask and its rows, as a dock would hold them."""

    def __init__(self) -> None:
        self.labels = np.zeros(SHAPE, np.int32)
        self.rows: dict[int, InstanceRow] = {}

    def state(self) -> tuple[bytes, dict[int, InstanceRow]]:
        return self.labels.tobytes(), dict(self.rows)


def paint(image: Image, x: int, y: int, side: int, key: int, title: str) -> Step:
    after = image.labels.copy()
    after[y : y + side, x : x + side] = key
    delta = delta_between(image.labels, after)
    rows = {int(k): InstanceRow(f"c{k}", edits={title: side}) for k in np.unique(after) if k}
    step = step_of(title, delta, image.rows, rows)
    delta.apply(image.labels)
    image.rows = rows
    return step


actions = st.lists(
    st.tuples(
        st.sampled_from(["a", "b"]),
        st.sampled_from(["paint", "undo", "redo"]),
        st.integers(0, 29),
        st.integers(0, 19),
        st.integers(1, 8),
        st.integers(0, 4),
    ),
    max_size=30,
)


@settings(max_examples=80, deadline=None)
@given(actions)
def test_undo_and_redo_give_every_state_again_on_each_image(steps: list[tuple]) -> None:
    history = History()
    images = {"a": Image(), "b": Image()}
    past: dict[str, list] = {"a": [], "b": []}
    future: dict[str, list] = {"a": [], "b": []}
    for name, action, x, y, side, key in steps:
        image = images[name]
        now = image.state()
        if action == "paint":
            history.push(name, paint(image, x, y, side, key, f"paint {key}"))
            past[name].append(now)
            future[name].clear()
        elif action == "undo":
            step = history.undo(name)
            assert (step is None) == (not past[name])
            if step is not None:
                image.rows = step.undo(image.labels, image.rows)
                assert image.state() == past[name].pop()
                future[name].append(now)
        else:
            step = history.redo(name)
            assert (step is None) == (not future[name])
            if step is not None:
                image.rows = step.redo(image.labels, image.rows)
                assert image.state() == future[name].pop()
                past[name].append(now)
    assert history.size >= 0
    for name in images:
        history.forget(name)
    assert history.size == 0


def test_memory_is_bounded_and_the_oldest_step_of_any_image_goes_first() -> None:
    size = paint(Image(), 0, 0, 5, 1, "one").size
    history, images = History(3 * size + 50), {"a": Image(), "b": Image()}
    for name, key in (("a", 1), ("b", 1), ("a", 2), ("a", 3)):
        history.push(name, paint(images[name], 0, 0, 5, key, f"{name}{key}"))
    assert history.size <= 3 * size + 50
    taken = []
    while (step := history.undo("a")) is not None:
        taken.append(step.title)
    assert taken[0] == "a3"
    assert "a1" not in taken
    assert history.titles("a")[0] is None


def test_a_step_larger_than_the_limit_leaves_nothing_wrong_to_undo() -> None:
    history, image = History(10), Image()
    history.push("a", paint(image, 0, 0, 5, 1, "one"))
    assert history.undo("a") is None
    assert history.size == 0


def test_titles_and_steps_without_pixels() -> None:
    history, labels = History(), np.ones((2, 2), np.int32)
    before = {1: InstanceRow("coin", 0.5, "predicted", 0)}
    after = rows_in_class(before, [1], "ring")
    history.push("a", step_of("class", None, before, after))
    assert history.titles("a") == ("class", None)
    step = history.undo("a")
    assert step is not None
    assert step.undo(labels, after) == before
    assert step.redo(labels, before) == after
    assert history.titles("a") == (None, "class")
    assert history.titles("other") == (None, None)
    nothing = Delta(0, 0, np.zeros((0, 0), np.int32), np.zeros((0, 0), np.int32))
    assert step_of("nothing", nothing, before, before).delta is None


def test_rows_say_who_made_what() -> None:
    labels = np.zeros((5, 5), np.int32)
    labels[0], labels[1] = 1, 2
    made = segmentation_from_labels(
        labels, classes=[ClassDef("coin", (1, 2, 3))], scores={1: 0.5, 2: 0.25}
    )
    rows = rows_of_run(made, 3)
    assert rows[1] == InstanceRow("coin", 0.5, "predicted", 3)
    later = rows_after(
        rows, tool="split", touched=[1, 7, 9], gone=[2], parents={7: 1}, new_class="ring"
    )
    assert later.keys() == {1, 7, 9}
    assert later[1] == InstanceRow("coin", 0.5, "edited", 3, {"split": 1})
    assert later[7] == later[1]
    assert later[9] == InstanceRow("ring", 1.0, "drawn", None, {"split": 1})
    assert later[1].edited("split").edits == {"split": 2}
    merged = rows_merged(rows, [1, 2], into=1, tool="merge")
    assert merged == {1: InstanceRow("coin", 0.25, "edited", 3, {"merge": 1})}
    assert class_renamed(rows, "coin", "c")[1].status == "predicted"
