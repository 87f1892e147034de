"""What a file is before it is opened as weights: kinds by their first bytes, headers by hand.

safetensors' own reader lets double names pass, and a header may be as large as the file; both are
refused here (https://github.com/huggingface/safetensors#format).
"""

from __future__ import annotations

import json
import struct
from typing import TYPE_CHECKING, Any

from napari_segkit.errors import WeightsError

if TYPE_CHECKING:
    from pathlib import Path

MAX_HEADER_BYTES = 8 << 20
_TYPES = {"F64": 8, "F32": 4, "F16": 2, "I64": 8, "I32": 4, "I16": 2, "I8": 1, "U8": 1}
_TYPES |= {"U16": 2, "U32": 4, "U64": 8, "BOOL": 1}
_AGAIN = "download it again"
_IMPORT = "import it first: segkit weights import"


def looks_like(path: Path) -> tuple[str, str] | None:
    """What a file is that is certainly no safetensors file, and what to do; else ``None``.

    Raises
    ------
    WeightsError
        Where it cannot be read.
    """
    try:
        with path.open("rb") as file:
            head = file.read(512)
    except OSError as error:
        raise WeightsError("weights cannot be read", where=path, got=error.strerror) from error
    text = head.lstrip().lower()
    if _begins_as_safetensors(head, path):  # its length may begin with the bytes of another kind
        return None
    if not head:
        return "an empty file", _AGAIN
    if head.startswith(b"version https://git-lfs"):
        return "a git-lfs pointer", "fetch the file itself with `git lfs pull`"
    if text.startswith((b"<!doctype", b"<html", b"<?xml")):
        return "a web page", _AGAIN
    if head.startswith(b"PK"):
        return "a zip archive such as a PyTorch checkpoint", _IMPORT
    if head.startswith(b"\x80"):
        return "a pickle", "save it as safetensors; pickles can run code and are never opened"
    if head[8:9] != b"{" and _is_text(head):
        return "a text file", "choose the weights file"
    return None


def _begins_as_safetensors(head: bytes, path: Path) -> bool:
    """Whether a length that fits into the file is followed by the header that it tells of."""
    return head[8:9] == b"{" and struct.unpack("<Q", head[:8])[0] <= path.stat().st_size - 8


def _is_text(head: bytes) -> bool:
    return all(byte in (9, 10, 13) or 32 <= byte < 127 for byte in head)


def check_safetensors(path: Path) -> None:
    """Refuse a header that lies about the file, is bloated, or names a tensor twice.

    Raises
    ------
    WeightsError
        Saying what is wrong.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        start = file.read(8)
        length = struct.unpack("<Q", start)[0] if len(start) == 8 else size
        if length > size - 8:
            raise _damaged(path, "it ends before its header does")
        if length > MAX_HEADER_BYTES:
            raise _damaged(path, f"a header of {length} bytes")
        header = _header(file.read(length), path)
    end = 0
    spans = []
    for name, entry in header.items():
        if name != "__metadata__":
            spans.append(_span(name, entry, path))
    for begin, stop in sorted(spans):
        if begin != end:
            raise _damaged(path, "tensors that overlap or leave gaps")
        end = stop
    if end != size - 8 - length:
        raise _damaged(path, f"{end} bytes of tensors announced, {size - 8 - length} there")


def _header(data: bytes, path: Path) -> dict[str, Any]:
    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len({name for name, _ in pairs}) < len(pairs):
            raise _damaged(path, "a name that occurs twice")
        return dict(pairs)

    try:
        header = json.loads(data, object_pairs_hook=once)
    except (ValueError, RecursionError) as error:
        raise _damaged(path, "a header that is not JSON") from error
    if not isinstance(header, dict):
        raise _damaged(path, "a header that is not an object")
    return header


def _span(name: str, entry: object, path: Path) -> tuple[int, int]:
    """Where a tensor's bytes lie, after the header."""
    try:
        kind, shape = entry["dtype"], entry["shape"]  # type: ignore[index]
        begin, end = entry["data_offsets"]  # type: ignore[index]
        count = 1
        for side in shape:
            count *= side
        numbers = (begin, end, *shape)
    except (TypeError, KeyError, ValueError) as error:
        raise _damaged(path, f"no description of {name[:80]}") from error
    if kind not in _TYPES:
        raise _damaged(path, f"numbers of type {str(kind)[:20]} in {name[:80]}")
    if any(type(one) is not int or one < 0 for one in numbers):
        raise _damaged(path, f"no sizes of {name[:80]}")
    if end - begin != count * _TYPES[kind]:
        raise _damaged(path, f"{end - begin} bytes for {name[:80]}")
    return begin, end


def _damaged(path: Path, got: str) -> WeightsError:
    return WeightsError(
        "weights are damaged", where=path, got=got, remedy="copy or download them again"
    )
