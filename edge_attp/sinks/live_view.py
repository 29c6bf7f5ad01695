"""The live picture: the newest key picture with the motion of a recent picture drawn over it.

Costs next to nothing while nobody looks. The reading thread keeps the key picture and, while somebody
looks, the motion a few times a second; the viewer's thread draws and encodes. Knows nothing of who
looks or how the picture gets there.
"""

import threading
import time
from typing import NamedTuple, Optional, Tuple

import numpy as np

from edge_attp.bitstream import Picture
from edge_attp.sinks import draw
from edge_attp.sinks.base import Header, Observer
from edge_attp.sinks.draw import Marks

__all__ = ["LiveView"]

WIDTH, HEIGHT = 960, 540  # the picture is scaled to fit in
SPACING = 24  # of the arrows: closer ones take most of the time, and clutter a small picture
JPEG_QUALITY = 80
INTERVAL_S = 0.2
LOOKED_AT_S = 3.0  # a viewer who has not asked for a picture for this long is gone
FIRST_WAIT_S = 1.0


class _View(NamedTuple):
    """What is to be drawn: RGB of the key picture, or None, and motion."""

    key_rgb: Optional[np.ndarray]
    marks: Marks


STILL = Marks(
    np.zeros((1, 1), bool),
    np.ones((1, 1), np.uint8),
    np.zeros((2, 1, 1), np.float32),
)


class LiveView(Observer):
    """Keeps what jpeg() needs; any number of threads may call that. May begin again after close().

    Raises UsageError without OpenCV.
    """

    def __init__(self) -> None:
        draw.opencv()
        self._changed = threading.Condition()
        self._size = (WIDTH, HEIGHT)
        self._key_rgb: Optional[np.ndarray] = None
        self._view: Optional[_View] = None
        self._looked_s = -LOOKED_AT_S
        self._due_s = 0.0
        self._drawing = threading.Lock()
        self._drawn: Optional[Tuple[_View, bytes]] = None

    def begin(self, header: Header) -> None:
        scale = min(WIDTH / header.width, HEIGHT / header.height)
        self._size = (
            max(1, round(header.width * scale)),
            max(1, round(header.height * scale)),
        )

    def observe(self, picture: Picture, key_rgb: Optional[np.ndarray]) -> None:
        if key_rgb is not None:
            self._key_rgb = key_rgb
        now_s = time.monotonic()
        if now_s < self._due_s or not self._is_looked_at(now_s):
            return
        is_still = picture.kind == "I"
        if is_still and key_rgb is None:
            return
        self._due_s = now_s + INTERVAL_S
        view = _View(self._key_rgb, STILL if is_still else draw.marks_of(picture.motion))
        with self._changed:
            self._view = view
            self._changed.notify_all()

    def close(self) -> None:
        with self._changed:
            self._key_rgb = self._view = self._drawn = None

    def jpeg(self) -> Optional[bytes]:
        """The picture as JPEG, a new one every INTERVAL_S at most; None before the first one. Waits up to
        FIRST_WAIT_S for a picture if nobody has looked for a while."""
        view = self._newest()
        if view is None:
            return None
        with self._drawing:
            drawn = self._drawn
            if drawn is None or drawn[0] is not view:
                self._drawn = drawn = (view, _encode(view, self._size))
            return drawn[1]

    def _newest(self) -> Optional[_View]:
        with self._changed:
            now_s = time.monotonic()
            is_first = not self._is_looked_at(now_s)
            self._looked_s = now_s
            if is_first:
                old = self._view
                self._changed.wait_for(lambda: self._view is not old, FIRST_WAIT_S)
            if self._view is None and self._key_rgb is not None:
                self._view = _View(self._key_rgb, STILL)
            return self._view

    def _is_looked_at(self, now_s: float) -> bool:
        return now_s < self._looked_s + LOOKED_AT_S


def _encode(view: _View, size: draw.Size) -> bytes:
    cv2 = draw.opencv()
    behind = view.key_rgb
    if behind is not None:
        behind = draw.resize(behind, size, "linear")
    canvas = draw.draw_motion(behind, view.marks, size, spacing=SPACING)
    bgr = cv2.cvtColor(canvas, cv2.COLOR_RGB2BGR)
    _, data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    return bytes(data)
