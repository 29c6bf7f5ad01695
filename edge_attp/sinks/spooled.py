"""The common part of sinks that send events over a network: a spool on disk, and a thread that empties it.

The pipeline's writer thread only puts events into the spool. Each sink defines how a message is delivered.
"""

import json
import threading
import time
from typing import Dict, Optional

from edge_attp.backoff import Backoff
from edge_attp.errors import EdgeAttpError, UsageError
from edge_attp.log import Trouble, logger
from edge_attp.recognition import Event
from edge_attp.sinks.base import Header, Sink
from edge_attp.sinks.jsonl import event_record, stamped
from edge_attp.sinks.settings import fill_stream_name
from edge_attp.sinks.spool import Spool
from edge_attp.strict import BYTES, Key

__all__ = ["DeliveryFailed", "DeliveryRefused", "SPOOL_KEY", "SpooledSink"]

SYNC_S = 1.0
CLOSE_TIMEOUT_S = 5.0
SPOOL_KEY = Key(
    BYTES,
    16 << 20,
    "bytes queued on disk while the receiver is away; the oldest are dropped first",
)


class DeliveryFailed(Exception):
    """A message could not be delivered now; it is tried again."""


class DeliveryRefused(Exception):
    """The receiver will never take this message; it is dropped."""


class SpooledSink(Sink):
    """Sends every event as JSON with time and id, at least once and in order.

    spool_folder: may hold "{stream}"; each stream needs its own. spool_max_bytes: see Spool. begin()
    raises UsageError if another sink uses the folder, EdgeAttpError if it cannot be made or read.
    """

    longest_wait_s = 30.0  # between attempts

    def __init__(self, name: str, spool_folder: str, spool_max_bytes: int) -> None:
        self._name = name
        self._folder, self._max_bytes = spool_folder, spool_max_bytes
        self._spool: Optional[Spool] = None
        self._wake, self._closing = threading.Event(), threading.Event()
        self._thread = threading.Thread(
            target=self._send_events, name="edge-attp-sender", daemon=True
        )
        self._counts = {"sent": 0, "refused": 0}
        self._disk, self._network = Trouble(name + ": spool"), Trouble(name)
        self._refusal = Trouble(name)  # never recovers: the first reason is enough

    def begin(self, header: Header) -> None:
        folder = fill_stream_name(self._folder, header.stream)
        try:
            self._spool = Spool(folder, self._max_bytes)
        except BlockingIOError:
            raise UsageError(
                f"{self._name}: the spool {folder} is in use by another stream or process; give each one its own"
            ) from None
        except OSError as error:
            raise EdgeAttpError(
                f"{self._name}: the spool {folder} cannot be used: {error.strerror}"
            ) from None
        if self._spool.counts["torn"]:
            logger.warning(
                "%s: dropped %d message(s) in %s, torn by a failure",
                self._name,
                self._spool.counts["torn"],
                folder,
            )
        self._thread.start()

    def event(self, event: Event) -> None:
        assert self._spool is not None
        try:
            self._spool.put_message(json.dumps(stamped(event_record(event, with_id=True))).encode())
        except OSError as error:
            self._disk.report_failure(error, "events are lost until writing works again")
        else:
            self._disk.report_success()
        self._wake.set()

    def close(self) -> None:
        """Sends what the receiver takes within CLOSE_TIMEOUT_S; the rest stays in the spool."""
        self._closing.set()
        self._wake.set()
        if self._spool is not None:
            self._thread.join(CLOSE_TIMEOUT_S)
            self._spool.close()

    def counters(self) -> Dict[str, int]:
        """Events sent, refused by the receiver, and waiting in the spool; and the counts of the Spool."""
        spool = self._spool
        if spool is None:
            return dict(self._counts)
        spooled = {"spool_" + name: count for name, count in spool.counts.items()}
        return dict(self._counts, spool_waiting=len(spool), **spooled)

    def _deliver_message(self, data: bytes) -> None:
        """Returns when the receiver has acknowledged the message; otherwise raises DeliveryFailed or
        DeliveryRefused."""
        raise NotImplementedError

    def _disconnect(self) -> None:
        """Called by the sending thread when it ends."""

    def _send_events(self) -> None:
        assert self._spool is not None
        backoff = Backoff(self.longest_wait_s)
        is_finished = False
        while not is_finished:
            try:
                self._spool.sync_to_disk()
                is_finished = self._send_oldest(self._spool)
                backoff.reset()
            except (DeliveryFailed, OSError) as error:
                self._network.report_failure(error, "events wait in the spool")
                is_finished = self._wait_to_retry(self._spool, backoff.next_s())
        self._disconnect()

    def _send_oldest(self, spool: Spool) -> bool:
        """Sends a message, or waits for one; True if none is left and no more will come."""
        message = spool.peek_message()
        if message is None:
            if self._closing.is_set():
                return True
            self._wake.wait()
            self._wake.clear()
            return False
        try:
            self._deliver_message(message.data)
            self._counts["sent"] += 1
            self._network.report_success()
        except DeliveryRefused as error:
            self._counts["refused"] += 1
            self._refusal.report_failure(error, "such events are dropped")
        spool.acknowledge(message)
        return False

    def _wait_to_retry(self, spool: Spool, wait_s: float) -> bool:
        """True if the sink is being closed: waiting messages stay for the next start."""
        until = time.monotonic() + wait_s
        while time.monotonic() < until:
            if self._closing.wait(min(SYNC_S, wait_s)):
                return True
            spool.sync_to_disk()
        return False
