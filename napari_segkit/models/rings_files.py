"""Where the base and the adapter of `rings` are."""

from __future__ import annotations

from pathlib import Path

from napari_segkit.data import sam_weights, weights_store
from napari_segkit.errors import WeightsError

SMALL = "sam-segkit-s"
AUTO = "auto"
NONE = "none"
KNOWN = (SMALL, *sam_weights.BASES)
"""Names of bases."""
_HOW = (
    "fetch one with: segkit weights fetch vit_b (375 MB); or name a file: --set base=FILE, "
    "any checkpoint in segment_anything's layout"
)


def bases_here() -> list[str]:
    """Names of the bases that need no download."""
    small = [SMALL] if any(one.adopted for one in weights_store.versions(SMALL)) else []
    return small + [name for name in sam_weights.BASES if sam_weights.find_base(name)]


def find_base(spec: str) -> Path:
    """The file of a base: ``auto``, ``sam-segkit-s``, ``vit_b``, ``vit_l``, ``vit_h`` or a path.

    Raises
    ------
    WeightsError
        Where it is not here, with the ways to get it.
    """
    if spec in sam_weights.BASES:
        found = sam_weights.find_base(spec)
        if found is None:
            size = sam_weights.BASES[spec].file.size / 1e6
            raise WeightsError(
                f"base {spec} is not here yet",
                where=sam_weights.default_folder(),
                remedy=f"fetch it with: segkit weights fetch {spec} ({size:.0f} MB)",
            )
        return found
    if spec in (AUTO, SMALL):
        try:
            return weights_store.find_weights(SMALL)
        except WeightsError as error:
            raise WeightsError(
                "no base model is here yet", where=error.where, remedy=_HOW
            ) from error
    path = Path(spec).expanduser()
    if not path.is_file():
        known = ", ".join((AUTO, *KNOWN))
        raise WeightsError("no such base", where=spec, expected=f"{known}, or a file")
    return path


def find_adapter(spec: str) -> Path | None:
    """The file of an adapter: ``auto`` (the adopted or shipped one), ``none`` or a path.

    Raises
    ------
    WeightsError
        Where the file is not there.
    """
    if spec == NONE:
        return None
    if spec == AUTO:
        return next((one.path for one in weights_store.versions("rings") if one.adopted), None)
    path = Path(spec).expanduser()
    if not path.is_file():
        raise WeightsError("no such adapter", where=spec, expected=f"{AUTO}, {NONE}, or a file")
    return path
