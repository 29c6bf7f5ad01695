"""Turns the packets of a connection into packets for the parser.

They become Annex B, begin at a key packet, have parameter sets before every key packet, and times that run
on. Knows nothing of threads, nor of what becomes of the packets.
"""

from typing import Callable, List, NamedTuple, Optional

from edge_attp.bitstream import nal
from edge_attp.bitstream.nal import ParameterSets
from edge_attp.bitstream.source import Source
from edge_attp.bitstream.syntax import Syntax
from edge_attp.sources.backlog import Waiting
from edge_attp.sources.timestamps import Times
from edge_attp.types import EncodedPacket


class _PacketFacts(NamedTuple):
    """What the NAL units of one packet say."""

    is_key: bool
    has_sets: bool
    has_all_sets: bool  # one of each kind
    is_unreferenced: bool  # no other picture refers to its own


class Intake:
    """Takes the packets of one connection after another; calls `count` with names of counters."""

    def __init__(self, count: Callable[[str], None]) -> None:
        self._count = count
        self._times = Times(count)
        self._source: Source = Source()
        self._sets = ParameterSets(self._source.syntax, 0)
        self._highest_sub_layer = 0
        self._is_begun = False
        self._is_cut = False

    def begin_connection(self, source: Source) -> None:
        """Nothing before the first key packet of the new connection can be used."""
        self._is_cut = self._is_cut or self._is_begun
        self._is_begun = False
        if source.syntax is not self._source.syntax:
            self._sets = ParameterSets(source.syntax, 0)
        self._source = source
        self._times.begin_connection(source.time_base, source.frame_rate)
        self._add_sets(source.parameter_sets)

    def accept_packet(self, packet: EncodedPacket, arrived_s: float) -> Optional[Waiting]:
        """None for packets before the first key packet and its parameter sets."""
        length_bytes, syntax = self._source.nal_length_bytes, self._source.syntax
        units = list(nal.split(packet.data, length_bytes, syntax))
        self._add_sets([unit for unit in units if syntax.nal_type(unit) in syntax.set_types])
        facts = self._inspect(units, syntax, packet.is_key)
        can_begin = facts.is_key and self._sets.is_complete
        if not (self._is_begun or can_begin):
            self._count("skipped_before_key")
            return None
        data = nal.join(units, 0) if length_bytes else packet.data
        sets = self._sets.annex_b if can_begin else b""
        data = data if facts.has_all_sets else sets + data
        pts, dts = self._times.stamp(packet.pts, packet.dts, arrived_s)
        is_cut = self._is_cut and not self._is_begun
        self._is_begun, self._is_cut = True, False
        return Waiting(
            EncodedPacket(data, pts, dts, facts.is_key),
            arrived_s,
            is_needed=facts.has_sets or not facts.is_unreferenced,
            is_cut=is_cut,
            parameter_sets=sets,
            end_mark=nal.join([syntax.end_of_sequence], 0),
        )

    def _add_sets(self, sets: List[bytes]) -> None:
        before = self._sets.annex_b
        self._sets.add_sets(sets)
        if before and self._sets.annex_b is not before:
            self._count("parameter_set_changes")
        layers = map(self._source.syntax.highest_sub_layer, sets)
        self._highest_sub_layer = max(self._highest_sub_layer, max(layers, default=0))

    def _inspect(self, units: List[bytes], syntax: Syntax, is_key: bool) -> _PacketFacts:
        kinds = {syntax.nal_type(unit) for unit in units}
        slices = [unit for unit in units if syntax.nal_type(unit) in syntax.slice_types]
        highest = self._highest_sub_layer
        return _PacketFacts(
            is_key=bool(slices) and (is_key or bool(kinds & syntax.key_types)),
            has_sets=bool(kinds & syntax.set_types),
            has_all_sets=syntax.set_types <= kinds,
            is_unreferenced=bool(slices)
            and all(syntax.is_unreferenced(unit, highest) for unit in slices),
        )
