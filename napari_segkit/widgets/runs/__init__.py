"""One run of a model: what is taken down, what its thread does, which weights it gets."""
