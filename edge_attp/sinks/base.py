"""What every sink looks like. The pipeline calls start, then picture and event, then finish."""

from fractions import Fraction
from typing import Any, NamedTuple, Optional, Tuple

from edge_attp.recognition import Event, Result, Verdict
from edge_attp.timing import Clock

__all__ = ["Header", "Sink"]


class Header(NamedTuple):
    """What is known before the first picture. The clock goes on being updated."""

    source: str
    width: int
    height: int
    frame_rate: Optional[Fraction]
    model: str
    is_trained: bool
    labels: Tuple[str, ...]
    backend: str
    clock: Clock
    bit_depth: int = 8


class Sink:
    """Takes results in display order. All calls but note() come from one thread."""

    keeps_notes = False

    def start(self, header: Header) -> None:
        """Once, before anything else."""

    def note(self, picture: Any) -> Any:
        """Called in the reading thread with each edge_attp.bitstream.Picture before it is let go, if
        keeps_notes is set; what it returns comes back as Result.note. One sink of a run may do so."""
        return None

    def picture(self, result: Result) -> None:
        """Every picture, scored or not."""

    def event(self, event: Event) -> None:
        """An event that ended."""

    def finish(self, verdict: Verdict) -> None:
        """Once, at the end, also of a run that was interrupted."""

    def close(self) -> None:
        """Always called last, also after an error in any sink; may be called twice."""
