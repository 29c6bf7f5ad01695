"""Tables of keys, and the documents that are read through them. Knows the place of each value."""

import difflib
import os
import re
from typing import (
    Any,
    Callable,
    Dict,
    Iterable,
    Iterator,
    List,
    Mapping,
    NamedTuple,
    Optional,
    Tuple,
    Type,
    Union,
)

from edge_attp.errors import EdgeAttpError
from edge_attp.strict import json_lines, toml_lines
from edge_attp.strict.kinds import Kind, Unfit, shown
from edge_attp.strict.toml_lines import Path

__all__ = ["Document", "Key", "Path", "REQUIRED", "Table", "flat", "read_json", "read_toml"]

REQUIRED: Any = object()  # the default of a key that must be given
_MOST_TOML = 1 << 20
_BARE = re.compile(r"[A-Za-z0-9_-]+$")


class Words(NamedTuple):
    """How a format writes one table and a list of tables, and what it calls an unknown one."""

    table: str
    tables: str
    unknown: str


_JSON = Words("an object", "a list of objects", "key")
_TOML = Words(
    "a table: write [{}] on a line of its own",
    "a list of tables: write [[{}]] on a line of its own",
    "table",
)


class Key(NamedTuple):
    """default: REQUIRED, or what holds where the key is left out; None where there is nothing to write.
    help: for people who write it. example: stands in place of a default that cannot be written."""

    kind: Kind
    default: Any = REQUIRED
    help: str = ""
    example: Any = None


Table = Mapping[str, Union[Key, "Table"]]


def flat(table: Table, before: str = "") -> Iterator[Tuple[str, Key]]:
    """Every key of a table and of those in it, with its dotted name."""
    for name, what in table.items():
        if isinstance(what, Key):
            yield before + name, what
        else:
            yield from flat(what, before + name + ".")


class Document:
    """What was read from a file or given in place of one, and where each value stands.

    name: of the file, for messages. error: what every fault raises. folder: that paths are relative to;
    a user with several adds them to `folders`, by Kind.base. lines: of every path, wanted for faults alone.
    """

    def __init__(
        self,
        name: str,
        data: Any,
        error: Type[EdgeAttpError],
        folder: str = "",
        lines: Callable[[], Dict[Path, int]] = dict,
        words: Words = _JSON,
    ) -> None:
        self.folders = {"": folder}
        self._name, self._data, self._error = name, data, error
        self._lines, self._words = lines, words
        self._given: Dict[Path, Tuple[str, str]] = {}
        self._elsewhere: Dict[str, str] = {}

    def put(self, path: Path, value: Any, place: str, folder: str) -> None:
        """A value in place of the file's. place: what messages name instead of file and line."""
        for index in range(len(path)):
            self._table(path[:index])
        values = self._data
        for part in path[:-1]:
            values = values.setdefault(part, {})
        values[path[-1]] = value
        self._given[path] = place, folder

    def read(self, table: Table, path: Path = (), beside: Iterable[str] = ()) -> Dict[str, Any]:
        """The values of the table at `path`, with defaults, and those of the tables in it.

        beside: names that may stand there too, and are read on their own.
        """
        if not path:
            self._elsewhere = {name.rpartition(".")[2]: name for name, _ in flat(table)}
        data = self._table(path)
        known = list(table) + list(beside)
        for name in data:
            if name not in known:
                raise self.fault(path + (name,), self._unknown(data[name], name, known))
        values = {}
        for name, what in table.items():
            at = path + (name,)
            values[name] = self.value(at, what) if isinstance(what, Key) else self.read(what, at)
        return values

    def value(self, path: Path, key: Key) -> Any:
        """The value of one key, or its default."""
        data, name = self._table(path[:-1]), str(path[-1])
        if name not in data:
            if key.default is REQUIRED:
                raise self.fault(path, "is missing, expected " + key.kind.expected)
            if key.default is None:
                return None
        value = data.get(name, key.default)
        _, folder = self._given.get(path, ("", self.folders[key.kind.base]))
        try:
            return key.kind.read(value, folder)
        except Unfit as unfit:
            if str(unfit):
                raise self.fault(path, str(unfit)) from None
            raise self.wrong(path, value, key.kind.expected) from None

    def tables(self, name: str) -> List[Path]:
        """The paths of the elements of a list of tables."""
        found = self._at((name,), [])
        if not isinstance(found, list) or not all(isinstance(entry, dict) for entry in found):
            raise self.wrong((name,), found, self._words.tables.format(name))
        return [(name, index) for index in range(len(found))]

    def wrong(self, path: Path, value: Any, expected: str) -> EdgeAttpError:
        """The error for a value that is not what was expected."""
        return self.fault(path, f"got {shown(value)}, expected {expected}")

    def fault(self, path: Path, told: str) -> EdgeAttpError:
        """The error for what stands at `path`, or should: then the line of its table counts."""
        return self._error(": ".join(filter(None, (self._place(path), self._label(path), told))))

    def _table(self, path: Path) -> Dict[str, Any]:
        found = self._at(path, {})
        if not isinstance(found, dict):
            raise self.wrong(path, found, self._words.table.format(self._label(path)))
        return found

    def _at(self, path: Path, default: Any) -> Any:
        """What stands at `path`; the default where that, or a table around it, is left out."""
        value = self._data
        for part in path:
            is_container = isinstance(value, dict if isinstance(part, str) else list)
            if not is_container or (isinstance(part, str) and part not in value):
                return default
            value = value[part]
        return value

    def _unknown(self, value: Any, name: str, known: List[str]) -> str:
        what = self._words.unknown if _holds_keys(value) else "key"
        near = difflib.get_close_matches(name, known, 1)
        if not near and what == "key":
            others = difflib.get_close_matches(name, self._elsewhere, 1)
            near = [self._elsewhere[other] for other in others]
        if near:
            return f'unknown {what}; did you mean "{near[0]}"?'
        return "unknown {}; known are {}".format(what, ", ".join(known))

    def _place(self, path: Path) -> str:
        try:
            lines = self._lines()
        except RecursionError:  # TOML at the very depth that its library can just read
            lines = {}
        for length in range(len(path), -1, -1):
            if path[:length] in self._given:
                return self._given[path[:length]][0]
            if path[:length] in lines:
                return f"{self._name}:{lines[path[:length]]}"
        return self._name

    def _label(self, path: Path) -> str:
        """What people call a value: health.listen, or stream 'door': every, in a list of tables."""
        told: List[str] = []
        names: List[str] = []
        for length, part in enumerate(path, 1):
            if isinstance(part, str):
                names.append(part if _BARE.match(part) else shown(part))
            else:
                element = self._at(path[:length], None)
                if isinstance(element, dict):
                    told.append(_title(".".join(names), part, element))
                    names = []
        return ": ".join(told + [".".join(names)] if names else told)


