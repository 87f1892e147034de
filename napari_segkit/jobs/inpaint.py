"""Find dust in photos and fill it, or fill what a dataset marks; photos are never written over."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Protocol

from napari_segkit.data.formats.registry import recognise
from napari_segkit.data.images import read_image
from napari_segkit.errors import DatasetError, MaskError, ParamsError, SegkitError, WriteError
from napari_segkit.jobs.free_places import check_free
from napari_segkit.jobs.inpaint_pixels import read_stored, result_suffix, write_stored
from napari_segkit.jobs.predict import Failure, segment
from napari_segkit.types import Progress

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from napari_segkit.data.dataset import Dataset
    from napari_segkit.data.images import ImageSource
    from napari_segkit.models.base import ModelParams, Segmenter
    from napari_segkit.ops.inpaint import InpaintMethod
    from napari_segkit.types import Image, Job, Segmentation

_EXAMPLES = 5  # names that a note gives


@dataclass(frozen=True)
class FillOptions:
    """How marked pixels are filled.

    Attributes
    ----------
    radius : 1 to 100
        Pixels around a mark to fill from.
    grow
        Pixels by which each object is widened before it is filled.
    """

    method: InpaintMethod = "telea"
    radius: int = 5
    grow: int = 2


@dataclass(frozen=True)
class Filled:
    """A photo that was cleaned: where it lies, how many objects and pixels were filled."""

    name: str
    path: Path
    objects: int
    pixels: int
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class InpaintReport:
    """Photos that were cleaned, those that could not be, and what else to know."""

    filled: tuple[Filled, ...]
    failures: tuple[Failure, ...]
    notes: tuple[str, ...] = ()


class Marks(Protocol):
    """What says which pixels of a photo are filled."""

    def find(self, source: ImageSource, image: Image) -> Job[Segmentation]:
        """Objects of an image (H, W, 3) uint8 RGB."""
        ...


@dataclass(frozen=True)
class ModelMarks:
    """What a model finds."""

    model: Segmenter
    params: ModelParams

    def find(self, source: ImageSource, image: Image) -> Job[Segmentation]:
        """Run the model."""
        return (yield from segment(self.model, image, params=self.params))


@dataclass(frozen=True)
class DatasetMarks:
    """What a dataset holds, by photo."""

    dataset: Dataset
    names: Mapping[Path, str]

    def find(self, source: ImageSource, image: Image) -> Job[Segmentation]:
        """Read the mask."""
        yield Progress(0, None, source.name)
        held = self.dataset.read(self.names[source.path]).segmentation
        if held.labels.shape != image.shape[:2]:
            raise MaskError(
                "mask does not match its image",
                where=source.path,
                expected=image.shape[:2],
                got=held.labels.shape,
                remedy="take the photo that the mask was made on",
            )
        return held


def fill_masks(
    path: Path,
    sources: Sequence[ImageSource],
    target: Path,
    *,
    filling: FillOptions | None = None,
    overwrite: bool = False,
) -> Job[InpaintReport]:
    """Fill what the dataset at ``path`` marks, without a model; as `inpaint_files`.

    A photo has the mask of its path in the folder, or else the one of its file's name, where no
    other photo and no other mask is called so. Photos without a mask are left out, with a note.

    Raises
    ------
    DatasetError
        Where it is none, or no photo has a mask in it.
    """
    with recognise(path).open(path) as dataset:
        names = paired(sources, dataset.names)
        marked = [source for source in sources if source.path in names]
        if not marked:
            raise DatasetError(
                "no photo has a mask in the dataset",
                where=path,
                expected=f"names such as {sources[0].name}",
                got=", ".join(dataset.names[:3]) or "an empty dataset",
            )
        notes = (
            *_note("photos without a mask", [s.name for s in sources if s.path not in names]),
            *_note("masks without a photo", set(dataset.names) - set(names.values())),
        )
        marks = DatasetMarks(dataset, names)
        report = yield from inpaint_files(
            marks, marked, target, filling=filling, overwrite=overwrite
        )
    return replace(report, notes=notes)


def paired(sources: Sequence[ImageSource], names: Sequence[str]) -> dict[Path, str]:
    """Name in the dataset of each photo that has one there."""
    by_last = defaultdict(list)
    for name in names:
        by_last[PurePosixPath(name).name].append(name)
    whole, photos = set(names), Counter(PurePosixPath(source.name).name for source in sources)
    found = {}
    for source in sources:
        last = PurePosixPath(source.name).name
        if source.name in whole:
            found[source.path] = source.name
        elif len(by_last[last]) == photos[last] == 1:
            found[source.path] = by_last[last][0]
    return found


def _note(what: str, names: Iterable[str]) -> tuple[str, ...]:
    some = sorted(names)
    shown = ", ".join(some[:_EXAMPLES]) + (" …" if len(some) > _EXAMPLES else "")
    return (f"{what}: {shown} ({len(some)} in all)",) if some else ()


def inpaint_files(
    marks: Marks,
    sources: Sequence[ImageSource],
    target: Path,
    *,
    filling: FillOptions | None = None,
    overwrite: bool = False,
) -> Job[InpaintReport]:
    """Write a cleaned copy of every photo into a folder, of the same depth and channels.

    A TIFF becomes a TIFF, everything else a PNG. A photo that fails is reported and the others
    are done.

    Raises
    ------
    InputError
        Where a target exists already (without ``overwrite``) or is a photo itself.
    WriteError
        Where the disk refuses.
    """
    places = [target / f"{source.name}{result_suffix(source.path)}" for source in sources]
    check_free(places, [source.path for source in sources], overwrite=overwrite)
    filled, failures = [], []
    for number, (source, place) in enumerate(zip(sources, places, strict=True)):
        yield Progress(number, len(sources), source.name)
        try:
            filled.append((yield from _fill(marks, source, place, filling or FillOptions())))
        except (WriteError, ParamsError):
            raise
        except SegkitError as error:
            failures.append(Failure(source.path, error))
    return InpaintReport(tuple(filled), tuple(failures))


def _fill(marks: Marks, source: ImageSource, place: Path, filling: FillOptions) -> Job[Filled]:
    from napari_segkit.ops.inpaint import grown, inpaint

    image = read_image(source.path)
    found = yield from marks.find(source, image.pixels)
    stored = read_stored(source.path, image)
    mask = grown(found.labels > 0, filling.grow)
    clean = yield from inpaint(stored.pixels, mask, method=filling.method, radius=filling.radius)
    write_stored(place, replace(stored, pixels=clean))
    return Filled(source.name, place, len(found.instances), int(mask.sum()), stored.notes)
