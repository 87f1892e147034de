"""The models: one file and one line of `registry` each."""
