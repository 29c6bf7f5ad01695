"""The configuration of the service: one strict TOML file, checked before anything runs.

schema.py has the tables, their kinds and defaults; edge_attp.strict reports what is wrong, and where.
"""

import os
from typing import NamedTuple, Optional, Tuple

from edge_attp.errors import UsageError
from edge_attp.log import logger
from edge_attp.recognition import Thresholds
from edge_attp.service.schema import SINK, SINKS, STREAM, TABLES
from edge_attp.sinks.settings import Secret
from edge_attp.sinks.table import SINKS as SINK_TYPES
from edge_attp.strict import Document, Path, Values, choice, read_toml, shown

__all__ = ["Config", "Engine", "Health", "SinkTable", "StreamTable", "load_config"]

_LOCAL = ("127.", "localhost:", "[::1]:")


class Engine(NamedTuple):
    model: Optional[str]
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
    regions: Optional[int]
    anchor: Optional[int]
    track: Optional[int]
    parse_threads: int
    realtime: bool
    stall_s: float
    reconnect_max_s: float
    max_lag_s: float


class SinkTable(NamedTuple):
    """streams: None for all. options: the keys that SINKS of schema.py lists for this type."""

    type: str
    streams: Optional[Tuple[str, ...]]
    options: Values

    def takes(self, stream: str) -> bool:
        """Whether this sink receives the results of the stream."""
        return self.streams is None or stream in self.streams


class Config(NamedTuple):
    """The whole configuration; paths are absolute, secrets have been read."""

    path: str
    state_dir: str
    engine: Engine
    health: Health
    events: Thresholds
    streams: Tuple[StreamTable, ...]
    sinks: Tuple[SinkTable, ...]


def load_config(path: str, folder: Optional[str] = None) -> Config:
    """Reads a configuration file. folder: that paths in it are relative to, by default its own.

    Raises UsageError, naming the place of the first fault.
    """
    document = read_toml(path, UsageError, folder)
    tables = document.read_table(TABLES, also=("stream", "sink"))
    state_dir = tables["service"]["state_dir"] or default_state_dir()
    document.folders["state"] = state_dir
    config = Config(
        path,
        state_dir,
        Engine(**tables["engine"]),
        Health(**tables["health"]),
        Thresholds(**tables["events"]),
        tuple(
            StreamTable(**document.read_table(STREAM, at)) for at in document.list_tables("stream")
        ),
        tuple(_read_sink(document, at) for at in document.list_tables("sink")),
    )
    _check(document, config)
    for line in document.describe_renamed():
        logger.warning("%s", line)
    return config


def default_state_dir() -> str:
    """The folder that systemd names or, if started by hand, the user's own state folder."""
    given = os.environ.get("STATE_DIRECTORY", "").split(":")[0]
    return given or os.path.expanduser("~/.local/state/edge-attp")


def _read_sink(document: Document, at: Path) -> SinkTable:
    kind = document.read_required(at + ("type",), choice(*SINKS))
    read = document.read_table(dict(SINK, **SINKS[kind]), at)
    return SinkTable(kind, read["streams"], {key: read[key] for key in SINKS[kind]})


def _check(document: Document, config: Config) -> None:
    """Checks rules that relate several keys."""
    if not config.streams:
        raise document.fault((), "has no [[stream]], so there is nothing to watch")
    _check_names(document, config)
    _check_exclusive_sinks(document, config)
    start, end = config.events[:2]
    if start is not None and end is not None and end > start:
        raise document.unexpected(("events", "end"), end, f"at most start, {start:g}")
    listen = config.health.listen
    if listen and not listen.startswith(_LOCAL) and config.health.token_file is None:
        message = f"{listen} can be reached from the network, which requires a token_file"
        raise document.fault(("health", "listen"), message)


def _check_names(document: Document, config: Config) -> None:
    names = [stream.name for stream in config.streams]
    for index, name in enumerate(names):
        if name in names[:index]:
            message = f"another stream has the name {name} too"
            raise document.fault(("stream", index, "name"), message)
    for index, sink in enumerate(config.sinks):
        for place, name in enumerate(sink.streams or ()):
            if name not in names:
                message = "there is no stream {}; known are {}".format(
                    shown(name), ", ".join(names)
                )
                raise document.fault(("sink", index, "streams", place), message)


def _check_exclusive_sinks(document: Document, config: Config) -> None:
    """Where a type has a key that streams may not share, a stream takes one such sink, and no two streams
    have the same value."""
    served, taken = set(), set()
    for index, sink in enumerate(config.sinks):
        at, own = ("sink", index), SINK_TYPES[sink.type].own
        if own is None:
            continue
        for name in [stream.name for stream in config.streams if sink.takes(stream.name)]:
            if (sink.type, name) in served:
                message = f"the stream {name} already has another {sink.type} sink"
                raise document.fault(at + ("type",), message)
            place = sink.options[own].replace("{stream}", name)
            if (sink.type, place) in taken:
                message = f"another stream is sent to {place} too; put {{stream}} into it"
                raise document.fault(at + (own,), message)
            served.add((sink.type, name))
            taken.add((sink.type, place))
