"""Every format in turn."""

from __future__ import annotations

import pytest

from napari_segkit.data.formats.base import Format
from napari_segkit.data.formats.registry import FORMATS


@pytest.fixture(params=list(FORMATS))
def form(request: pytest.FixtureRequest) -> Format:
    return FORMATS[request.param]
