"""Helpers of the tests: drawn media, the standard's prediction, FFmpeg as a witness, and the truth test itself."""
