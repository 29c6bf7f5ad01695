"""The same packets in other containers, so that tests compare containers and not encodings."""

import av


def added_copy(output, stream):
    """A new stream with the parameters of `stream`."""
    if hasattr(output, "add_stream_from_template"):
        return output.add_stream_from_template(stream)
    return output.add_stream(template=stream)  # before PyAV 14


def rewrapped(path, target, options=None):
    """Copies the video packets of `path` into a new file; its suffix says in what container."""
    with av.open(str(path)) as source, av.open(str(target), "w", options=options or {}) as output:
        stream = source.streams.video[0]
        copy = added_copy(output, stream)
        packets = (packet for packet in source.demux(stream) if packet.size)
        if str(target).endswith(".avi"):  # the only muxer here that does not ask for Annex B itself
            from av.bitstream import BitStreamFilterContext

            annex_b = BitStreamFilterContext("h264_mp4toannexb", stream, copy)
            packets = (changed for packet in packets for changed in annex_b.filter(packet))
        for packet in packets:
            packet.stream = copy
            output.mux(packet)
    return target


class Shelf:
    """Clips in any container, encoded once as MP4 and wrapped again when first asked for."""

    def __init__(self, clips):
        self._clips = clips

    def path(self, clip, container):
        original = self._clips.path(clip._replace(container="mp4"))
        path = original.with_suffix("." + container)
        return path if path.exists() else rewrapped(original, path)
