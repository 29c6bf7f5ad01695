"""Sinks that go on between the streams they take events from, as a connection to a broker should."""

from typing import Any, Dict

from edge_attp.recognition import Event
from edge_attp.sinks import Header, Sink

__all__ = ["LastingSink"]


class LastingSink(Sink):
    """Begun by the first stream, ended by end(), with any number of streams one after the other between.

    What lies in a spool is delivered while no stream runs, and nobody hears of each clip of a folder
    that the device is gone.
    """

    def __init__(self, sink: Any) -> None:
        self._sink = sink
        self._has_begun = False

    def begin(self, header: Header) -> None:
        if not self._has_begun:
            self._sink.begin(header)
            self._has_begun = True

    def event(self, event: Event) -> None:
        self._sink.event(event)

    def end(self) -> None:
        """Once, when no stream will come any more; may wait for what can still be delivered."""
        self._sink.close()

    def counters(self) -> Dict[str, int]:
        """Those of the sink itself."""
        return self._sink.counters()
