"""What to do with a video, and how far that has come. Records only."""

from fractions import Fraction
from typing import Callable, Dict, List, NamedTuple, Optional, Sequence, Tuple, Union

from edge_attp.bitstream import Source
from edge_attp.engine import Pack
from edge_attp.engine.pack import REGION
from edge_attp.recognition import Thresholds
from edge_attp.sinks import Observer, Sink
from edge_attp.timing import Clock

__all__ = ["EVERY_GOP", "Job", "Options", "StreamStatus"]

EVERY_GOP = 0


class Options(NamedTuple):
    """What to do with a source.

    every: 1 scores every P and B picture, N the first of each GOP and every Nth after it. EVERY_GOP scores one
    picture of each GOP and, where a GOP is longer, of each 12 pictures, drawn at random (the same ones each
    time), and parses no others; where an observer needs every picture, or with anchors, it scores the first of each 12.
    anchor: None takes the key pictures of the stream; N decodes a picture as a key picture also wherever
    the stream has given none for N pictures, unless the pack looks at none. parse_threads: threads of the
    parser. limit: pictures to read. transcode: turn what is neither H.264 nor HEVC into H.264 on the fly.
    wait: let the first GOP wait for the second key picture, right for files, wrong for live sources.
    overlap: False does everything for this source in the caller's thread, one stage after the other, to
    time the stages. realtime: read the pictures of a file at their rate, as a camera gives them.
    thresholds: of events. track: number of the video track, counted from 0; None is the one that FFmpeg
    calls the best. regions: 0 scores the whole picture, N up to N regions in which something moves, and
    nothing where nothing does; None does what the pack was trained for. Regions need every picture parsed.
    """

    every: int = 1
    anchor: Optional[int] = None
    parse_threads: int = 1
    limit: Optional[int] = None
    transcode: bool = True
    wait: bool = True
    overlap: bool = True
    realtime: bool = False
    thresholds: Thresholds = Thresholds()
    track: Optional[int] = None
    regions: Optional[int] = None

    def regions_of(self, pack: Pack) -> int:
        """How many regions are viewed at most with this pack; 0 for the whole picture."""
        if self.regions is None:
            return 1 if pack.view == REGION else 0
        return self.regions


class Job(NamedTuple):
    """One video on its way through the pipeline.

    source: a path or URL, or a Source that is not open yet. make_sinks: called once, when the job is
    submitted. name: what results call the stream, by default the source's. observers: those that belong to no
    sink.
    """

    source: Union[str, Source]
    make_sinks: Callable[[], Sequence[Sink]]
    options: Options = Options()
    name: str = ""
    clock: Optional[Clock] = None
    observers: Sequence[Observer] = ()


class StreamStatus:
    """How far a stream has come. Its own threads write, any thread may read.

    state: "opening", "running", "ended" or "failed". top: the newest smoothed (label, probability), best
    first. lag_s: how far a live source is behind. last_scored_s: time.monotonic() of the newest scored
    or idle picture, None before. skipped_scorings: pictures that were not scored because the source was behind.
    idle: pictures that were not scored because nothing moves in them.
    """

    def __init__(self, clock: Clock) -> None:
        self.state = "opening"
        self.width = self.height = 0
        self.frame_rate: Optional[Fraction] = None
        self.pictures = self.scored = self.damaged = self.events = self.skipped_scorings = 0
        self.idle = 0
        self.lag_s = 0.0
        self.last_scored_s: Optional[float] = None
        self.top: List[Tuple[str, float]] = []
        self.clock = clock
        self.source_counters: Callable[[], Dict[str, int]] = dict
