from __future__ import annotations

from pathlib import Path

import pytest

from tests.data.store.samples import photo


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three photos of 40 x 30, one in a sub-folder."""
    place = tmp_path / "photos"
    for shade, name in enumerate(("a", "b", "deep/ü")):
        photo(place / f"{name}.png", shade)
    return place
