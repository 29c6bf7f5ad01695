"""The pixel formats of a camera of this machine (Video4Linux2), by one ioctl."""

import errno
import fcntl
import os
import struct
from typing import Callable, List, Optional

from edge_attp.bitstream.syntax import SYNTAXES
from edge_attp.errors import SourceError

_CAPTURE = 1  # V4L2_BUF_TYPE_VIDEO_CAPTURE
_FORMAT = struct.Struct("=III32s4sI12x")  # struct v4l2_fmtdesc
_ENUM_FMT = 3 << 30 | _FORMAT.size << 16 | ord("V") << 8 | 2  # VIDIOC_ENUM_FMT
_MOST_FORMATS = 64
# Formats that need no transcoding: V4L2's codes and FFmpeg's names.
_PARSED = {b"H264": "h264", b"HEVC": "hevc"}


Ioctl = Callable[[int, int, bytes], bytes]


def pixel_formats(device: str, ioctl: Ioctl = fcntl.ioctl) -> List[bytes]:
    """The four-character codes of the formats that the device captures. SourceError, with advice, if it cannot
    be queried."""
    try:
        opened = os.open(device, os.O_RDWR | os.O_NONBLOCK)
    except OSError as error:
        raise SourceError(f"{device}: {_advice(error)}") from None
    try:
        return _formats(opened, ioctl)
    except OSError as error:
        raise SourceError(f"{device}: is not a camera: {error.strerror}") from None
    finally:
        os.close(opened)


def _advice(error: OSError) -> str:
    if error.errno == errno.EACCES:
        return "permission denied: add the user to the group `video`"
    if error.errno == errno.ENOENT:
        return "no such camera: is it plugged in?"
    return error.strerror or str(error)


def _formats(opened: int, ioctl: Ioctl) -> List[bytes]:
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
    """Value of FFmpeg's option `input_format`: a codec that needs no transcoding, if the camera has one; None
    lets FFmpeg choose."""
    names = [_PARSED[code] for code in formats if code in _PARSED]
    known = [syntax.name for syntax in SYNTAXES]
    return min(names, key=known.index) if names else None
