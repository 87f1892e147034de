"""Docks that run a model on the open image: coins, eggs and pans, dust."""
