"""Reads TOML and JSON, and finds the line that each key stands on.

The libraries keep no lines, and an error in a configuration is worth little without one. The functions
that find lines walk over text that a library has accepted, so they may rely on its being valid.
"""

import json
import re
import sys
from bisect import bisect_left
from collections import Counter
from types import ModuleType
from typing import Dict, List, Optional, Tuple, Type, Union

from edge_attp import lazy
from edge_attp.errors import EdgeAttpError

if sys.version_info >= (3, 11):
    import tomllib

__all__ = [
    "Path",
    "find_json_lines",
    "find_toml_lines",
    "parse_json",
    "parse_toml",
    "parse_toml_value",
]

# From the top of a document: names of tables and keys, and indices of lists.
Path = Tuple[Union[str, int], ...]

_JSON_TOKEN = re.compile(r'[{}\[\],:\n]|"(?:\\.|[^"\\])*"|[^\s{}\[\],:"]+')
_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_STRING = re.compile(
    r'"""(?:\\.|[^\\])*?"""+|' + r"'''.*?'''+|" + r'"(?:\\.|[^"\\])*"|' + r"'[^']*'", re.DOTALL
)
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_BARE_VALUE = re.compile(r"[^,\]}#\n]+")
# How the TOML library ends its messages.
_TOML_PLACE = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)$")


def parse_json(text: str, name: str, error: Type[EdgeAttpError]) -> object:
    """The values of JSON text. Raises `error`, naming the document and, where known, the line."""
    try:
        values: object = json.loads(text, object_pairs_hook=_unique_keys)
    except RecursionError:
        raise error(f"{name}: is nested too deeply") from None
    except json.JSONDecodeError as reason:
        raise error(f"{name}:{reason.lineno}: not valid JSON: {reason.msg}") from None
    except ValueError as reason:
        raise error(f"{name}: not valid JSON: {reason}") from None
    return values


def parse_toml(text: str, name: str, error: Type[EdgeAttpError]) -> Dict[str, object]:
    """The values of TOML text. Raises `error`, naming the document and the line."""
    try:
        return _load_toml(text)
    except RecursionError:
        raise error(f"{name}: is nested too deeply") from None
    except ValueError as reason:
        place = _TOML_PLACE.search(str(reason))
        if place is None:  # Python's own error, for a number of thousands of digits
            raise error(f"{name}: not valid TOML: {reason}") from None
        line = int(place.group(1) or text.count("\n") + 1)
        message = str(reason)[: place.start()]
        raise error(f"{name}:{line}: not valid TOML: {message}") from None


def parse_toml_value(text: str) -> object:
    """What text means after `key =`. Raises ValueError."""
    return _load_toml("value = " + text)["value"]


def find_json_lines(text: str) -> Dict[Path, int]:
    """The line, counted from 1, of every key and list element of valid JSON text."""
    found: Dict[Path, int] = {}
    path: List[Union[str, int]] = []  # its last part is "" before an object's first key
    line, is_key = 1, False
    for token in _JSON_TOKEN.findall(text):
        if token == "\n":
            line += 1
        elif token in "}]":
            path.pop()
            is_key = False
        elif token == ",":
            last = path[-1]
            is_key = isinstance(last, str)
            path[-1] = last + 1 if isinstance(last, int) else ""
        elif token != ":":
            path[-1:] = [json.loads(token)] if is_key else path[-1:]
            found.setdefault(tuple(path), line)
            path += [""] if token == "{" else [0] if token == "[" else []
            is_key = token == "{"
    return found


def find_toml_lines(text: str) -> Dict[Path, int]:
    """The line, counted from 1, of every key, table and list element of valid TOML text."""
    return _TomlWalk(text).walk_document()


def _unique_keys(pairs: List[Tuple[str, object]]) -> Dict[str, object]:
    values = dict(pairs)
    if len(values) < len(pairs):
        counts = Counter(name for name, _ in pairs)
        repeated = json.dumps(counts.most_common(1)[0][0])
        raise ValueError(f"the key {repeated} appears twice in an object")
    return values


