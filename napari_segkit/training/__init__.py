"""Training and its metrics."""
