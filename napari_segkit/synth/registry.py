"""Which generators there are: one line each."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from napari_segkit.errors import InputError

if TYPE_CHECKING:
    from napari_segkit.synth.base import Generator

KINDS = {
    "coins": "napari_segkit.synth.coins:Coins",
    "dust": "napari_segkit.synth.dust:Dust",
    "eggpan": "napari_segkit.synth.eggpan:EggPan",
    "heaps": "napari_segkit.synth.heaps:Heaps",
    "rings": "napari_segkit.synth.rings:Rings",
    "shapes": "napari_segkit.synth.shapes:Shapes",
}


def get_generator(kind: str) -> Generator:
    """The generator of one kind.

    Raises
    ------
    InputError
        For an unknown kind.
    """
    if kind not in KINDS:
        raise InputError("unknown kind of images", expected=", ".join(KINDS), got=kind)
    module, _, name = KINDS[kind].partition(":")
    generator: Generator = getattr(import_module(module), name)()
    return generator
