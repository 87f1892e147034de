"""Dust in images of any size, from disk to disk: only a band of the image is in memory.

First pass: network, probabilities, provisional ids into a temporary file. Second pass: final ids
into a TIFF, and a list of the objects as CSV.
"""

from __future__ import annotations

import csv
import io
import os
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import tifffile

from napari_segkit.data.atomic import atomic_write, disk_errors
from napari_segkit.data.large import open_large
from napari_segkit.errors import InputError, ParamsError
from napari_segkit.jobs.free_places import check_free
from napari_segkit.types import Progress

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import BinaryIO

    from numpy.typing import NDArray

    from napari_segkit.models.dust import Dust, DustParams
    from napari_segkit.ops.objects import FoundObject
    from napari_segkit.types import Job

_TILE = 256
_BAND = 512


@dataclass(frozen=True)
class LargeResult:
    """Where mask and list lie, how many objects there are, and what a person should know."""

    mask: Path
    table: Path
    shape: tuple[int, int]
    objects: int
    notes: tuple[str, ...] = ()


def predict_large(
    model: Dust, path: Path, out: Path, *, params: DustParams, overwrite: bool = False
) -> Job[LargeResult]:
    """Write ``NAME.tif`` (ids, 32 bits) and ``NAME.csv`` (id, area, score, box) into a folder.

    Raises
    ------
    InputError
        Where a result would replace the image, or (without ``overwrite``) another file.
    ParamsError
        For another method than ``default`` or another scale than 1.
    ImageError
        Where the image cannot be read by bands.
    WriteError
        Where the disk refuses.
    """
    from napari_segkit.models.tiled import Tiling, run_tiles
    from napari_segkit.ops.objects import Labeller

    if params.method != "default" or params.scale != 1:
        got = f"method {params.method}, scale {params.scale:g}"
        raise ParamsError(
            "images of this size are read band by band", expected="method default, scale 1", got=got
        )
    mask, listing = _places(path, out, overwrite=overwrite)
    source = open_large(path)
    judge = model.judge(params)
    labeller = Labeller(model.reach(params), certain=model.threshold(params))
    with disk_errors(out):
        out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=out) as ids:

        def take(_top: int, band: NDArray[np.uint8]) -> None:
            with disk_errors(out):
                ids.write(labeller.add(band).tobytes())

        tiling = Tiling(params.tile, params.overlap, params.flips)
        if judge is None:
            yield from run_tiles(model.backend, source, tiling, take)
        else:
            with _on_disk(out, source.shape) as chances, _on_disk(out, source.shape) as scores:

                def keep(top: int, band: NDArray[np.uint8]) -> None:
                    chances[top : top + len(band)] = band

                yield from run_tiles(model.backend, source, tiling, keep)
                yield from judge.judge(source, chances, scores)
                for top in range(0, len(scores), _BAND):
                    take(top, scores[top : top + _BAND])
        yield Progress(0, 1, "writing")
        table, objects = labeller.finish(min_area=params.min_area)
        _write_mask(mask, ids, source.shape, table)
    _write_table(listing, objects)
    notes = model.backend.notes + (judge.backend.notes if judge is not None else ())
    once = tuple(dict.fromkeys(notes))
    return LargeResult(mask, listing, source.shape, len(objects), once)


def _places(path: Path, out: Path, *, overwrite: bool) -> tuple[Path, Path]:
    """Where mask and list go."""
    if out.suffix.lower() == ".zip" or (out.exists() and not out.is_dir()):
        raise InputError(
            "an image of this size becomes a TIFF and a list", where=out, expected="a folder"
        )
    mask, listing = out / f"{path.stem}.tif", out / f"{path.stem}.csv"
    check_free((mask, listing), [path], overwrite=overwrite)
    return mask, listing


@contextmanager
def _on_disk(folder: Path, shape: tuple[int, int]) -> Iterator[NDArray[np.uint8]]:
    """An array of zeros in a file that nobody sees and that goes away."""
    with tempfile.TemporaryFile(dir=folder) as file:
        if hasattr(os, "posix_fallocate"):  # a full disk found later would end the program
            with disk_errors(folder):
                os.posix_fallocate(file.fileno(), 0, shape[0] * shape[1])
        yield np.memmap(file, np.uint8, "w+", shape=shape)


def _write_mask(
    path: Path, ids: BinaryIO, shape: tuple[int, int], table: NDArray[np.int32]
) -> None:
    ids.seek(0)

    def tiles() -> Iterator[NDArray[np.int32]]:
        for top in range(0, shape[0], _TILE):
            rows = min(_TILE, shape[0] - top)
            data = np.frombuffer(ids.read(4 * rows * shape[1]), np.int32)
            band = table[data].reshape(rows, shape[1])
            for left in range(0, shape[1], _TILE):
                part = band[:, left : left + _TILE]
                yield np.pad(part, ((0, _TILE - rows), (0, _TILE - part.shape[1])))

    with atomic_write(path) as file:
        tifffile.imwrite(
            file,
            tiles(),
            shape=shape,
            dtype=np.int32,
            tile=(_TILE, _TILE),
            compression="zlib",
            bigtiff=True,
            metadata=None,
        )


def _write_table(path: Path, objects: list[FoundObject]) -> None:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(("id", "area", "score", "x0", "y0", "x1", "y1"))
    writer.writerows((one.id, one.area, f"{one.score:.3f}", *map(int, one.box)) for one in objects)
    with atomic_write(path) as file:
        file.write(text.getvalue().encode())
