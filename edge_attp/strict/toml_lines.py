"""Reads a TOML file, and finds the line that each of its keys stands on.

TOML libraries keep no lines, and an error in a configuration is worth little without one. `lines` walks
over text that a library has accepted, so it may take for granted that the text is valid.
"""

import re
import sys
from bisect import bisect_left
from typing import Any, Dict, Optional, Tuple, Type, Union

from edge_attp.errors import EdgeAttpError, UsageError

__all__ = ["Path", "lines", "parse", "value"]

# From the top of a file: names of tables and keys, and places in lists.
Path = Tuple[Union[str, int], ...]

_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_STRING = re.compile(
    r'"""(?:\\.|[^\\])*?"""+|' + r"'''.*?'''+|" + r'"(?:\\.|[^"\\])*"|' + r"'[^']*'", re.DOTALL
)
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_BARE_VALUE = re.compile(r"[^,\]}#\n]+")
# Where the library says what is wrong.
_PLACE = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)$")


def parse(text: str, name: str, error: Type[EdgeAttpError]) -> Dict[str, Any]:
    """The values of TOML text. Raises `error`, which names `name` and the line."""
    library = _library()
    try:
        return library.loads(text)
    except RecursionError:
        raise error(f"{name}: is nested too deeply") from None
    except ValueError as reason:
        place = _PLACE.search(str(reason))
        if place is None:  # Python's own, of a number of thousands of digits
            raise error(f"{name}: not valid TOML: {reason}") from None
        line = int(place.group(1) or text.count("\n") + 1)
        told = str(reason)[: place.start()]
        raise error(f"{name}:{line}: not valid TOML: {told}") from None


def lines(text: str) -> Dict[Path, int]:
    """The line, counted from 1, of every key, table and list element of valid TOML text."""
    return _Walk(text).walk()


def value(text: str) -> Any:
    """What stands behind a `key =`. Raises ValueError."""
    return _library().loads("value = " + text)["value"]


def _library() -> Any:
    if sys.version_info >= (3, 11):
        import tomllib as library
    else:
        try:
            import tomli as library
        except ImportError:
            raise UsageError(
                "reading the configuration needs tomli: pip install 'edge-attp[service]'"
            ) from None
    return library


class _Walk:
    """One pass over the text; `_at` is how far it came."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._ends = [end.start() for end in re.finditer("\n", text)]
        self._lines: Dict[Path, int] = {}
        self._last: Dict[Path, int] = {}  # newest element of each array of tables

    def walk(self) -> Dict[Path, int]:
        table: Path = ()
        while self._skip_blank() is not None:
            if self._takes("["):
                table = self._header()
            else:
                self._pair(table)
        return self._lines

    def _header(self) -> Path:
        """A table after its first bracket; returns where the keys below it belong."""
        is_array = self._takes("[")
        path: Path = ()
        parts = self._key()
        for part in parts[:-1]:
            path = self._newest(path + (part,))
        path += (parts[-1],)
        if is_array:
            self._last[path] = self._last.get(path, -1) + 1
            self._note(path)
        path = self._newest(path)
        self._note(path)
        self._at = self._text.index("]", self._at) + (2 if is_array else 1)
        return path

    def _newest(self, path: Path) -> Path:
        return path + (self._last[path],) if path in self._last else path

    def _pair(self, table: Path) -> None:
        """One `key = value` of a table."""
        path = table
        for part in self._key():
            path += (part,)
            self._note(path)
        self._takes("=")
        self._value(path)

    def _key(self) -> Path:
        """The parts of a key, which stands here."""
        parts: Path = ()
        while True:
            self._skip_blank()
            parts += (self._key_part(),)
            self._skip_blank()
            if not self._takes("."):
                return parts

    def _key_part(self) -> str:
        quoted = _STRING.match(self._text, self._at)
        found = quoted or _BARE_KEY.match(self._text, self._at)
        assert found is not None, f"not valid TOML at {self._at}"
        self._at = found.end()
        # Only the library knows what an escape means.
        return next(iter(_library().loads(found.group() + " = 0"))) if quoted else found.group()

    def _value(self, path: Path) -> None:
        self._skip_blank()
        if self._takes("["):
            self._list(path)
        elif self._takes("{"):
            self._inline_table(path)
        else:
            kind = _STRING if self._text[self._at] in "\"'" else _BARE_VALUE
            found = kind.match(self._text, self._at)
            assert found is not None, f"not valid TOML at {self._at}"
            self._at = found.end()

    def _list(self, path: Path) -> None:
        index = 0
        while self._skip_blank() is not None and not self._takes("]"):
            self._note(path + (index,))
            self._value(path + (index,))
            index += 1
            self._skip_blank()
            self._takes(",")

    def _inline_table(self, path: Path) -> None:
        while self._skip_blank() is not None and not self._takes("}"):
            self._pair(path)
            self._skip_blank()
            self._takes(",")

    def _skip_blank(self) -> Optional[int]:
        """Goes on to what is neither blank nor comment; None at the end of the text."""
        found = _BLANK.match(self._text, self._at)
        self._at = found.end() if found else self._at
        return self._at if self._at < len(self._text) else None

    def _takes(self, sign: str) -> bool:
        is_there = self._text.startswith(sign, self._at)
        self._at += len(sign) if is_there else 0
        return is_there

    def _note(self, path: Path) -> None:
        self._lines.setdefault(path, bisect_left(self._ends, self._at) + 1)
