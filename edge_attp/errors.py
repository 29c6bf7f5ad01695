"""The errors that this package raises on purpose, and the exit code of the command line for each.

    EdgeAttpError (1)
     +-- SourceError (3, also OSError)            the input cannot be opened or read
     +-- UnsupportedStream (4, also ValueError)   valid, but uses a feature that the parser refuses
     +-- CorruptStream (3, also ValueError)       not a valid bitstream
     +-- ModelError (5)                           a model pack is missing, broken or of another version
     +-- EngineError (5)                          an inference engine is missing or failed
     +-- UsageError (2)                           wrong arguments or configuration
     +-- MissingTool (1, also ImportError)        an optional package cannot be imported
          +-- MissingEngine (5, also EngineError)      one that runs or builds networks
          +-- MissingExtra (2, also UsageError)        one that an option or a setting asks for

Each message is one line for people: what is wrong, where, and, if known, what to do about it.
"""

__all__ = [
    "EdgeAttpError",
    "SourceError",
    "UnsupportedStream",
    "CorruptStream",
    "ModelError",
    "EngineError",
    "UsageError",
    "MissingTool",
    "MissingEngine",
    "MissingExtra",
]


class EdgeAttpError(Exception):
    """Base of all errors of this package; `exit_code` is what the command line exits with."""

    exit_code = 1


class SourceError(EdgeAttpError, OSError):
    """The input is missing, empty, cut short, or not a video."""

    exit_code = 3


class UnsupportedStream(EdgeAttpError, ValueError):
    """The stream is valid but uses a codec or a coding tool that the parser refuses, and names."""

    exit_code = 4


class CorruptStream(EdgeAttpError, ValueError):
    """Nothing could be read from the bitstream. (Damage in mid-stream is not an error: pictures are marked.)"""

    exit_code = 3


class ModelError(EdgeAttpError):
    """A model pack is missing, broken, or made for another version."""

    exit_code = 5


class EngineError(EdgeAttpError):
    """An inference engine is missing or failed."""

    exit_code = 5


class UsageError(EdgeAttpError):
    """Wrong arguments or configuration."""

    exit_code = 2


class MissingTool(EdgeAttpError, ImportError):
    """An optional package cannot be imported."""


class MissingEngine(EngineError, MissingTool):
    """A package that runs or builds networks cannot be imported, or the machine lacks what it needs."""


class MissingExtra(UsageError, MissingTool):
    """An option or a setting asks for a package that cannot be imported."""
