"""Where things live on disk: what is shipped, what is the user's, what can be made again."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).parent


def shipped(kind: str) -> Path:
    """Folder ``weights`` or ``sample_data``: inside an installed wheel, else in the checkout.

    Parameters
    ----------
    kind
        ``"weights"`` or ``"sample_data"``.
    """
    inside = _PACKAGE / kind
    return inside if inside.is_dir() else _PACKAGE.parent / kind


def user_data() -> Path:
    """Folder of the user's own weights and downloads."""
    from platformdirs import user_data_path

    return user_data_path("napari-segkit", appauthor=False)


def user_cache() -> Path:
    """Folder of what can be made again: compiled networks, measured times."""
    from platformdirs import user_cache_path

    return user_cache_path("napari-segkit", appauthor=False)
