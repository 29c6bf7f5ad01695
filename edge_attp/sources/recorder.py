"""Keeps the newest packets of a running stream, and writes pieces of it to MP4 files.

Nothing is decoded or encoded. Knows packets and times, but no events.
"""

import threading
import time
from collections import deque
from fractions import Fraction
from io import BytesIO
from types import ModuleType
from typing import Deque, Iterator, List, NamedTuple, Optional

from edge_attp.bitstream import annexb, nal, pyav
from edge_attp.bitstream.mp4 import write_matrix
from edge_attp.bitstream.nal import ParameterSets
from edge_attp.bitstream.orientation import Matrix
from edge_attp.bitstream.packets import Input, OpenOptions, open_source
from edge_attp.bitstream.pyav import Packet
from edge_attp.bitstream.source import ASSUMED_RATE, Source
from edge_attp.bitstream.syntax import HEVC
from edge_attp.errors import CorruptStream
from edge_attp.sources.timestamps import TIME_BASE, Times
from edge_attp.types import EncodedPacket

__all__ = ["Cut", "PacketRing", "RecordedSource", "write_mp4"]

# A cut ends before a key packet, or before any packet if no key packet comes within this time.
LONGEST_GOP_S = 10.0


class Cut(NamedTuple):
    """Packets in decoding order, Annex B; the first is a key packet with its parameter sets. `is_whole` is False
    if some of the wanted packets are already forgotten."""

    packets: List[EncodedPacket]
    time_base: Fraction
    is_whole: bool


class _Gop(NamedTuple):
    number: int  # of its first packet; the others follow
    packets: List[EncodedPacket]  # the first is a key packet


class PacketRing:
    """Keeps the packets of the last `max_s` seconds, from a key packet on, `max_bytes` at most. Thread-safe.

    A GOP is kept or dropped as a whole; one larger than `max_bytes` is not kept at all. A packet without a
    time cannot be placed: it and all others up to the next key packet with a time are left out, and
    `timeless` counts it. Packets are numbered from 0 as they come. If recognition numbers them alike
    (`is_numbered`), set_shown_time() corrects when a picture is shown.
    """

    is_numbered = False

    def __init__(self, *, max_s: float = 120.0, max_bytes: int = 64 << 20) -> None:
        self.timeless = 0
        self._max_s, self._max_bytes = max_s, max_bytes
        self._lock = threading.Lock()
        self._gops: Deque[_Gop] = deque()
        self._size = 0  # bytes in them
        self._next_number = 0
        self._time_base = Fraction(1)
        self._awaits_key = True  # packets before the next key packet are of no use
        self._has_forgotten = False
        self._arrived_s = time.monotonic()

    def record_packet(self, packet: EncodedPacket, time_base: Optional[Fraction]) -> None:
        """Takes the next packet in decoding order: Annex B, with parameter sets if it is a key packet. Its pts,
        in `time_base`, is on the same clock as the times given to cut()."""
        pts = packet.dts if packet.pts is None else packet.pts
        with self._lock:
            self._arrived_s = time.monotonic()
            number, self._next_number = self._next_number, self._next_number + 1
            if pts is None or time_base is None:
                self.timeless += 1
                self._awaits_key = True
                return
            if time_base != self._time_base:
                self._clear(time_base)
            self._awaits_key = self._awaits_key and not packet.is_key
            if self._awaits_key:
                return
            if packet.is_key:
                self._gops.append(_Gop(number, []))
            self._gops[-1].packets.append(packet._replace(pts=pts))
            self._size += len(packet.data)
            self._forget(pts)

    def set_shown_time(self, number: int, start_s: float) -> None:
        """Says that the picture of packet `number` is shown at `start_s`, whatever its pts was. Ignored if the
        packet is forgotten."""
        if not self.is_numbered:
            return
        with self._lock:
            for gop in reversed(self._gops):
                place = number - gop.number
                if 0 <= place < len(gop.packets):
                    pts = round(start_s / float(self._time_base))
                    gop.packets[place] = gop.packets[place]._replace(pts=pts)
                    return

    @property
    def idle_s(self) -> float:
        """Time since the newest packet came."""
        return time.monotonic() - self._arrived_s

    def cut(self, start_s: float, end_s: float, is_last: bool = False) -> Optional[Cut]:
        """The packets of all pictures shown from `start_s` to `end_s`: from the key packet at or before
        `start_s` up to the first one after which no picture is shown before `end_s`.

        None if that packet has not come yet, unless `is_last` says that no more will come. Pictures shown
        before the first key picture but coded after it are left out, because they cannot be decoded
        without earlier ones. The cut has no packets if all of that time is forgotten.
        """
        with self._lock:
            tick_s = float(self._time_base)
            packets = [packet for gop in self._gops for packet in gop.packets]
            is_all = not self._has_forgotten
        end = _end(packets, end_s, tick_s, is_last)
        if end is None:
            return None
        keys = [k for k, packet in enumerate(packets[:end]) if packet.is_key]
        early = [k for k in keys if _time(packets[k]) * tick_s <= start_s]
        if not keys:
            return Cut([], self._time_base, False)
        begin = early[-1] if early else keys[0]
        first = _time(packets[begin])
        wanted = [packet for packet in packets[begin:end] if _time(packet) >= first]
        return Cut(wanted, self._time_base, is_all or bool(early))

    def _clear(self, time_base: Fraction) -> None:
        self._gops.clear()
        self._size = 0
        self._time_base = time_base
        self._awaits_key = True

    def _forget(self, newest: int) -> None:
        """Drops GOPs that are too old, or too large together."""
        oldest = newest - self._max_s / float(self._time_base)
        gops = self._gops
        while self._size > self._max_bytes or (
            len(gops) > 1 and _time(gops[1].packets[0]) <= oldest
        ):
            self._size -= sum(len(packet.data) for packet in gops.popleft().packets)
            self._has_forgotten = True
        self._awaits_key = not gops


