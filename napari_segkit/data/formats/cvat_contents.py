"""What a folder or archive of CVAT's mask format holds: found once, for reader and check alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari_segkit.data.archive import open_store
from napari_segkit.data.formats.cvat_labelmap import FILE
from napari_segkit.data.formats.cvat_labelmap_reader import default_labelmap, parse_labelmap
from napari_segkit.data.formats.cvat_layout import (
    CLASS_DIR,
    IMAGE_DIR,
    LIST_DIR,
    OBJECT_DIR,
    folder_roots,
    roots,
)
from napari_segkit.data.formats.cvat_lists import Lists
from napari_segkit.errors import DatasetError

if TYPE_CHECKING:
    from pathlib import Path

    from napari_segkit.data.archive import Store
    from napari_segkit.data.formats.cvat_labelmap_reader import Labelmap

_MOST_TEXT = 64 << 20  # a longer labelmap or list is none


@dataclass(frozen=True)
class Contents:
    """Files of a dataset by what they are; paths as in the store.

    Attributes
    ----------
    root
        Where in the folder or archive the dataset lies: "" or such as ``a/b/``.
    labelmap, has_labelmap
        Pascal VOC's classes where there is none.
    lists, has_lists
        All masks in order of their names where there is none.
    classes, objects
        Image name -> mask file.
    images
        Image name -> image files; more than one is a collision.
    """

    store: Store
    root: str
    labelmap: Labelmap
    has_labelmap: bool
    lists: Lists
    has_lists: bool
    classes: dict[str, str]
    objects: dict[str, str]
    images: dict[str, list[str]]

    def knows(self, name: str) -> bool:
        """Whether there is a mask or an image of that name."""
        return name in self.classes or name in self.objects or name in self.images

    def unlisted(self) -> list[str]:
        """Images that have masks and stand in no list."""
        return sorted({*self.classes, *self.objects}.difference(self.lists.names()))


def open_contents(path: Path, *, strict: bool = True) -> Contents:
    """List a dataset's files.

    Parameters
    ----------
    strict
        As `napari_segkit.data.archive.open_store`.

    Raises
    ------
    DatasetError
        Where there is no such dataset, or several, or (``strict``) a hostile name.
    """
    inside = ""
    if path.is_dir():
        inside = _only_root(folder_roots(path), path)
    store = open_store(path / inside if inside else path, strict=strict)
    try:
        root = "" if path.is_dir() else _only_root(roots(store.sizes), path)
        contents = _sorted_out(store, root, inside)
        if strict and contents.lists.hostile:
            raise DatasetError(
                "refused for the names in its lists",
                where=path,
                got=repr(contents.lists.hostile[0]),
                remedy="names must be relative paths inside the dataset",
            )
    except BaseException:
        store.close()
        raise
    return contents


def _only_root(found: list[str], path: Path) -> str:
    if not found:
        raise DatasetError(
            "not a dataset of CVAT's mask format",
            where=path,
            expected=f"{CLASS_DIR}, {OBJECT_DIR} or {LIST_DIR} in it",
        )
    if len(found) > 1:
        raise DatasetError(
            "there are several datasets",
            where=path,
            expected="one",
            got=", ".join(root or "." for root in found[:5]),
            remedy="name the folder of one of them",
        )
    return found[0]


def _sorted_out(store: Store, root: str, inside: str) -> Contents:
    classes = _by_name(store, f"{root}{CLASS_DIR}/")
    objects = _by_name(store, f"{root}{OBJECT_DIR}/")
    images: dict[str, list[str]] = {}
    for file in _files(store, f"{root}{IMAGE_DIR}/"):
        name = file[len(root) + len(IMAGE_DIR) + 1 :]
        folder, _, base = name.rpartition("/")
        stem = base.rpartition(".")[0] or base
        images.setdefault(f"{folder}/{stem}" if folder else stem, []).append(file)
    has_labelmap = f"{root}{FILE}" in store.sizes
    lists, has_lists = _lists(store, root, {*classes, *objects})
    return Contents(
        store=store,
        root=inside or root,
        labelmap=parse_labelmap(_text(store, f"{root}{FILE}"))
        if has_labelmap
        else default_labelmap(),
        has_labelmap=has_labelmap,
        lists=lists,
        has_lists=has_lists,
        classes=classes,
        objects=objects,
        images=images,
    )


def _files(store: Store, folder: str) -> list[str]:
    """Files below a folder; what macOS hides beside them is left out."""
    return [
        name
        for name in store.sizes
        if name.startswith(folder) and not name.rsplit("/", 1)[-1].startswith("._")
    ]


def _by_name(store: Store, folder: str) -> dict[str, str]:
    return {
        file[len(folder) : -len(".png")]: file
        for file in _files(store, folder)
        if file.lower().endswith(".png")
    }


def _lists(store: Store, root: str, masks: set[str]) -> tuple[Lists, bool]:
    lists = Lists()
    folder = f"{root}{LIST_DIR}/"
    files = [file for file in _files(store, folder) if file.endswith(".txt")]
    for file in sorted(files):
        lists.add(file[len(root) :], _text(store, file), masks)
    if not files:
        lists.subsets["default"] = sorted(masks)
    return lists, bool(files)


def _text(store: Store, file: str) -> bytes:
    if store.sizes[file] > _MOST_TEXT:
        raise DatasetError("file is too large for what it should be", where=file)
    return store.read(file)
