"""What the address of a source says: whether it is live, and which options FFmpeg needs for it.

Opens nothing and does not use FFmpeg.
"""

import re
from typing import Dict

_LIVE_SCHEME = re.compile(r"(rtsps?|rtmp[a-z]*|rtp|udp|srt)://", re.IGNORECASE)
_HTTP = re.compile(r"https?://", re.IGNORECASE)
_DEVICE = re.compile(r"/dev/video\d+$")
# Files at a web address, which are read once from beginning to end.
_RECORDING = re.compile(
    r"\.(mp4|m4v|mov|mkv|webm|avi|flv|264|h264|265|h265|hevc)(\?.*)?$", re.IGNORECASE
)

# By default, FFmpeg analyses a stream for up to 5 s before it outputs anything; the codec is known at once.
_QUICK = {"analyzeduration": "500000"}


def is_live(source: str) -> bool:
    """Whether this is a camera or a stream, which never ends and does not wait for its reader.

    Web addresses count as live unless their path ends like that of a recording.
    """
    if _HTTP.match(source):
        return _RECORDING.search(source) is None
    return bool(_LIVE_SCHEME.match(source) or is_device(source))


def is_device(source: str) -> bool:
    """Whether this is a camera of this machine (V4L2)."""
    return _DEVICE.match(source) is not None


def may_be_recording(source: str) -> bool:
    """Whether this live address may serve a recording after all, namely if it turns out to have a duration."""
    return _HTTP.match(source) is not None


def ffmpeg_options(source: str, transport: str) -> Dict[str, str]:
    """Options for reading with little delay. `transport`, "tcp" or "udp", matters for RTSP only."""
    options = dict(_QUICK)
    scheme = source.lower().partition(":")[0]
    if scheme in ("rtsp", "rtsps"):
        options.update(rtsp_transport=transport, allowed_media_types="video")
    if scheme == "udp":
        options.update(overrun_nonfatal="1")
    return options
