"""Writes H.264 and HEVC streams element by element: for tools that no encoder at hand emits."""
