"""The docks: the only rooms, with contributions.py, that name napari and Qt."""
