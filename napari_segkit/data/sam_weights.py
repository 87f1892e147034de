"""SAM's official base models: where they are, what they must be; fetched only when asked for."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari_segkit.data.atomic import atomic_write, disk_errors
from napari_segkit.data.fetching import RemoteFile, fetch, file_sha256
from napari_segkit.errors import WeightsError
from napari_segkit.paths import user_data
from napari_segkit.types import Progress

if TYPE_CHECKING:
    from pathlib import Path

    from napari_segkit.types import Job

_SITE = "https://dl.fbaipublicfiles.com/segment_anything/"


@dataclass(frozen=True)
class SamBase:
    """An official base: id, title for people, `segment_anything`'s name of its form, its file."""

    id: str
    title: str
    form: str
    file: RemoteFile


def _base(letter: str, tail: str, sha256: str, size: int) -> SamBase:
    form = f"vit_{letter}"
    title = f"SAM ViT-{letter.upper()}, {size / 1e6:.0f} MB"
    return SamBase(form, title, form, RemoteFile(f"{_SITE}sam_{form}_{tail}.pth", sha256, size))


BASES = {
    base.id: base
    for base in (
        _base(
            "b",
            "01ec64",
            "ec2df62732614e57411cdcf32a23ffdf28910380d03139ee0f4fcbe91eb8c912",
            375_042_383,
        ),
        _base(
            "l",
            "0b3195",
            "3adcc4315b642a4d2101128f611684e8734c41232a17c648ed1693702a49a622",
            1_249_524_607,
        ),
        _base(
            "h",
            "4b8939",
            "a7bf3b02f3ebf1267aba913ff637d9a2d5c33d3173bb679e46d9f338c26f262e",
            2_564_550_879,
        ),
    )
}


def default_folder() -> Path:
    """Where bases go unless a person says otherwise: the user's own data folder."""
    return user_data() / "bases"


def get_base(name: str) -> SamBase:
    """One official base.

    Raises
    ------
    WeightsError
        For an unknown name.
    """
    if name not in BASES:
        raise WeightsError("unknown base model", expected=", ".join(BASES), got=name)
    return BASES[name]


def find_base(name: str, folder: Path | None = None) -> Path | None:
    """The file of an official base where it has been fetched, by name and size; else None."""
    file = get_base(name).file
    path = (folder or default_folder()) / file.name
    return path if path.is_file() and path.stat().st_size == file.size else None


def fetch_base(
    name: str, folder: Path | None = None, *, file: Path | None = None, url: str | None = None
) -> Job[Path]:
    """Download an official base, or copy it from a file; returns where it is.

    Parameters
    ----------
    folder
        `default_folder` by default.
    file
        A copy that the person has already; checked like a download.
    url
        A mirror of the official address.

    Raises
    ------
    WeightsError
        For an unknown name, or a file that is not the official one.
    ServerError, WriteError
        As of `fetching.fetch`.
    """
    base = get_base(name)
    place = folder or default_folder()
    if file is not None:
        return (yield from _take(base, file, place))
    remote = RemoteFile(url or base.file.url, base.file.sha256, base.file.size)
    return (yield from fetch(remote, place))


def _take(base: SamBase, file: Path, folder: Path) -> Job[Path]:
    if (yield from file_sha256(file)) != base.file.sha256:
        raise WeightsError(
            f"this is not the official file of {base.title}",
            where=file,
            expected=f"sha256 {base.file.sha256[:12]}…",
            remedy="for a fine-tuned SAM, name the file itself as the base",
        )
    target = folder / base.file.name
    yield Progress(0, 1, "copying")
    with disk_errors(target):
        folder.mkdir(parents=True, exist_ok=True)
    with file.open("rb") as source, atomic_write(target) as copy:
        shutil.copyfileobj(source, copy, 1 << 20)
    return target
