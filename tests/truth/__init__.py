"""Witnesses: FFmpeg, the standards in NumPy, and the truth test, which holds the parser to them."""
