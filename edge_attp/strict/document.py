"""Tables of keys, and the documents read through them. A document knows the place of each value."""

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
    TypeVar,
    Union,
)

from edge_attp.errors import EdgeAttpError
from edge_attp.strict.formats import (
    Path,
    find_json_lines,
    find_toml_lines,
    parse_json,
    parse_toml,
)
from edge_attp.strict.kinds import Kind, Unfit, shown

__all__ = [
    "Document",
    "Key",
    "Path",
    "REQUIRED",
    "Table",
    "Values",
    "flat",
    "read_json",
    "read_toml",
]

REQUIRED: object = object()  # the default of a key that must be given
_LARGEST_TOML = 1 << 20
_BARE = re.compile(r"[A-Za-z0-9_-]+$")

T = TypeVar("T")
# What a table reads to, by key. The kind of each key decides its type, which no type checker can follow.
Values = Dict[str, Any]


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
    """One key of a table.

    default: REQUIRED, or the value as it would be written; None where leaving the key out has a meaning of
    its own. help: for people who write the key. example: replaces a default that cannot be written.
    old_name: an earlier name of the key, which is still accepted, see Document.renamed.
    """

    kind: Kind[object]
    default: object = REQUIRED
    help: str = ""
    example: object = None
    old_name: str = ""


Table = Mapping[str, Union[Key, "Table"]]


def flat(table: Table, prefix: str = "") -> Iterator[Tuple[str, Key]]:
    """Every key of a table and of the tables in it, with its dotted name."""
    for name, entry in table.items():
        if isinstance(entry, Key):
            yield prefix + name, entry
        else:
            yield from flat(entry, prefix + name + ".")


class Document:
    """Values from a file, or given in place of one, with the place of each.

    name: of the file, for messages. error: raised for every fault. folder: that paths are relative to;
    a caller with several adds them to `folders`, under Kind.base. lines: returns the line of every path;
    called for faults only.
    """

    def __init__(
        self,
        name: str,
        data: object,
        error: Type[EdgeAttpError],
        folder: str = "",
        lines: Callable[[], Dict[Path, int]] = dict,
        words: Words = _JSON,
    ) -> None:
        self.folders = {"": folder}
        self._name, self._data, self._error = name, data, error
        self._find_lines, self._words = lines, words
        self.renamed: Dict[Path, Path] = {}  # keys given by their old names: new path, old path
        self._overrides: Dict[Path, Tuple[str, str]] = {}
        self._elsewhere: Dict[str, str] = {}

    def override_value(self, path: Tuple[str, ...], value: object, place: str, folder: str) -> None:
        """Replaces or adds a value. place: what messages name instead of file and line."""
        table = self._table_at(())
        for depth, name in enumerate(path[:-1], 1):
            table.setdefault(name, {})
            table = self._table_at(path[:depth])
        table[path[-1]] = value
        self._overrides[path] = place, folder

    def read_table(self, table: Table, path: Path = (), also: Iterable[str] = ()) -> Values:
        """The values of the table at `path` and of the tables in it, defaults included.

        also: names that may appear there too and are read separately.
        """
        if not path:
            self._elsewhere = {name.rpartition(".")[2]: name for name, _ in flat(table)}
        data = self._table_at(path)
        for name, entry in table.items():
            if isinstance(entry, Key) and entry.old_name and entry.old_name in data:
                self._rename(path, entry.old_name, name)
        known = list(table) + list(also)
        for name in data:
            if name not in known:
                raise self.fault(path + (name,), self._describe_unknown(data[name], name, known))
        values = {}
        for name, entry in table.items():
            at = path + (name,)
            if isinstance(entry, Key):
                values[name] = self._read_key(at, entry)
            else:
                values[name] = self.read_table(entry, at)
        return values

    def read_required(self, path: Path, kind: Kind[T]) -> T:
        """The value of one key that must be given, apart from its table."""
        if path[-1] not in self._table_at(path[:-1]):
            raise self.fault(path, "is missing, expected " + kind.expected)
        return self._read_kind(path, self._value_at(path, None), kind)

    def list_tables(self, name: str) -> List[Path]:
        """The paths of the elements of a list of tables."""
        found = self._value_at((name,), [])
        if not isinstance(found, list) or not all(isinstance(entry, dict) for entry in found):
            raise self.unexpected((name,), found, self._words.tables.format(name))
        return [(name, index) for index in range(len(found))]

    def unexpected(self, path: Path, value: object, expected: str) -> EdgeAttpError:
        """The error for a value that is not what was expected."""
        return self.fault(path, f"got {shown(value)}, expected {expected}")

    def fault(self, path: Path, message: str) -> EdgeAttpError:
        """The error for what is at `path`. Where nothing is, it names the line of the table around it."""
        return self._error(": ".join(filter(None, (self._place(path), self._label(path), message))))

    def describe_renamed(self) -> List[str]:
        """One line for each key that was given by its old name."""
        return [
            f"{self._place(new)}: {self._label(old)}: is now called {new[-1]}"
            for new, old in self.renamed.items()
        ]

    def _rename(self, path: Path, old: str, new: str) -> None:
        data = self._table_at(path)
        if new in data:
            raise self.fault(path + (old,), f"is now called {new}, which is given too")
        data[new] = data.pop(old)
        self.renamed[path + (new,)] = path + (old,)

    def _read_key(self, path: Path, key: Key) -> object:
        if path[-1] not in self._table_at(path[:-1]):
            if key.default is REQUIRED:
                return self.read_required(path, key.kind)
            if key.default is None:
                return None
        return self._read_kind(path, self._value_at(path, key.default), key.kind)

    def _read_kind(self, path: Path, value: object, kind: Kind[T]) -> T:
        _, folder = self._overrides.get(path, ("", self.folders[kind.base]))
        try:
            return kind.read(value, folder)
        except Unfit as unfit:
            if str(unfit):
                raise self.fault(path, str(unfit)) from None
            raise self.unexpected(path, value, kind.expected) from None

    def _table_at(self, path: Path) -> Dict[str, object]:
        found = self._value_at(path, {})
        if not isinstance(found, dict):
            raise self.unexpected(path, found, self._words.table.format(self._label(path)))
        return found

    def _value_at(self, path: Path, default: object) -> object:
        """The value at `path`; the default where that, or a table around it, is left out."""
        value = self._data
        for part in path:
            if isinstance(part, str) and isinstance(value, dict) and part in value:
                value = value[part]
            elif isinstance(part, int) and isinstance(value, list):
                value = value[part]
            else:
                return default
        return value

    def _describe_unknown(self, value: object, name: str, known: List[str]) -> str:
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
            lines = self._find_lines()
        except RecursionError:  # TOML as deeply nested as its library can just read
            lines = {}
        for length in range(len(path), -1, -1):
            if path[:length] in self._overrides:
                return self._overrides[path[:length]][0]
            written = self.renamed.get(path[:length], path[:length])
            if written in lines:
                return f"{self._name}:{lines[written]}"
        return self._name

    def _label(self, path: Path) -> str:
        """What messages call a value: health.listen or, in a list of tables, stream 'door': every."""
        parts: List[str] = []
        names: List[str] = []
        for length, part in enumerate(path, 1):
            if isinstance(part, str):
                names.append(part if _BARE.match(part) else shown(part))
            else:
                element = self._value_at(path[:length], None)
                if isinstance(element, dict):
                    parts.append(_title(".".join(names), part, element))
                    names = []
        return ": ".join(parts + [".".join(names)] if names else parts)


