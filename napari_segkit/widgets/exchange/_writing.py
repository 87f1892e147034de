"""One Labels layer as a file: what napari's File > Save does with the formats of ours."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import ValidationError

from napari_segkit.data.dataset import Sample, WriteOptions
from napari_segkit.data.formats.classes import color_or_next
from napari_segkit.data.mask_file import MOST_VALUES, save_mask
from napari_segkit.errors import MaskError
from napari_segkit.types import ClassDef, present_ids
from napari_segkit.widgets.masks._binding import MaskBinding
from napari_segkit.widgets.masks._features import COLUMNS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari_segkit.types import Segmentation

_OBJECT = ClassDef("object", (0, 160, 255))


def write_file(path: str, data: Any, meta: Mapping[str, Any]) -> list[str]:
    """Write a mask as ``.png`` (a value for each class) or ``.tif`` (ids of objects).

    Parameters
    ----------
    data, meta
        Of the layer, as napari gives them.

    Raises
    ------
    MaskError
        Where the layer is no flat mask, or the file cannot hold it.
    WriteError
        Where the disk refuses; the old file is intact.
    """
    target = Path(path)
    by_value = target.suffix.lower() == ".png"
    save_mask(target, segmentation_of(data, meta, ids_are_classes=by_value))
    return [path]


def write_zip(path: str, data: Any, meta: Mapping[str, Any]) -> list[str]:
    """Write a mask as a dataset of one image that CVAT imports; napari asks before replacing.

    Raises
    ------
    DatasetError, MaskError, WriteError
        As `write_file`, and for more than 255 objects.
    """
    from napari_segkit.jobs import drain, write_dataset

    found = segmentation_of(data, meta)
    binding = _binding(meta)
    name = str(meta.get("name", "mask"))
    if binding is not None:
        name = binding.sample or binding.image_name
    sample = Sample(name.replace("\\", "_") if "/" not in name else name.strip("/"), found)
    job = write_dataset(
        [sample], Path(path), classes=found.classes, options=WriteOptions(overwrite=True)
    )
    drain(job)
    return [path]


def segmentation_of(
    data: Any, meta: Mapping[str, Any], *, ids_are_classes: bool = False
) -> Segmentation:
    """The objects of a Labels layer.

    Parameters
    ----------
    ids_are_classes
        Take the ids of a layer that we know no classes of for classes.

    Raises
    ------
    MaskError
        Where the layer is not flat, or holds what cannot be ids.
    """
    from napari_segkit.ops.masks import as_label_array, segmentation_from_labels

    name = str(meta.get("name", "mask"))
    array = np.asarray(data[0] if isinstance(data, list | tuple) else data)
    if array.ndim != 2:
        raise MaskError(
            "only a flat mask can be saved so",
            where=name,
            expected="rows and columns",
            got="x".join(map(str, array.shape)),
            remedy="split the stack first (right click, Split Stack), or export it",
        )
    labels = as_label_array(array, where=name)
    ids = [int(key) for key in present_ids(labels)]
    binding = _binding(meta)
    if binding is not None and binding.classes:
        classes = binding.class_defs
        class_of, scores = _rows(meta, {one.name for one in classes})
    elif ids_are_classes and ids and ids[-1] <= MOST_VALUES:
        classes = tuple(
            ClassDef(f"value {key}", color_or_next(None, key - 1)) for key in range(1, ids[-1] + 1)
        )
        class_of, scores = {key: f"value {key}" for key in ids}, {}
    else:
        classes, class_of, scores = (_OBJECT,), {}, {}
    return segmentation_from_labels(
        labels,
        classes=classes,
        class_of={key: class_of.get(key, classes[0].name) for key in ids},
        scores={key: scores.get(key, 1.0) for key in ids},
    )


def _binding(meta: Mapping[str, Any]) -> MaskBinding | None:
    """What we know of the layer; the layer itself is not there to be compared."""
    values = meta.get("metadata", {}).get("napari_segkit")
    try:
        return None if values is None else MaskBinding.model_validate(values)
    except ValidationError:
        return None


def _rows(meta: Mapping[str, Any], known: set[str]) -> tuple[dict[int, str], dict[int, float]]:
    features = meta.get("features", {})
    if not set(COLUMNS) <= set(features):
        return {}, {}
    columns = (features["index"], features["class"], features["score"])
    lines = [(int(k), str(c), float(s)) for k, c, s in zip(*columns, strict=True)]
    return (
        {key: name for key, name, _ in lines if name in known},
        {key: min(max(score, 0.0), 1.0) for key, _, score in lines},
    )