def _time(packet: EncodedPacket) -> int:
    """When its picture is shown; the ring holds only packets that have a time."""
    assert packet.pts is not None
    return packet.pts


def _end(packets: List[EncodedPacket], end_s: float, tick_s: float, is_last: bool) -> Optional[int]:
    """Where to cut: nothing from there on is shown before `end_s`, because nothing is shown before it is
    decoded."""
    late = [
        k
        for k, packet in enumerate(packets)
        if (_time(packet) if packet.dts is None else packet.dts) * tick_s >= end_s
    ]
    for k in late:
        if packets[k].is_key:
            return k
    if late and _time(packets[-1]) * tick_s >= end_s + LONGEST_GOP_S:
        return late[0]
    return len(packets) if is_last else None


class RecordedSource(Source):
    """Another input, whose packets are recorded as they pass. For files; LiveSource has a `recorder` of its own.
    `transcode` and `track` as in CompressedVideo.

    The recorder gets times like those of recognition, in TIME_BASE: 0 for the first picture shown, and
    running on where those of the file do not. Packets without a time get one in decoding order, until
    set_shown_time() corrects it.
    """

    def __init__(
        self,
        source: Input,
        recorder: PacketRing,
        *,
        transcode: bool = True,
        track: Optional[int] = None,
    ) -> None:
        super().__init__()
        self._input = source
        self._options = OpenOptions(transcode=transcode, track=track)
        self._recorder = recorder
        self._inner: Optional[Source] = None
        self.name = str(source)

    def open(self) -> None:
        self._inner = inner = open_source(self._input, self._options)
        self.name, self.container, self.codec = inner.name, inner.container, inner.codec
        self.syntax, self.is_parsed = inner.syntax, inner.is_parsed
        self.nal_length_bytes, self.complete = inner.nal_length_bytes, inner.complete
        self.frame_rate, self.time_base = inner.frame_rate, inner.time_base
        self.jump_s = inner.jump_s
        self.parameter_sets, self.fault = inner.parameter_sets, inner.fault
        self.track, self.tracks = inner.track, inner.tracks

    @property
    def display_matrix(self) -> Optional[Matrix]:  # type: ignore[override]
        return None if self._inner is None else self._inner.display_matrix

    def packets(self) -> Iterator[EncodedPacket]:
        assert self._inner is not None
        tape = _Tape(self._inner, self._recorder)
        for packet in self._inner.packets():
            tape.record_packet(packet)
            yield packet

    def close(self) -> None:
        if self._inner is not None:
            self._inner.close()


