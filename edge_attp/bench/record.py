"""The record of one benchmark: plain values only, so that it is stored as JSON as it is.

`report` makes one; `markdown`, `formats`, `plot` and `baseline` read it. Its classes are plain dicts at run
time.
"""

from typing import Dict, List, Optional

from edge_attp.protocols import TypedDict

__all__ = [
    "FORMAT",
    "READABLE",
    "VERSION",
    "BoardFacts",
    "ChoiceFacts",
    "ComparisonFacts",
    "Cost",
    "EstimateFacts",
    "KindFacts",
    "ModeFacts",
    "PackFacts",
    "Range",
    "Rates",
    "Report",
    "Settings",
    "StageFacts",
    "StreamsFacts",
    "Target",
    "Times",
    "VideoFacts",
]

FORMAT = "edge-attp-bench"
# 1: pictures_per_s.sequential was computed from the stage times; no streams, choices, device memory.
VERSION = 2
READABLE = (1, 2)


class Times(TypedDict):
    """Of one stage: how often it ran in one run of the video, and its times in milliseconds."""

    runs: int
    mean_ms: float
    p50_ms: float
    p90_ms: float
    p99_ms: float


class StageFacts(Times):
    """per_picture_ms: what the stage costs for each scored picture, so that stages add up."""

    per_picture_ms: float


class ClockFacts(TypedDict):
    """One clock, see platforms.Frequency."""

    name: str
    now_hz: int
    floor_hz: int
    limit_hz: int


class BoardFacts(TypedDict):
    """The machine, see platforms.Board."""

    name: str
    soc: Optional[str]
    gpu: Optional[str]
    gpu_arch: Optional[str]
    release: Optional[str]
    cpu: str
    cores: int
    memory_bytes: int
    power_mode: Optional[str]
    clocks: List[ClockFacts]
    temperatures_c: Dict[str, float]


class Software(TypedDict):
    """commit: of the checkout that ran, None outside one."""

    edge_attp: str
    commit: Optional[str]
    python: str
    numpy: str


class PackFacts(TypedDict):
    """input: width and height."""

    name: str
    backbone: str
    precision: str
    input: List[int]
    is_trained: bool


class VideoFacts(TypedDict):
    """kinds: pictures of each kind, "I", "P" and "B"."""

    file: str
    codec: str
    profile: str
    width: int
    height: int
    frame_rate: Optional[float]
    pictures: int
    scored: int
    kinds: Dict[str, int]


class Settings(TypedDict):
    """threads: of the parser. warm_up, repeat: whole runs."""

    threads: int
    warm_up: int
    repeat: int


class Rates(TypedDict):
    """Scored pictures per second: of the pipeline, in one thread, and of two groups of stages alone, which
    are the columns of the paper's Table 1."""

    pipelined: float
    pipelined_min: float
    pipelined_max: float
    sequential: float
    preprocess: float
    cnn: float


class Cost(TypedDict):
    """Processor time of all threads."""

    ms_per_picture: float
    cores_busy: float


class Memory(TypedDict, total=False):
    """device_bytes: None where the engine has no memory of its own; absent in version 1."""

    peak_rss_bytes: int
    device_bytes: Optional[int]


class Target(TypedDict):
    """margin: times as fast as the target."""

    pictures_per_s: float
    margin: float
    is_reached: bool


class ThroughputFacts(TypedDict):
    """See streams.Throughput."""

    batch: int
    pictures_per_s: float
    scored_per_s: float


class TrialFacts(TypedDict):
    """See streams.Trial."""

    copies: int
    slowest_s: float
    scored_share: float
    is_sustained: bool


class StreamsFacts(TypedDict):
    """See streams.Streams."""

    copies: int
    runs: int
    throughputs: List[ThroughputFacts]
    frame_rate: float
    estimated: int
    allowed_s: float
    least_scored: float
    trials: List[TrialFacts]
    sustained: int


class ChoiceFacts(TypedDict):
    """See choices.Choice."""

    name: str
    pictures_per_s: float
    slowest: float
    fastest: float


class ComparisonFacts(TypedDict):
    """See choices.Comparison."""

    subject: str
    best: str
    copies: int
    rounds: int
    choices: List[ChoiceFacts]


class Range(TypedDict):
    """See roofline.Span."""

    low: float
    high: float


class ModeFacts(TypedDict):
    """See roofline.ModeEstimate."""

    mode: str
    appearance_ms: Range
    motion_ms: Range
    reader_ms: Range
    pictures_per_s: Range


class KindFacts(TypedDict):
    """See roofline.KindEstimate."""

    kind: str
    layers: int
    gflop: float
    megabytes: float
    milliseconds: Range


class EstimateFacts(TypedDict):
    """See roofline.Estimate."""

    label: str
    assumptions: List[str]
    modes: List[ModeFacts]
    motion_kinds: List[KindFacts]


class _Measured(TypedDict):
    format: str
    version: int
    machine: str
    board: BoardFacts
    remarks: List[str]
    software: Software
    backend: str
    pack: PackFacts
    video: VideoFacts
    settings: Settings
    stages: Dict[str, StageFacts]
    total: Times
    load_ms: float
    pictures_per_s: Rates
    cpu: Cost
    memory: Memory
    target: Target


class Report(_Measured, total=False):
    """The whole record. streams, choices, tx2_estimate: where they were asked for."""

    streams: StreamsFacts
    choices: List[ComparisonFacts]
    tx2_estimate: EstimateFacts
