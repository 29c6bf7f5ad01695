"""The overlay as a live stream to a media server or a player.

The picture behind the arrows is the newest key picture, which the pipeline decodes anyway: nothing
else of a live source is ever decoded. A thread draws and encodes, a process sends.
"""

import queue
import threading
import time
from fractions import Fraction
from typing import Dict, NamedTuple, Optional
from urllib.parse import urlsplit

import numpy as np

from edge_attp.backoff import Backoff
from edge_attp.bitstream.source import ASSUMED_RATE
from edge_attp.errors import UsageError
from edge_attp.log import Trouble, without_secrets
from edge_attp.recognition import ScoredPicture
from edge_attp.sinks import draw
from edge_attp.sinks.base import Header
from edge_attp.sinks.overlay import Drawing, PyAv, Sketch
from edge_attp.sinks.overlay_sender import Sender
from edge_attp.sinks.settings import SinkType, fill_stream_name
from edge_attp.strict import Key, matching

__all__ = ["OverlayStreamSink", "SINK"]

# FFmpeg's format for each scheme of an address.
FORMATS = {
    "rtmp": "flv",
    "rtmps": "flv",
    "rtsp": "rtsp",
    "srt": "mpegts",
    "tcp": "mpegts",
    "udp": "mpegts",
}
TICKS_PER_S = 90000
QUEUED_PICTURES = 2
GOP_S = 2  # how long a player waits for a key picture at most
LONGEST_WAIT_S = 30.0  # between two attempts to connect
GOOD_S = (
    10.0  # after a connection that lasted as long as this, attempts begin anew with short waits
)
CLOSE_TIMEOUT_S = 3.0
STALL_S = 10.0  # a process that neither connects nor takes anything for this long hangs
ENCODER = {"preset": "veryfast", "tune": "zerolatency", "crf": "25"}
CAPTION = "behind the arrows: the newest key picture"


class _Sketched(NamedTuple):
    picture: ScoredPicture
    sketch: Sketch


