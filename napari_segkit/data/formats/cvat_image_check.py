"""Finds what is wrong with one image in CVAT's mask format: each file by itself, then together."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from napari_segkit.data.dataset import Fault
from napari_segkit.data.formats.cvat_labelmap import MOST_IDS
from napari_segkit.data.formats.cvat_objects import assemble
from napari_segkit.data.image_header import image_shape
from napari_segkit.errors import SegkitError

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_segkit.data.formats.cvat_contents import Contents
    from napari_segkit.data.formats.cvat_mask_reader import Masks
    from napari_segkit.data.formats.cvat_objects import Objects

T = TypeVar("T")
EXPORT_AGAIN = "export it again"


def as_fault(error: SegkitError, file: str) -> Fault:
    """What keeps a file from being read, as a fault of the dataset."""
    facts = [f"expected {error.expected}"] if error.expected else []
    facts += [f"got {error.got}"] if error.got else []
    what = f"{error.what}: {', '.join(facts)}" if facts else error.what
    return Fault(file, f"{what}; CVAT refuses it", error.remedy or EXPORT_AGAIN)


def check_image(contents: Contents, masks: Masks, name: str) -> tuple[int, list[Fault]]:
    """Number of objects of an image, and everything wrong with its files."""
    check = _Check(contents, masks, name)
    return check.run(), check.faults


class _Check:
    def __init__(self, contents: Contents, masks: Masks, name: str) -> None:
        self._contents, self._masks, self._name = contents, masks, name
        self._class_file = contents.classes.get(name)
        self._object_file = contents.objects.get(name)
        self._shapes: dict[str, tuple[int, ...]] = {}
        self.faults: list[Fault] = []

    def run(self) -> int:
        classes = self._tried(self._class_file, lambda _: self._masks.classes(self._name))
        objects = self._tried(self._object_file, lambda _: self._masks.objects(self._name))
        if classes and self._class_file:
            self._shapes[self._class_file] = classes[0].shape
            if classes[1].mode == "LA":
                what = "is gray with alpha, which CVAT refuses"
                self._fault(self._class_file, what, "save it as RGB")
        if objects and self._object_file:
            self._shapes[self._object_file] = objects[0].shape
            if (most := int(objects[0].values.max())) > MOST_IDS:
                what = f"has object ids up to {most}; CVAT takes them modulo 256"
                self._fault(self._object_file, what, "keep to 255 objects, or use COCO or CVAT XML")
        self._check_presence()
        self._check_sizes()
        if classes is None or (objects and objects[0].shape != classes[0].shape):
            return 0
        joined = assemble(classes[0], objects[0] if objects else None)
        self._check_objects(joined)
        return len(joined.class_of)

    def _tried(self, file: str | None, read: Callable[[str], T]) -> T | None:
        if file is None:
            return None
        try:
            return read(file)
        except SegkitError as error:
            self.faults.append(as_fault(error, file))
            return None

    def _fault(self, file: str, what: str, remedy: str) -> None:
        self.faults.append(Fault(file, what, remedy))

    def _check_presence(self) -> None:
        if self._object_file and not self._class_file:
            what = "has no class mask, so CVAT cannot tell what its objects are"
            self._fault(self._object_file, what, EXPORT_AGAIN)
        if self._class_file and not self._object_file and self._contents.objects:
            what = "has no object mask, so CVAT makes one mask per class and one of the background"
            self._fault(self._class_file, what, EXPORT_AGAIN)

    def _check_sizes(self) -> None:
        for file in self._contents.images.get(self._name, ()):
            shape = self._tried(file, lambda f: image_shape(self._contents.store, f))
            if shape:
                self._shapes[file] = shape
        if len(set(self._shapes.values())) > 1:
            sizes = ", ".join(f"{f} {w}x{h}" for f, (h, w) in self._shapes.items())
            what = f"sizes differ: {sizes}; CVAT refuses or misplaces the mask"
            self._fault(next(iter(self._shapes)), what, f"{EXPORT_AGAIN}; nothing is resized")

    def _check_objects(self, joined: Objects) -> None:
        if self._object_file is None:
            return
        if joined.lost:
            what = (
                f"{joined.lost} pixels of objects lie on background, so CVAT makes a mask of the "
            )
            what += "background"
            self._fault(self._object_file, what, "clear them in the object mask")
        if joined.loose:
            what = f"{joined.loose} pixels of classes have no object, so CVAT drops them silently"
            self._fault(self._object_file, what, "give them an object id")
        if joined.split:
            ids = ", ".join(map(str, joined.split[:5]))
            what = f"objects lie on several classes, so CVAT gives all of them the last: {ids}"
            self._fault(self._object_file, what, "give each class's part its own id")
