"""Live sources: cameras and streams that never end, break off, stall, and do not wait for their reader.

    with CompressedVideo(LiveSource("rtsp://camera/stream")) as video:
        for picture in video: ...

A thread reads packets into a bounded backlog, where they wait for the parser.
"""

import threading
import time
from typing import Dict, Iterator, NamedTuple, Optional

from edge_attp.backoff import Backoff
from edge_attp.bitstream.source import Source
from edge_attp.errors import CorruptStream, SourceError, UnsupportedStream
from edge_attp.log import logger, without_password
from edge_attp.sources.address import is_live
from edge_attp.sources.backlog import Backlog
from edge_attp.sources.connection import ConnectionOptions, connect
from edge_attp.sources.intake import Intake
from edge_attp.sources.recorder import PacketRing
from edge_attp.sources.timestamps import TIME_BASE
from edge_attp.types import EncodedPacket

__all__ = ["COUNTERS", "ConnectionOptions", "LiveOptions", "LiveSource", "is_live"]

# The counters of a live source, and what each of them counts.
COUNTERS = {
    "connects": "connections made",
    "reconnects": "connections made after the first one",
    "connection_failures": "attempts to connect that failed",
    "losses": "connections that broke off or were closed by the other side",
    "stalls": "connections given up because no video came for `stall_s`",
    "hung_threads": "reading threads given up because a call of FFmpeg did not return",
    "packets": "packets read",
    "corrupt_packets": "packets that FFmpeg marked as corrupt; their pictures are damaged",
    "parameter_set_changes": "packets that changed the parameter sets in force",
    "time_jumps": "jumps of the source's clock, which were removed",
    "missing_times": "packets without a time among others that have one",
    "skipped_before_key": "packets before the first key packet of a connection",
    "dropped_nonreference": "packets dropped for lag whose pictures no other picture refers to",
    "dropped_backlog": "packets dropped for lag, up to a key packet",
}

# After a connection that lasted this long, waits between attempts begin with the shortest again.
_GOOD_S = 10.0
_JOIN_S = 2.0
# FFmpeg keeps its time limits, except for steps without a limit (looking up a name) and faults of its own.
_PATIENCE_S = 30.0
_CHECK_S = 1.0


class LiveOptions(NamedTuple):
    """How to read a live source.

    - `reconnect_max_s`: the longest wait between attempts to connect.
    - `max_lag_s`: packets that wait longer are dropped, up to a key packet.
    - `skip_nonref_s`: packets to whose pictures no other refers are dropped after this; None means a
      quarter of `max_lag_s`.
    - `max_bytes`: limit for all packets that wait.
    - `first_fails`: whether a failure of the first attempt is final.
    """

    connection: ConnectionOptions = ConnectionOptions()
    reconnect_max_s: float = 30.0
    max_lag_s: float = 4.0
    skip_nonref_s: Optional[float] = None
    max_bytes: int = 64 << 20
    first_fails: bool = False


