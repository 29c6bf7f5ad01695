"""The configuration of the service: one strict TOML file, checked before anything runs.

An unknown key or a wrong value is an error that names file, line, table, key and what was expected. The
tables, their kinds and defaults are in schema.py.
"""

import datetime
import difflib
import json
import os
from typing import Any, Dict, List, NamedTuple, Optional, Tuple

from edge_attp.errors import UsageError
from edge_attp.recognition import Thresholds
from edge_attp.service import values
from edge_attp.service.schema import REQUIRED, SINK, SINKS, STREAM, TABLES, Key, Table
from edge_attp.service.toml_file import Path, lines, parse
from edge_attp.service.values import Secret

__all__ = ["Config", "Engine", "Health", "SinkTable", "StreamTable", "load_config"]

_MAX_BYTES = 1 << 20
_LOCAL = ("127.", "localhost:", "[::1]:")


class Engine(NamedTuple):
    pack: Optional[str]
    backend: str
    threads: Optional[int]
    batch: int


class Health(NamedTuple):
    listen: str
    token_file: Optional[Secret]
    page: bool


class StreamTable(NamedTuple):
    name: str
    source: str
    transport: str
    every: int
    anchor: Optional[int]
    track: Optional[int]
    threads: int
    realtime: bool
    stall_s: float
    reconnect_max_s: float
    max_lag_s: float


class SinkTable(NamedTuple):
    """streams: None for all. options: what SINKS of schema.py lists for this type."""

    type: str
    streams: Optional[Tuple[str, ...]]
    options: Dict[str, Any]

    def takes(self, stream: str) -> bool:
        """Whether results of this stream go here."""
        return self.streams is None or stream in self.streams


class Config(NamedTuple):
    """All that the service is told; paths are absolute, secrets are read."""

    path: str
    state_dir: str
    engine: Engine
    health: Health
    events: Thresholds
    streams: Tuple[StreamTable, ...]
    sinks: Tuple[SinkTable, ...]


def load_config(path: str, folder: Optional[str] = None) -> Config:
    """Reads a configuration. folder: that paths in it are relative to, by default its own.

    Raises UsageError with the place of the first fault.
    """
    folder = folder or os.path.dirname(os.path.abspath(path))
    return _Reader(path, _read(path), folder).config()


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read(_MAX_BYTES + 1)
    except OSError as error:
        raise UsageError("%s: cannot be read: %s" % (path, error.strerror)) from None
    except UnicodeDecodeError:
        raise UsageError("%s: is not UTF-8 text" % path) from None
    if len(text) > _MAX_BYTES:
        raise UsageError("%s: is larger than 1 MiB, which no configuration is" % path)
    return text


