"""Types of arguments that several commands take."""

import argparse

__all__ = ["add_track", "count", "whole"]


def count(text: str) -> int:
    """A whole number above 0."""
    value = int(text) if text.isdigit() else 0
    if value < 1:
        raise argparse.ArgumentTypeError(f"got {text!r}, expected a whole number above 0")
    return value


def whole(text: str) -> int:
    """A whole number, 0 or more."""
    if not text.isdigit():
        raise argparse.ArgumentTypeError(f"got {text!r}, expected a whole number, 0 or more")
    return int(text)


def add_track(parser: argparse.ArgumentParser) -> None:
    """--track, for commands that read a video."""
    parser.add_argument(
        "--track",
        type=whole,
        metavar="N",
        help="which video track of a file that has several, counted from 0 as `inspect` lists them "
        "(default: the one that FFmpeg calls the best: marked as default, no cover or thumbnail)",
    )
