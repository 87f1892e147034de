"""The pixels and the file of a sample's image, wherever it lies."""

from __future__ import annotations

import tempfile
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from napari_segkit.data.atomic import disk_errors
from napari_segkit.data.dataset import PackedImage
from napari_segkit.data.images import LoadedImage, find_images, read_image
from napari_segkit.errors import ImageError

if TYPE_CHECKING:
    from napari_segkit.data.dataset import Sample


def sample_pixels(sample: Sample) -> LoadedImage | None:
    """Pixels of a sample's image, or ``None`` where it has none.

    Raises
    ------
    ImageError
        Where it is missing or damaged.
    DatasetError
        Where the archive is.
    """
    image = sample.image
    if image is None:
        return None
    if isinstance(image, Path):
        return read_image(image)
    if isinstance(image, PackedImage):
        return _read_packed(image)
    return LoadedImage(image, ())


def _read_packed(image: PackedImage) -> LoadedImage:
    """Decode a packed image through a temporary file, as the decoders want one."""
    data = image.read()
    with tempfile.TemporaryDirectory(prefix="segkit-") as folder:
        path = Path(folder, f"image{PurePosixPath(image.name).suffix}")
        with disk_errors(path):
            path.write_bytes(data)
        try:
            return read_image(path)
        except ImageError as error:
            raise ImageError(
                error.what,
                where=image.name,
                expected=error.expected,
                got=error.got,
                remedy=error.remedy,
            ) from error


class ImageFinder:
    """Images of a folder by the names they have in a dataset, for datasets without images.

    Parameters
    ----------
    folder
        Searched with its sub-folders.

    Raises
    ------
    ImageError
        Where it does not exist or has no images.
    """

    def __init__(self, folder: Path) -> None:
        self._paths = {source.name: source.path for source in find_images([folder])}

    def find(self, name: str) -> Path | None:
        """The file of an image: by its path in the folder, or else by its last part alone."""
        return self._paths.get(name) or self._paths.get(PurePosixPath(name).name)