def _load_toml(text: str) -> Dict[str, object]:
    values: Dict[str, object] = _toml_library().loads(text)
    return values


def _toml_library() -> ModuleType:
    if sys.version_info >= (3, 11):
        return tomllib
    else:
        return lazy.load("reading the configuration", "tomli")


class _TomlWalk:
    """One pass over the text; `_at` is the offset it has reached."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._ends = [end.start() for end in re.finditer("\n", text)]
        self._lines: Dict[Path, int] = {}
        self._last: Dict[Path, int] = {}  # newest element of each array of tables

    def walk_document(self) -> Dict[Path, int]:
        table: Path = ()
        while self._skip_blank() is not None:
            if self._take("["):
                table = self._walk_header()
            else:
                self._walk_pair(table)
        return self._lines

    def _walk_header(self) -> Path:
        """A table header after its first bracket; returns the path that the keys below it belong to."""
        is_array = self._take("[")
        path: Path = ()
        parts = self._walk_key()
        for part in parts[:-1]:
            path = self._newest(path + (part,))
        path += (parts[-1],)
        if is_array:
            self._last[path] = self._last.get(path, -1) + 1
            self._note_line(path)
        path = self._newest(path)
        self._note_line(path)
        self._at = self._text.index("]", self._at) + (2 if is_array else 1)
        return path

    def _newest(self, path: Path) -> Path:
        return path + (self._last[path],) if path in self._last else path

    def _walk_pair(self, table: Path) -> None:
        """One `key = value` of a table."""
        path = table
        for part in self._walk_key():
            path += (part,)
            self._note_line(path)
        self._take("=")
        self._walk_value(path)

    def _walk_key(self) -> Path:
        """Returns the parts of a dotted key."""
        parts: Path = ()
        while True:
            self._skip_blank()
            parts += (self._walk_key_part(),)
            self._skip_blank()
            if not self._take("."):
                return parts

    def _walk_key_part(self) -> str:
        quoted = _STRING.match(self._text, self._at)
        found = quoted or _BARE_KEY.match(self._text, self._at)
        assert found is not None, f"not valid TOML at {self._at}"
        self._at = found.end()
        # Only the library knows what an escape means.
        return next(iter(_load_toml(found.group() + " = 0"))) if quoted else found.group()

    def _walk_value(self, path: Path) -> None:
        self._skip_blank()
        if self._take("["):
            self._walk_list(path)
        elif self._take("{"):
            self._walk_inline_table(path)
        else:
            pattern = _STRING if self._text[self._at] in "\"'" else _BARE_VALUE
            found = pattern.match(self._text, self._at)
            assert found is not None, f"not valid TOML at {self._at}"
            self._at = found.end()

    def _walk_list(self, path: Path) -> None:
        index = 0
        while self._skip_blank() is not None and not self._take("]"):
            self._note_line(path + (index,))
            self._walk_value(path + (index,))
            index += 1
            self._skip_blank()
            self._take(",")

    def _walk_inline_table(self, path: Path) -> None:
        while self._skip_blank() is not None and not self._take("}"):
            self._walk_pair(path)
            self._skip_blank()
            self._take(",")

    def _skip_blank(self) -> Optional[int]:
        """Moves past blanks and comments; returns the offset, or None at the end of the text."""
        found = _BLANK.match(self._text, self._at)
        self._at = found.end() if found else self._at
        return self._at if self._at < len(self._text) else None

    def _take(self, sign: str) -> bool:
        """Moves past `sign` if the text continues with it."""
        is_next = self._text.startswith(sign, self._at)
        self._at += len(sign) if is_next else 0
        return is_next

    def _note_line(self, path: Path) -> None:
        self._lines.setdefault(path, bisect_left(self._ends, self._at) + 1)
