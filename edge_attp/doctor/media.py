"""PyAV and the FFmpeg inside it: decoders for key pictures, protocols of cameras."""

from typing import Any, List

from edge_attp.doctor.findings import Finding, Patient, failed, passed, warned
from edge_attp.errors import EdgeAttpError

__all__ = ["ffmpeg"]

DECODERS = ("h264", "hevc", "mjpeg")
PROTOCOLS = ("tcp", "https")
DEMUXERS = ("rtsp", "mpegts", "mov", "video4linux2,v4l2")
INSTALL = (
    "pip install av (on Python 3.6: `pip install av==10.0.0` builds it against FFmpeg 4.3 to 5.1)"
)
REBUILD = "install a PyAV whose FFmpeg has it: the wheels of `pip install av` do"


def ffmpeg(patient: Patient) -> List[Finding]:
    """Versions, and what a camera or a file may need of them."""
    from edge_attp.bitstream.pyav import import_av

    try:
        av = import_av("reading containers and cameras")
    except EdgeAttpError as error:
        return [failed("ffmpeg", str(error), INSTALL)]
    value = "PyAV %s, libavcodec %s" % (
        av.__version__,
        ".".join(str(number) for number in av.library_versions["libavcodec"]),
    )
    missing = ["decoder %s" % name for name in DECODERS if not _has_decoder(av, name)]
    if missing:
        return [failed("ffmpeg", "%s lacks the %s" % (value, ", ".join(missing)), REBUILD)]
    missing = ["format %s" % name for name in DEMUXERS if name not in av.formats_available]
    missing += ["protocol %s" % name for name in PROTOCOLS if not _has_protocol(av, name)]
    if missing:
        return [warned("ffmpeg", "%s lacks the %s" % (value, ", ".join(missing)), REBUILD)]
    return [passed("ffmpeg", value + ", with RTSP, HTTPS and cameras")]


def _has_decoder(av: Any, name: str) -> bool:
    try:
        av.codec.Codec(name, "r")
    except ValueError:  # which the class of PyAV's error is, too
        return False
    return True


def _has_protocol(av: Any, name: str) -> bool:
    """FFmpeg's list of protocols is not in PyAV; a port that nobody listens at tells as much."""
    try:
        av.open("%s://127.0.0.1:1" % name, options={"timeout": "100000"}).close()
    except av.error.ProtocolNotFoundError:
        return False
    except (av.error.FFmpegError, OSError, ValueError):
        pass
    return True
