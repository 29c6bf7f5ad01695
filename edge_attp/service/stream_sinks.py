"""The sinks of one stream, made from the [[sink]] tables.

Most are created for each source. Those that hold a connection last from one source to the next.
"""

import os
from typing import Dict, Iterator, List, Optional, Tuple

from edge_attp.recognition import Event
from edge_attp.service.config import Config
from edge_attp.sinks import Header, Sink
from edge_attp.sinks.settings import Secret, Surroundings
from edge_attp.sinks.table import SINKS
from edge_attp.sources.recorder import PacketRing
from edge_attp.strict import Values

__all__ = ["LastingSink", "make_lasting_sinks", "make_passing_sinks"]


class LastingSink(Sink):
    """Begun by the first source of a stream, ended by end_for_good(); any number of sources may come and
    go in between.

    So a spool is delivered while no source runs, and a broker is not told that the device is offline after
    each clip of a folder.
    """

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._has_begun = False

    def begin(self, header: Header) -> None:
        if not self._has_begun:
            self._sink.begin(header)
            self._has_begun = True

    def event(self, event: Event) -> None:
        self._sink.event(event)

    def end_for_good(self) -> None:
        """Closes the sink, once no source will follow. May wait for what can still be delivered."""
        self._sink.close()

    def counters(self) -> Dict[str, int]:
        """Those of the sink itself."""
        return self._sink.counters()


def make_lasting_sinks(config: Config, stream: str) -> List[Tuple[str, LastingSink]]:
    """(name, sink) of the sinks that outlive a single source of this stream."""
    return [(name, LastingSink(sink)) for name, sink in _make_sinks(config, stream, None, True)]


def make_passing_sinks(
    config: Config, stream: str, recorder: Optional[PacketRing]
) -> List[Tuple[str, Sink]]:
    """(name, sink) of the other sinks. recorder: holds the stream's packets, for sinks that want them."""
    return list(_make_sinks(config, stream, recorder, False))


def _make_sinks(
    config: Config, stream: str, recorder: Optional[PacketRing], is_lasting: bool
) -> Iterator[Tuple[str, Sink]]:
    """Sinks of one type are numbered."""
    for index, table in enumerate(config.sinks):
        kind = SINKS[table.type]
        if kind.is_lasting != is_lasting or not table.takes(stream):
            continue
        before = sum(other.type == table.type for other in config.sinks[:index])
        name = table.type if not before else f"{table.type} {before + 1}"
        spool = os.path.join(config.state_dir, "spool", "{stream}", name.replace(" ", "-"))
        yield name, kind.make_sink(_secrets_as_paths(table.options), Surroundings(spool, recorder))


def _secrets_as_paths(options: Values) -> Values:
    """Sinks read secrets themselves."""
    return {
        key: value.path if isinstance(value, Secret) else value for key, value in options.items()
    }
