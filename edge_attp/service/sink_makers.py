"""From a [[sink]] table to a sink, by its type."""

import os
from typing import Any, Dict, Iterator, List, Optional, Tuple

from edge_attp.service.config import Config
from edge_attp.service.lasting import LastingSink
from edge_attp.sinks import Sink
from edge_attp.sinks.secret_files import Secret
from edge_attp.sinks.settings import Surroundings
from edge_attp.sinks.table import SINKS
from edge_attp.sources.recorder import PacketRing

__all__ = ["lasting_sinks", "passing_sinks"]


def lasting_sinks(config: Config, stream: str) -> List[Tuple[str, LastingSink]]:
    """(name, sink) of those that outlive a single source of this stream."""
    return [(name, LastingSink(sink)) for name, sink in _sinks(config, stream, None, True)]


def passing_sinks(
    config: Config, stream: str, recorder: Optional[PacketRing]
) -> List[Tuple[str, Sink]]:
    """(name, sink) of the others. recorder: of the stream's packets, for sinks that ask for it."""
    return list(_sinks(config, stream, recorder, False))


def _sinks(
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
        yield name, kind.make(_plain(table.options), Surroundings(spool, recorder))


def _plain(options: Dict[str, Any]) -> Dict[str, Any]:
    """Sinks read secrets themselves."""
    return {
        key: value.path if isinstance(value, Secret) else value for key, value in options.items()
    }
