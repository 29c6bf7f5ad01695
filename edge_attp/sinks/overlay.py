"""The overlay video: each picture with its motion, residual, scores and timing, as H.264.

The pictures behind the arrows come from a decoding of their own, through PyAV, beside the run: they
are for the eye only, recognition never sees them.
"""

import os
from contextlib import contextmanager
from fractions import Fraction
from typing import Any, Dict, Iterator, NamedTuple, Optional

import numpy as np

from edge_attp.bitstream import pyav
from edge_attp.bitstream.frames import Frames
from edge_attp.bitstream.orientation import UPRIGHT
from edge_attp.errors import EdgeAttpError, UsageError
from edge_attp.log import logger
from edge_attp.recognition import Result, Verdict
from edge_attp.sinks import draw
from edge_attp.sinks.base import Header, Sink
from edge_attp.sinks.overlay_layout import Layout

__all__ = ["Drawing", "OverlaySink"]

DEFAULT_RATE = Fraction(25)
TICKS_PER_S = 90000
CRF = "20"


class Marks(NamedTuple):
    """What draw.draw_motion reads of a MotionField, small enough to wait for its turn.

    reference: int8 (1, H4, W4), 0 where a block has motion, else -1. mode: uint8 (H4, W4).
    """

    reference: np.ndarray
    mode: np.ndarray


def marks_of(motion: Any) -> Marks:
    """Copies of what is drawn of an edge_attp.bitstream.MotionField."""
    moving = (motion.reference >= 0).any(axis=0, keepdims=True)
    return Marks(moving.astype(np.int8) - 1, np.array(motion.mode))


class _Note(NamedTuple):
    marks: Marks
    flow: np.ndarray  # float16 (2, H4, W4)
    heat: np.ndarray  # RGB of the residual, in its size on the canvas


class Drawing(Sink):
    """What all sinks do that show the overlay somewhere: keeps what is drawn of a picture, and draws it.

    `user`: begins the messages. Raises UsageError if PyAV or OpenCV are missing.
    """

    keeps_notes = True

    def __init__(self, user: str) -> None:
        self._user = user
        self._av = _import_av(user)
        draw.opencv()
        self._layout: Optional[Layout] = None
        self._bit_depth = 8

    def start(self, header: Header) -> None:
        self._layout = Layout(header)
        self._bit_depth = header.bit_depth

    def note(self, picture: Any) -> Any:
        assert self._layout is not None
        motion = picture.motion
        heat = draw.draw_residual(picture.residual, bit_depth=self._bit_depth)
        return _Note(
            marks_of(motion),
            motion.flow().astype(np.float16),
            self._layout.fit_heat(heat),
        )

    def _drawn(self, result: Result, note: _Note, behind: Optional[np.ndarray]) -> np.ndarray:
        """RGB uint8 (height, width, 3) of one picture; behind: RGB of any size or None."""
        assert self._layout is not None
        flow = note.flow.astype(np.float32)
        return self._layout.draw(result, behind, note.marks, flow, note.heat)

    def _encoder(self, output: Any, rate: Any, options: Dict[str, str]) -> Any:
        """An H.264 stream of an output container, for what _drawn() gives."""
        assert self._layout is not None
        stream = output.add_stream("libx264", rate)
        stream.width, stream.height = self._layout.size
        stream.pix_fmt = "yuv420p"
        stream.options = options
        return stream


class OverlaySink(Drawing):
    """Writes `path`, an MP4 file. Raises UsageError if it cannot be written or PyAV is missing."""

    def __init__(self, path: str) -> None:
        super().__init__("--overlay")
        self._path = path
        self._output: Any = None
        self._frames: Optional[Frames] = None
        self._last_tick = -1
        self._orientation = UPRIGHT

    def start(self, header: Header) -> None:
        if _is_same_file(self._path, header.source):
            raise UsageError(f"--overlay {self._path}: that is the input; name another file")
        super().start(header)
        self._frames = _frames(header.source, header.track)
        self._orientation = header.orientation
        try:
            open(self._path, "wb").close()  # PyAV itself opens it with the first packet only
            self._output = self._av.open(self._path, "w", format="mp4")
            rate = header.frame_rate or DEFAULT_RATE
            # With B pictures, MP4 of uneven times ends too early.
            options = {"crf": CRF, "preset": "veryfast", "bf": "0"}
            self._stream = self._encoder(self._output, rate, options)
            self._stream.codec_context.time_base = Fraction(1, TICKS_PER_S)
        except (OSError, ValueError, self._av.error.FFmpegError) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            raise UsageError(f"--overlay {self._path}: cannot be written: {reason}") from None

    def picture(self, result: Result) -> None:
        if result.note is None:
            return
        behind = None if self._frames is None else self._frames.rgb(result.packet)
        if behind is not None:
            behind = self._orientation.rgb(behind)
        canvas = self._drawn(result, result.note, behind)
        frame = self._av.VideoFrame.from_ndarray(canvas, format="rgb24")
        self._last_tick = max(round(result.start_s * TICKS_PER_S), self._last_tick + 1)
        frame.pts, frame.time_base = self._last_tick, Fraction(1, TICKS_PER_S)
        self._write(frame)

    def finish(self, verdict: Verdict) -> None:
        if self._output is not None:
            self._write(None)

    def _write(self, frame: Any) -> None:
        with self._writing():
            for packet in self._stream.encode(frame):
                self._output.mux(packet)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except (self._av.error.FFmpegError, OSError, ValueError) as error:
            told = f"--overlay {self._path}: cannot be written: {pyav.describe_error(error)}"
            raise EdgeAttpError(told) from None

    def close(self) -> None:
        output, self._output = self._output, None
        if output is not None:
            with self._writing():
                output.close()
        if self._frames is not None:
            self._frames.close()
            self._frames = None


def _frames(source: str, track: int) -> Optional[Frames]:
    """The decoded pictures of a file. A live source has none: it cannot be opened a second time and give the
    same pictures."""
    if not os.path.isfile(source):
        return None
    try:
        return Frames(source, track=track)
    except EdgeAttpError as error:
        logger.warning("--overlay: arrows are drawn on black: %s", error)
        return None


def _is_same_file(path: str, source: str) -> bool:
    return os.path.exists(path) and os.path.exists(source) and os.path.samefile(path, source)


def _import_av(user: str) -> Any:
    try:
        import av
        import av.error
    except ImportError as error:
        raise UsageError(f"{user} needs PyAV ({error}): pip install 'edge-attp[overlay]'") from None
    if "libx264" not in av.codecs_available:
        raise EdgeAttpError(f"{user}: this PyAV has no libx264 to encode with: pip install av")
    return av
