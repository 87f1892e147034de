"""A person runs, uses a tool, clicks, paints, changes classes; Ctrl+Z takes each back in order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Qt

from napari_segkit.widgets.masks._binding import classes_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari import Viewer
    from pytestqt.qtbot import QtBot


def test_undo_everything_in_order(
    make_napari_viewer: Callable[..., Viewer],
    open_dock: Callable[[Viewer, str], Any],
    run_to_end: Callable[[Any], str],
    correct: Callable[[Viewer], Any],
    canvas: Callable[[Viewer], Any],
    qtbot: QtBot,
) -> None:
    viewer = make_napari_viewer()
    viewer.open_sample("napari-segkit", "coins")
    coins = open_dock(viewer, "Coins")
    coins.preset.setCurrentText("origin")
    run_to_end(coins)
    mask = viewer.layers["coins · coins"]
    dock = correct(viewer)
    rows = dock.instances.rows

    def state() -> tuple[Any, ...]:
        table = {key: rows.line(key) for key in mask.features["index"].tolist()}
        return mask.data.tobytes(), mask.features.to_dict("list"), classes_of(mask), table

    states = [state()]

    def did(change: Callable[[], object], signal: Any = None) -> None:
        if signal is None:
            change()
        else:
            with qtbot.waitSignal(signal, timeout=20_000):
                change()
        qtbot.waitUntil(lambda: dock.subject.index is not None, timeout=10_000)
        qtbot.waitUntil(lambda: rows.total == len(mask.features), timeout=10_000)
        states.append(state())

    coins.preset.setCurrentText("default")
    did(coins.run_button.click, coins.run.finished)
    key = rows.key(2)
    dock.instances.select((key,))
    did(dock.tools.buttons["convex hull"].click, dock.toolbox.written)
    did(lambda: mask.paint((5, 5), 90))
    dock.instances.class_bar.combo.setEditText("token")
    did(dock.instances.class_bar.give_button.click)
    dock.prompts.clicks_button.click()
    x0, y0, _, y1 = dock.subject.box(key)
    with qtbot.waitSignal(dock.toolbox.shown, timeout=20_000):
        dock.prompting.clicks.add(x0 + 4, (y0 + y1) / 2, on=False)
    did(dock.prompts.keep_button.click, dock.toolbox.written)
    did(dock.tools.buttons["delete"].click, dock.toolbox.written)
    assert len({one[0] for one in states}) == 6  # a class change has no pixels
    assert states[4][2] != states[3][2]

    picture = canvas(viewer)
    for before in states[-2::-1]:
        picture.setFocus()
        qtbot.keyClick(picture, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
        qtbot.waitUntil(lambda: dock.subject.index is not None, timeout=10_000)
        qtbot.waitUntil(lambda: rows.total == len(mask.features), timeout=10_000)
        assert state() == before
    for after in states[1:]:
        mask.redo()
        qtbot.waitUntil(lambda: dock.subject.index is not None, timeout=10_000)
        qtbot.waitUntil(lambda: rows.total == len(mask.features), timeout=10_000)
        assert state() == after