class _Tape:
    """Passes packets on to a recorder, as Annex B, with parameter sets before key packets, and with times that
    run on from 0 for the first picture shown."""

    def __init__(self, source: Source, recorder: PacketRing) -> None:
        self._recorder = recorder
        recorder.is_numbered = True
        self._syntax, self._length_bytes = source.syntax, source.nal_length_bytes
        self._sets = ParameterSets(source.syntax, source.nal_length_bytes)
        self._sets.add_sets(source.parameter_sets)
        self._times = Times(lambda incident: None, source.jump_s)
        self._times.begin_connection(source.time_base, source.frame_rate)
        self._interval_s = 1 / float(source.frame_rate or ASSUMED_RATE)
        self._number = 0
        self._origin: Optional[int] = None
        self._early: List[EncodedPacket] = []  # hidden ones before the first one shown

    def record_packet(self, packet: EncodedPacket) -> None:
        due_s = self._number * self._interval_s
        self._number += 1
        pts, dts = self._times.stamp(packet.pts, packet.dts, due_s)
        self._early.append(self._annex_b(packet)._replace(pts=pts, dts=dts))
        if self._origin is None and packet.is_shown:
            self._origin = pts
        if self._origin is None:
            return
        for taken in self._early:
            self._recorder.record_packet(_shifted_back(taken, self._origin), TIME_BASE)
        self._early = []

    def _annex_b(self, packet: EncodedPacket) -> EncodedPacket:
        units = list(nal.split(packet.data, self._length_bytes, self._syntax))
        kinds = {self._syntax.nal_type(unit) for unit in units}
        is_key = packet.is_key or bool(kinds & self._syntax.key_types)
        sets = self._sets.annex_b if is_key else b""
        self._sets.watch_packet(packet.data)
        return packet._replace(data=sets + nal.join(units, 0), is_key=is_key)


def _shifted_back(packet: EncodedPacket, ticks: int) -> EncodedPacket:
    assert packet.pts is not None
    dts = None if packet.dts is None else packet.dts - ticks
    return packet._replace(pts=packet.pts - ticks, dts=dts)


def write_mp4(
    path: str,
    packets: List[EncodedPacket],
    time_base: Fraction,
    *,
    display_matrix: Optional[Matrix] = None,
) -> None:
    """Writes packets as they are into an MP4 file; the first picture is shown at 0.

    `packets` are as in Cut, at least one; `display_matrix` is that of the source, for players. Decoding times
    are derived from presentation times. OSError if the file cannot be written, CorruptStream if FFmpeg does
    not accept the packets.
    """
    av = pyav.import_av(f"{path}: cutting a clip")
    first = packets[0].data
    syntax = annexb.detect_syntax(first)
    if syntax is None:
        raise CorruptStream(f"{path}: the clip begins with no parameter sets")
    try:
        with pyav.open_input(av, BytesIO(first), format=syntax.name) as sample:
            with av.open(path, "w", format="mp4") as output:
                stream = pyav.add_stream_like(output, sample.streams.video[0])
                if syntax is HEVC and stream.codec_context is not None:
                    stream.codec_context.codec_tag = (
                        "hvc1"  # the only one that Apple's players know
                    )
                for packet in _packets_to_mux(av, packets, syntax.name):
                    packet.stream = stream
                    packet.time_base = time_base
                    output.mux(packet)
    except (av.error.FFmpegError, ValueError, IndexError) as error:
        if isinstance(error, OSError):
            raise
        raise CorruptStream(
            f"{path}: the clip cannot be written: {pyav.describe_error(error)}"
        ) from None
    if display_matrix is not None:  # PyAV cannot set it
        write_matrix(path, display_matrix)


def _packets_to_mux(
    av: ModuleType, packets: List[EncodedPacket], raw_format: str
) -> Iterator[Packet]:
    """PyAV's packets in decoding order, with the latest decoding times that suit all of them."""
    shown = [_time(packet) for packet in packets]
    decoded: List[int] = []
    for pts in sorted(shown):
        decoded.append(max(pts, decoded[-1] + 1) if decoded else pts)
    delay = max(dts - pts for dts, pts in zip(decoded, shown))
    steps = [after - before for before, after in zip(decoded, decoded[1:])] or [1]
    for packet, dts, step in zip(packets, decoded, steps + steps[-1:]):
        made = pyav.make_packet(
            av, packet.data, is_key=packet.is_key, duration=step, raw_format=raw_format
        )
        made.pts = _time(packet) - shown[0]
        made.dts = dts - delay - shown[0]
        yield made
