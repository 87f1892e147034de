"""Image embeddings that are computed once: the latest in memory, more on the disk, both bounded.

The key is the hash of what they depend on: pixels, base and adapter. They are kept as 16-bit
floats, so that an image gives the same masks whether its embedding is new, remembered or read.
"""

from __future__ import annotations

import hashlib
import logging
import os
from collections import OrderedDict
from functools import cache
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np

from napari_segkit.data.atomic import atomic_write
from napari_segkit.errors import WriteError
from napari_segkit.paths import user_cache

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_segkit.types import Image

    Embedding = NDArray[np.float16]

logger = logging.getLogger(__name__)


def embedding_key(image: Image, *parts: str) -> str:
    """Hash of pixels, shape, and the names of what looks at them."""
    digest = hashlib.sha256(repr((image.shape, *parts)).encode())
    digest.update(np.ascontiguousarray(image).data)
    return digest.hexdigest()


@cache
def shared_cache() -> EmbeddingCache:
    """The one of this process, with its files in the user's cache folder."""
    return EmbeddingCache(user_cache() / "embeddings")


class EmbeddingCache:
    """See the module; safe to use from several threads.

    Parameters
    ----------
    folder
        Of the files, or None for memory alone. Files that cannot be written or read are done
        without.
    memory_bytes, disk_bytes
        Bounds; what was used longest ago goes first.
    """

    def __init__(
        self,
        folder: Path | None = None,
        *,
        memory_bytes: int = 256 << 20,
        disk_bytes: int = 2 << 30,
    ) -> None:
        self._folder = folder
        self._memory_bytes, self._disk_bytes = memory_bytes, disk_bytes
        self._kept: OrderedDict[str, Embedding] = OrderedDict()
        self._lock = Lock()

    def get(self, key: str, make: Callable[[], NDArray[np.float32]]) -> Embedding:
        """The embedding of a key; made where it is not there yet."""
        found = self.find(key)
        if found is None:
            found = make().astype(np.float16)
            self._write(key, found)
        self._remember(key, found)
        return found

    def find(self, key: str) -> Embedding | None:
        """The embedding of a key where it is there already."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        return self._read(key)

    def clear_memory(self) -> None:
        """Forget what is not on the disk."""
        with self._lock:
            self._kept.clear()

    def _remember(self, key: str, embedding: Embedding) -> None:
        with self._lock:
            self._kept[key] = embedding
            self._kept.move_to_end(key)
            while len(self._kept) > 1 and self._size() > self._memory_bytes:
                self._kept.popitem(last=False)

    def _size(self) -> int:
        return sum(one.nbytes for one in self._kept.values())

    def _path(self, key: str) -> Path | None:
        return None if self._folder is None else self._folder / f"{key}.npy"

    def _read(self, key: str) -> Embedding | None:
        path = self._path(key)
        if path is None or not path.is_file():
            return None
        try:
            found = np.load(path, allow_pickle=False)
            os.utime(path)  # used now
        except (OSError, ValueError, EOFError) as error:
            logger.info("embedding %s cannot be read: %s", path, error)
            return None
        usable = found.ndim == 3 and found.dtype == np.float16 and np.isfinite(found).all()
        return found if usable else None

    def _write(self, key: str, embedding: Embedding) -> None:
        path = self._path(key)
        if path is None:
            return
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with atomic_write(path) as file:
                np.save(file, embedding, allow_pickle=False)
            self._trim(path)
        except (OSError, WriteError) as error:
            logger.info("embedding is not kept on the disk: %s", error)

    def _trim(self, newest: Path) -> None:
        facts = [(one.stat(), one) for one in newest.parent.glob("*.npy")]
        facts.sort(key=lambda fact: fact[0].st_mtime_ns, reverse=True)
        total = 0
        for fact, path in facts:
            total += fact.st_size
            if total > self._disk_bytes and path != newest:
                path.unlink(missing_ok=True)
