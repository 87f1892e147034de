"""The working store: masks in progress of one folder of images, in ``<folder>/.segkit``.

::

    store.json                  which folder this is
    lock                        held by the program that may write
    index.json, index.journal   a line per image, made from the files below, so it may be lost
    images/KEY.mask             one image: what is known of it, its mask, the model's first mask
    images/KEY.journal          changes since then

A mask file appears whole or not at all; a journal only grows, record by record, until its mask
file is written again. Killed at any moment, the next start finds the last record.
"""

from napari_segkit.data.store.record import Record, Status
from napari_segkit.data.store.store import Store, Work
from napari_segkit.data.store.tiles import DirtyTiles, Tile, tiles_in

__all__ = ["DirtyTiles", "Record", "Status", "Store", "Tile", "Work", "tiles_in"]
