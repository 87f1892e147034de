"""Where things live on disk: what is shipped."""

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
