"""One file per format on disk, and their list."""
