"""Run a model: on one image, or on files into a dataset."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from napari_segkit.data.boxes import image_key
from napari_segkit.data.dataset import Sample, WriteOptions
from napari_segkit.data.formats.registry import get_format
from napari_segkit.data.images import read_image
from napari_segkit.data.overlays import check_overlays, overlay_path, save_overlay
from napari_segkit.data.provenance import ProvenanceWriter, labels_sha256
from napari_segkit.errors import (
    InputError,
    MaskError,
    ModelError,
    PromptError,
    SegkitError,
    WriteError,
)
from napari_segkit.types import Progress, Prompts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from napari_segkit.data.dataset import DatasetWriter, WriteReport
    from napari_segkit.data.images import ImageSource
    from napari_segkit.models.base import ModelParams, Segmenter
    from napari_segkit.types import Box, Image, Job, Segmentation

_EXAMPLES = 5  # names that a note gives
logger = logging.getLogger(__name__)


def segment(
    model: Segmenter, image: Image, *, params: ModelParams, prompts: Prompts | None = None
) -> Job[Segmentation]:
    """Run one model on one image, with everything checked before and after.

    Parameters
    ----------
    model
        Loaded.
    image : (H, W, 3) uint8 RGB
    params
        Of the model's own ``Params``.
    prompts
        Clipped to the image here; what was clipped or skipped is told in the result's notes.

    Raises
    ------
    InputError
        Where image, prompts or parameters cannot be used.
    ModelError
        Where the result is not a `Segmentation` of the image's size.
    """
    # Here, not at the top: opening a dock must not load cv2.
    from napari_segkit.ops.prompts import clean_prompts

    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or 0 in image.shape:
        got = f"{image.shape} {image.dtype}"
        raise InputError("not a model's image", expected="(H, W, 3) uint8", got=got)
    if not isinstance(params, model.Params):
        raise InputError(
            f"parameters of another model than {model.id}", got=type(params).__qualname__
        )
    cleaned, notes = clean_prompts(prompts or Prompts(), image.shape[:2])
    _check_kinds(model, cleaned)
    if model.needs_prompts and not cleaned.as_dict():
        raise InputError(
            f"{model.title} needs a prompt",
            expected=" or ".join(sorted(kind.value for kind in model.prompts)),
            got="none",
        )
    try:
        result = yield from model.predict(image, cleaned, params)
    except MaskError as error:  # of its own labels: not the person's fault
        raise ModelError(f"model {model.id} returned a bad mask", got=error) from error
    if result.labels.shape != image.shape[:2]:
        raise ModelError(
            f"model {model.id} returned another size than the image's",
            expected=image.shape[:2],
            got=result.labels.shape,
        )
    made = result.provenance
    if made is not None:
        made = replace(made, labels_sha256=labels_sha256(result.labels))
    return replace(result, notes=(*notes, *result.notes), provenance=made)


def _check_kinds(model: Segmenter, prompts: Prompts) -> None:
    known = {kind.value for kind in model.prompts}
    unknown = prompts.as_dict().keys() - known - {"point_labels"}
    if unknown:
        raise PromptError(
            f"{model.title} cannot be told {' or '.join(sorted(unknown))}",
            expected=", ".join(sorted(known)) or "no prompts",
            remedy="leave them out, or choose another model",
        )


@dataclass(frozen=True)
class ImageResult:
    """What was found in one image.

    Attributes
    ----------
    areas
        Pixels of each instance, in the order of their ids.
    seconds
        Time of the model alone, without reading and writing.
    """

    name: str
    path: Path
    areas: tuple[int, ...]
    class_names: tuple[str, ...]
    seconds: float
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Failure:
    """An image that could not be done, and why."""

    path: Path
    error: SegkitError


@dataclass(frozen=True)
class PredictReport:
    """Result of `predict_files`; ``written`` is ``None`` where every image failed."""

    results: tuple[ImageResult, ...]
    failures: tuple[Failure, ...]
    written: WriteReport | None
    notes: tuple[str, ...] = ()


def predict_files(
    model: Segmenter,
    sources: Sequence[ImageSource],
    target: Path,
    *,
    params: ModelParams,
    boxes: Mapping[str, Sequence[Box]] | None = None,
    format_id: str = "cvat-mask",
    options: WriteOptions | None = None,
    overlays: Path | None = None,
) -> Job[PredictReport]:
    """Segment files one by one and write a dataset; one image is in memory at a time.

    An image that fails is reported and the others are done; a disk that refuses ends the job.

    Parameters
    ----------
    boxes
        Box prompts by image name (`napari_segkit.data.boxes.read_boxes`).
    overlays
        Folder for a picture of each result; a photo there is never replaced, another file only
        where ``options`` say so.

    Raises
    ------
    InputError
        Where the target, the folder for pictures or the options cannot be used.
    WriteError
        Where the disk refuses.
    """
    prompts, notes = _match_boxes(sources, boxes)
    options = options or WriteOptions()
    if overlays is not None:
        check_overlays(overlays, sources, target, overwrite=options.overwrite)
    results: list[ImageResult] = []
    failures: list[Failure] = []
    inner = get_format(format_id).open_writer(target, classes=model.classes, options=options)
    writer = ProvenanceWriter(inner, target)
    predict_file = partial(_predict_file, model, params=params, writer=writer, overlays=overlays)
    try:
        for number, source in enumerate(sources):
            at = Progress(number, len(sources), source.name)
            yield at
            try:
                mine = prompts.get(source.path, Prompts())
                done = yield from predict_file(source, prompts=mine, at=at)
            except WriteError:
                raise
            except SegkitError as error:
                failures.append(Failure(source.path, error))
            except (OSError, MemoryError) as error:
                failures.append(Failure(source.path, _refused_by_system(error)))
            except Exception as error:
                logger.exception("a bug in model %s on %s", model.id, source.path)
                failures.append(Failure(source.path, _bug(model, error)))
            else:
                results.append(done)
        written = writer.commit() if results else None
    finally:
        writer.discard()  # after a commit there is nothing left to discard
    return PredictReport(tuple(results), tuple(failures), written, notes)


def _bug(model: Segmenter, error: Exception) -> ModelError:
    return ModelError(f"model {model.id} failed", got=repr(error), remedy="report it")


def _refused_by_system(error: OSError | MemoryError) -> SegkitError:
    if isinstance(error, MemoryError):
        remedy = "close other programs, or cut the image into tiles"
        return SegkitError("there is not enough memory for this image", remedy=remedy)
    return SegkitError(
        "the system refused", where=error.filename, got=error.strerror or error, remedy="try again"
    )


def _match_boxes(
    sources: Sequence[ImageSource], boxes: Mapping[str, Sequence[Box]] | None
) -> tuple[dict[Path, Prompts], tuple[str, ...]]:
    """Prompts by image, and what belongs to none.

    A name may be the path inside the folder that was given, or the file's.
    """
    if boxes is None:
        return {}, ()
    found = {}
    left = {name for name, rows in boxes.items() if rows}
    for source in sources:
        for name in (source.name, image_key(source.path.name)):
            if boxes.get(name):
                found[source.path] = Prompts(boxes=np.array(boxes[name], np.float32))
                left.discard(name)
                break
    if not found:
        raise PromptError(
            "no image has boxes",
            expected=f"names such as {sources[0].name}",
            got=", ".join(list(boxes)[:3]) or "an empty file",
        )
    shown = ", ".join(sorted(left)[:_EXAMPLES]) + (" …" if len(left) > _EXAMPLES else "")
    return found, (
        f"boxes of images that are not here: {shown} ({len(left)} in all)",
    ) if left else ()


def _predict_file(
    model: Segmenter,
    source: ImageSource,
    *,
    params: ModelParams,
    prompts: Prompts,
    at: Progress,
    writer: DatasetWriter,
    overlays: Path | None,
) -> Job[ImageResult]:
    """Read, segment and write one image as step ``at`` of a larger job."""
    image = read_image(source.path)
    start = time.perf_counter()
    inner = segment(model, image.pixels, params=params, prompts=prompts)
    while True:
        try:
            step = next(inner)
        except StopIteration as stop:
            result: Segmentation = stop.value
            break
        yield replace(at, message=f"{at.message}: {step.message}" if step.message else at.message)
    seconds = time.perf_counter() - start
    writer.add(Sample(source.name, result, source.path))
    if overlays is not None:
        save_overlay(overlay_path(overlays, source), image.pixels, result)
    return _image_result(source, result, seconds, image.notes)


def _image_result(
    source: ImageSource, result: Segmentation, seconds: float, notes: tuple[str, ...]
) -> ImageResult:
    counts = np.bincount(result.labels.ravel())
    keys = sorted(result.instances)
    return ImageResult(
        name=source.name,
        path=source.path,
        areas=tuple(int(counts[key]) for key in keys),
        class_names=tuple(result.instances[key].class_name for key in keys),
        seconds=seconds,
        notes=(*notes, *result.notes),
    )
