"""One connection to a live source, through FFmpeg, from connecting until it ends."""

import time
from typing import Callable, Dict, Iterator, NamedTuple, Optional

from edge_attp.bitstream import nal, pyav
from edge_attp.bitstream.container import ContainerSource
from edge_attp.bitstream.source import Source
from edge_attp.bitstream.transcode import parsed_or_transcoded
from edge_attp.errors import EdgeAttpError, SourceError
from edge_attp.log import without_password
from edge_attp.sources import address, v4l2

_V4L2 = "v4l2"


class ConnectionOptions(NamedTuple):
    """How to connect to a live source.

    - `transport`: of RTSP, "tcp" or "udp".
    - `connect_s`: the attempt fails if nobody answers for so long.
    - `stall_s`: the connection has stalled if no video comes for so long.
    - `transcode`: other codecs are encoded on the fly.
    - `container_format`, `options`: for FFmpeg, like `format` and `options` of `av.open`.
    - `track`: number of the video track; None takes the one that FFmpeg calls the best.
    """

    transport: str = "tcp"
    connect_s: float = 10.0
    stall_s: float = 10.0
    transcode: bool = True
    container_format: Optional[str] = None
    options: Optional[Dict[str, str]] = None
    track: Optional[int] = None


def connect(source: str, options: ConnectionOptions, count: Callable[[str], None]) -> Source:
    """Connects; the packets end when the connection does, with SourceError if it fails.

    Calls `count` with "corrupt_packets" for each packet that FFmpeg marks as corrupt. SourceError: no
    connection, or no video in it. UnsupportedStream: another codec, and no transcoding. EdgeAttpError:
    PyAV is missing or cannot read cameras.
    """
    container = _LiveContainer(source, options, count)
    return parsed_or_transcoded(container, options.transcode, is_live=True)


class _LiveContainer(ContainerSource):
    """A container whose video must not stall, and whose corrupt packets certainly show up as damage."""

    def __init__(
        self, source: str, options: ConnectionOptions, count: Callable[[str], None]
    ) -> None:
        self._stall_s = options.stall_s
        self._count = count
        ffmpeg_options = address.ffmpeg_options(source, options.transport)
        container_format = options.container_format
        if address.is_device(source):
            _check_reads_cameras(source)
            container_format = container_format or _V4L2
            ffmpeg_options.update(_device_options(source))
        ffmpeg_options.update(options.options or {})
        super().__init__(
            source,
            without_password(source),
            container_format=container_format,
            options=ffmpeg_options,
            track=options.track,
            timeouts_s=(options.connect_s, options.stall_s),
        )
        self.is_recording = address.may_be_recording(source) and bool(self._opened.duration)

    def _demux(self) -> Iterator[pyav.Packet]:
        """Reads all streams, because sound alone is no sign of life."""
        last_s = time.monotonic()
        for packet in pyav.demux_packets(self._av, self._opened):
            now_s = time.monotonic()
            if packet.stream.index == self.stream.index:
                last_s = now_s
                yield packet
            elif now_s - last_s > self._stall_s:
                raise SourceError(f"{self.name}: sends no video any more")

    def _packet_bytes(self, packet: pyav.Packet) -> bytes:
        data = super()._packet_bytes(packet)
        if not packet.is_corrupt:
            return data
        self._count("corrupt_packets")
        return nal.truncate_last_slice(data, self.nal_length_bytes, self.syntax)


def _check_reads_cameras(device: str) -> None:
    av = pyav.import_av(f"{device}: reading a camera")
    if _V4L2 not in av.formats_available:
        raise EdgeAttpError(
            f"{device}: this PyAV cannot read cameras, because it was built without FFmpeg's V4L2. Build it against "
            "the FFmpeg of this machine: `pip install --no-binary av av`"
        )


def _device_options(device: str) -> Dict[str, str]:
    chosen = v4l2.input_format(v4l2.pixel_formats(device))
    return {} if chosen is None else {"input_format": chosen}
