"""What a value may be: each kind says what it expects, and reads a value or refuses it. Knows no keys."""

import datetime
import json
import math
import os
import re
import unicodedata
from typing import Any, Callable, NamedTuple, Optional, Tuple

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
    "fitting",
    "list_of",
    "matching",
    "number",
    "optional",
    "path_to",
    "shown",
    "whole",
]

_LONGEST_SHOWN = 60
_LARGEST = (1 << 63) - 1  # what TOML promises for whole numbers
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")


class Unfit(Exception):
    """A value that its kind does not take. The text, if there is one, is told as it is."""


class Kind(NamedTuple):
    """What a value may be. expected: for messages. read(value, folder): the value as the program wants
    it; raises Unfit. is_text: takes text. base: which of the document's folders paths are relative to."""

    expected: str
    read: Callable[[Any, str], Any]
    is_text: bool = False
    base: str = ""


def fitting(
    expected: str,
    fits: Callable[[Any], bool],
    convert: Optional[Callable[[Any], Any]] = None,
    is_text: bool = False,
) -> Kind:
    """Values for which fits() is true, converted."""

    def read(value: Any, _folder: str) -> Any:
        if not fits(value):
            raise Unfit
        return value if convert is None else convert(value)

    return Kind(expected, read, is_text)


def matching(expected: str, pattern: str) -> Kind:
    """Text that a pattern matches, from its beginning."""
    fits = re.compile(pattern).match
    return fitting(expected, lambda value: _is_text(value) and bool(fits(value)), is_text=True)


def converted(of: Kind, convert: Callable[[Any], Any]) -> Kind:
    """The same values, made into something else."""
    return of._replace(read=lambda value, folder: convert(of.read(value, folder)))


def optional(of: Kind, absent: Any = None) -> Kind:
    """The same values; "" and JSON's null count as not given."""
    return of._replace(
        read=lambda value, folder: absent if value in ("", None) else of.read(value, folder)
    )


def choice(*words: Any) -> Kind:
    """One of these words or numbers."""
    expected = ", ".join(shown(word) for word in words)
    return fitting(
        expected if len(words) == 1 else "one of " + expected,
        lambda value: any(type(value) is type(word) and value == word for word in words),
        is_text=isinstance(words[0], str),
    )


def whole(low: int = 0, high: int = _LARGEST, what: str = "a whole number") -> Kind:
    """A whole number from low to high."""
    expected = what + (" above 0" if (low, high) == (1, _LARGEST) else _range(low, high))
    return fitting(expected, lambda value: _is_whole(value) and low <= value <= high)


def number(
    low: float = -math.inf,
    high: float = math.inf,
    above: float = -math.inf,
    what: str = "a number",
) -> Kind:
    """A finite number from low to high, and above a third; always a float."""
    expected = what + _range(low, high, above)
    return fitting(
        expected, lambda value: _is_number(value) and above < value and low <= value <= high, float
    )


def list_of(of: Kind, expected: str, least: int = 1, most: float = math.inf) -> Kind:
    """A list of values of a kind, as a tuple."""

    def read(values: Any, folder: str) -> Tuple[Any, ...]:
        if not isinstance(values, (list, tuple)) or not least <= len(values) <= most:
            raise Unfit
        try:
            return tuple(of.read(value, folder) for value in values)
        except Unfit:
            raise Unfit from None

    return Kind(expected, read)


def path_to(
    what: str = "", is_there: Optional[Callable[[str], bool]] = None, base: str = ""
) -> Kind:
    """A path, made absolute if its folder is; with is_there(), of a `what` that must be there."""

    def read(value: Any, folder: str) -> str:
        found = os.path.join(folder, os.path.expanduser(TEXT.read(value, folder)))
        if is_there is not None and not is_there(found):
            raise Unfit(f"there is no {what} {found}")
        return found

    return Kind("the path of a " + what if what else "a path", read, True, base)


def _is_text(value: Any) -> bool:
    """Something that can be seen, on one line."""
    return (
        isinstance(value, str)
        and value.strip() != ""
        and not any(unicodedata.category(sign) in ("Cc", "Cs", "Zl", "Zp") for sign in value)
    )


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: Any) -> bool:
    """False for what no float holds, too: NaN, infinity, whole numbers of hundreds of digits."""
    if isinstance(value, float):
        return math.isfinite(value)
    return _is_whole(value) and abs(value) <= _LARGEST


def _range(low: float, high: float, above: float = -math.inf) -> str:
    has_end = high not in (math.inf, _LARGEST)
    if above > -math.inf:
        return f" above {above}" + (f", and {high} at most" if has_end else "")
    if low > -math.inf:
        return f" from {low} to {high}" if has_end else f", {low} or more"
    return ""


def _location(value: Any, folder: str) -> str:
    text: str = TEXT.read(value, folder)
    return text if _URL.match(text) else PATH.read(text, folder)


TEXT = fitting("a line of text", _is_text, is_text=True)
BOOLEAN = fitting("true or false", lambda value: isinstance(value, bool))
WHOLE = whole(0)
COUNT = whole(1)
BYTES = whole(1, what="a whole number of bytes")
SECONDS = number(above=0, what="a number of seconds")
PAUSE = number(0, what="a number of seconds")
SHARE = number(above=0, high=1)
PATH = path_to()
FOLDER = path_to("folder", os.path.isdir)
FILE = path_to("file", os.path.isfile)
LOCATION = Kind("a URL or a path", _location, is_text=True)


def shown(value: Any) -> str:
    """A value for people, as it is written in TOML and JSON, or nearly; the beginning of a long one."""
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    try:
        text = json.dumps(value, default=str, ensure_ascii=False)
    except ValueError:  # Python writes whole numbers up to a length only
        return "a number of thousands of digits"
    except RecursionError:
        return "a value that is nested deeply"
    return text if len(text) <= _LONGEST_SHOWN else text[: _LONGEST_SHOWN - 3] + "..."
