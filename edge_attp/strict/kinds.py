"""What a value may be: a kind says what it expects, and reads a value or refuses it. Kinds know no keys."""

import datetime
import json
import math
import os
import re
import unicodedata
from typing import Callable, Generic, Optional, Tuple, TypeVar

__all__ = [
    "BOOLEAN",
    "BYTES",
    "COUNT",
    "FILE",
    "FOLDER",
    "Kind",
    "LOCATION",
    "PATH",
    "PAUSE",
    "SECONDS",
    "SHARE",
    "TEXT",
    "Unfit",
    "WHOLE",
    "choice",
    "converted",
    "list_of",
    "matching",
    "number",
    "optional",
    "path_to",
    "restricted",
    "shown",
    "whole",
]

_LONGEST_SHOWN = 60
_LARGEST = (1 << 63) - 1  # what TOML promises for whole numbers
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")

T = TypeVar("T")
U = TypeVar("U")
T_co = TypeVar("T_co", covariant=True)


class Unfit(Exception):
    """A kind refuses a value. The message, if there is one, replaces "got ..., expected ..."."""


class Kind(Generic[T_co]):
    """What a value may be.

    expected: completes "expected ..." in messages. read(value, folder): returns the value as the program
    uses it, or raises Unfit. is_text: whether the value is written as text. base: which of the document's
    folders paths are relative to.
    """

    def __init__(
        self,
        expected: str,
        read: Callable[[object, str], T_co],
        is_text: bool = False,
        base: str = "",
    ) -> None:
        self.expected = expected
        self.read = read
        self.is_text = is_text
        self.base = base


def restricted(of: Kind[T], expected: str, fits: Callable[[T], bool]) -> Kind[T]:
    """The values of a kind for which fits() is true."""

    def read(value: object, folder: str) -> T:
        taken = of.read(value, folder)
        if not fits(taken):
            raise Unfit
        return taken

    return Kind(expected, read, of.is_text, of.base)


def converted(of: Kind[T], convert: Callable[[T], U]) -> Kind[U]:
    """The values of a kind, turned into something else."""
    return Kind(
        of.expected, lambda value, folder: convert(of.read(value, folder)), of.is_text, of.base
    )


def optional(of: Kind[T], absent: Optional[T] = None) -> Kind[Optional[T]]:
    """The values of a kind; "" and JSON's null count as not given and read as `absent`."""

    def read(value: object, folder: str) -> Optional[T]:
        return absent if value in ("", None) else of.read(value, folder)

    return Kind(of.expected, read, of.is_text, of.base)


def matching(expected: str, pattern: str) -> Kind[str]:
    """Text that a pattern matches from its beginning."""
    match = re.compile(pattern).match
    return restricted(TEXT, expected, lambda text: match(text) is not None)


def choice(*words: T) -> Kind[T]:
    """One of these words or numbers."""

    def read(value: object, _folder: str) -> T:
        for word in words:
            if type(value) is type(word) and value == word:
                return word
        raise Unfit

    expected = ", ".join(shown(word) for word in words)
    return Kind(
        expected if len(words) == 1 else "one of " + expected, read, isinstance(words[0], str)
    )


def whole(low: int = 0, high: int = _LARGEST, what: str = "a whole number") -> Kind[int]:
    """A whole number from `low` to `high`."""
    expected = what + (" above 0" if (low, high) == (1, _LARGEST) else _range(low, high))
    return restricted(Kind(what, _read_whole), expected, lambda value: low <= value <= high)


def number(
    low: float = -math.inf,
    high: float = math.inf,
    above: float = -math.inf,
    what: str = "a number",
) -> Kind[float]:
    """A finite number from `low` to `high` and greater than `above`, read as a float."""
    return restricted(
        Kind(what, _read_number),
        what + _range(low, high, above),
        lambda value: above < value and low <= value <= high,
    )


def list_of(
    of: Kind[T], expected: str, least: int = 1, most: float = math.inf
) -> Kind[Tuple[T, ...]]:
    """A list of values of one kind, read as a tuple."""

    def read(values: object, folder: str) -> Tuple[T, ...]:
        if not isinstance(values, (list, tuple)) or not least <= len(values) <= most:
            raise Unfit
        try:
            return tuple(of.read(value, folder) for value in values)
        except Unfit:
            raise Unfit from None

    return Kind(expected, read)


def path_to(
    what: str = "", exists: Optional[Callable[[str], bool]] = None, base: str = ""
) -> Kind[str]:
    """A path, joined to the folder. exists: refuses paths where it finds no `what`."""

    def read(value: object, folder: str) -> str:
        path = os.path.join(folder, os.path.expanduser(TEXT.read(value, folder)))
        if exists is not None and not exists(path):
            raise Unfit(f"there is no {what} {path}")
        return path

    return Kind("the path of a " + what if what else "a path", read, True, base)


def _read_text(value: object, _folder: str) -> str:
    """Visible text on one line."""
    if not isinstance(value, str) or value.strip() == "":
        raise Unfit
    if any(unicodedata.category(sign) in ("Cc", "Cs", "Zl", "Zp") for sign in value):
        raise Unfit
    return value


def _read_boolean(value: object, _folder: str) -> bool:
    if not isinstance(value, bool):
        raise Unfit
    return value


def _read_whole(value: object, _folder: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise Unfit
    return value


def _read_number(value: object, folder: str) -> float:
    """Refuses what no float holds, too: NaN, infinity, whole numbers of hundreds of digits."""
    if not isinstance(value, float):
        value = _read_whole(value, folder)
        if abs(value) > _LARGEST:
            raise Unfit
    if not math.isfinite(value):
        raise Unfit
    return float(value)


def _read_location(value: object, folder: str) -> str:
    text = TEXT.read(value, folder)
    return text if _URL.match(text) else PATH.read(text, folder)


def _range(low: float, high: float, above: float = -math.inf) -> str:
    has_end = high not in (math.inf, _LARGEST)
    if above > -math.inf:
        return f" above {above}" + (f" and at most {high}" if has_end else "")
    if low > -math.inf:
        return f" from {low} to {high}" if has_end else f", {low} or more"
    return ""


TEXT = Kind("a line of text", _read_text, is_text=True)
BOOLEAN = Kind("true or false", _read_boolean)
WHOLE = whole(0)
COUNT = whole(1)
BYTES = whole(1, what="a whole number of bytes")
SECONDS = number(above=0, what="a number of seconds")
PAUSE = number(0, what="a number of seconds")
SHARE = number(above=0, high=1)
PATH = path_to()
FOLDER = path_to("folder", os.path.isdir)
FILE = path_to("file", os.path.isfile)
LOCATION = Kind("a URL or a path", _read_location, is_text=True)


def shown(value: object) -> str:
    """A value as TOML and JSON write it, or nearly, for messages; a long one is cut short."""
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    try:
        text = json.dumps(value, default=str, ensure_ascii=False)
    except ValueError:  # Python limits the length of whole numbers that it writes
        return "a number of thousands of digits"
    except RecursionError:
        return "a deeply nested value"
    return text if len(text) <= _LONGEST_SHOWN else text[: _LONGEST_SHOWN - 3] + "..."
