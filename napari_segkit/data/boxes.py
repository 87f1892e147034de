"""Box prompts from a file: our own JSON, COCO, or the ring project's ``annotations.json``."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from napari_segkit.data.images import SUFFIXES
from napari_segkit.errors import PromptError

if TYPE_CHECKING:
    from napari_segkit.types import Box

_EXPECTED = "{image name: [[x0, y0, x1, y1], …]}, COCO, or annotations.json of the ring project"


def read_boxes(path: Path) -> dict[str, list[Box]]:
    """Boxes of every image, XYXY in pixels, by image name without extension.

    Parameters
    ----------
    path
        JSON in one of three forms: ``{name: [[x0, y0, x1, y1], …]}``; COCO (``images`` and
        ``annotations`` with ``bbox`` = x y w h); ``{"train": {name: {"bbox": [x0, y0, x1, y1]}}}``.

    Raises
    ------
    PromptError
        Where the file is missing, not JSON, or in none of these forms.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise PromptError("boxes cannot be read", where=path, got=error.strerror) from error
    except (ValueError, RecursionError) as error:
        raise PromptError("not JSON", where=path, expected=_EXPECTED, got=str(error)) from error
    try:
        return _parse(content)
    except PromptError as error:
        raise PromptError(
            error.what, where=f"{path}: {error.where}", expected=error.expected, got=error.got
        ) from error
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        got = json.dumps(content, ensure_ascii=False)[:80]
        raise PromptError("not a file of boxes", where=path, expected=_EXPECTED, got=got) from error


def image_key(name: str) -> str:
    """A name without an image's extension, '/' between folders: what boxes are found by.

    Other dots belong to the name: ``ring.v2`` and ``ring.v2.jpg`` are ``ring.v2``.
    """
    path = PurePosixPath(name.replace("\\", "/"))
    return str(path.with_suffix("") if path.suffix.lower() in SUFFIXES else path)


def _parse(content: Any) -> dict[str, list[Box]]:
    if "images" in content and "annotations" in content:
        return _parse_coco(content)
    if {"train", "test"} & content.keys() and all(isinstance(v, dict) for v in content.values()):
        entries = {name: entry for part in content.values() for name, entry in part.items()}
        return {image_key(name): [_box(entry["bbox"], name)] for name, entry in entries.items()}
    return {
        image_key(name): [_box(box, name) for box in _list(boxes, name)]
        for name, boxes in content.items()
    }


def _parse_coco(content: Any) -> dict[str, list[Box]]:
    names = {image["id"]: image_key(image["file_name"]) for image in content["images"]}
    boxes: dict[str, list[Box]] = defaultdict(list)
    for annotation in content["annotations"]:
        name = names[annotation["image_id"]]
        x, y, width, height = _box(annotation["bbox"], name, "x, y, width and height")
        boxes[name].append((x, y, x + width, y + height))
    return dict(boxes)


def _list(boxes: Any, name: str) -> list[Any]:
    if not isinstance(boxes, list):
        expected, got = "a list of boxes, [[x0, y0, x1, y1], …]", f"{boxes!r:.60}"
        raise PromptError("boxes of an image are no list", where=name, expected=expected, got=got)
    return boxes


def _box(values: Any, name: str, expected: str = "x0, y0, x1 and y1") -> Box:
    """Four numbers of a box of the image ``name``."""
    try:
        x0, y0, x1, y1 = (float(value) for value in values)
    except (TypeError, ValueError) as error:
        raise PromptError(
            "a box is not four numbers", where=name, expected=expected, got=f"{values!r:.60}"
        ) from error
    return x0, y0, x1, y1
