"""Embeddings are made once, bounded in memory and on the disk, and never mixed up."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from napari_segkit.data.embeddings import EmbeddingCache, embedding_key

IMAGE = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)


def made(value: float) -> np.ndarray:
    return np.full((4, 8, 8), value, np.float32)


def never() -> np.ndarray:
    raise AssertionError("made a second time")


def test_the_key_tells_images_bases_and_adapters_apart() -> None:
    keys = {
        embedding_key(IMAGE, "base", "adapter"),
        embedding_key(IMAGE, "base", ""),
        embedding_key(IMAGE, "other", ""),
        embedding_key(IMAGE.reshape(2, 8, 3), "base", ""),
        embedding_key(255 - IMAGE, "base", ""),
    }
    assert len(keys) == 5
    assert embedding_key(IMAGE[:, ::-1][:, ::-1], "base", "") in keys


def test_it_is_made_once_and_the_same_from_memory_and_disk(tmp_path: Path) -> None:
    cache = EmbeddingCache(tmp_path)
    first = cache.get("a", lambda: made(1 / 3))
    assert np.array_equal(cache.get("a", never), first)
    cache.clear_memory()
    assert np.array_equal(cache.get("a", never), first)
    assert np.array_equal(EmbeddingCache(tmp_path).get("a", never), first)
    assert EmbeddingCache().find("a") is None


def test_memory_forgets_what_was_used_longest_ago() -> None:
    cache = EmbeddingCache(memory_bytes=2 * 512)
    for key in "ab":
        cache.get(key, lambda: made(1))
    cache.get("a", never)
    cache.get("c", lambda: made(1))
    assert cache.find("b") is None
    assert cache.find("a") is not None


def test_the_disk_forgets_what_was_used_longest_ago(tmp_path: Path) -> None:
    size = 512 + 128
    cache = EmbeddingCache(tmp_path, memory_bytes=0, disk_bytes=2 * size)
    for age, key in enumerate("abc"):
        cache.get(key, lambda: made(1))
        os.utime(tmp_path / f"{key}.npy", (age, age))
    cache.get("d", lambda: made(1))
    assert sorted(path.stem for path in tmp_path.glob("*.npy")) == ["c", "d"]


def test_a_broken_file_is_made_again(tmp_path: Path) -> None:
    cache = EmbeddingCache(tmp_path)
    cache.get("a", lambda: made(1))
    whole = (tmp_path / "a.npy").read_bytes()
    for bad in (b"", b"text", whole[:-100]):
        (tmp_path / "a.npy").write_bytes(bad)
        assert EmbeddingCache(tmp_path).get("a", lambda: made(2))[0, 0, 0] == 2


def test_a_disk_that_refuses_costs_only_time(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    cache = EmbeddingCache(tmp_path / "file" / "folder")
    assert cache.get("a", lambda: made(1))[0, 0, 0] == 1
    assert cache.get("a", never)[0, 0, 0] == 1
