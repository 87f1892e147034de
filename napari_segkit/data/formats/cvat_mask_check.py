"""Finds every fault of a dataset in CVAT's mask format, with what CVAT would make of it.

CVAT's importer refuses some faults with a message that names no file, and passes over others in
silence: objects vanish or change their class. What it does was tried out, and the tests hold a
case for each.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_segkit.data.dataset import Fault, Validation
from napari_segkit.data.formats.checking import missing_image
from napari_segkit.data.formats.cvat_contents import open_contents
from napari_segkit.data.formats.cvat_image_check import EXPORT_AGAIN, as_fault, check_image
from napari_segkit.data.formats.cvat_labelmap import FILE
from napari_segkit.data.formats.cvat_layout import (
    DEEPEST_ROOT,
    IMAGE_DIR,
    LIST_DIR,
    OBJECT_DIR,
)
from napari_segkit.data.formats.cvat_mask_reader import Masks
from napari_segkit.errors import SegkitError
from napari_segkit.types import Progress

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from napari_segkit.data.formats.cvat_contents import Contents
    from napari_segkit.types import Job


def check(path: Path, *, format_id: str) -> Job[Validation]:
    """Look at everything; what cannot be opened at all is a fault too.

    Returns
    -------
    Validation
        Faults of the archive, the labelmap, the lists, then image by image.
    """
    yield Progress(0, None, "listing files")
    try:
        contents = open_contents(path, strict=False)
    except SegkitError as error:
        return Validation(path, format_id, 0, 0, (as_fault(error, path.name),))
    try:
        faults = [*contents.store.faults, *_whole_faults(contents)]
        faults += [*contents.labelmap.faults, *contents.lists.faults, *_name_faults(contents)]
        faults += _missing_images(contents)
        masks = Masks(contents)
        names = [name for name in contents.lists.names() if contents.knows(name)]
        instances = 0
        for number, name in enumerate(names, start=1):
            count, found = check_image(contents, masks, name)
            instances += count
            faults += found
            yield Progress(number, len(names), name)
    finally:
        contents.store.close()
    return Validation(path, format_id, len(names), instances, tuple(faults))


def _whole_faults(contents: Contents) -> Iterator[Fault]:
    if contents.root.count("/") > DEEPEST_ROOT:
        what = f"lies {contents.root.count('/')} folders deep, so CVAT does not find the dataset"
        yield Fault(contents.root, what, "pack the folder that holds labelmap.txt itself")
    if not contents.has_lists:
        what = "there is no list of images, so CVAT does not find the dataset"
        yield Fault(f"{LIST_DIR}/default.txt", what, "write the name of every image into it")
    elif not contents.lists.names():
        yield Fault(LIST_DIR, "the lists name no image", "write the name of every image into one")
    if not contents.has_labelmap:
        what = "is missing, so CVAT assumes Pascal VOC's 20 classes"
        yield Fault(FILE, what, "add it, a line per class: name:R,G,B::")
    if contents.classes and not contents.objects:
        what = "is missing, so CVAT makes one mask per class and one of the background"
        yield Fault(OBJECT_DIR, what, f"{EXPORT_AGAIN} with objects")


def _missing_images(contents: Contents) -> Iterator[Fault]:
    """Images that are not there although others are; masks alone are a dataset, too."""
    names = [name for name in contents.lists.names() if contents.knows(name)]
    missing = [name for name in names if name not in contents.images]
    if len(missing) < len(names):
        yield from (missing_image(f"{IMAGE_DIR}/{name}.*") for name in missing)


def _name_faults(contents: Contents) -> Iterator[Fault]:
    for name in contents.unlisted():
        file = contents.classes.get(name) or contents.objects[name]
        yield Fault(file, "stands in no list, so CVAT ignores it", f"add {name} to the list")
    seen: dict[str, str] = {}
    for subset, names in contents.lists.subsets.items():
        for name in names:
            file = f"{LIST_DIR}/{subset}.txt"
            if name in seen:
                what = f"{name} stands in {seen[name]} too"
                yield Fault(file, what, "keep it in one of them", severity="warning")
            seen.setdefault(name, f"{subset}.txt")
            if name not in contents.classes and name not in contents.objects:
                what = f"{name} has no mask, so CVAT leaves it without annotations"
                yield Fault(file, what, "add its mask or delete the line", severity="warning")
            if name.isdigit():
                what = f"{name} is a number: CVAT takes it as the frame of that number, where no "
                what += "frame is called so"
                yield Fault(file, what, "compare the names with the task's", severity="warning")
    for name, files in contents.images.items():
        if len(files) > 1:
            what = f"has the name of {files[1]} but for the extension, so CVAT mixes them up"
            yield Fault(files[0], what, f"rename one of the images {name}")
