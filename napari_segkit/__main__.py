"""``python -m napari_segkit``: the same command line as ``segkit``."""

from napari_segkit.cli import main

if __name__ == "__main__":
    main()
