"""What to do with a video, and what is known of it while that is done. Records only."""

from typing import Any, Callable, Dict, List, NamedTuple, Optional, Sequence, Tuple, Union

from edge_attp.bitstream import Source
from edge_attp.recognition import Thresholds
from edge_attp.sinks import Sink
from edge_attp.timing import Clock

__all__ = ["EVERY_GOP", "Job", "Options", "StreamStatus"]

EVERY_GOP = 0


class Options(NamedTuple):
    """What to do with a source.

    every: 1 scores every P and B picture; N the first of each GOP and every Nth after it; EVERY_GOP
    one of each GOP and of each 12 pictures of a longer one, drawn at random (always the same) and
    parsed alone; where everything is parsed all the same, the first of them. anchor: None takes the key
    pictures of the stream; N also makes a key picture, by decoding, of a picture wherever the stream
    has given none for N pictures. threads: of the parser. limit: pictures to read. transcode: turn
    what is neither H.264 nor HEVC into H.264 on the fly. wait: let the first GOP wait for the second
    key picture, right for files, wrong for live sources. overlap: False does everything of this source
    in the caller's thread, one stage after the other, to time the stages. realtime: let the pictures of
    a file in at their time, as a camera would. thresholds: of events. track: number of the video track,
    counted from 0; None: the one that FFmpeg calls the best.
    """

    every: int = 1
    anchor: Optional[int] = None
    threads: int = 1
    limit: Optional[int] = None
    transcode: bool = True
    wait: bool = True
    overlap: bool = True
    realtime: bool = False
    thresholds: Thresholds = Thresholds()
    track: Optional[int] = None


class Job(NamedTuple):
    """One video on its way through the pipeline.

    source: a path or URL, or a Source that is not open yet. make_sinks: called once, when the job is
    submitted. name: what results call the stream, by default the source's.
    """

    source: Union[str, Source]
    make_sinks: Callable[[], Sequence[Sink]]
    options: Options = Options()
    name: str = ""
    clock: Optional[Clock] = None


class StreamStatus:
    """Where a stream stands. Its own threads write, any thread may read.

    state: "opening", "running", "ended" or "failed". top: the newest smoothed (label, probability),
    best first. lag_s: how far a live source is behind. last_scored_s: time.monotonic(), None before.
    skipped_scorings: pictures that were not scored because the source was behind.
    """

    def __init__(self, clock: Clock) -> None:
        self.state = "opening"
        self.width = self.height = 0
        self.frame_rate: Optional[Any] = None
        self.pictures = self.scored = self.damaged = self.events = self.skipped_scorings = 0
        self.lag_s = 0.0
        self.last_scored_s: Optional[float] = None
        self.top: List[Tuple[str, float]] = []
        self.clock = clock
        self.source_counters: Callable[[], Dict[str, int]] = dict
