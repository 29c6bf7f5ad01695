"""Access units of a file, and what their headers say: the tests' own demuxing, without the parser under test.

PyAV opens containers and cuts raw streams; the headers are read by headers_h264.py and headers_hevc.py. What
containers do to a stream is undone: a packet is Annex B, begins with the parameter sets that the container keeps, and
holds one picture, as FFmpeg would decode one only.
"""

import contextlib
from typing import Any, NamedTuple, Optional

from streamwriter.bits import annex_b
from truth import headers_h264, headers_hevc, layout_hevc, nal

RAW = {
    "h264": (".264", ".h264", ".avc"),
    "hevc": (".265", ".h265", ".hevc"),
}
_UNREADABLE = (
    KeyError,
    ValueError,
    IndexError,
)  # of headers that are cut or lack what they refer to
_H264_SLICES = (1, 5)
_MOST_FAILURES = 32


class AccessUnit(NamedTuple):
    """One picture.

    pts: the container's, None where there is none; slice_bytes: size of its slices of the base layer; parameters: the
    SPS in force, None before any; is_skipped: nobody can decode it (RASL pictures), or it is no picture. The rest is
    for HEVC: begins_sequence: an IRAP picture with NoRaslOutputFlag equal to 1; layout: see layout_hevc.py.
    """

    packet: Any
    pts: Optional[int]
    slice_bytes: int
    parameters: Any
    begins_sequence: bool = False
    is_skipped: bool = False
    layout: Any = None


def codec_name(path):
    """'h264', 'hevc' or what else FFmpeg calls the video of this file."""
    import av

    for name, suffixes in RAW.items():
        if path.lower().endswith(suffixes):
            return name
    with av.open(path) as container:
        return best_video(container).codec_context.name


def best_video(container):
    """The video track that FFmpeg takes by itself, but for a lone picture."""
    videos = container.streams.video
    moving = [stream for stream in videos if stream.frames != 1] or videos
    best = container.streams.best("video") if hasattr(container.streams, "best") else None
    return best if best in moving else moving[0]


def access_units(path):
    """Every AccessUnit of an H.264 or HEVC file, in decoding order, as far as FFmpeg can read the file."""
    codec = codec_name(path)
    if path.lower().endswith(RAW[codec]):
        packets = _raw_packets(path, codec)
    else:
        packets = _container_packets(path, codec)
    headers = {"h264": _H264, "hevc": _Hevc}[codec]()
    for packet, pts in packets:
        yield headers.access_unit(packet, pts)


def _raw_packets(path, codec):
    import av

    parser = av.CodecContext.create(codec, "r")
    with open(path, "rb") as file:
        data = file.read()
    for packet in parser.parse(data) + parser.parse(b""):
        yield packet, None


def _container_packets(path, codec):
    """(packet, pts); of pictures in one packet only the first has the time stamp."""
    import av

    with av.open(path) as container:
        stream = best_video(container)
        known, extradata = None, stream.codec_context.extradata or b""
        for packet in _demuxed(container, stream):
            if container.format.name == codec:
                yield packet, packet.pts
                continue
            extradata = _new_extradata(packet) or extradata
            units = _units(bytes(packet), _length_bytes(extradata, codec), codec)
            pts = packet.pts
            for picture in _pictures(units, codec):
                sets = _parameter_sets(extradata, codec) if extradata != known else []
                known = extradata
                yield av.Packet(annex_b(sets + picture)), pts
                pts = None


def _demuxed(container, stream):
    """The packets that FFmpeg finds; what it cannot read between them is passed over."""
    import av

    for _ in range(_MOST_FAILURES):
        try:
            yield from (packet for packet in container.demux(stream) if packet.size)
            return
        except av.error.InvalidDataError:
            continue
        except (av.error.FFmpegError, IndexError):  # PyAV 18 stumbles where streams appear late
            return


def _new_extradata(packet):
    if not hasattr(packet, "has_sidedata") or not packet.has_sidedata("new_extradata"):
        return b""
    return bytes(packet.get_sidedata("new_extradata"))


def _length_bytes(extradata, codec):
    """nal_length_size of an avcC or hvcC record, 0 where there is none."""
    if extradata[:1] != b"\x01":
        return 0
    at = {"h264": 4, "hevc": 21}[codec]
    return (extradata[at] & 3) + 1 if len(extradata) > at else 4


def _units(data, length_bytes, codec):
    if not length_bytes:
        return nal.annex_b_nal_units(data)
    return nal.length_prefixed_nal_units(data, length_bytes, codec)


