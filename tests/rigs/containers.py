"""The same packets in other containers, so that tests compare containers and not encodings."""

import contextlib
import importlib.util
from fractions import Fraction

import av

CAN_FILTER = importlib.util.find_spec("av.bitstream") is not None  # PyAV 10 cannot
_RAW_SUFFIX = {"libx264": "264", "libx265": "265"}


def added_copy(output, stream):
    """A new stream with the parameters of `stream`."""
    if hasattr(output, "add_stream_from_template"):
        return output.add_stream_from_template(stream)
    return output.add_stream(template=stream)  # before PyAV 14


def rewrapped(path, target, options=None, tag=None):
    """Copies the video packets of `path` into a new file; whose suffix selects the container. tag: the
    sample entry of an MP4 file, "hvc1" or "hev1". Packets of a raw stream are numbered as their time stamps."""
    with av.open(str(path)) as source, av.open(str(target), "w", options=options or {}) as output:
        stream = source.streams.video[0]
        copy = added_copy(output, stream)
        if tag is not None:
            copy.codec_context.codec_tag = tag
        packets = (packet for packet in source.demux(stream) if packet.size)
        if str(target).endswith(".avi"):  # the only muxer here that does not ask for Annex B itself
            from av.bitstream import BitStreamFilterContext

            annex_b = BitStreamFilterContext("h264_mp4toannexb", stream, copy)
            packets = (changed for packet in packets for changed in annex_b.filter(packet))
        for number, packet in enumerate(packets):
            packet.stream = copy
            if packet.pts is None:
                packet.time_base, packet.pts, packet.dts = Fraction(1, 25), number, number
                with contextlib.suppress(AttributeError):  # PyAV 10 leaves that to the muxer
                    packet.duration = 1
            output.mux(packet)
    return target


class Shelf:
    """Clips in any container: encoded once, as MP4, and remuxed on first use."""

    def __init__(self, clips):
        self._clips = clips

    def path(self, clip, container):
        """container: "raw" for a raw stream, a suffix, or the sample entry of an MP4 file."""
        original = self._clips.path(clip._replace(container="mp4"))
        suffix = _RAW_SUFFIX[clip.codec] if container == "raw" else container
        if suffix in ("hvc1", "hev1"):
            path, tag = original.with_suffix(f".{suffix}.mp4"), suffix
        else:
            path, tag = original.with_suffix("." + suffix), None
        return path if path.exists() else rewrapped(original, path, tag=tag)
