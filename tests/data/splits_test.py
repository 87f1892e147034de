"""Splits: stable, proportional, told by a list, and refused where they leave something open."""

from __future__ import annotations

from pathlib import Path

import pytest

from napari_segkit.data.splits import parse_split, read_split_list
from napari_segkit.errors import InputError

SHARES = "train=0.8,valid=0.1,test=0.1"


def test_names_are_never_moved_by_other_names_or_versions() -> None:
    """Fixed answers: a change of the hash would mix test images into someone's training set."""
    split = parse_split(SHARES)
    found = [split.subset_of(f"IMG_{k:04d}") for k in range(12)]
    assert found == [
        "train",
        "test",
        "train",
        "valid",
        "train",
        "test",
        "train",
        "train",
        "train",
        "train",
        "train",
        "train",
    ]
    assert split.subset_of("caf\u00e9") == split.subset_of("cafe\u0301")


def test_shares_are_met_on_average() -> None:
    split = parse_split(SHARES)
    found = [split.subset_of(f"image {k}") for k in range(5000)]
    assert found.count("train") / 5000 == pytest.approx(0.8, abs=0.02)
    assert found.count("test") / 5000 == pytest.approx(0.1, abs=0.02)


def test_growing_one_share_moves_names_only_into_it() -> None:
    small, large = parse_split("train=0.6,test=0.4"), parse_split("train=0.7,test=0.3")
    names = [f"n{k}" for k in range(500)]
    moved = [n for n in names if small.subset_of(n) != large.subset_of(n)]
    assert 0 < len(moved) < 100
    assert all(large.subset_of(n) == "train" for n in moved)


@pytest.mark.parametrize(
    "text",
    [
        *("", "train", "train=x", "train=0.5", "train=1.2,test=-0.2", "a=0.5,A=0.5", "../x=1"),
        *("a/b=1", "train=nan,test=nan", "=1"),
    ],
)
def test_splits_that_cannot_be_are_refused(text: str) -> None:
    with pytest.raises(InputError):
        parse_split(text)


@pytest.mark.parametrize(
    "text",
    ['{"train": ["a", "b/c.png"], "test": ["v1.5"]}', "a.jpg,train\nb/c,train\n\nv1.5,test\n"],
)
def test_a_list_names_images_with_or_without_extension(tmp_path: Path, text: str) -> None:
    file = tmp_path / "list"
    file.write_text("\ufeff" + text, encoding="utf-8")
    split = read_split_list(file, ["a", "b/c", "v1.5"])
    split.check(["a", "b/c", "v1.5"])
    assert split.subsets == ("train", "test")
    assert [split.subset_of(n) for n in ("a", "b/c", "v1.5")] == ["train", "train", "test"]


def test_a_list_that_leaves_images_out_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "list.csv"
    file.write_text("a,train\ngone,test\n")
    split = read_split_list(file, ["a", "b"])
    with pytest.raises(InputError, match=r"no subset .1 in all.*got b"):
        split.check(["a", "b"])
    with pytest.raises(InputError, match=r"not there .1 in all.*got gone"):
        split.check(["a"])


@pytest.mark.parametrize(
    "text",
    [
        *("", "{", '{"train": 3}', '{"train": [3]}', "a,b,c", "a,train\na.png,test", "a,../x"),
        *("[" * 9000, '{"a":' * 9000),
    ],
)
def test_lists_that_cannot_be_read_are_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "list"
    file.write_text(text)
    with pytest.raises(InputError):
        read_split_list(file, ["a"])
    with pytest.raises(InputError, match="cannot be read"):
        read_split_list(tmp_path / "gone", ["a"])
