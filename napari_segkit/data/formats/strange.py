"""Values and colours of masks that no class has (F16): listed, so that a person can say."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

from napari_segkit.errors import MaskError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari_segkit.types import Color

Meanings = dict["int | Color", str]
"""Value or colour -> name of a class, or ``""`` for the background."""
_MOST = 256


class StrangeError(MaskError):
    """A mask has values or colours that no class has.

    Attributes
    ----------
    found
        Each of them (at most 256) -> its pixels.
    """

    def __init__(
        self,
        what: str,
        found: Mapping[Any, int],
        *,
        where: object = None,
        expected: object = None,
        got: object = None,
        remedy: str | None = None,
    ) -> None:
        super().__init__(what, where=where, expected=expected, got=got, remedy=remedy)
        self.found: dict[int | Color, int] = dict(islice(found.items(), _MOST))
