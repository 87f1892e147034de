"""Generators that make labelled images, for judging models and for training starter weights."""
