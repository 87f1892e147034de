"""Classes in JSON files: names, colours, and which value of a mask is which class.

``classes.json``, beside masks that cannot say it themselves::

    {
      "classes": [{"name": "egg", "color": [255, 200, 0], "value": 128},
                  {"name": "pan", "color": [0, 0, 128], "value": 255}],
      "thresholds": [64, 192],
      "smallest": 0
    }

``value`` is asked for where masks hold values. ``thresholds`` only for lossy masks, one fewer than
there are values with the background's 0: a pixel above the k-th threshold has the k-th class.
Objects of fewer than ``smallest`` pixels are specks and dropped.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_segkit.data.formats.cvat_labelmap import voc_palette
from napari_segkit.data.formats.sources import LoneFile, read_json, understood
from napari_segkit.errors import DatasetError
from napari_segkit.types import ClassDef

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from napari_segkit.types import Color

FILE = "classes.json"
MOST_CLASSES = 10_000


@dataclass(frozen=True)
class ValueMap:
    """Which value of a mask is which class.

    Attributes
    ----------
    classes
        In order.
    values
        Value -> position in ``classes``; 0 is the background, every other value is a fault.
    thresholds
        For lossy masks: a pixel above the k-th has the class of the k-th smallest value.
    smallest
        Connected areas with fewer pixels are dropped.
    """

    classes: tuple[ClassDef, ...]
    values: Mapping[int, int] = field(default_factory=dict)
    thresholds: tuple[int, ...] = ()
    smallest: int = 0


RINGS = ValueMap((ClassDef("ring", (255, 200, 0)),), {255: 0}, (127,), 64)
"""Black and white JPEG masks: white above 127, specks under 64 pixels dropped."""
EGG_PAN = ValueMap(
    (ClassDef("egg", (255, 200, 0)), ClassDef("pan", (0, 0, 128))), {128: 0, 255: 1}, (64, 192)
)
"""0, 128, 255: quantised at 64 and 192."""
KNOWN = {"rings": RINGS, "egg-pan": EGG_PAN}


def color_or_next(value: Any, position: int) -> Color:
    """A colour that a file gives, or Pascal VOC's for the class at ``position`` from 0.

    Raises
    ------
    ValueError
        Where there is one that is no colour.
    """
    if value is None:
        red, green, blue = voc_palette()[1 + position % 255].tolist()
        return red, green, blue
    red, green, blue = value
    if not all(isinstance(part, int) and 0 <= part <= 255 for part in (red, green, blue)):
        raise ValueError("colour is not three whole numbers from 0 to 255")
    return red, green, blue


def class_list(rows: Iterable[Any]) -> tuple[ClassDef, ...]:
    """Classes of rows with ``name`` and perhaps ``color``.

    Raises
    ------
    ValueError, TypeError, KeyError
        For anything else.
    """
    classes = tuple(
        ClassDef(text(row["name"]), color_or_next(row.get("color"), position))
        for position, row in enumerate(rows)
    )
    if len(classes) > MOST_CLASSES:
        raise ValueError(f"{len(classes)} classes")
    names = [one.name for one in classes]
    if not classes or len(set(names)) < len(names):
        raise ValueError("no class" if not classes else "a class is there twice")
    return classes


def text(value: Any) -> str:
    """The value, where it is a text that is not empty.

    Raises
    ------
    ValueError
        Otherwise.
    """
    if not isinstance(value, str) or not value:
        raise ValueError(f"{value!r:.60} is no text")
    return value


def class_rows(
    classes: Iterable[ClassDef], values: Mapping[int, int] | None = None
) -> list[dict[str, Any]]:
    """Classes for a JSON file."""
    rows: list[dict[str, Any]] = [{"name": one.name, "color": list(one.color)} for one in classes]
    for value, position in (values or {}).items():
        rows[position]["value"] = value
    return rows


def sidecar_bytes(table: ValueMap) -> bytes:
    """Content of ``classes.json``."""
    content: dict[str, Any] = {"classes": class_rows(table.classes, table.values)}
    if table.thresholds:
        content["thresholds"] = list(table.thresholds)
    if table.smallest:
        content["smallest"] = table.smallest
    return json.dumps(content, ensure_ascii=False, indent=1).encode()


def value_map(content: Any, *, where: object) -> ValueMap:
    """Understand ``classes.json``.

    Raises
    ------
    DatasetError
        Where values or thresholds contradict each other.
    ValueError, TypeError, KeyError, AttributeError
        Where it is of another form.
    """
    rows = content["classes"]
    classes = class_list(rows)
    values = {_whole(row["value"]): position for position, row in enumerate(rows) if "value" in row}
    thresholds = tuple(_whole(value) for value in content.get("thresholds", ()))
    fault = None
    if 0 in values:
        fault = "value 0 is the background"
    elif len(values) < sum("value" in row for row in rows):
        fault = "two classes have one value"
    elif thresholds and len(thresholds) != len(values):
        fault = f"{len(thresholds)} thresholds for {len(values)} values and the background"
    elif list(thresholds) != sorted(set(thresholds)):
        fault = "thresholds do not ascend"
    if fault:
        raise DatasetError("classes contradict each other", where=where, got=fault)
    return ValueMap(classes, values, thresholds, _whole(content.get("smallest", 0)))


def values_of(classes: Iterable[ClassDef], chosen: Mapping[str, int]) -> dict[int, int]:
    """Value -> position of each class, as someone chose them by name.

    Raises
    ------
    DatasetError
        Where a class has no value, a name is none's, or two have one value.
    """
    names = [one.name for one in classes]
    if sorted(names) != sorted(chosen) or len(set(chosen.values())) < len(names):
        raise DatasetError(
            "mask values do not fit the classes",
            expected=f"a value of its own for each of: {', '.join(names)}",
            got=", ".join(f"{name}={value}" for name, value in chosen.items()),
        )
    return {chosen[name]: place for place, name in enumerate(names)}


def read_value_map(place: str) -> ValueMap:
    """A file such as ``classes.json``, or one that is known by name: ``rings``, ``egg-pan``.

    Raises
    ------
    DatasetError
        Where it cannot be read or understood.
    """
    if place in KNOWN:
        return KNOWN[place]
    path = Path(place)
    with understood(path, expected=f"classes with name, color and value, or {', '.join(KNOWN)}"):
        return value_map(read_json(LoneFile(path), path.name), where=path)


def _whole(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 1 << 31:
        raise ValueError(f"{value!r:.60} is no whole number from 0")
    return value
