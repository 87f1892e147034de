"""What the CVAT dock does outside of the GUI thread: masks compared with a task, then sent."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from napari_segkit.data.cvat_compare import MismatchError
from napari_segkit.widgets.exchange._export import Recipe, count_samples, samples

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_segkit.data.cvat_server import CvatServer, Mode
    from napari_segkit.jobs.cvat import Compared, PushReport
    from napari_segkit.types import Job
    from napari_segkit.widgets.exchange._export import MaskSource

T = TypeVar("T")


@dataclass(frozen=True)
class Errand:
    """What goes where.

    Attributes
    ----------
    source
        A dataset, or masks of layers with what becomes of their classes.
    direct
        Send shapes instead of a file: any number of objects.
    """

    source: Path | tuple[list[MaskSource], Recipe]
    connect: Callable[[], CvatServer]
    task: int
    mode: Mode
    instances: Literal["separate", "merge"]
    direct: bool


@dataclass(frozen=True)
class Mismatches:
    """Nothing was sent, and why."""

    sentences: tuple[str, ...]


def compared(errand: Errand) -> Job[Compared]:
    """Compare, and send nothing; raises as `jobs.cvat.compare`."""
    from napari_segkit.jobs.cvat import compare

    options: dict[str, Any] = {"instances": errand.instances, "direct": errand.direct}

    def on(path: Path) -> Job[Compared]:
        return compare(path, errand.connect(), errand.task, **options)

    return _with_dataset(errand, on)


def pushed(errand: Errand) -> Job[PushReport | Mismatches]:
    """Compare, then send where everything fits; raises as `jobs.cvat.push`."""
    from napari_segkit.jobs.cvat import push

    def on(path: Path) -> Job[PushReport]:
        return push(
            path,
            errand.connect(),
            errand.task,
            mode=errand.mode,
            instances=errand.instances,
            direct=errand.direct,
        )

    try:
        return (yield from _with_dataset(errand, on))
    except MismatchError as error:
        return Mismatches(error.mismatches)


def _with_dataset(errand: Errand, on: Callable[[Path], Job[T]]) -> Job[T]:
    """Do something with the dataset; masks of layers become one for as long as it takes."""
    if isinstance(errand.source, Path):
        return (yield from on(errand.source))
    from napari_segkit.jobs import write_dataset
    from napari_segkit.jobs.cvat_samples import scratch

    sources, recipe = errand.source
    with scratch() as folder:
        target = folder / "masks"
        yield from write_dataset(
            samples(sources, recipe),
            target,
            classes=recipe.class_defs,
            format_id="tiff16",  # holds any number of objects and classes
            total=count_samples(sources),
        )
        return (yield from on(target))


def connector(url: str, *, insecure: bool) -> Callable[[], CvatServer]:
    """Something that prepares a conversation with a server, in the thread that has it.

    Raises
    ------
    InputError
        At once where the address or the credentials cannot be used.
    """
    from napari_segkit.data.cvat_server import open_server

    open_server(url, insecure=insecure)
    return partial(open_server, url, insecure=insecure)
