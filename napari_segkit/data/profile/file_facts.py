"""What is odd about an image file: EXIF, colour profile, frames."""

from __future__ import annotations

import io
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_segkit.data.dataset import PackedImage
from napari_segkit.data.pillow import open_image

if TYPE_CHECKING:
    from PIL import Image as PilImage

    from napari_segkit.types import Image

_ORIENTATION, _EXIF, _GPS = 274, 0x8769, 0x8825
_WIDTH, _HEIGHT = 0xA002, 0xA003
_TURNS = {
    2: "mirrored",
    3: "turned by 180°",
    4: "mirrored and turned by 180°",
    5: "mirrored and turned by 90°",
    6: "turned by 90°",
    7: "mirrored and turned by 90°",
    8: "turned by 90°",
}


def file_surprises(image: Path | PackedImage | Image | None) -> tuple[str, ...]:
    """Sentences about an image file; nothing for pixels, or where Pillow cannot open it.

    Whether the file can be read at all is for `sample_pixels` to say.
    """
    if not isinstance(image, (Path, PackedImage)):
        return ()
    source = io.BytesIO(image.read()) if isinstance(image, PackedImage) else image
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of sizes and odd tags: nothing is decoded
            with open_image(source) as opened:
                return tuple(_surprises(opened))
    except Exception:  # noqa: BLE001  decoders raise anything
        return ()


def _surprises(image: PilImage.Image) -> list[str]:
    exif = image.getexif()
    found = []
    turn = _TURNS.get(_number(exif.get(_ORIENTATION)))
    if turn:
        found.append(
            f"EXIF says that the picture is shown {turn}: a mask drawn on the stored pixels lies "
            "elsewhere in programs that heed it"
        )
    inside = exif.get_ifd(_EXIF)
    told = _number(inside.get(_WIDTH)), _number(inside.get(_HEIGHT))
    if all(told) and sorted(told) != sorted(image.size):
        width, height = image.size
        found.append(
            f"EXIF tells of {told[0]}x{told[1]} pixels, there are {width}x{height}: it was resized "
            "or cropped after it was taken"
        )
    if exif.get_ifd(_GPS):
        found.append("EXIF tells where it was taken: remove that before the dataset is shared")
    profile = image.info.get("icc_profile") or b""
    if profile and b"sRGB" not in profile and b"s\0R\0G\0B" not in profile:
        found.append("its colour profile is not sRGB: programs that ignore it see other colours")
    if image.mode not in ("RGB", "L", "RGBA", "P", "1"):
        found.append(f"its pixels are {image.mode}, not 8-bit RGB or gray")
    if getattr(image, "n_frames", 1) > 1:
        found.append("it has several frames, of which the first counts")
    return found


def _number(value: Any) -> int:
    return value if isinstance(value, int) else 0