def _holds_keys(value: object) -> bool:
    """Whether a value is a table or a list of tables."""
    return isinstance(value[0] if isinstance(value, list) and value else value, dict)


def _title(name: str, index: int, table: Mapping[str, object]) -> str:
    """What messages call an element of a list of tables: stream 'door', sink 2 (mqtt)."""
    if _is_printable(table.get("name")):
        return "{} '{}'".format(name, table["name"])
    of_type = " ({})".format(table["type"]) if _is_printable(table.get("type")) else ""
    return f"{name} {index + 1}{of_type}"


def _is_printable(value: object) -> bool:
    return isinstance(value, str) and value.isprintable() and value != ""


def read_toml(path: str, error: Type[EdgeAttpError], folder: Optional[str] = None) -> Document:
    """Reads a TOML file. folder: that paths in it are relative to, by default its own."""
    text = _read_text(path, error, _LARGEST_TOML)
    folder = os.path.dirname(os.path.abspath(path)) if folder is None else folder
    data = parse_toml(text, path, error)
    return Document(path, data, error, folder, lambda: find_toml_lines(text), _TOML)


def read_json(path: str, error: Type[EdgeAttpError]) -> Document:
    """Reads a JSON file. Paths in it are relative to its folder."""
    text = _read_text(path, error)
    data = parse_json(text, path, error)
    return Document(path, data, error, os.path.dirname(path), lambda: find_json_lines(text))


def _read_text(path: str, error: Type[EdgeAttpError], most: Optional[int] = None) -> str:
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read(-1 if most is None else most + 1)
    except OSError as reason:
        raise error(f"{path}: cannot be read: {reason.strerror}") from None
    except UnicodeDecodeError:
        raise error(f"{path}: is not UTF-8 text") from None
    if most is not None and len(text) > most:
        raise error(f"{path}: is larger than 1 MiB; no configuration is that large")
    return text
