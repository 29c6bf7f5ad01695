"""Live sources: cameras and streams that go on for ever, break off, stall, and do not wait.

    with CompressedVideo(LiveSource("rtsp://camera/stream")) as video:
        for picture in video: ...

A thread reads; what it reads waits in a bounded backlog for whoever parses it.
"""

import threading
import time
from typing import Any, Dict, Iterator, NamedTuple, Optional

from edge_attp.backoff import Backoff
from edge_attp.bitstream.source import Source
from edge_attp.errors import CorruptStream, SourceError, UnsupportedStream
from edge_attp.log import logger, without_password
from edge_attp.sources.address import is_live
from edge_attp.sources.backlog import Backlog
from edge_attp.sources.connection import ConnectionOptions, connect
from edge_attp.sources.intake import Intake
from edge_attp.sources.timestamps import TIME_BASE
from edge_attp.types import EncodedPacket

__all__ = ["COUNTERS", "ConnectionOptions", "LiveOptions", "LiveSource", "is_live"]

# The counters of a live source, and what each counts.
COUNTERS = {
    "connects": "connections made",
    "reconnects": "connections made after the first one",
    "connection_failures": "attempts to connect that failed",
    "losses": "connections that broke off or were closed by the other side",
    "stalls": "connections given up because no video came for `stall_s`",
    "hung_threads": "reading threads given up because FFmpeg did not come back from what they asked it",
    "packets": "packets read",
    "corrupt_packets": "packets that FFmpeg marked as corrupt; their pictures are damaged",
    "parameter_set_changes": "packets that changed the parameter sets in force",
    "time_jumps": "jumps of the source's clock, which were taken out",
    "missing_times": "packets without time among others that have one",
    "skipped_before_key": "packets after a connection was made, before its first key packet",
    "dropped_nonreference": "packets dropped for lag whose pictures no other picture refers to",
    "dropped_backlog": "packets dropped for lag up to a key packet",
}

# A connection that lasted so long was a good one: waiting begins with the shortest time again.
_GOOD_S = 10.0
_JOIN_S = 2.0
# FFmpeg keeps its time limits, but for what it has no limits for (looking up a name), or a fault of it.
_PATIENCE_S = 30.0
_LOOK_S = 1.0


class LiveOptions(NamedTuple):
    """reconnect_max_s: the longest wait between attempts. max_lag_s: packets that wait longer are dropped
    up to a key packet; skip_nonref_s: after so long those that nobody refers to (None: a quarter of
    it). max_bytes: of all that waits. first_fails: the first attempt that fails is the end."""

    connection: ConnectionOptions = ConnectionOptions()
    reconnect_max_s: float = 30.0
    max_lag_s: float = 4.0
    skip_nonref_s: Optional[float] = None
    max_bytes: int = 64 << 20
    first_fails: bool = False


