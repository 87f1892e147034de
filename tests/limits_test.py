"""Limits that a person can raise: typed sizes, and for whom they hold."""

from __future__ import annotations

import threading

import pytest

from napari_segkit.errors import InputError
from napari_segkit.limits import Limits, limits, parse_limits, raised


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("total=20GB", {"total": 20 * 10**9}),
        ("pixels=400M", {"pixels": 400 * 10**6}),
        ("pixels=1.5Gpx", {"pixels": 1_500_000_000}),
        ("files=5", {"files": 5}),
        (" file = 3tb", {"file": 3 * 10**12}),
    ],
)
def test_sizes_are_typed_as_people_say_them(text: str, expected: dict[str, int]) -> None:
    assert parse_limits([text]) == Limits(**expected)


@pytest.mark.parametrize("text", ["total", "total=", "total=-1", "total=1EB", "ram=5GB", "=5"])
def test_what_is_no_limit_is_refused_with_the_names(text: str) -> None:
    with pytest.raises(InputError, match=r"--limit .*pixels, files, file, total, ratio, text"):
        parse_limits([text])


def test_several_limits_add_up_and_end_with_their_context() -> None:
    with raised(parse_limits(["files=1", "pixels=2"])):
        assert (limits().files, limits().pixels) == (1, 2)
        with raised(parse_limits(["files=9"])):
            assert (limits().files, limits().pixels) == (9, 2)
    assert limits() == Limits()


def test_another_thread_keeps_its_own() -> None:
    seen = []
    with raised(Limits(pixels=1)):
        thread = threading.Thread(target=lambda: seen.append(limits().pixels))
        thread.start()
        thread.join()
    assert seen == [Limits().pixels]
