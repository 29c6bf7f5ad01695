"""From network outputs to what happens in the video: key picture features, scores, events.

Knows arrays and seconds; nothing of streams, engines or files.
"""

from edge_attp.recognition.events import EventDetector, Smoother, Thresholds
from edge_attp.recognition.gop import GopState
from edge_attp.recognition.order import DisplayOrder
from edge_attp.recognition.records import (
    Box,
    Event,
    PictureFacts,
    PictureLogits,
    RegionLogits,
    ScoredPicture,
    ScoredRegion,
    Verdict,
    VideoScores,
)
from edge_attp.recognition.scores import (
    Activation,
    VideoMean,
    rank_regions,
    score_idle,
    score_region,
    score_video,
    sigmoid,
    softmax,
    top,
)
from edge_attp.recognition.timeline import Timeline

__all__ = [
    "Activation",
    "Box",
    "DisplayOrder",
    "Event",
    "EventDetector",
    "GopState",
    "PictureFacts",
    "PictureLogits",
    "RegionLogits",
    "ScoredPicture",
    "ScoredRegion",
    "Smoother",
    "Thresholds",
    "Timeline",
    "Verdict",
    "VideoMean",
    "VideoScores",
    "rank_regions",
    "score_idle",
    "score_region",
    "score_video",
    "sigmoid",
    "softmax",
    "top",
]