class OverlayStreamSink(Drawing):
    """Sends the overlay to `url`, which may hold "{stream}": an address of one of FORMATS.

    A picture that cannot be drawn or sent in time is dropped and counted. A receiver that goes away is
    connected to again. UsageError for other addresses, and if PyAV or OpenCV are missing.
    """

    def __init__(self, url: str) -> None:
        if urlsplit(url).scheme not in FORMATS:
            raise UsageError(
                'overlay: url = "{}": must begin with one of {}'.format(
                    url, ", ".join(scheme + "://" for scheme in sorted(FORMATS))
                )
            )
        super().__init__("the overlay stream", with_key=True)
        self._url = url
        self._format = FORMATS[urlsplit(url).scheme]
        self._counts = {
            "sent_pictures": 0,
            "dropped_pictures": 0,
            "connects": 0,
            "failed_attempts": 0,
        }
        self._trouble = Trouble("overlay " + without_secrets(url))
        self._rate = ASSUMED_RATE
        self._sender: Optional[Sender] = None
        self._output: PyAv = None
        self._encoding: PyAv = None
        self._is_connected = False
        self._taken_s = self._connected_s = time.monotonic()
        self._last_pts = -1
        self._queue: "queue.Queue[_Sketched]" = queue.Queue(QUEUED_PICTURES)
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._work, name="edge-attp-overlay", daemon=True)

    def begin(self, header: Header) -> None:
        super().begin(header)
        self._url = fill_stream_name(self._url, header.stream)
        self._rate = header.frame_rate or ASSUMED_RATE
        self._thread.start()

    def picture(self, picture: ScoredPicture) -> None:
        sketch = self._take_sketch(picture)
        if sketch is None:
            return
        try:
            self._queue.put_nowait(_Sketched(picture, sketch))
        except queue.Full:
            self._counts["dropped_pictures"] += 1
            sender = self._sender
            if sender is not None and time.monotonic() - self._taken_s >= STALL_S:
                sender.kill("the receiver hangs")

    def close(self) -> None:
        """Does not wait for a receiver that takes nothing."""
        self._closing.set()
        sender = self._sender
        if sender is not None:
            sender.kill("the sink is closed")
        if self._thread.is_alive():
            self._thread.join(CLOSE_TIMEOUT_S)

    def counters(self) -> Dict[str, int]:
        """Pictures sent and dropped, connections made, failed attempts to connect or send."""
        return dict(self._counts)

    # What follows runs in the sink's own thread.

    def _work(self) -> None:
        backoff = Backoff(LONGEST_WAIT_S)
        retry_s = 0.0
        while not self._closing.is_set():
            sketched = self._next_sketched()
            if sketched is None:
                continue
            if time.monotonic() < retry_s:
                self._counts["dropped_pictures"] += 1
                continue
            try:
                if self._sender is None:
                    self._connect()
                self._send(sketched)
            except (OSError, ValueError, self._av.error.FFmpegError) as error:
                if self._closing.is_set():
                    break
                self._fail(error, backoff)
                retry_s = time.monotonic() + backoff.next_s()
        self._hang_up()

    def _next_sketched(self) -> Optional[_Sketched]:
        self._taken_s = time.monotonic()
        try:
            return self._queue.get(timeout=0.2)
        except queue.Empty:
            return None

    def _connect(self) -> None:
        self._connected_s = time.monotonic()
        self._sender = Sender(self._url, self._format)
        options = {"flush_packets": "1"}
        self._output = self._av.open(self._sender, "w", format="nut", options=options)
        gop = max(1, int(GOP_S * self._rate))
        self._encoding = self._add_encoder(self._output, self._rate, dict(ENCODER, g=str(gop)))
        self._encoding.codec_context.time_base = Fraction(1, TICKS_PER_S)
        self._last_pts = -1
        self._is_connected = False

    def _fail(self, error: Exception, backoff: Backoff) -> None:
        self._counts["failed_attempts"] += 1
        self._counts["dropped_pictures"] += 1
        reason = self._hang_up()
        self._trouble.report_failure(reason or error, "pictures are dropped")
        if time.monotonic() - self._connected_s >= GOOD_S:
            backoff.reset()

    def _send(self, sketched: _Sketched) -> None:
        pts = int(sketched.picture.start_s * TICKS_PER_S)
        if pts <= self._last_pts:
            self._counts["dropped_pictures"] += 1
            return
        self._last_pts = pts
        frame = self._av.VideoFrame.from_ndarray(self._canvas(sketched), format="rgb24")
        frame.pts, frame.time_base = pts, Fraction(1, TICKS_PER_S)
        for packet in self._encoding.encode(frame):
            self._output.mux(packet)
        self._counts["sent_pictures"] += 1
        assert self._sender is not None
        if self._sender.is_sending():
            self._counts["connects"] += 1
            self._is_connected = True
            self._trouble.report_success()
        elif not self._is_connected and time.monotonic() - self._connected_s >= STALL_S:
            raise TimeoutError("the receiver does not answer")

    def _canvas(self, sketched: _Sketched) -> np.ndarray:
        behind = sketched.sketch.key_rgb
        canvas = self._draw(sketched.picture, sketched.sketch, behind)
        if behind is not None:
            draw.write(canvas, CAPTION, (10, 40))
        return canvas

    def _hang_up(self) -> str:
        """Ends the process; returns why it failed, empty if that is not known."""
        output, sender = self._output, self._sender
        self._output = self._sender = None
        reason = "" if sender is None else sender.end()
        if output is not None:
            try:
                output.close()
            except (OSError, ValueError, self._av.error.FFmpegError):
                pass  # nobody reads the end of the stream
        return reason


_RECEIVER = matching(
    "an address that begins with " + ", ".join(scheme + "://" for scheme in sorted(FORMATS)),
    "({})://".format("|".join(FORMATS)),
)
SINK = SinkType(
    "overlay",
    "the drawn stream to a player or media server",
    OverlayStreamSink,
    {
        "url": Key(
            _RECEIVER,
            help="of a media server or player that the drawn stream is sent to; {stream} is the name",
            example="udp://127.0.0.1:5000",
        ),
    },
    shown=("url",),
    own="url",
)
