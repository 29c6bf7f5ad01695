"""The software below the program: Python, NumPy, and PyAV with the FFmpeg inside it."""

import platform
import sys
from types import ModuleType
from typing import List

from edge_attp import lazy
from edge_attp.doctor.findings import Finding, Patient, failed, passed, warned
from edge_attp.errors import MissingTool

__all__ = ["ffmpeg", "interpreter", "numpy"]

DECODERS = ("h264", "hevc", "mjpeg")
PROTOCOLS = ("tcp", "https")
DEMUXERS = ("rtsp", "mpegts", "mov", "video4linux2,v4l2")
INSTALL = (
    "pip install av (on Python 3.6, `pip install av==10.0.0` builds it against FFmpeg 4.3 to 5.1)"
)
REBUILD = "install a PyAV whose FFmpeg has it, such as the wheels of `pip install av`"
OLDEST_PYTHON = (3, 6)
OLDEST_NUMPY = (1, 17)


def interpreter(patient: Patient) -> List[Finding]:
    """Version and place of Python."""
    value = f"{platform.python_version()}, {platform.machine()}, {sys.executable}"
    if sys.version_info[:2] < OLDEST_PYTHON:
        return [failed("python", value, "install Python 3.6 or newer")]
    return [passed("python", value)]


def numpy(patient: Patient) -> List[Finding]:
    """Whether NumPy loads and computes."""
    try:
        library = lazy.load("everything", "numpy")
    except MissingTool as error:
        return [failed("numpy", str(error), "pip install numpy")]
    version = str(library.__version__)
    product = library.full((8, 8), 2.0).dot(library.full((8, 8), 0.5))  # through BLAS
    if not (product == 8.0).all():
        return [failed("numpy", version + " computes wrongly", "install it again")]
    if tuple(int(part) for part in version.split(".")[:2]) < OLDEST_NUMPY:
        return [failed("numpy", version + " is too old", "pip install 'numpy>=1.17'")]
    return [passed("numpy", version)]


def ffmpeg(patient: Patient) -> List[Finding]:
    """Versions, and whether FFmpeg has what a camera or a file may need."""
    try:
        av = lazy.load("reading containers and cameras", "av", "av.error")
    except MissingTool as error:
        return [failed("ffmpeg", str(error), INSTALL)]
    libavcodec = ".".join(str(number) for number in av.library_versions["libavcodec"])
    value = f"PyAV {av.__version__}, libavcodec {libavcodec}"
    missing = [f"decoder {name}" for name in DECODERS if not _has_decoder(av, name)]
    if missing:
        return [failed("ffmpeg", f"{value} lacks the {', '.join(missing)}", REBUILD)]
    missing = [f"format {name}" for name in DEMUXERS if name not in av.formats_available]
    missing += [f"protocol {name}" for name in PROTOCOLS if not _has_protocol(av, name)]
    if missing:
        return [warned("ffmpeg", f"{value} lacks the {', '.join(missing)}", REBUILD)]
    return [passed("ffmpeg", value + ", with RTSP, HTTPS and cameras")]


def _has_decoder(av: ModuleType, name: str) -> bool:
    try:
        av.codec.Codec(name, "r")
    except ValueError:  # a base class of PyAV's own error
        return False
    return True


def _has_protocol(av: ModuleType, name: str) -> bool:
    """PyAV does not list FFmpeg's protocols; opening a port that nobody listens on shows as much."""
    try:
        av.open(f"{name}://127.0.0.1:1", options={"timeout": "100000"}).close()
    except av.error.ProtocolNotFoundError:
        return False
    except (av.error.FFmpegError, OSError, ValueError):
        pass
    return True
