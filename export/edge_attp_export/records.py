"""Plain values, as TOML and JSON have them, into frozen dataclasses; strictly. Knows no key by name.

A key is written "table.name". Types of fields: bool, int, float, str, Path, Optional of them,
Tuple[X, X], Tuple[X, ...] and Dict[str, Path]. `number`, `choice`, `location` and `paths` narrow them.
"""

from __future__ import annotations

import difflib
import json
import math
from dataclasses import MISSING, field, fields
from pathlib import Path
from typing import (
    Any,
    Dict,
    Iterable,
    Iterator,
    Mapping,
    NamedTuple,
    Optional,
    Sequence,
    Tuple,
    Type,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

from edge_attp.errors import UsageError

Tables = Mapping[str, Type[Any]]


def number(default: Any, low: float, high: float = math.inf) -> Any:
    """A field that takes numbers from low to high; of a tuple, each."""
    return field(default=default, metadata={"low": low, "high": high})


def choice(default: str, choices: Sequence[str]) -> Any:
    """A field that takes one of some words."""
    return field(default=default, metadata={"choices": tuple(choices)})


def location() -> Any:
    """A field of type Optional[str] that takes a path or a URL."""
    return field(default=None, metadata={"location": True})


def paths(names: Sequence[str]) -> Any:
    """A field of type Dict[str, Path], a table of its own, that takes some of these names."""
    return field(default_factory=dict, metadata={"names": tuple(names)})


class Given(NamedTuple):
    """A value as it was given. place: for messages. folder: what a path is relative to."""

    key: str
    value: Any
    place: str
    folder: Path


class Key(NamedTuple):
    """What a key takes: a type, and the metadata of its field."""

    hint: Any
    limits: Mapping[str, Any]

    @property
    def optional(self) -> bool:
        return get_origin(self.hint) is Union

    @property
    def type(self) -> Any:
        return get_args(self.hint)[0] if self.optional else self.hint


class _Unfit(Exception):
    """A value that is not what its key takes."""


def build(tables: Tables, given: Iterable[Given], source: Path) -> Dict[str, Any]:
    """One record for each table. Of a key given twice, the last counts.

    Raises UsageError naming the place of what is wrong, its value and what was expected.
    """
    known = keys(tables)
    values: Dict[str, Any] = {name: {} for name in tables}
    for item in {item.key: item for item in given}.values():
        if item.key not in known:
            raise UsageError(f"{item.place}: there is no such key; {nearest(item.key, known)}")
        value = _converted(item, known[item.key])
        if value is not None:
            _put(values, item.key, value)
    for name, record in tables.items():
        for one in fields(record):
            required = one.default is MISSING and one.default_factory is MISSING
            if required and one.name not in values[name]:
                expected_value = expected(known[f"{name}.{one.name}"])
                raise UsageError(f"{source}: [{name}] {one.name} is missing: {expected_value}")
    return {name: record(**values[name]) for name, record in tables.items()}


def flattened(content: Mapping[str, Any], source: Path, table: str = "") -> Iterator[Given]:
    """Every value of nested tables; paths are relative to the folder of `source`."""
    for name, value in content.items():
        if isinstance(value, Mapping):
            yield from flattened(value, source, f"{table}{name}.")
            continue
        shown = json.dumps(value, default=str, ensure_ascii=False)
        place = f"{source}: " + (f"[{table[:-1]}] " if table else "") + f"{name} = {shown}"
        yield Given(table + name, value, place, source.absolute().parent)


def keys(tables: Tables) -> Dict[str, Key]:
    """Every key there is."""
    found = {}
    for table, record in tables.items():
        hints = get_type_hints(record)
        for one in fields(record):
            key = f"{table}.{one.name}"
            for name in one.metadata.get("names", ()):
                found[f"{key}.{name}"] = Key(Optional[Path], {})
            if "names" not in one.metadata:
                found[key] = Key(hints[one.name], one.metadata)
    return found


def nearest(key: str, known: Mapping[str, Key]) -> str:
    """Say which key may have been meant, or which there are."""
    table, _, wrong = key.rpartition(".")
    every = {name.rpartition(".")[2]: name for name in known}
    beside = {name[len(table) + 1 :]: name for name in known if name.rpartition(".")[0] == table}
    for names in (beside, every):
        near = difflib.get_close_matches(wrong, names, 1)
        if near:
            return f"did you mean {names[near[0]]}?"
    tables = sorted({f"[{name.rpartition('.')[0]}]" for name in known})
    return "known are " + ", ".join(beside.values() or tables)


def expected(key: Key) -> str:
    """Say what a key takes."""
    limits = key.limits
    if "choices" in limits:
        return "one of " + ", ".join(filter(None, limits["choices"]))
    if "location" in limits:
        return "a path or a URL"
    if get_origin(key.type) is not tuple:
        return f"{_NAMES[key.type]}{_range(limits)}"
    one, *rest = get_args(key.type)
    count = "one or more" if rest == [Ellipsis] else "two"
    return f"a list of {count}, each {_NAMES[one]}{_range(limits)}"


_NAMES = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "text in quotes",
    Path: "a path in quotes",
}


def _range(limits: Mapping[str, Any]) -> str:
    if "low" not in limits:
        return ""
    low, high = limits["low"], limits["high"]
    return f", {low} or more" if high == math.inf else f" from {low} to {high}"


def _put(values: Dict[str, Any], key: str, value: Any) -> None:
    *tables, last = key.split(".")
    for name in tables:
        values = values.setdefault(name, {})
    values[last] = value


def _converted(given: Given, key: Key) -> Any:
    if key.optional and given.value in ("", None):
        return None
    try:
        if get_origin(key.type) is tuple:
            return _tuple(given, key)
        return _scalar(given.value, key.type, key.limits, given.folder)
    except _Unfit:
        raise UsageError(f"{given.place}: expected {expected(key)}") from None


def _tuple(given: Given, key: Key) -> Tuple[Any, ...]:
    values, (one, *rest) = given.value, get_args(key.type)
    length_fits = bool(values) if rest == [Ellipsis] else values and len(values) == 1 + len(rest)
    if not isinstance(values, list) or not length_fits:
        raise _Unfit
    return tuple(_scalar(value, one, key.limits, given.folder) for value in values)


def _scalar(value: Any, wanted: Any, limits: Mapping[str, Any], folder: Path) -> Any:
    if wanted is float and type(value) is int:
        value = float(value)
    if type(value) is not (str if wanted is Path else wanted):
        raise _Unfit
    if value not in limits["choices"] if "choices" in limits else value == "":
        raise _Unfit
    if "low" in limits and not limits["low"] <= value <= limits["high"]:
        raise _Unfit
    if wanted is Path:
        return folder / Path(value).expanduser()
    if "location" in limits and "://" not in value:
        return str(folder / Path(value).expanduser())
    return value
