"""Make predictions again from their provenance, and say whether they are identical."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_segkit import __version__
from napari_segkit.data.images import read_image
from napari_segkit.data.provenance import file_sha256, labels_sha256, read_provenance
from napari_segkit.errors import InputError, SegkitError
from napari_segkit.jobs.predict import segment
from napari_segkit.models.base import checked
from napari_segkit.models.registry import get_model
from napari_segkit.types import Progress, Prompts

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from napari_segkit.data.provenance import ImageProvenance
    from napari_segkit.data.store.record import Run
    from napari_segkit.models.base import Segmenter
    from napari_segkit.types import Job


@dataclass(frozen=True)
class Replay:
    """One prediction made again.

    Attributes
    ----------
    name, model
        Image and model.
    identical
        Whether every pixel is the same; ``None`` where it could not be made again.
    why
        What differs, or why it could not; empty where all is the same.
    """

    name: str
    model: str
    identical: bool | None
    why: str = ""


@dataclass(frozen=True)
class ReplayReport:
    """All predictions of a provenance file."""

    replays: tuple[Replay, ...]

    @property
    def identical(self) -> bool:
        """Whether all were made again and are the same."""
        return all(one.identical for one in self.replays)


def replay(path: Path, *, weights: Path | None = None, device: str = "auto") -> Job[ReplayReport]:
    """Make every prediction of a provenance file again.

    Parameters
    ----------
    path
        ``NAME.provenance.json`` beside an export; images are looked for from its folder.
    weights
        Instead of the model's own.

    Raises
    ------
    InputError
        Where the file is none, or tells of no model.
    """
    wanted = [(image, run) for image in read_provenance(path).images for run in image.runs]
    if not wanted:
        raise InputError("no prediction is told in it", where=path)
    models: dict[str, Segmenter] = {}
    done = []
    for number, (image, run) in enumerate(wanted):
        yield Progress(number, len(wanted), image.name)
        try:
            if run.model not in models:
                model = get_model(run.model)()
                model.load(weights, device=device)
                models[run.model] = model
            why = yield from _difference(path.parent, image, run, models[run.model])
        except SegkitError as error:
            done.append(Replay(image.name, run.model, None, str(error)))
        else:
            done.append(Replay(image.name, run.model, not why, why))
    return ReplayReport(tuple(done))


def _difference(folder: Path, image: ImageProvenance, run: Run, model: Segmenter) -> Job[str]:
    """What differs; empty where nothing does."""
    if not run.labels_sha256:
        raise InputError("what the run returned was not kept, only what was accepted of it")
    file = folder / image.file
    try:
        found = file_sha256(file)
    except OSError as error:
        raise InputError("image cannot be read", where=file, got=error.strerror) from error
    if found != image.sha256:
        raise InputError("image is another one than then", where=file)
    result = yield from segment(
        model,
        read_image(file).pixels,
        params=checked(model.Params, run.params, where=run.model),
        prompts=prompts_of(run.prompts),
    )
    if labels_sha256(result.labels) == run.labels_sha256:
        return ""
    now = None if result.provenance is None else result.provenance.weights_sha256
    if now != run.weights_sha256:
        return f"other weights: {_short(run.weights_sha256)} then, {_short(now)} now"
    if run.version != __version__:
        return f"other pixels; version {run.version} then, {__version__} now"
    return "other pixels with the same model, parameters and version"


def _short(sha256: str | None) -> str:
    return "none" if sha256 is None else sha256[:12]


def prompts_of(told: Mapping[str, Any]) -> Prompts:
    """Prompts again from `Prompts.as_dict`.

    Raises
    ------
    InputError
        For a mask, of which only is told that there was one, and for what is no prompt.
    """
    if told.get("mask"):
        raise InputError("the run began with a mask, which is not kept")
    try:
        return Prompts(
            boxes=np.array(told.get("boxes", []), np.float32).reshape(-1, 4),
            points=np.array(told.get("points", []), np.float32).reshape(-1, 2),
            point_labels=np.array(told.get("point_labels", []), np.int32).reshape(-1),
            text=str(told.get("text", "")),
        )
    except (ValueError, TypeError) as error:
        raise InputError("prompts cannot be read", got=str(error)) from error
