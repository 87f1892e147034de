"""napari-segkit: label training images in napari with models that you can retrain."""

from importlib.metadata import version

__version__ = version("napari-segkit")
