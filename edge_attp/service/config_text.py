"""The configuration as text for people: a commented example, and a summary of what one would run.

`edge-attp serve --example` and `edge-attp serve --check-config` print them.
"""

import json
import textwrap
from typing import Iterator, Tuple

from edge_attp.log import without_password
from edge_attp.service.config import Config, SinkTable, StreamTable
from edge_attp.service.schema import SINK, SINKS, STREAM, TABLES, Keys
from edge_attp.sinks.table import SINKS as SINK_TYPES
from edge_attp.strict import REQUIRED, Key

__all__ = ["describe_config", "write_example"]

_WIDTH = 100
_HEAD = """\
# Configuration of `edge-attp serve`. Lines that are commented out show the default, or an example where
# there is none. `edge-attp serve --check-config --config FILE` reports mistakes and what would run.
"""
_STREAM = """
# One [[stream]] for each camera.
[[stream]]
"""
_SINK = """
# One [[sink]] for each destination of events. This one is on; the others below are examples.
[[sink]]
type = "%s"
"""
_EVERY = {0: "one picture of each group or 12", 1: "every picture"}


def write_example() -> str:
    """An example configuration with every key, as TOML text that load_config() accepts."""
    first, *others = SINKS
    parts = [_HEAD, _STREAM + _write_keys(STREAM)]
    parts += [_SINK % first + _write_keys(dict(_common_keys(), **SINKS[first]))]
    parts += [_write_disabled_sink(kind) for kind in others]
    parts += [f"\n[{name}]\n{_write_keys(table)}" for name, table in TABLES.items()]
    return "".join(parts)


def describe_config(config: Config) -> str:
    """What a configuration would run, one line each. Passwords are left out, those in URLs too."""
    rows = list(_rows(config))
    width = max(len(name) for name, _ in rows) + 2
    return "\n".join(name.ljust(width) + what for name, what in rows)


def _write_disabled_sink(kind: str) -> str:
    return f'\n#[[sink]]\n#type = "{kind}"\n{_write_keys(SINKS[kind], is_disabled=True)}'


def _common_keys() -> Keys:
    return {name: key for name, key in SINK.items() if name != "type"}


def _write_keys(table: Keys, is_disabled: bool = False) -> str:
    return "".join(_write_key(name, key, is_disabled) for name, key in table.items())


def _write_key(name: str, key: Key, is_disabled: bool) -> str:
    """One key, with its help as a comment behind it, or above it if the line would be too long."""
    mark = "#" if is_disabled or key.default is not REQUIRED else ""
    value = key.example if key.default in (REQUIRED, None) else key.default
    written = f"{mark}{name} = {json.dumps(value)}"
    line = f"{written!s:36} # {key.help}"
    if len(line) <= _WIDTH:
        return line + "\n"
    above = textwrap.wrap(key.help, _WIDTH, initial_indent="# ", subsequent_indent="# ")
    return "\n".join(above + [written]) + "\n"


def _rows(config: Config) -> Iterator[Tuple[str, str]]:
    engine = config.engine
    yield "model", "{} on {}".format(engine.model or "the one that is shipped", engine.backend)
    yield "state", config.state_dir
    yield "health", "http://" + config.health.listen if config.health.listen else "none"
    for stream in config.streams:
        yield "stream " + stream.name, _describe_stream(stream)
        for sink in config.sinks:
            if sink.takes(stream.name):
                yield "  to " + sink.type, _describe_sink(sink, stream.name)
        if not any(sink.takes(stream.name) for sink in config.sinks):
            yield "  to", "the log only: no [[sink]] takes this stream"


def _describe_stream(stream: StreamTable) -> str:
    every = _EVERY.get(stream.every, f"one picture in {stream.every}")
    return f"{without_password(stream.source)}, {every}"


def _describe_sink(sink: SinkTable, stream: str) -> str:
    values = [str(sink.options[key]) for key in SINK_TYPES[sink.type].shown]
    return without_password(" ".join(values).replace("{stream}", stream))
