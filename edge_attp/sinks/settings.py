"""What a sink says of itself to a configuration: its type, its keys, and how it is made of them."""

from typing import Any, Callable, Dict, NamedTuple, Optional, Tuple

from edge_attp.sinks.base import Sink
from edge_attp.sources.recorder import PacketRing
from edge_attp.strict import Key, path_to

__all__ = ["STATE_PATH", "SinkType", "Surroundings"]

STATE_PATH = path_to(base="state")


class Surroundings(NamedTuple):
    """What a sink may get beside its keys. spool_folder: of this sink alone; may hold "{stream}".
    recorder: of the stream's packets, where packets_s() asked for it."""

    spool_folder: str
    recorder: Optional[PacketRing] = None


class SinkType(NamedTuple):
    """One type of [[sink]]; each module of such a sink has one, and table.py lists them.

    type, description: its row in the README. maker: takes the keys by name, and those of Surroundings that
    are in `wants`. shown: keys that `--check-config` shows. is_lasting: one sink serves all sources of a
    stream, as one that holds a connection should. own: a key whose value streams may not share; each of
    them takes one such sink at most. packets_s: from the keys to the seconds of packets to be remembered.
    """

    type: str
    description: str
    maker: Callable[..., Sink]
    keys: Dict[str, Key]
    shown: Tuple[str, ...]
    wants: Tuple[str, ...] = ()
    is_lasting: bool = False
    own: Optional[str] = None
    packets_s: Optional[Callable[[Dict[str, Any]], float]] = None

    def make(self, options: Dict[str, Any], surroundings: Surroundings) -> Sink:
        """A sink. options: values of all keys."""
        wanted = {name: getattr(surroundings, name) for name in self.wants}
        return self.maker(**options, **wanted)