class _Reader:
    """Turns one file into a Config."""

    def __init__(self, path: str, text: str, folder: str) -> None:
        self._path = path
        self._folder = folder
        self._state_dir = ""
        self._data = parse(text, path)
        self._lines = lines(text)

    def config(self) -> Config:
        self._refuse_unknown((), self._data, list(TABLES) + ["stream", "sink"])
        tables = {name: self._single(name, table) for name, table in TABLES.items()}
        self._state_dir = tables["service"]["state_dir"] or default_state_dir()
        streams = tuple(
            StreamTable(**self._table(("stream", index), data, STREAM))
            for index, data in enumerate(self._array("stream"))
        )
        sinks = tuple(
            self._sink(("sink", index), data) for index, data in enumerate(self._array("sink"))
        )
        config = Config(
            self._path,
            self._state_dir,
            Engine(**tables["engine"]),
            Health(**tables["health"]),
            Thresholds(**tables["events"]),
            streams,
            sinks,
        )
        self._check(config)
        return config

    def _single(self, name: str, table: Table) -> Dict[str, Any]:
        data = self._data.get(name, {})
        if not isinstance(data, dict):
            raise self._fault((name,), "expected a table: write [%s] on a line of its own" % name)
        return self._table((name,), data, table)

    def _array(self, name: str) -> List[Dict[str, Any]]:
        data = self._data.get(name, [])
        if not isinstance(data, list) or not all(isinstance(entry, dict) for entry in data):
            hint = "expected a list of tables: write [[%s]] on a line of its own" % name
            raise self._fault((name,), hint)
        return data

    def _sink(self, path: Path, data: Dict[str, Any]) -> SinkTable:
        kind = data.get("type", "")
        if not isinstance(kind, str) or kind not in SINKS:
            reason = "is missing" if "type" not in data else "got %s" % _shown(kind)
            raise self._fault(
                path + ("type",),
                "type: %s, expected %s" % (reason, values.choice(*SINKS).expected),
            )
        own = SINKS[kind]
        read = self._table(path, data, dict(SINK, **own))
        return SinkTable(kind, read["streams"], {key: read[key] for key in own})

    def _table(self, path: Path, data: Dict[str, Any], table: Table) -> Dict[str, Any]:
        """The values of one table, defaults where there are none."""
        self._refuse_unknown(path, data, list(table))
        return {name: self._value(path + (name,), data, name, key) for name, key in table.items()}

    def _value(self, path: Path, data: Dict[str, Any], name: str, key: Key) -> Any:
        kind = key.kind
        if name not in data and key.default is REQUIRED:
            raise self._fault(path, "%s: is missing, expected %s" % (name, kind.expected))
        value = data.get(name, key.default)
        if value is None:
            return None
        try:
            return kind.read(value, self._state_dir if kind.is_state else self._folder)
        except ValueError as error:
            told = values.why(error, kind, _shown(value))
            raise self._fault(path, "%s: %s" % (name, told)) from None

    def _refuse_unknown(self, path: Path, data: Dict[str, Any], known: List[str]) -> None:
        for name in data:
            if name not in known:
                close = difflib.get_close_matches(name, known, 1)
                hint = 'did you mean "%s"?' % close[0] if close else "known are " + ", ".join(known)
                told = "%s is no %s; %s" % (_shown(name), "key" if path else "table", hint)
                raise self._fault(path + (name,), told)

    def _check(self, config: Config) -> None:
        """What no single value tells."""
        if not config.streams:
            raise UsageError("%s: has no [[stream]], so there is nothing to watch" % self._path)
        self._check_names(config)
        self._check_overlays(config)
        if config.events.end > config.events.start:
            raise self._fault(
                ("events", "end"),
                "end: got %g, expected at most start, %g"
                % (config.events.end, config.events.start),
            )
        listen = config.health.listen
        if listen and not listen.startswith(_LOCAL) and config.health.token_file is None:
            raise self._fault(
                ("health", "listen"),
                "listen: %s can be reached from the network, which needs a token_file" % listen,
            )

    def _check_names(self, config: Config) -> None:
        names = [stream.name for stream in config.streams]
        for index, name in enumerate(names):
            if name in names[:index]:
                raise self._fault(
                    ("stream", index, "name"), "name: another stream is called %s too" % name
                )
        for index, sink in enumerate(config.sinks):
            for place, name in enumerate(sink.streams or ()):
                if name not in names:
                    raise self._fault(
                        ("sink", index, "streams", place),
                        "streams: there is no stream %s; there is %s"
                        % (_shown(name), ", ".join(names)),
                    )

    def _check_overlays(self, config: Config) -> None:
        """A stream is drawn once, and two of them in one place would spoil each other."""
        drawn, taken = set(), set()
        for index, sink in enumerate(config.sinks):
            for name in [stream.name for stream in config.streams if sink.takes(stream.name)]:
                if sink.type != "overlay":
                    continue
                if name in drawn:
                    raise self._fault(
                        ("sink", index, "type"), "type: %s has another overlay already" % name
                    )
                url = sink.options["url"].replace("{stream}", name)
                if url in taken:
                    told = "url: another stream is sent to %s; write {stream} in it" % url
                    raise self._fault(("sink", index, "url"), told)
                drawn.add(name)
                taken.add(url)

    def _fault(self, path: Path, told: str) -> UsageError:
        """The error for what stands at `path`, or should: then the line of its table counts."""
        line = next(
            (self._lines[path[:n]] for n in range(len(path), 0, -1) if path[:n] in self._lines), 0
        )
        where = "%s:%d" % (self._path, line) if line else self._path
        table = self._label(path)
        return UsageError(": ".join(part for part in (where, table, told) if part))

    def _label(self, path: Path) -> str:
        """What people call the table of a key: stream 'door', sink 2 (mqtt), health."""
        if len(path) < 2:
            return ""
        if not isinstance(path[1], int):
            return str(path[0])
        table = self._data[str(path[0])][path[1]]
        if path[0] == "stream" and isinstance(table.get("name"), str):
            return "stream '%s'" % table["name"]
        kind = " (%s)" % table["type"] if isinstance(table.get("type"), str) else ""
        return "%s %d%s" % (path[0], path[1] + 1, kind)


def default_state_dir() -> str:
    """systemd names it; by hand it lies where programs of a user keep such things."""
    given = os.environ.get("STATE_DIRECTORY", "").split(":")[0]
    return given or os.path.expanduser("~/.local/state/edge-attp")


def _shown(value: Any) -> str:
    """A value as it is written in TOML, or nearly."""
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    text = json.dumps(value, default=str, ensure_ascii=False)
    return text if len(text) <= 60 else text[:57] + "..."