def _holds_keys(value: Any) -> bool:
    """Whether a value is a table, or a list of tables."""
    return isinstance(value[0] if isinstance(value, list) and value else value, dict)


def _title(name: str, index: int, table: Dict[str, Any]) -> str:
    """What people call a table of a list: stream 'door', sink 2 (mqtt)."""
    if _can_be_told(table.get("name")):
        return "{} '{}'".format(name, table["name"])
    of_type = " ({})".format(table["type"]) if _can_be_told(table.get("type")) else ""
    return f"{name} {index + 1}{of_type}"


def _can_be_told(value: Any) -> bool:
    return isinstance(value, str) and value.isprintable() and value != ""


def read_toml(path: str, error: Type[EdgeAttpError], folder: Optional[str] = None) -> Document:
    """Reads a TOML file. folder: that paths in it are relative to, by default its own."""
    text = _read(path, error, _MOST_TOML)
    folder = os.path.dirname(os.path.abspath(path)) if folder is None else folder
    data = toml_lines.parse(text, path, error)
    return Document(path, data, error, folder, lambda: toml_lines.lines(text), _TOML)


def read_json(path: str, error: Type[EdgeAttpError]) -> Document:
    """Reads a JSON file. Paths in it are relative to its folder."""
    text = _read(path, error)
    data = json_lines.parse(text, path, error)
    return Document(path, data, error, os.path.dirname(path), lambda: json_lines.lines(text))


def _read(path: str, error: Type[EdgeAttpError], most: Optional[int] = None) -> str:
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read(-1 if most is None else most + 1)
    except OSError as reason:
        raise error(f"{path}: cannot be read: {reason.strerror}") from None
    except UnicodeDecodeError:
        raise error(f"{path}: is not UTF-8 text") from None
    if most is not None and len(text) > most:
        raise error(f"{path}: is larger than 1 MiB, which no configuration is")
    return text
