"""Mask layers: what is known of them, how they are read, written and undone."""