def _parameter_sets(extradata, codec):
    """Those of avcC, hvcC or Annex B; of a record that is cut, none."""
    if not _length_bytes(extradata, codec):
        return nal.annex_b_nal_units(extradata)
    read = {"h264": headers_h264.avcc_parameter_sets, "hevc": headers_hevc.hvcc_parameter_sets}[
        codec
    ]
    with contextlib.suppress(*_UNREADABLE):
        return [unit for unit in read(extradata) if unit]
    return []


def _pictures(units, codec):
    """The NAL units of each picture. Redundant slices, which look like another one, are met in raw streams only."""
    pictures, is_begun = [[]], False
    for unit in units:
        if _begins_picture(unit, codec):
            if is_begun:
                pictures.append([])
            is_begun = True
        pictures[-1].append(unit)
    return pictures


def _begins_picture(unit, codec):
    """first_mb_in_slice is 0, or first_slice_segment_in_pic_flag is 1."""
    if codec == "h264":
        return unit[0] & 31 in _H264_SLICES and unit[1:2] >= b"\x80"
    return headers_hevc.is_slice_segment(unit) and unit[2] >= 0x80


class _H264:
    def __init__(self):
        self._parameters = None

    def access_unit(self, packet, pts):
        units = nal.annex_b_nal_units(bytes(packet))
        with contextlib.suppress(*_UNREADABLE):
            self._parameters = (headers_h264.sequence_parameters(units) or [self._parameters])[-1]
        slice_bytes = sum(len(unit) for unit in units if unit[0] & 31 in _H264_SLICES)
        return AccessUnit(packet, pts, slice_bytes, self._parameters, is_skipped=not slice_bytes)


class _Hevc:
    def __init__(self):
        self._sets = headers_hevc.ParameterSets()
        self._ended = True  # the next picture is the first one, or follows an end of sequence
        self._skips_rasl = False  # NoRaslOutputFlag of the last IRAP picture

    def access_unit(self, packet, pts):
        units = nal.annex_b_nal_units(bytes(packet))
        with contextlib.suppress(*_UNREADABLE):
            self._sets.read(units)
        segments = self._segments(units)
        first = min(segments, default=len(units))
        self._ended |= any(_ends_sequence(unit) for unit in units[:first])
        if not segments:
            return AccessUnit(packet, pts, 0, None, is_skipped=True)
        kind = headers_hevc.nal_unit_type(units[first])
        begins = self._begins_sequence(kind)
        self._ended = any(_ends_sequence(unit) for unit in units[first:])
        parameters, pps = self._sets.of(segments[first].pps_id)
        slice_bytes = sum(len(units[k]) for k in segments)
        return AccessUnit(
            *(_all_shown(packet, units, segments), pts, slice_bytes, parameters, begins),
            self._skips_rasl and kind in headers_hevc.RASL,
            layout_hevc.layout(parameters, pps, _slice_starts(segments.values())),
        )

    def _segments(self, units):
        """SegmentStart by place. Without its parameter sets nobody can decode a slice segment: it is left out."""
        found = {}
        for k, unit in enumerate(units):
            if headers_hevc.is_slice_segment(unit):
                with contextlib.suppress(*_UNREADABLE):
                    segment = self._sets.segment(unit)
                    parameters, _ = self._sets.of(segment.pps_id)
                    if segment.slice_segment_address < layout_hevc.ctbs(parameters):
                        found[k] = segment
        return found

    def _begins_sequence(self, kind):
        if kind not in headers_hevc.IRAP:
            return False
        self._skips_rasl = self._ended or kind in headers_hevc.BLA_AND_IDR
        return self._skips_rasl


def _slice_starts(segments):
    """slice_segment_address of each slice, its dependent segments left aside."""
    return tuple(s.slice_segment_address for s in segments if not s.dependent_slice_segment_flag)


def _ends_sequence(unit):
    ends = (headers_hevc.END_OF_SEQUENCE, headers_hevc.END_OF_BITSTREAM)
    return headers_hevc.nal_unit_type(unit) in ends and unit[1:2] == b"\x01" and not unit[0] & 1


def _all_shown(packet, units, segments):
    """The packet, or one without other layers in which pic_output_flag is 1: FFmpeg shows only what is meant to be
    shown, and mixes up the parameter sets of layers."""
    import av

    shown = [
        headers_hevc.with_pic_output_flag(unit, segments[k]) if k in segments else unit
        for k, unit in enumerate(units)
        if headers_hevc.is_base_layer(unit) or len(unit) < 3
    ]
    return packet if shown == units else av.Packet(annex_b(shown))
