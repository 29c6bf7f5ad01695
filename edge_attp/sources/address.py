"""What the address of a source tells: whether it is live, and what FFmpeg is to be told.

Knows no FFmpeg and opens nothing.
"""

import re
from typing import Dict

_LIVE_SCHEME = re.compile(r"(rtsps?|rtmp[a-z]*|rtp|udp|srt)://", re.IGNORECASE)
_HTTP = re.compile(r"https?://", re.IGNORECASE)
_DEVICE = re.compile(r"/dev/video\d+$")
# Of files at a web address, which are read once from beginning to end.
_RECORDING = re.compile(
    r"\.(mp4|m4v|mov|mkv|webm|avi|flv|264|h264|265|h265|hevc)(\?.*)?$", re.IGNORECASE
)

# FFmpeg looks at a stream for up to 5 s before it gives anything out; the codec is known at once.
_QUICK = {"analyzeduration": "500000"}


def is_live(source: str) -> bool:
    """Whether this is a camera or a stream: it goes on for ever and does not wait.

    Web addresses are taken for live unless their path ends as that of a recording does.
    """
    if _HTTP.match(source):
        return _RECORDING.search(source) is None
    return bool(_LIVE_SCHEME.match(source) or is_device(source))


def is_device(source: str) -> bool:
    """Whether this is a camera of this machine (V4L2)."""
    return _DEVICE.match(source) is not None


def may_be_recording(source: str) -> bool:
    """Whether what lies behind this live address can be a recording after all, if it has a duration."""
    return _HTTP.match(source) is not None


def ffmpeg_options(source: str, transport: str) -> Dict[str, str]:
    """For reading with little delay. `transport`, "tcp" or "udp", is of meaning for RTSP only."""
    options = dict(_QUICK)
    scheme = source.lower().partition(":")[0]
    if scheme in ("rtsp", "rtsps"):
        options.update(rtsp_transport=transport, allowed_media_types="video")
    if scheme == "udp":
        options.update(overrun_nonfatal="1")
    return options
