"""A stand-in for CompressedVideo: pictures of constant content, in the order that a pattern says."""

import threading
from collections import namedtuple
from fractions import Fraction

import numpy as np

from edge_attp.errors import CorruptStream
from edge_attp.types import StreamStats

Residual = namedtuple("Residual", "y u v")
WIDTH = HEIGHT = 20
KEY_STEP, FLOW_STEP, RESIDUAL_STEP = 10, 0.25, 6


class Motion:
    def __init__(self, value):
        shape = (HEIGHT // 4, WIDTH // 4)
        self.mode = np.ones(shape, np.uint8)
        self.reference = np.stack([np.zeros(shape, np.int32), np.full(shape, -1, np.int32)])
        self._value = value

    def flow(self):
        return np.full((2,) + self.mode.shape, self._value, np.float32)


class Picture:
    """`letter`: K an IDR picture, R an intra picture at a recovery point, I, P, B, or D, a damaged P."""

    def __init__(self, letter, index, poc, rate):
        self.decode_index = index
        self.kind = {"K": "I", "R": "I", "D": "P"}.get(letter, letter)
        self.poc = poc
        self.pts = None if rate is None else index * 100
        self.time_s = None
        self.is_random_access = letter in "KR"
        self.is_reference = letter != "B"
        self.is_anchor, self.is_shown = False, True
        self.packet = index
        self.integrity = "damaged" if letter == "D" else "ok"
        self.shape = (HEIGHT, WIDTH)
        self.motion = Motion(FLOW_STEP * index)
        half = np.zeros((HEIGHT // 2, WIDTH // 2), np.int16)
        plane = np.full(self.shape, RESIDUAL_STEP * index, np.int16)
        self.residual = Residual(plane, half, half)


class FakeVideo:
    """pattern: letters of Picture in decoding order; pocs: display order, by default decoding order,
    starting again at each K. fail: raised after all pictures. broken_keys: indices that decode_key
    refuses. slow: called with the index before each picture is made."""

    codec = "h264"
    width, height, bit_depth = WIDTH, HEIGHT, 8
    time_base = None
    jump_s = float("inf")
    rotation_deg, is_mirrored, display_matrix = 0, False, None
    track = 0

    def __init__(self, pattern, pocs=None, rate=25, fail=None, broken_keys=(), slow=None):
        self.frame_rate = None if rate is None else Fraction(rate)
        self._pattern, self._fail, self._broken, self._slow = pattern, fail, broken_keys, slow
        self._pocs = pocs or self._plain_pocs()
        self.opened_with = {}
        self.closed = False
        self.sampled = False
        self.threads = set()
        self._read = self._damaged = 0

    def _plain_pocs(self):
        pocs, poc = [], 0
        for letter in self._pattern:
            poc = 0 if letter == "K" else poc + 2
            pocs.append(poc)
        return pocs

    def open(self, source, **options):
        """Stands in for the class itself."""
        self.opened_with = dict(options, source=source)
        return self

    @property
    def stats(self):
        return StreamStats(self._read, self._damaged, 0, 0, 0, 0.001 * self._read, skipped=0)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.closed = True

    def __iter__(self):
        anchor, last = self.opened_with.get("anchor"), None
        for picture in self._pictures():
            index = picture.decode_index
            due = last is None or index - last >= (anchor or 0)
            if anchor and (picture.is_random_access or (picture.is_reference and due)):
                picture.is_anchor, last = True, index
            yield picture
        if self._fail is not None:
            raise self._fail

    def sample(self, seed, keys, span):
        """Draws the last one."""
        assert keys
        self.sampled = True
        part = []
        for picture in self._pictures():
            if picture.is_random_access or len(part) == span:
                yield from part[-1:]
                part = []
            if picture.is_random_access:
                yield picture
            elif picture.kind != "I":
                part.append(picture)
        yield from part[-1:]

    def _pictures(self):
        rate = self.frame_rate
        for index, letter in enumerate(self._pattern):
            if self._slow is not None:
                self._slow(index)
            self.threads.add(threading.current_thread().name)
            self._read += 1
            self._damaged += letter == "D"
            yield Picture(letter, index, self._pocs[index], rate)

    def decode_key(self, picture):
        assert picture.is_random_access
        if picture.decode_index in self._broken:
            raise CorruptStream(f"key picture {picture.decode_index} is broken")
        return self._rgb(picture)

    def decode_anchor(self, picture):
        assert picture.is_anchor
        return self._rgb(picture)

    def _rgb(self, picture):
        return np.full((HEIGHT, WIDTH, 3), KEY_STEP * (picture.decode_index % 25 + 1), np.uint8)
