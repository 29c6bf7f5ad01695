"""What every sink looks like. The pipeline calls start, then picture and event, then finish."""

from fractions import Fraction
from typing import Any, Dict, NamedTuple, Optional, Tuple

import numpy as np

from edge_attp.bitstream.orientation import UPRIGHT, Matrix, Orientation
from edge_attp.recognition import Event, Result, Verdict
from edge_attp.timing import Clock

__all__ = ["Header", "Sink"]


class Header(NamedTuple):
    """What is known before the first picture. The clock goes on being updated. `stream`: the name of the
    job, which is the source where it was given none. `jump_s`, `track`: see CompressedVideo.
    `orientation`: what pictures, which are upright here, were turned by; `display_matrix`: of the
    container, for those who pass on the stream itself."""

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
    stream: str = ""
    jump_s: float = float("inf")
    orientation: Orientation = UPRIGHT
    display_matrix: Optional[Matrix] = None
    track: int = 0


class Sink:
    """Takes results in display order. start(), watch() and note() are called in the reading thread, all
    others in one other thread."""

    watches = False
    keeps_notes = False

    def start(self, header: Header) -> None:
        """Once, before anything else."""

    def watch(self, picture: Any, key_rgb: Optional[np.ndarray]) -> None:
        """Called in the reading thread with each edge_attp.bitstream.Picture before it is let go, if
        watches is set; before note(). key_rgb: the picture decoded, RGB uint8 (height, width, 3), where
        it became a key picture, else None; to be kept as it is, not to be written to."""

    def note(self, picture: Any) -> Any:
        """Called in the reading thread with each edge_attp.bitstream.Picture before it is let go, if
        keeps_notes is set; what it returns comes back to this sink as Result.note."""
        return None

    def picture(self, result: Result) -> None:
        """Every picture, scored or not."""

    def event(self, event: Event) -> None:
        """An event that ended."""

    def finish(self, verdict: Verdict) -> None:
        """Once, at the end, also of a run that was interrupted."""

    def close(self) -> None:
        """Always called last, also after an error in any sink; may be called twice."""

    def counters(self) -> Dict[str, int]:
        """What happened so far, by name, for the metrics of a service. Any thread may ask."""
        return {}
