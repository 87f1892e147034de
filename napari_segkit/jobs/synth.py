"""Write generated images and their truth as a dataset."""

from __future__ import annotations

import itertools
import os
import threading
from collections import deque
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from multiprocessing import get_context, parent_process
from typing import TYPE_CHECKING

import numpy as np

from napari_segkit.data.dataset import PackedImage, Sample, WriteOptions
from napari_segkit.data.formats.registry import get_format
from napari_segkit.errors import ParamsError, SegkitError
from napari_segkit.ops.masks import segmentation_from_labels
from napari_segkit.synth.registry import get_generator
from napari_segkit.types import Progress, Provenance

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from concurrent.futures import Future
    from pathlib import Path

    from napari_segkit.data.dataset import WriteReport
    from napari_segkit.synth.base import LabelledImage, SynthOptions
    from napari_segkit.types import Job

MOST_IMAGES = 1_000_000


def synthesise(
    kind: str,
    target: Path,
    *,
    count: int,
    seed: int = 0,
    options: SynthOptions | None = None,
    format_id: str | None = None,
    writing: WriteOptions | None = None,
    quality: int | None = None,
    processes: int = 1,
) -> Job[WriteReport]:
    """Make ``count`` images of a kind, named ``KIND_00000`` and so on.

    Image i has its own seed, drawn from ``seed`` and i: however many processes work and however
    many images are asked for, it stays the same.

    Parameters
    ----------
    kind
        A name of `napari_segkit.synth.registry.KINDS`.
    options
        Of the generator's own ``Options``.
    format_id
        By default the generator's.
    writing
        By default the images are written, too.
    quality
        Of JPEG files, 1 to 100; ``None`` writes PNG.

    Raises
    ------
    InputError
        Where kind, numbers, options or target cannot be used.
    WriteError
        Where the disk refuses.
    SegkitError
        Where the system ends a process that makes images.
    """
    generator = get_generator(kind)
    options = generator.Options() if options is None else options
    _check_numbers(count, seed, processes, quality)
    if not isinstance(options, generator.Options):
        raise ParamsError(f"options of another kind than {kind}", got=type(options).__qualname__)
    make = partial(_make, kind, options, seed, quality)
    form = get_format(format_id or generator.format_id)
    writing = writing or WriteOptions(include_images=True)
    made_by = Provenance(f"synth {kind}", {**options.model_dump(), "seed": seed})
    writer = form.open_writer(target, classes=generator.classes, options=writing)
    try:
        for number, (one, data) in enumerate(_in_order(make, count, processes)):
            yield Progress(number, count, kind)
            segmentation = segmentation_from_labels(
                one.labels, classes=generator.classes, class_of=one.class_of, provenance=made_by
            )
            name = f"{kind}_{number:05d}"
            image = one.image if data is None else PackedImage(f"{name}.jpg", partial(bytes, data))
            writer.add(Sample(name, segmentation, image))
        yield Progress(count, count, "finishing")
        return writer.commit()
    finally:
        writer.discard()  # after a commit there is nothing left to discard


def image_seed(seed: int, number: int) -> int:
    """Seed of image ``number`` of a dataset."""
    return int(np.random.SeedSequence([seed, number]).generate_state(1, np.uint64)[0])


def _check_numbers(count: int, seed: int, processes: int, quality: int | None) -> None:
    _check("number of images", count, 1, MOST_IMAGES)
    _check("seed", seed, 0, 2**63)
    _check("number of processes", processes, 1, 256)
    if quality is not None:
        _check("JPEG quality", quality, 1, 100)


def _check(what: str, value: int, low: int, high: int) -> None:
    if not low <= value <= high:
        raise ParamsError(f"{what} out of range", expected=f"{low} to {high}", got=value)


def _make(
    kind: str, options: SynthOptions, seed: int, quality: int | None, number: int
) -> tuple[LabelledImage, bytes | None]:
    """One image and its JPEG file, in whichever process."""
    one = get_generator(kind).generate(image_seed(seed, number), options)
    return one, None if quality is None else _jpeg(one, quality)


def _jpeg(one: LabelledImage, quality: int) -> bytes:
    import cv2

    settings = [cv2.IMWRITE_JPEG_QUALITY, quality]
    return cv2.imencode(".jpg", one.image[..., ::-1], settings)[1].tobytes()


def _begin_worker() -> None:
    import cv2

    cv2.setNumThreads(1)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """A killed parent tells its workers nothing: without this they would wait for ever."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _in_order(
    make: Callable[[int], tuple[LabelledImage, bytes | None]], count: int, processes: int
) -> Iterator[tuple[LabelledImage, bytes | None]]:
    """Images by number; at most four for each process are made ahead."""
    if processes == 1:
        yield from map(make, range(count))
        return
    pool = ProcessPoolExecutor(processes, get_context("spawn"), _begin_worker)
    try:
        numbers = iter(range(count))
        waiting: deque[Future[tuple[LabelledImage, bytes | None]]] = deque(
            pool.submit(make, number) for number in itertools.islice(numbers, 4 * processes)
        )
        while waiting:
            yield waiting.popleft().result()
            waiting.extend(pool.submit(make, number) for number in itertools.islice(numbers, 1))
    except BrokenProcessPool as error:
        raise SegkitError(
            "a process that made images ended before its time",
            remedy="where memory is short, take fewer processes (--jobs) or smaller images",
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)
