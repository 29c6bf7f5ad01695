"""One connection to a live source, through FFmpeg, for as long as it lasts."""

import time
from typing import Any, Callable, Dict, Iterator, NamedTuple, Optional

from edge_attp.bitstream import nal, pyav
from edge_attp.bitstream.container import ContainerSource
from edge_attp.bitstream.source import Source
from edge_attp.bitstream.transcode import parsed_or_transcoded
from edge_attp.errors import EdgeAttpError, SourceError
from edge_attp.log import without_password
from edge_attp.sources import address, v4l2

_V4L2 = "v4l2"


class ConnectionOptions(NamedTuple):
    """transport: of RTSP, "tcp" or "udp". connect_s: no answer for so long is a failure. stall_s: no
    video for so long is a stall. transcode: other codecs are encoded on the fly. format, options: for
    FFmpeg, as in `av.open`. track: number of the video track; None: what FFmpeg calls the best."""

    transport: str = "tcp"
    connect_s: float = 10.0
    stall_s: float = 10.0
    transcode: bool = True
    format: Optional[str] = None
    options: Optional[Dict[str, str]] = None
    track: Optional[int] = None


def connect(source: str, options: ConnectionOptions, count: Callable[[str], None]) -> Source:
    """Packets of `source` until the connection ends: SourceError where that is not in order.

    `count` is called with "corrupt_packets" for each packet that FFmpeg marks so. SourceError: there is
    no connection, or no video in it. UnsupportedStream: of another codec, without transcoding.
    EdgeAttpError: PyAV is missing, or cannot read cameras.
    """
    return parsed_or_transcoded(_LiveContainer(source, options, count), options.transcode, True)


class _LiveContainer(ContainerSource):
    """A container whose video must not stall, and whose corrupt packets are certain to be noticed."""

    def __init__(
        self, source: str, options: ConnectionOptions, count: Callable[[str], None]
    ) -> None:
        self._stall_s = options.stall_s
        self._count = count
        given = address.ffmpeg_options(source, options.transport)
        format = options.format
        if address.is_device(source):
            _check_has_cameras(source)
            format = format or _V4L2
            given.update(_device_options(source))
        given.update(options.options or {})
        timeouts_s = (options.connect_s, options.stall_s)
        name = without_password(source)
        super().__init__(source, name, format, given, options.track, timeouts_s)
        self.is_recording = address.may_be_recording(source) and bool(self._opened.duration)

    def _demuxed(self) -> Iterator[Any]:
        """All streams are looked at: sound alone is no sign of life."""
        last_s = time.monotonic()
        for packet in pyav.demuxed(self._av, self._opened):
            now_s = time.monotonic()
            if packet.stream.index == self.stream.index:
                last_s = now_s
                yield packet
            elif now_s - last_s > self._stall_s:
                raise SourceError(f"{self.name}: no video in what it sends")

    def _bytes(self, packet: Any) -> bytes:
        data = super()._bytes(packet)
        if not packet.is_corrupt:
            return data
        self._count("corrupt_packets")
        return nal.shortened(data, self.nal_length_bytes, self.syntax)


def _check_has_cameras(device: str) -> None:
    av = pyav.import_av(f"{device}: is a camera")
    if _V4L2 not in av.formats_available:
        raise EdgeAttpError(
            f"{device}: this PyAV reads no cameras: it was built without FFmpeg's V4L2. Build it against the "
            "FFmpeg of this machine: `pip install --no-binary av av`"
        )


def _device_options(device: str) -> Dict[str, str]:
    chosen = v4l2.input_format(v4l2.pixel_formats(device))
    return {} if chosen is None else {"input_format": chosen}
