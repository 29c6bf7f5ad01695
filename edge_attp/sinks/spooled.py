"""What the sinks that send events over a network share: a spool on disk, and a thread that empties it.

The writer thread of the pipeline only ever puts an event into the spool. How a message is delivered is
the business of the sink.
"""

import json
import threading
import time
from typing import Dict, Optional

from edge_attp.backoff import Backoff
from edge_attp.errors import EdgeAttpError, UsageError
from edge_attp.log import logger
from edge_attp.recognition import Event
from edge_attp.sinks.base import Header, Sink
from edge_attp.sinks.jsonl import event_record, stamped
from edge_attp.sinks.naming import fill_in
from edge_attp.sinks.spool import Spool
from edge_attp.sinks.trouble import Trouble
from edge_attp.strict import BYTES, Key

__all__ = ["NotNow", "Refused", "SPOOL_KEY", "SpooledSink"]

SYNC_S = 1.0
CLOSE_TIMEOUT_S = 5.0
SPOOL_KEY = Key(BYTES, 16 << 20, "kept on disk while the other side is away; the oldest go first")


class NotNow(Exception):
    """A message could not be delivered; it is tried again."""


class Refused(Exception):
    """The other side will never take this message: it is dropped."""


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
        self._thread = threading.Thread(target=self._work, name="edge-attp-sender", daemon=True)
        self._counts = {"sent": 0, "refused": 0}
        self._disk, self._network = Trouble(name + ": spool"), Trouble(name)
        self._refusal = Trouble(name)  # never over: the first reason is enough

    def begin(self, header: Header) -> None:
        folder = fill_in(self._folder, header.stream)
        try:
            self._spool = Spool(folder, self._max_bytes)
        except BlockingIOError:
            raise UsageError(
                f"{self._name}: the spool {folder} is in use by another stream or process; give each its own"
            ) from None
        except OSError as error:
            raise EdgeAttpError(
                f"{self._name}: the spool {folder} cannot be used: {error.strerror}"
            ) from None
        if self._spool.counts["torn"]:
            logger.warning(
                "%s: %d message(s) in %s were torn by a failure and are dropped",
                self._name,
                self._spool.counts["torn"],
                folder,
            )
        self._thread.start()

    def event(self, event: Event) -> None:
        assert self._spool is not None
        try:
            self._spool.put(json.dumps(stamped(event_record(event, with_id=True))).encode())
        except OSError as error:
            self._disk.warn(error, "events are lost until the disk takes them again")
        else:
            self._disk.over()
        self._wake.set()

    def close(self) -> None:
        """What the other side takes within CLOSE_TIMEOUT_S is sent; the rest stays in the spool."""
        self._closing.set()
        self._wake.set()
        if self._spool is not None:
            self._thread.join(CLOSE_TIMEOUT_S)
            self._spool.close()

    def counters(self) -> Dict[str, int]:
        """Events sent, refused by the other side, waiting in the spool; and the counts of the Spool."""
        spool = self._spool
        if spool is None:
            return dict(self._counts)
        spooled = {"spool_" + name: count for name, count in spool.counts.items()}
        return dict(self._counts, spool_waiting=len(spool), **spooled)

    def _deliver(self, data: bytes) -> None:
        """Returns when the other side has acknowledged the message; else raises NotNow or Refused."""
        raise NotImplementedError

    def _hang_up(self) -> None:
        """Called by the sending thread when it ends."""

    def _work(self) -> None:
        assert self._spool is not None
        backoff = Backoff(self.longest_wait_s)
        is_over = False
        while not is_over:
            try:
                self._spool.sync()
                is_over = self._send_oldest(self._spool)
                backoff.reset()
            except (NotNow, OSError) as error:
                self._network.warn(error, "events wait in the spool")
                is_over = self._pause(self._spool, backoff.next_s())
        self._hang_up()

    def _send_oldest(self, spool: Spool) -> bool:
        """Sends a message, or waits for one to come; True if nothing waits and no more will come."""
        message = spool.peek()
        if message is None:
            if self._closing.is_set():
                return True
            self._wake.wait()
            self._wake.clear()
            return False
        try:
            self._deliver(message.data)
            self._counts["sent"] += 1
            self._network.over()
        except Refused as error:
            self._counts["refused"] += 1
            self._refusal.warn(error, "such events are dropped")
        spool.ack(message)
        return False

    def _pause(self, spool: Spool, wait_s: float) -> bool:
        """True if the sink is being closed: what waits is for the next time."""
        until = time.monotonic() + wait_s
        while time.monotonic() < until:
            if self._closing.wait(min(SYNC_S, wait_s)):
                return True
            spool.sync()
        return False
