"""FFmpeg as a witness: its pictures without the loop filter, its motion vectors, each tied to one access unit.

Access units get their running number as timestamp before they are decoded, so a picture that comes out tells which one
it was, in whatever order pictures come. The number equals `decode_index` of the parser under test.
With `apply_cropping=0` the whole coded picture comes out: prediction needs the samples outside the displayed part too.
"""

from typing import Any, NamedTuple, Optional

import numpy as np

from support import sps
from support.interpolation import Reference

_OPTIONS = {
    "skip_loop_filter": "all",
    "apply_cropping": "0",
    "flags": "+output_corrupt",
    "flags2": "+showall+export_mvs",
    "strict": "1",  # hold back 16 pictures: nothing is dropped because it came "too late"
}
RAW_SUFFIXES = (".264", ".h264", ".avc")


class AccessUnit(NamedTuple):
    """One packet. pts: the container's, None where there is none; parameters: the SPS in force, None before any."""

    packet: Any
    pts: Optional[int]
    parameters: Optional[sps.SequenceParameters]


class Frame(NamedTuple):
    """What FFmpeg decoded from access unit `number`.

    y, u, v: uint8 planes of the coded size; reference: the same, to predict from; vectors: FFmpeg's AVMotionVector
    records or None; left, top: where the displayed part begins, luma samples; format: FFmpeg's pixel format name.
    """

    number: int
    pts: Optional[int]
    y: np.ndarray
    u: np.ndarray
    v: np.ndarray
    reference: Reference
    vectors: Optional[np.ndarray]
    left: int
    top: int
    format: str


class Witness:
    """Decodes a file beside the parser under test. Every picture is kept: a reference may be as old as the file.

    sent: access units so far; errors: how many of them FFmpeg refused.
    """

    def __init__(self, path):
        self._units = access_units(str(path))
        self._context = None
        self._known = {}
        self._frames = {}
        self._by_pts = {}
        self._ended = False
        self.sent = 0
        self.errors = 0

    def frame(self, number):
        """The Frame of access unit `number`, or None if FFmpeg gave none."""
        while number not in self._frames and not self._ended:
            self._step()
        return self._frames.get(number)

    def frame_at(self, pts):
        """The Frame of the access unit with this timestamp of the container, or None."""
        while pts not in self._by_pts and not self._ended:
            self._step()
        return self.frame(self._by_pts[pts]) if pts in self._by_pts else None

    def count(self):
        """How many access units the whole file has, after decoding the rest of it."""
        while not self._ended:
            self._step()
        return self.sent

    def _step(self):
        import av

        unit = next(self._units, None)
        if self._context is None and unit is not None:
            self._context = self._open(unit)
        try:
            if unit is None:
                self._ended = True
                frames = self._context.decode(None) if self._context else []
            else:
                self._known[self.sent] = unit
                self._by_pts[unit.pts] = self.sent
                unit.packet.pts = unit.packet.dts = self.sent
                self.sent += 1
                frames = self._context.decode(unit.packet)
        except av.error.FFmpegError:
            self.errors += 1
            return
        for frame in frames:
            unit = self._known.pop(frame.pts)
            self._frames[frame.pts] = _frame(frame, unit)

    def _open(self, unit):
        import av

        context = av.CodecContext.create("h264", "r")
        context.thread_count = 1
        context.options = dict(_OPTIONS)
        stream = unit.packet.stream
        if stream is not None and stream.codec_context.extradata:
            context.extradata = stream.codec_context.extradata
        return context


def access_units(path):
    import av

    if path.lower().endswith(RAW_SUFFIXES):
        yield from _raw_access_units(path)
        return
    with av.open(path) as container:
        stream = container.streams.video[0]
        extradata = stream.codec_context.extradata or b""
        is_avcc = extradata[:1] == b"\x01"
        parameters = None
        if is_avcc:
            known = sps.sequence_parameters(sps.avcc_parameter_sets(extradata))
            parameters = known[-1] if known else None
        for packet in container.demux(stream):
            if packet.size == 0:
                continue
            if is_avcc:
                units = sps.length_prefixed_nal_units(bytes(packet), (extradata[4] & 3) + 1)
            else:
                units = sps.annex_b_nal_units(bytes(packet))
            parameters = (sps.sequence_parameters(units) or [parameters])[-1]
            yield AccessUnit(packet, packet.pts, parameters)


def _raw_access_units(path):
    import av

    parser = av.CodecContext.create("h264", "r")
    parameters = None
    with open(path, "rb") as file:
        data = file.read()
    for packet in parser.parse(data) + parser.parse(b""):
        units = sps.annex_b_nal_units(bytes(packet))
        parameters = (sps.sequence_parameters(units) or [parameters])[-1]
        yield AccessUnit(packet, None, parameters)


def _frame(frame, unit):
    """Copies an av.VideoFrame. Only 8-bit 4:2:0 and grey can be compared; others keep their name, without planes."""
    planes = [np.empty((0, 0), np.uint8)] * 3
    if frame.format.name in ("yuv420p", "yuvj420p", "gray"):
        planes = [_plane(plane) for plane in frame.planes]
    if len(planes) == 1:
        grey = np.full((planes[0].shape[0] // 2, planes[0].shape[1] // 2), 128, np.uint8)
        planes += [grey, grey]
    vectors = frame.side_data.get("MOTION_VECTORS")
    left, top = (unit.parameters.crop_left, unit.parameters.crop_top) if unit.parameters else (0, 0)
    return Frame(
        *(frame.pts, unit.pts, planes[0], planes[1], planes[2], Reference(*planes)),
        *(vectors.to_ndarray() if vectors is not None else None, left, top, frame.format.name),
    )


def _plane(plane):
    rows = np.frombuffer(plane, np.uint8).reshape(plane.height, plane.line_size)
    return rows[:, : plane.width].copy()
