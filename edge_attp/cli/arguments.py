"""Types of arguments that several commands take."""

import argparse

__all__ = ["count"]


def count(text: str) -> int:
    """A whole number above 0."""
    value = int(text) if text.isdigit() else 0
    if value < 1:
        raise argparse.ArgumentTypeError("got %r, expected a whole number above 0" % text)
    return value
