"""What the page receives: the status of every stream twice a second, and events as they come.

Server-sent events in JSON. The status is composed once for all viewers, and only while there are any. The
feed knows nothing of connections.
"""

import json
import re
import threading
import time
from typing import Dict, Generator, List, Mapping, Tuple

from edge_attp.pipeline import Stream
from edge_attp.recognition import Event
from edge_attp.service.state import ServiceState

__all__ = ["Feed"]

MAX_VIEWERS = 8
WAIT_S = 5.0
_CREDENTIALS = re.compile(r"(?<=://)[^/@\s]+(?=@)")

Messages = Generator[bytes, None, None]


class Feed:
    """One thread calls publish_status() twice a second; any thread may call stream_messages()."""

    def __init__(self, state: ServiceState) -> None:
        self._state = state
        self._changed = threading.Condition()
        self._viewers = 0
        self._number = 0
        self._status = b""
        self._is_stopped = False

    @property
    def is_full(self) -> bool:
        """Whether there are as many viewers as allowed."""
        return self._viewers >= MAX_VIEWERS

    def publish_status(self, problems: List[str]) -> None:
        """Sends the status to all viewers. problems: of the whole service."""
        if not self._viewers:
            return
        status = _message("status", self._describe_service(problems))
        with self._changed:
            self._number += 1
            self._status = status
            self._changed.notify_all()

    def end_messages(self) -> None:
        """Ends the messages of all viewers."""
        with self._changed:
            self._is_stopped = True
            self._changed.notify_all()

    def stream_messages(self) -> Messages:
        """The messages for one viewer: the newest events, then news until end_messages() or close()."""
        with self._changed:
            self._viewers += 1
        try:
            yield b"retry: 2000\n\n"
            seen, sent = self._number, -1
            while True:
                with self._changed:
                    self._changed.wait_for(lambda: self._has_news(seen), WAIT_S)  # noqa: B023
                    if self._is_stopped:
                        return
                    seen, status = self._number, self._status
                sent, events = self._events_after(sent)
                yield status + events
        finally:
            with self._changed:
                self._viewers -= 1

    def _has_news(self, seen: int) -> bool:
        return self._is_stopped or self._number != seen

    def _events_after(self, sent: int) -> Tuple[int, bytes]:
        """The number of the newest event, and messages for the events after number `sent`."""
        new = [seen for seen in tuple(self._state.recent_events) if seen.number > sent]
        if not new:
            return sent, b""
        return new[-1].number, b"".join(_message("event", _describe_event(*seen)) for seen in new)

    def _describe_service(self, problems: List[str]) -> Dict[str, object]:
        return {
            "version": self._state.version,
            "time_s": time.time(),
            "started_s": self._state.started_s,
            "problems": problems,
            "streams": [
                _describe_stream(stream, self._state.restarts.get(stream.name, 0))
                for stream in self._state.streams()
            ],
        }


def _message(kind: str, values: Mapping[str, object]) -> bytes:
    return (f"event: {kind}\ndata: {json.dumps(values)}\n\n").encode("ascii")


def _describe_event(number: int, time_s: float, event: Event) -> Dict[str, object]:
    return {
        "number": number,
        "time_s": time_s,
        "stream": event.stream,
        "label": event.label,
        "score": float(event.score),
        "start_s": event.start_s,
        "end_s": event.end_s,
        "box": event.box,
    }


def _describe_stream(stream: Stream, restarts: int) -> Dict[str, object]:
    """stages: runs and seconds of each since the start, from which the page computes recent means."""
    status = stream.status
    error = None if stream.error is None else _CREDENTIALS.sub("***", str(stream.error))
    return {
        "name": stream.name,
        "state": status.state,
        "error": error,
        "size": [status.width, status.height],
        "pictures": status.pictures,
        "scored": status.scored,
        "idle": status.idle,
        "damaged": status.damaged,
        "skipped": status.skipped_scorings,
        "lag_s": status.lag_s,
        "events": status.events,
        "restarts": restarts,
        "top": [[label, float(probability)] for label, probability in status.top],
        "source": status.source_counters(),
        "stages": status.clock.totals(),
    }
