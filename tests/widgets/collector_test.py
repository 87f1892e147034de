from __future__ import annotations

import gc
import sys
import types
import weakref

import pytest

from napari_segkit.widgets._collector import collector_at_rest


class Cycle:
    def __init__(self) -> None:
        self.itself = self


def is_oldest(thing: object) -> bool:
    return any(one is thing for one in gc.get_objects(generation=2))


def test_what_imports_bring_sets_off_no_collection_and_is_garbage_collected_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    walks: list[str] = []

    def count(phase: str, _info: object) -> None:
        walks.append(phase)

    gc.callbacks.append(count)
    try:
        with collector_at_rest():
            monkeypatch.setitem(sys.modules, "brought", types.ModuleType("brought"))
            many = [Cycle() for _ in range(10_000)]
        assert walks == []
    finally:
        gc.callbacks.remove(count)
    assert is_oldest(many[0])
    alive = weakref.ref(many[0])
    del many
    gc.collect()
    assert alive() is None


def test_what_comes_without_an_import_stays_young() -> None:
    with collector_at_rest():
        young = Cycle()
    assert not is_oldest(young)


def test_the_collector_works_again_after_an_error_and_where_two_rested_it() -> None:
    with pytest.raises(ValueError, match="no"), collector_at_rest(), collector_at_rest():
        raise ValueError("no")
    assert gc.isenabled()


def test_a_collector_that_was_off_stays_off() -> None:
    gc.disable()
    try:
        with collector_at_rest():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()
