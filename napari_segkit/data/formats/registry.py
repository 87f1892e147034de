"""Which formats there are: one line each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_segkit.data.archive import open_store
from napari_segkit.data.formats.coco import Coco
from napari_segkit.data.formats.cvat_mask import CvatMask
from napari_segkit.data.formats.cvat_xml import CvatXml
from napari_segkit.data.formats.indexed_png import IndexedPng
from napari_segkit.data.formats.labelme import Labelme
from napari_segkit.data.formats.tiff16 import Tiff16
from napari_segkit.data.formats.voc import Voc
from napari_segkit.data.formats.yolo_seg import YoloSeg
from napari_segkit.errors import DatasetError, InputError

if TYPE_CHECKING:
    from pathlib import Path

    from napari_segkit.data.formats.base import Format

_ALL: tuple[Format, ...] = (
    CvatMask(),
    CvatXml(),
    Coco(),
    Voc(),
    YoloSeg(),
    Labelme(),
    Tiff16(),
    IndexedPng(),
)
FORMATS: dict[str, Format] = {one.id: one for one in _ALL}
_ASKED_FIRST = ("voc",)  # its folders are those of CVAT's masks, and more


def get_format(format_id: str) -> Format:
    """The format of that id.

    Raises
    ------
    InputError
        For an unknown id.
    """
    if format_id not in FORMATS:
        raise InputError("unknown format", expected=", ".join(FORMATS), got=format_id)
    return FORMATS[format_id]


def recognise(path: Path) -> Format:
    """The format of a dataset that lies at ``path``.

    Raises
    ------
    DatasetError
        Where nothing is there, an archive is damaged, or no format knows it.
    """
    if not path.exists():
        raise DatasetError("no such file or folder", where=path)
    first = [FORMATS[key] for key in _ASKED_FIRST]
    for candidate in (*first, *FORMATS.values()):
        if candidate.recognises(path):
            return candidate
    if path.suffix.lower() == ".zip":
        open_store(path).close()  # says what is wrong with it
    raise DatasetError(
        "not a dataset",
        where=path,
        expected=" or ".join(f.title for f in FORMATS.values()),
        remedy="name the folder or archive that holds it",
    )