class LiveSource(Source):
    """Packets of a live source, without end, until stop().

    Packets are Annex B; each connection begins at a key packet with its parameter sets. A connection that
    fails, breaks off or stalls is made again, after growing waits. Where packets are missing, the next one
    begins with the end of a sequence, so that no vector refers across the gap. Times run on with the wall
    clock; the first packet has a pts of 0. A web address with a known duration (HLS of a finished broadcast)
    is read as a recording: nothing is dropped, and it ends.

    `lag_s` is how long the packet handed out last had waited, `counters` are those of COUNTERS. `recorder`,
    set before open(), records every packet in order, before any is dropped; the reading thread calls it.

    packets() and open() belong to one thread, stop() may be called from any. After stop() both end at once;
    the reading thread ends as soon as the call of FFmpeg it is in returns: with the next packet, or after
    `connect_s` and `stall_s` at the latest.
    """

    def __init__(
        self,
        address: str,
        *,
        options: Optional[LiveOptions] = None,
        recorder: Optional[PacketRing] = None,
    ) -> None:
        super().__init__()
        self._address = address
        self._options = options or LiveOptions()
        self.name = without_password(address)
        self.time_base = TIME_BASE
        self.max_lag_s = self._options.max_lag_s
        self.recorder = recorder
        self.counters: Dict[str, int] = dict.fromkeys(COUNTERS, 0)
        self.is_connected = False
        skip_nonref_s = self._options.skip_nonref_s
        self._backlog = Backlog(
            max_lag_s=self.max_lag_s,
            skip_nonref_s=self.max_lag_s / 4 if skip_nonref_s is None else skip_nonref_s,
            max_bytes=self._options.max_bytes,
            count=self._count,
        )
        self._intake = Intake(self._count)
        self._backoff = Backoff(self._options.reconnect_max_s)
        self._changed = threading.Condition()  # guards everything below, and the backlog
        self._is_known = False  # the first connection was made, and its facts are known
        self._has_warned_of_turning = False
        self._is_over = False
        self._failure: Optional[BaseException] = None
        self._stopping = threading.Event()
        self._thread = self._new_thread()
        self._alive_s = 0.0  # when the thread last proved that it does not hang

    def open(self) -> None:
        """Waits for the first connection. SourceError: stopped, or the attempt failed and `first_fails` is set.
        UnsupportedStream: another codec, and no transcoding."""
        with self._changed:
            self._start_thread()
            while not (self._is_known or self._is_over):
                self._wait_for_change()
        if self._failure is not None:
            raise self._failure
        if not self._is_known:
            raise SourceError(f"{self.name}: stopped before it was connected")

    def packets(self) -> Iterator[EncodedPacket]:
        """SourceError at the end if reading cannot continue, because the codec has changed."""
        while True:
            packet = self._next_packet()
            if packet is None:
                break
            yield packet
        if self._failure is not None:
            raise self._failure

    def stop(self) -> None:
        """Ends packets() and open() at once, and the reading thread soon."""
        self._stopping.set()
        with self._changed:
            self._backlog.clear()
            self._is_over = True
            self._changed.notify_all()

    def close(self) -> None:
        """stop(), and then waits up to 2 s for the thread."""
        self.stop()
        if self._thread.ident is not None:
            self._thread.join(_JOIN_S)

    def _count(self, name: str, by: int = 1) -> None:
        self.counters[name] += by

    def _new_thread(self) -> threading.Thread:
        return threading.Thread(target=self._run_reader, name="edge-attp-live", daemon=True)

    def _start_thread(self) -> None:
        self._alive_s = time.monotonic()
        self._thread.start()

    def _wait_for_change(self) -> None:
        """Waits for a notification, with the lock held. Replaces a thread that hangs, which ends if its call
        ever returns."""
        self._changed.wait(_CHECK_S)
        connection = self._options.connection
        limit_s = 2 * connection.connect_s + connection.stall_s + _PATIENCE_S
        if time.monotonic() - self._alive_s > limit_s and not self._is_over:
            logger.error("%s: FFmpeg hangs; another thread takes over", self.name)
            self._count("hung_threads")
            self._thread = self._new_thread()
            self._start_thread()

    def _next_packet(self) -> Optional[EncodedPacket]:
        """Waits for the next packet; None at the end."""
        with self._changed:
            while True:
                waiting = self._backlog.take_packet(time.monotonic())
                if waiting is not None:
                    break
                if self._is_over:
                    return None
                began_s = time.monotonic()
                self._wait_for_change()
                self.waited_s += time.monotonic() - began_s
            self._changed.notify_all()  # there is room again
        if not self._backlog.keeps_all:
            self.lag_s = time.monotonic() - waiting.arrived_s
        return waiting.packet

    # Everything below runs in the reading thread.

    def _run_reader(self) -> None:
        failure: Optional[BaseException] = None
        try:
            while not self._should_end() and not self._read_once():
                wait_s = self._backoff.next_s()
                self._alive_s = time.monotonic() + wait_s
                self._stopping.wait(wait_s)
        except BaseException as error:  # whoever waits for packets must learn of it
            failure = error
        with self._changed:
            if threading.current_thread() is self._thread:
                self.is_connected = False
                self._failure = failure
                self._is_over = True
                self._changed.notify_all()

    def _should_end(self) -> bool:
        """Whether the source was stopped, or another thread has replaced this one."""
        is_replaced = threading.current_thread() is not self._thread
        if not is_replaced:
            self._alive_s = time.monotonic()
        return is_replaced or self._stopping.is_set()

    def _read_once(self) -> bool:
        """Connects, and reads until the connection ends. Returns whether the source is at its end, too."""
        source = self._try_to_connect()
        if source is None:
            return False
        try:
            if self._should_end():
                return True
            self._begin_connection(source)
            return self._read_packets(source)
        finally:
            source.close()

    def _try_to_connect(self) -> Optional[Source]:
        try:
            return connect(self._address, self._options.connection, self._count)
        except (SourceError, CorruptStream) as error:
            if self._should_end():
                return None
            self._count("connection_failures")
            if self._options.first_fails and not self._is_known:
                raise
            self._report_failure(str(error))
            return None

    def _begin_connection(self, source: Source) -> None:
        self._count("connects")
        if not self._is_known:
            self._adopt_facts(source)
        else:
            self._count("reconnects")
            self._check_codec(source)
        logger.info("%s: connected: %s", self.name, source.codec)
        self._intake.begin_connection(source)
        self.is_connected = True

    def _adopt_facts(self, source: Source) -> None:
        with self._changed:
            self.container, self.codec = source.container, source.codec
            self.syntax, self.frame_rate = source.syntax, source.frame_rate
            self.track, self.tracks = source.track, source.tracks
            self._backlog.keeps_all = source.is_recording
            self._is_known = True
            self._changed.notify_all()

    def _check_codec(self, source: Source) -> None:
        if source.syntax is not self.syntax:
            raise SourceError(
                f"{self.name}: its codec has changed from {self.codec} to {source.codec}; open it again"
            )

    def _check_orientation(self, source: Source) -> None:
        """The orientation of the first connection holds for all."""
        if self.counters["packets"] == 0:
            self.display_matrix = source.display_matrix
        elif source.display_matrix != self.display_matrix and not self._has_warned_of_turning:
            self._has_warned_of_turning = True
            logger.warning(
                "%s: has another orientation after reconnecting; the first one is kept",
                self.name,
            )

    def _read_packets(self, source: Source) -> bool:
        began_s = last_s = time.monotonic()
        why = "the other side closed it"
        try:
            for number, packet in enumerate(source.packets()):
                if self._should_end():
                    return True
                if number == 0:
                    self._check_orientation(source)
                last_s = time.monotonic()
                self._accept_packet(packet, last_s)
            if source.is_recording:
                return True
        except (SourceError, CorruptStream, UnsupportedStream) as error:
            why = str(error)
        if self._should_end():
            return True
        self.is_connected = False
        now_s = time.monotonic()
        if last_s - began_s >= _GOOD_S:
            self._backoff.reset()
        if now_s - last_s >= self._options.connection.stall_s:
            self._count("stalls")
            why = f"no video for {now_s - last_s:.1f} s"
        else:
            self._count("losses")
        self._report_failure(f"{self.name}: connection lost: {why}")
        return False

    def _accept_packet(self, packet: EncodedPacket, arrived_s: float) -> None:
        self._count("packets")
        waiting = self._intake.accept_packet(packet, arrived_s)
        if waiting is None:
            return
        if self.recorder is not None:
            self.recorder.record_packet(waiting.packet, TIME_BASE)
        with self._changed:
            if self._backlog.keeps_all:
                self._changed.wait_for(lambda: self._is_over or not self._backlog.is_full)
            if not self._is_over:
                self._backlog.put_packet(waiting)
            self._changed.notify_all()

    def _report_failure(self, what: str) -> None:
        """One warning for a series of failures; the others appear with --verbose only."""
        say = logger.warning if self._backoff.failures == 0 else logger.debug
        say("%s; trying again until it works", what)
