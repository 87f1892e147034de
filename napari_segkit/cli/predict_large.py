"""``segkit predict`` on one image that is read band by band."""

from __future__ import annotations

import contextlib
import shlex
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

from rich.markup import escape

from napari_segkit.cli.report import out, print_json
from napari_segkit.cli.run import run
from napari_segkit.data.large import is_large
from napari_segkit.errors import ImageError, InputError
from napari_segkit.jobs.predict_large import predict_large

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import typer

    from napari_segkit.jobs import Failure, PredictReport
    from napari_segkit.models.base import ModelParams, Segmenter

_BY_BANDS = "dust"
_OF_DATASETS = {
    "format_id",
    "boxes",
    "subset",
    "with_images",
    "instances",
    "mask_values",
    "overlays",
}


def given(context: typer.Context, names: set[str]) -> list[str]:
    """Which of these options were typed, whatever their values; as typed, ``--format``."""
    return [
        option.opts[0]
        for option in context.command.params
        if option.name in names
        and (source := context.get_parameter_source(option.name)) is not None
        and source.name == "COMMANDLINE"
    ]


def is_by_bands(model: type[Segmenter], images: Sequence[Path], context: typer.Context) -> bool:
    """Whether what was given is one image that is read band by band.

    Raises
    ------
    InputError
        Where it is, and the model needs the whole image or an option is for datasets; where a zarr
        is among others.
    """
    if len(images) > 1:
        for place in images:
            if place.suffix == ".zarr" and place.is_dir():
                raise InputError(
                    "a zarr is not done among others", where=place, remedy=_alone(place)
                )
        return False
    if not is_large(images[0]):
        return False
    if model.id != _BY_BANDS:
        raise _needs_all(model, images[0])
    if unused := given(context, _OF_DATASETS):
        raise InputError(
            "an image of this size is read band by band and becomes a TIFF and a list",
            where=images[0],
            got=", ".join(unused),
            remedy="leave that out",
        )
    return True


def predict_one_large(
    model: Segmenter,
    image: Path,
    target: Path,
    params: ModelParams,
    *,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Segment an image that is read band by band; write a TIFF of ids and a list.

    Raises
    ------
    InputError
        Where the model needs the whole image.
    """
    from napari_segkit.models.dust import Dust, DustParams

    if not isinstance(model, Dust) or not isinstance(params, DustParams):
        raise _needs_all(type(model), image)
    done = run(predict_large(model, image, target, params=params, overwrite=overwrite), as_json)
    if as_json:
        told_of = asdict(done) | {"mask": str(done.mask), "table": str(done.table)}
        print_json(told_of)
    else:
        out.print(escape(f"{done.objects} objects: {done.mask}, {done.table}"))
        for note in done.notes:
            out.print(escape(note))


def _needs_all(model: type[Segmenter], image: Path) -> InputError:
    return InputError(
        f"{model.title} needs the whole image in memory",
        where=image,
        remedy="scale the image down, or raise the limit of pixels",
    )


def with_remedies(report: PredictReport, model: type[Segmenter]) -> PredictReport:
    """A report that says of images too large to be done among others how they are done."""
    if model.id != _BY_BANDS:
        return report
    return replace(report, failures=tuple(map(_with_remedy, report.failures)))


def _with_remedy(failure: Failure) -> Failure:
    error = failure.error
    with contextlib.suppress(ImageError):
        if isinstance(error, ImageError) and is_large(failure.path):
            told = ImageError(
                error.what,
                where=error.where,
                expected=error.expected,
                got=error.got,
                remedy=_alone(failure.path),
            )
            return replace(failure, error=told)
    return failure


def _alone(image: Path) -> str:
    call = f"segkit predict {_BY_BANDS} {shlex.quote(str(image))} --out FOLDER"
    return f"by itself it is read band by band: {call}"
