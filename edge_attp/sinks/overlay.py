"""The overlay video: each picture with its motion, residual, scores and timing, as H.264.

The pictures behind the arrows come from a decoding of their own, through PyAV, beside the run: they
are for the eye only, recognition never sees them.
"""

import os
from contextlib import contextmanager
from fractions import Fraction
from typing import Any, Dict, Iterator, NamedTuple, Optional

import numpy as np

from edge_attp import lazy
from edge_attp.bitstream import Picture, pyav
from edge_attp.bitstream.frames import Frames
from edge_attp.bitstream.orientation import UPRIGHT
from edge_attp.bitstream.source import ASSUMED_RATE
from edge_attp.errors import EdgeAttpError, MissingExtra, UsageError
from edge_attp.log import logger
from edge_attp.recognition import ScoredPicture, Verdict
from edge_attp.sinks import draw
from edge_attp.sinks.base import EarlyData, Header, Observer, Sink, refuse_input
from edge_attp.sinks.draw import Marks
from edge_attp.sinks.overlay_layout import Layout, heat_size

__all__ = ["Drawing", "OverlaySink", "PyAv", "Sketch"]

TICKS_PER_S = 90000
CRF = "20"
PyAv = Any  # the module av and its objects: imported late, without types


class Sketch(NamedTuple):
    """What is drawn of a picture, small enough to wait for its result.

    marks: with flow as float16. heat: RGB of the residual, uint8, in its size on the canvas. key_rgb: the newest
    key picture, RGB uint8 (height, width, 3), where it is wanted.
    """

    marks: Marks
    heat: np.ndarray
    key_rgb: Optional[np.ndarray]


class _Sketcher(Observer):
    """Sketches every picture, for a sink that takes the sketches. with_key: Sketch.key_rgb is wanted."""

    needs_every_picture = True

    def __init__(self, with_key: bool) -> None:
        self.sketches: EarlyData[Sketch] = EarlyData()
        self._with_key = with_key
        self._key_rgb: Optional[np.ndarray] = None
        self._heat_size = (0, 0)
        self._bit_depth = 8

    def begin(self, header: Header) -> None:
        self._heat_size, self._bit_depth = heat_size(header), header.bit_depth

    def observe(self, picture: Picture, key_rgb: Optional[np.ndarray]) -> None:
        if self._with_key and key_rgb is not None:
            self._key_rgb = key_rgb
        assert picture.residual is not None
        heat = draw.draw_residual(picture.residual, bit_depth=self._bit_depth)
        marks = draw.marks_of(picture.motion)
        marks = marks._replace(flow=marks.flow.astype(np.float16))
        sketch = Sketch(marks, draw.resize(heat, self._heat_size), self._key_rgb)
        self.sketches.keep(picture.decode_index, sketch)


class Drawing(Sink):
    """What all sinks share that show the overlay somewhere: an observer that sketches, and drawing.

    `user`: begins the messages. with_key: sketches hold the newest key picture. Raises UsageError if PyAV or
    OpenCV are missing.
    """

    def __init__(self, user: str, with_key: bool = False) -> None:
        self._av = _import_av(user)
        draw.opencv()
        self._sketcher = _Sketcher(with_key)
        self.observer = self._sketcher
        self._layout: Optional[Layout] = None

    def begin(self, header: Header) -> None:
        self._layout = Layout(header)

    def _take_sketch(self, picture: ScoredPicture) -> Optional[Sketch]:
        return self._sketcher.sketches.take(picture.decode_index)

    def _draw(
        self, picture: ScoredPicture, sketch: Sketch, behind: Optional[np.ndarray]
    ) -> np.ndarray:
        """One picture, RGB uint8 (height, width, 3); behind: RGB of any size or None."""
        assert self._layout is not None
        return self._layout.draw(picture, behind, sketch.marks, sketch.heat)

    def _add_encoder(self, output: PyAv, rate: Fraction, options: Dict[str, str]) -> PyAv:
        """An H.264 stream of an output container, for what _draw() gives."""
        assert self._layout is not None
        stream = output.add_stream("libx264", rate)
        stream.width, stream.height = self._layout.size
        stream.pix_fmt = "yuv420p"
        stream.options = options
        return stream


class OverlaySink(Drawing):
    """Writes `path`, an MP4 file, which appears when it is complete.

    Raises UsageError if it cannot be written, or PyAV or OpenCV are missing.
    """

    def __init__(self, path: str) -> None:
        super().__init__("--overlay")
        self._path = path
        self._unfinished = _unfinished(path)
        self._output: PyAv = None
        self._frames: Optional[Frames] = None
        self._last_tick = -1
        self._orientation = UPRIGHT

    def begin(self, header: Header) -> None:
        refuse_input("--overlay", self._path, header.source)
        super().begin(header)
        self._frames = _frames(header.source, header.track)
        self._orientation = header.orientation
        try:
            open(self._unfinished, "wb").close()  # PyAV itself opens it with the first packet only
            self._output = self._av.open(self._unfinished, "w", format="mp4")
            rate = header.frame_rate or ASSUMED_RATE
            # With B pictures, MP4 of uneven times ends too early.
            options = {"crf": CRF, "preset": "veryfast", "bf": "0"}
            self._stream = self._add_encoder(self._output, rate, options)
            self._stream.codec_context.time_base = Fraction(1, TICKS_PER_S)
        except (OSError, ValueError, self._av.error.FFmpegError) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            raise UsageError(f"--overlay {self._path}: cannot be written: {reason}") from None

    def picture(self, picture: ScoredPicture) -> None:
        sketch = self._take_sketch(picture)
        if sketch is None:
            return
        behind = None if self._frames is None else self._frames.rgb(picture.packet)
        if behind is not None:
            behind = self._orientation.rgb(behind)
        canvas = self._draw(picture, sketch, behind)
        frame = self._av.VideoFrame.from_ndarray(canvas, format="rgb24")
        self._last_tick = max(round(picture.start_s * TICKS_PER_S), self._last_tick + 1)
        frame.pts, frame.time_base = self._last_tick, Fraction(1, TICKS_PER_S)
        self._write(frame)

    def finish(self, verdict: Verdict) -> None:
        if self._output is not None:
            self._write(None)

    def _write(self, frame: Optional[PyAv]) -> None:
        with self._writing():
            for packet in self._stream.encode(frame):
                self._output.mux(packet)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except (self._av.error.FFmpegError, OSError, ValueError) as error:
            message = f"--overlay {self._path}: cannot be written: {pyav.describe_error(error)}"
            raise EdgeAttpError(message) from None

    def close(self) -> None:
        output, self._output = self._output, None
        if output is not None:
            with self._writing():
                output.close()
                if self._unfinished != self._path:
                    os.replace(self._unfinished, os.path.realpath(self._path))
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


def _import_av(user: str) -> PyAv:
    av = lazy.load(user, "av", "av.error", error=MissingExtra)
    if "libx264" not in av.codecs_available:
        raise EdgeAttpError(f"{user}: this PyAV has no libx264 to encode with: pip install av")
    return av


def _unfinished(path: str) -> str:
    """Where a video is written until it is complete; devices and pipes are written at once. The name is this
    process's own, so that two that write the same video do not write into each other's."""
    is_plain = os.path.isfile(path) or not os.path.exists(path)
    return f"{os.path.realpath(path)}.{os.getpid()}.part" if is_plain else path
