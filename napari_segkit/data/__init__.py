"""Files: images, datasets, and the formats on disk."""