class LiveSource(Source):
    """Packets of a live source, for ever, until stop().

    Annex B; each connection begins at a key packet with its parameter sets. A connection that fails,
    breaks off or stalls is made again, after waits that grow. Where packets are missing, the next one
    begins with the end of a sequence: no vector refers across. Times run on with the wall clock, and a
    pts of 0 is that of the first packet. A web address with a known duration (HLS of a finished
    broadcast) is read as a recording: nothing is dropped, and its end is the end.

    `lag_s`: how long the packet handed out last had waited. `counters`: see COUNTERS. `recorder`, set
    before open(): its packet(EncodedPacket, time_base) is called from the reading thread with every
    packet in order, before any is dropped.

    packets() and open() are for one thread, stop() for any. After stop() both end at once; the reading
    thread ends as soon as FFmpeg comes back from what it waits for: the next packet, or `connect_s` and
    `stall_s` at the latest.
    """

    def __init__(
        self, address: str, options: Optional[LiveOptions] = None, recorder: Any = None
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
            self.max_lag_s,
            self.max_lag_s / 4 if skip_nonref_s is None else skip_nonref_s,
            self._options.max_bytes,
            self._count,
        )
        self._intake = Intake(self._count)
        self._backoff = Backoff(self._options.reconnect_max_s)
        self._changed = threading.Condition()  # guards all that follows, and the backlog
        self._is_known = False  # the facts of the first connection are there
        self._has_warned_of_turning = False
        self._is_over = False
        self._failure: Optional[BaseException] = None
        self._stopping = threading.Event()
        self._thread = self._new_thread()
        self._seen_s = 0.0  # when the thread last showed that it is not hung

    def open(self) -> None:
        """Waits for the first connection. SourceError: stopped, or the attempt failed with `first_fails`.
        UnsupportedStream: another codec, and it is not to be transcoded."""
        with self._changed:
            self._start_thread()
            while not (self._is_known or self._is_over):
                self._wait()
        if self._failure is not None:
            raise self._failure
        if not self._is_known:
            raise SourceError(f"{self.name}: stopped before it was connected")

    def packets(self) -> Iterator[EncodedPacket]:
        """SourceError at the end if the source cannot be read on: its codec has changed."""
        while True:
            packet = self._next()
            if packet is None:
                break
            yield packet
        if self._failure is not None:
            raise self._failure

    def stop(self) -> None:
        """Ends packets() and open(), and the thread soon."""
        self._stopping.set()
        with self._changed:
            self._backlog.clear()
            self._is_over = True
            self._changed.notify_all()

    def close(self) -> None:
        """stop(), and a little patience with the thread."""
        self.stop()
        if self._thread.ident is not None:
            self._thread.join(_JOIN_S)

    def _count(self, name: str, by: int = 1) -> None:
        self.counters[name] += by

    def _new_thread(self) -> threading.Thread:
        return threading.Thread(target=self._work, name="edge-attp-live", daemon=True)

    def _start_thread(self) -> None:
        self._seen_s = time.monotonic()
        self._thread.start()

    def _wait(self) -> None:
        """For something to change, with the lock held. A thread that hangs is replaced; if it ever comes
        back, it ends."""
        self._changed.wait(_LOOK_S)
        connection = self._options.connection
        limit_s = 2 * connection.connect_s + connection.stall_s + _PATIENCE_S
        if time.monotonic() - self._seen_s > limit_s and not self._is_over:
            logger.error("%s: FFmpeg hangs; another thread takes over", self.name)
            self._count("hung_threads")
            self._thread = self._new_thread()
            self._start_thread()

    def _next(self) -> Optional[EncodedPacket]:
        """Waits for the next packet; None at the end."""
        with self._changed:
            while True:
                waiting = self._backlog.take(time.monotonic())
                if waiting is not None:
                    break
                if self._is_over:
                    return None
                began_s = time.monotonic()
                self._wait()
                self.waited_s += time.monotonic() - began_s
            self._changed.notify_all()  # there is room
        if not self._backlog.keeps_all:
            self.lag_s = time.monotonic() - waiting.arrived_s
        return waiting.packet

    # From here on: in the reading thread.

    def _work(self) -> None:
        failure: Optional[BaseException] = None
        try:
            while not self._is_to_end() and not self._read_once():
                wait_s = self._backoff.next_s()
                self._seen_s = time.monotonic() + wait_s
                self._stopping.wait(wait_s)
        except BaseException as error:  # whatever it is, whoever waits for packets must hear of it
            failure = error
        with self._changed:
            if threading.current_thread() is self._thread:
                self.is_connected = False
                self._failure = failure
                self._is_over = True
                self._changed.notify_all()

    def _is_to_end(self) -> bool:
        """It is stopped, or has been replaced."""
        is_replaced = threading.current_thread() is not self._thread
        if not is_replaced:
            self._seen_s = time.monotonic()
        return is_replaced or self._stopping.is_set()

    def _read_once(self) -> bool:
        """Connects, and reads until the connection ends. Returns whether that is the end of all."""
        source = self._connection()
        if source is None:
            return False
        try:
            if self._is_to_end():
                return True
            self._connected(source)
            return self._read(source)
        finally:
            source.close()

    def _connection(self) -> Optional[Source]:
        try:
            return connect(self._address, self._options.connection, self._count)
        except (SourceError, CorruptStream) as error:
            if self._is_to_end():
                return None
            self._count("connection_failures")
            if self._options.first_fails and not self._is_known:
                raise
            self._report(str(error))
            return None

    def _connected(self, source: Source) -> None:
        self._count("connects")
        if not self._is_known:
            self._learn(source)
        else:
            self._count("reconnects")
            self._check_codec(source)
        logger.info("%s: connected: %s", self.name, source.codec)
        self._intake.begin(source)
        self.is_connected = True

    def _learn(self, source: Source) -> None:
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
                f"{self.name}: its codec has changed from {self.codec} to {source.codec}: open it again"
            )

    def _check_orientation(self, source: Source) -> None:
        """That of the first connection holds."""
        if self.counters["packets"] == 0:
            self.display_matrix = source.display_matrix
        elif source.display_matrix != self.display_matrix and not self._has_warned_of_turning:
            self._has_warned_of_turning = True
            logger.warning(
                "%s: it comes back in another orientation; the first one is kept",
                self.name,
            )

    def _read(self, source: Source) -> bool:
        began_s = last_s = time.monotonic()
        why = "the other side closed it"
        try:
            for number, packet in enumerate(source.packets()):
                if self._is_to_end():
                    return True
                if number == 0:
                    self._check_orientation(source)
                last_s = time.monotonic()
                self._take(packet, last_s)
            if source.is_recording:
                return True
        except (SourceError, CorruptStream, UnsupportedStream) as error:
            why = str(error)
        if self._is_to_end():
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
        self._report(f"{self.name}: connection lost: {why}")
        return False

    def _take(self, packet: EncodedPacket, arrived_s: float) -> None:
        self._count("packets")
        waiting = self._intake.take(packet, arrived_s)
        if waiting is None:
            return
        if self.recorder is not None:
            self.recorder.packet(waiting.packet, TIME_BASE)
        with self._changed:
            if self._backlog.keeps_all:
                self._changed.wait_for(lambda: self._is_over or not self._backlog.is_full)
            if not self._is_over:
                self._backlog.put(waiting)
            self._changed.notify_all()

    def _report(self, what: str) -> None:
        """Once for a series of failures, unless somebody looks closely."""
        say = logger.warning if self._backoff.failures == 0 else logger.debug
        say("%s; trying again until it is back", what)
