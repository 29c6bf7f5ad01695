"""FFmpeg as a witness: its pictures without the loop filters, its motion vectors, each tied to one access unit.

Access units get their running number as timestamp before they are decoded, so a picture that comes out tells which one
it was, in whatever order pictures come. Number n is the picture that the parser under test gives out after n others.
With `apply_cropping=0` the whole coded picture comes out: prediction needs the samples outside the displayed part too.
How access units are cut and what their headers say is in access_units.py.
"""

from typing import Any, NamedTuple, Optional

import numpy as np

from truth import interpolation_h264, interpolation_hevc
from truth.access_units import access_units, codec_name

_OPTIONS = {
    "skip_loop_filter": "all",
    "apply_cropping": "0",
    "flags": "+output_corrupt",
}
_OPTIONS_OF = {
    "h264": {
        "flags2": "+showall+export_mvs",
        "strict": "1",  # hold back 16 pictures: nothing is dropped because it came "too late"
    },
    "hevc": {},  # here every sequence is drained at its end, before anything could be dropped
}
_MOST_LOST = 300  # access units in a row that give no picture
_REFERENCES = {"h264": interpolation_h264.Reference, "hevc": interpolation_hevc.Reference}
# Pixel formats that can be compared, 4:2:0 and grey, and their bit depths.
_BIT_DEPTHS = {"yuv420p": 8, "yuvj420p": 8, "gray": 8}
_BIT_DEPTHS.update({"yuv420p9le": 9, "yuv420p10le": 10, "gray9le": 9, "gray10le": 10})


class Frame(NamedTuple):
    """What FFmpeg decoded from access unit `number`.

    y, u, v: uint8 or uint16 planes of the coded size; reference: the same, to predict from; vectors: FFmpeg's
    AVMotionVector records or None; left, top: where the displayed part begins, luma samples; format: FFmpeg's pixel
    format name; layout: of an HEVC picture (layout_hevc.py), None for H.264.
    """

    number: int
    pts: Optional[int]
    y: np.ndarray
    u: np.ndarray
    v: np.ndarray
    reference: Any
    vectors: Optional[np.ndarray]
    left: int
    top: int
    format: str
    bit_depth: int
    layout: Any


class Witness:
    """Decodes a file beside the parser under test.

    sent: access units so far, without those that nobody can decode; errors: how many of them FFmpeg refused;
    sequences: for each coded video sequence that is over, the numbers of its pictures in output order.
    """

    def __init__(self, path):
        self._units = access_units(str(path))
        self.codec = codec_name(str(path))
        self._context = None
        self._known = {}
        self._frames = {}
        self._marks = []  # (pts, slice_bytes) of each access unit
        self._next = 0  # the access unit behind the last one that was paired
        self._ended = False
        self.sent = 0
        self.errors = 0
        self.sequences = [[]]

    def frame(self, number):
        """The Frame of access unit `number`, or None if FFmpeg gave none."""
        while number not in self._frames and not self._ended:
            self._step()
        return self._frames.get(number)

    def take(self, picture):
        """The Frame of the picture that follows the last one taken in decoding order, or None; it is not kept.

        That is the next access unit, or, as an access unit may have given no picture, the next one that has the
        picture's time stamp and size. So time stamps need not be there, nor differ from each other.
        """
        number = self._next
        while not self._fits(number, picture):
            number += 1
            if number - self._next > _MOST_LOST or not self._reach(number):
                number = self._next
                break
        self._next = number + 1
        self.frame(number)
        return self._frames.pop(number, None)

    def _fits(self, number, picture):
        if not self._reach(number):
            return False
        pts, slice_bytes = self._marks[number]
        has_its_size = slice_bytes == picture.packet_bytes
        is_part_of_it = pts is not None and picture.integrity != "ok"
        return pts == picture.pts and (has_its_size or is_part_of_it)

    def _reach(self, number):
        """Reads on up to this access unit. Returns whether there is one."""
        while number >= self.sent and not self._ended:
            self._step()
        return number < self.sent

    def count(self):
        """How many access units the whole file has, after decoding the rest of it."""
        while not self._ended:
            self._step()
        return self.sent

    def _step(self):
        unit = next(self._units, None)
        if unit is None:
            self._ended = True
            self._drain()
            return
        if self._context is not None and unit.begins_sequence:
            self._drain()
        if self._context is None:
            self._context = self._open()
        if unit.is_skipped:
            unit.packet.pts = unit.packet.dts = None
            self._decode(unit.packet)
            return
        self._known[self.sent] = unit
        self._marks.append((unit.pts, unit.slice_bytes))
        unit.packet.pts = unit.packet.dts = self.sent
        self.sent += 1
        self._decode(unit.packet)

    def _drain(self):
        """Takes everything out of the decoder, which starts anew with the parameter sets it has."""
        if self._context is not None:
            self._decode(None)
            if hasattr(self._context, "flush_buffers"):
                self._context.flush_buffers()
            else:  # PyAV 10: the next access unit opens another one
                self._context = None
            self.sequences.append([])

    def _decode(self, packet):
        import av

        try:
            frames = self._context.decode(packet)
        except av.error.FFmpegError:
            self.errors += 1
            return
        for frame in frames:
            unit = self._known.pop(frame.pts, None)
            if unit is None:  # of an access unit that was to give no picture, or its second picture
                continue
            self._frames[frame.pts] = _frame(frame, unit, self.codec)
            self.sequences[-1].append(frame.pts)

    def _open(self):
        import av

        context = av.CodecContext.create(self.codec, "r")
        context.thread_count = 1
        context.options = dict(_OPTIONS, **_OPTIONS_OF[self.codec])
        return context


def _frame(frame, unit, codec):
    """Copies an av.VideoFrame. What cannot be compared keeps its format's name, without planes."""
    planes = [np.empty((0, 0), np.uint8)] * 3
    bit_depth = _BIT_DEPTHS.get(frame.format.name, 0)
    if bit_depth:
        planes = [_plane(plane, bit_depth) for plane in frame.planes]
    if len(planes) == 1:
        shape = planes[0].shape[0] // 2, planes[0].shape[1] // 2
        planes += 2 * [np.full(shape, 1 << (bit_depth - 1), planes[0].dtype)]
    vectors = frame.side_data.get("MOTION_VECTORS")
    left, top = (unit.parameters.crop_left, unit.parameters.crop_top) if unit.parameters else (0, 0)
    return Frame(
        *(frame.pts, unit.pts, *planes),
        _REFERENCES[codec](*planes, bit_depth) if bit_depth else None,
        *(vectors.to_ndarray() if vectors is not None else None, left, top, frame.format.name),
        *(bit_depth, unit.layout),
    )


def _plane(plane, bit_depth):
    samples = np.frombuffer(plane, np.uint8 if bit_depth == 8 else "<u2")
    return samples.reshape(plane.height, -1)[:, : plane.width].copy()
