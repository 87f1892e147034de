"""``segkit``, the command line."""

from napari_segkit.cli.app import main

__all__ = ["main"]
