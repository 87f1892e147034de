"""Pure functions on arrays: numpy, SciPy and OpenCV, no files and no windows."""
