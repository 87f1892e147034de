"""Docks for datasets and servers: export, import, CVAT; and what napari opens and saves."""
