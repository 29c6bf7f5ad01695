"""What a configuration would run, in lines for people (`edge-attp serve --check-config`)."""

from typing import Iterator, Tuple

from edge_attp.log import without_password
from edge_attp.service.config import Config, SinkTable, StreamTable
from edge_attp.sinks.table import SINKS

__all__ = ["describe"]

_EVERY = {0: "one picture of each group or 12", 1: "every picture"}


def describe(config: Config) -> str:
    """No passwords: not those in URLs either."""
    rows = list(_rows(config))
    width = max(len(name) for name, _ in rows) + 2
    return "\n".join(name.ljust(width) + what for name, what in rows)


def _rows(config: Config) -> Iterator[Tuple[str, str]]:
    engine = config.engine
    yield "model", "{} on {}".format(engine.pack or "the one that is shipped", engine.backend)
    yield "state", config.state_dir
    yield "health", "http://" + config.health.listen if config.health.listen else "none"
    for stream in config.streams:
        yield "stream " + stream.name, _stream(stream)
        for sink in config.sinks:
            if sink.takes(stream.name):
                yield "  to " + sink.type, _sink(sink, stream.name)
        if not any(sink.takes(stream.name) for sink in config.sinks):
            yield "  to", "the log only: no [[sink]] takes this stream"


def _stream(stream: StreamTable) -> str:
    every = _EVERY.get(stream.every, f"one picture in {stream.every}")
    return f"{without_password(stream.source)}, {every}"


def _sink(sink: SinkTable, stream: str) -> str:
    values = [str(sink.options[key]) for key in SINKS[sink.type].shown]
    return without_password(" ".join(values).replace("{stream}", stream))
