"""What a camera of this machine (Video4Linux2) delivers: its pixel formats, by one ioctl."""

import errno
import fcntl
import os
import struct
from typing import Any, Callable, List, Optional

from edge_attp.bitstream.syntax import SYNTAXES
from edge_attp.errors import SourceError

_CAPTURE = 1  # V4L2_BUF_TYPE_VIDEO_CAPTURE
_FORMAT = struct.Struct("=III32s4sI12x")  # struct v4l2_fmtdesc
_ENUM_FMT = 3 << 30 | _FORMAT.size << 16 | ord("V") << 8 | 2  # VIDIOC_ENUM_FMT
_MOST_FORMATS = 64
# Formats that are read as they are, by V4L2's code; the names are FFmpeg's of the syntaxes.
_PARSED = {b"H264": "h264", b"HEVC": "hevc"}


def pixel_formats(device: str, ioctl: Callable[..., Any] = fcntl.ioctl) -> List[bytes]:
    """The four-character codes of what the device can capture. SourceError, with what to do, if it
    cannot be asked."""
    try:
        opened = os.open(device, os.O_RDWR | os.O_NONBLOCK)
    except OSError as error:
        raise SourceError(f"{device}: {_advice(error)}") from None
    try:
        return _formats(opened, ioctl)
    except OSError as error:
        what = f"is no camera: {error.strerror}"
        raise SourceError(f"{device}: {what}") from None
    finally:
        os.close(opened)


def _advice(error: OSError) -> str:
    if error.errno == errno.EACCES:
        return "may not be read: add the user to the group `video`"
    if error.errno == errno.ENOENT:
        return "there is no such camera: is it plugged in?"
    return error.strerror or str(error)


def _formats(opened: int, ioctl: Callable[..., Any]) -> List[bytes]:
    formats: List[bytes] = []
    for index in range(_MOST_FORMATS):
        asked = _FORMAT.pack(index, _CAPTURE, 0, b"", b"", 0)
        try:
            answer = ioctl(opened, _ENUM_FMT, asked)
        except OSError as error:
            if error.errno == errno.EINVAL and formats:
                break
            raise
        formats.append(_FORMAT.unpack(answer)[4])
    return formats


def input_format(formats: List[bytes]) -> Optional[str]:
    """FFmpeg's option input_format: a codec that is parsed, if the camera has it; else FFmpeg chooses."""
    names = [_PARSED[code] for code in formats if code in _PARSED]
    known = [syntax.name for syntax in SYNTAXES]
    return min(names, key=known.index) if names else None
