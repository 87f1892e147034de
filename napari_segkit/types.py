"""The types that every part of the program exchanges: image, prompts, result, progress."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from napari_segkit.errors import ModelError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Image = NDArray[np.uint8]
    """(H, W, 3) uint8 RGB: what every model gets."""
    Labels = NDArray[np.int32]
    """(H, W) int32: 0 = background, instance ids from 1."""

T = TypeVar("T")
_BAND_PIXELS = 1 << 20
Color = tuple[int, int, int]
Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Progress:
    """A step of a job: ``done`` of ``total`` (``None`` = unknown), and what is being done."""

    done: int
    total: int | None = None
    message: str = ""


Job = Generator[Progress, None, T]
"""What runs: a generator that yields `Progress` and returns its result; ``close()`` cancels it."""


@dataclass(frozen=True)
class ClassDef:
    """A class that a model or a dataset knows: its name and its RGB colour, 0-255 each."""

    name: str
    color: Color


@dataclass(frozen=True)
class Instance:
    """One object: class name, score in [0, 1], box XYXY in pixels (x1, y1 exclusive)."""

    class_name: str
    score: float
    box: Box


@dataclass(frozen=True)
class Provenance:
    """What made a result, enough to make it again.

    Attributes
    ----------
    labels_sha256
        Of the labels as the model returned them (`napari_segkit.data.provenance.labels_sha256`);
        empty where that was not kept.
    """

    model: str
    params: Mapping[str, Any] = field(default_factory=dict)
    prompts: Mapping[str, Any] = field(default_factory=dict)
    weights_sha256: str | None = None
    version: str = ""
    labels_sha256: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "model": self.model,
            "params": dict(self.params),
            "prompts": dict(self.prompts),
            "weights_sha256": self.weights_sha256,
            "version": self.version,
            "labels_sha256": self.labels_sha256,
        }


@dataclass(frozen=True)
class Prompts:
    """What a person pointed at. Every coordinate is (x, y) in pixels of the image.

    Attributes
    ----------
    boxes : (N, 4) float32
        x0 y0 x1 y1.
    points : (M, 2) float32
        x y.
    point_labels : (M,) int32
        1 = belongs to the object, 0 = does not.
    mask : (H, W) int32 or None
        An existing mask to start from.
    text : str
        For zero-shot models.
    """

    boxes: NDArray[np.float32] = field(default_factory=lambda: np.zeros((0, 4), np.float32))
    points: NDArray[np.float32] = field(default_factory=lambda: np.zeros((0, 2), np.float32))
    point_labels: NDArray[np.int32] = field(default_factory=lambda: np.zeros(0, np.int32))
    mask: Labels | None = None
    text: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Plain values for provenance; empty prompts are left out, a mask is only named."""
        parts: dict[str, Any] = {}
        if len(self.boxes):
            parts["boxes"] = np.asarray(self.boxes, float).tolist()
        if len(self.points):
            parts["points"] = np.asarray(self.points, float).tolist()
            parts["point_labels"] = np.asarray(self.point_labels, int).tolist()
        if self.mask is not None:
            parts["mask"] = True
        if self.text:
            parts["text"] = self.text
        return parts


@dataclass(frozen=True)
class Segmentation:
    """A model's answer for one image, checked when it is made.

    Attributes
    ----------
    labels : (H, W) int32
        0 = background; every other value is a key of ``instances``.
    instances
        Instance id -> class, score, box; every id has at least one pixel.
    classes
        The classes in order.
    uncertainty : (H, W) float16 or None
        0 = certain, 1 = undecided.
    provenance
        What made it; ``None`` for masks read from a file.
    notes
        Sentences for the person: what was converted, clipped or skipped on the way.

    Raises
    ------
    ModelError
        Where the parts disagree, a number is not finite, or a shape or dtype is wrong.
    """

    labels: Labels
    instances: Mapping[int, Instance]
    classes: tuple[ClassDef, ...]
    uncertainty: NDArray[np.float16] | None = None
    provenance: Provenance | None = None
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _check_labels(self.labels)
        _check_instances(self.labels, self.instances, self.classes)
        _check_uncertainty(self.labels, self.uncertainty)


def _check_labels(labels: Labels) -> None:
    if not isinstance(labels, np.ndarray) or labels.ndim != 2 or labels.dtype != np.int32:
        got = f"{getattr(labels, 'shape', '')} {getattr(labels, 'dtype', type(labels))}"
        raise ModelError("result is not a label image", expected="(H, W) int32", got=got)
    if labels.size and labels.min() < 0:
        raise ModelError("label image has negative ids", expected=">= 0", got=int(labels.min()))


def _check_instances(
    labels: Labels, instances: Mapping[int, Instance], classes: tuple[ClassDef, ...]
) -> None:
    present = set(present_ids(labels).tolist())
    if present != set(instances):
        odd = sorted(present ^ set(instances))[:5]
        raise ModelError("label image and instance list disagree", got=f"ids {odd} in one of them")
    known = {c.name for c in classes}
    for key, instance in instances.items():
        if instance.class_name not in known:
            raise ModelError(
                f"instance {key} has an unknown class",
                expected=", ".join(sorted(known)),
                got=instance.class_name,
            )
        if not 0 <= instance.score <= 1:  # NaN fails too
            raise ModelError(f"score of instance {key}", expected="0 to 1", got=instance.score)
        if not np.isfinite(instance.box).all():
            raise ModelError(f"box of instance {key} is not finite", got=instance.box)


def _check_uncertainty(labels: Labels, uncertainty: NDArray[np.float16] | None) -> None:
    if uncertainty is None:
        return
    if uncertainty.shape != labels.shape:
        raise ModelError(
            "uncertainty has another size than the labels",
            expected=labels.shape,
            got=uncertainty.shape,
        )
    if not np.isfinite(uncertainty).all():
        raise ModelError("uncertainty has NaN or infinite values")


def present_ids(labels: Labels) -> NDArray[np.int64]:
    """Ids that have at least one pixel of ``labels`` (all >= 0), ascending, without 0.

    Looks at the first pixel of every run of equal pixels, band by band; `numpy.unique` sorts all
    pixels.
    """
    flat = labels.ravel()
    found = np.zeros(0, np.int64)
    for start in range(0, flat.size, _BAND_PIXELS):
        band = flat[start : start + _BAND_PIXELS]
        first = np.append(band[np.flatnonzero(band[1:] != band[:-1]) + 1], band[0])
        found = _union(found, first)
    return found[found > 0]


def _union(ids: NDArray[np.int64], more: NDArray[np.int32]) -> NDArray[np.int64]:
    """Values of both, ascending."""
    largest = int(more.max())
    if largest > max(_BAND_PIXELS, len(ids)):
        return np.union1d(ids, more)
    seen = np.zeros(largest + 1, bool)
    seen[more] = True
    return np.union1d(ids, np.flatnonzero(seen))
