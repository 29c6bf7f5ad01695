"""All pictures of a file as RGB, decoded by FFmpeg: for viewers only, recognition never sees them."""

from collections import deque
from typing import Deque, Iterator, List, Optional

import numpy as np

from edge_attp.bitstream import nal, pyav
from edge_attp.bitstream.colours import RgbConverter
from edge_attp.bitstream.container import ContainerSource
from edge_attp.bitstream.key_pictures import MAX_AHEAD, annex_b, open_decoder
from edge_attp.bitstream.packets import OpenOptions, open_source
from edge_attp.bitstream.pyav import CodecContext, Frame, Packet
from edge_attp.bitstream.source import Source
from edge_attp.errors import CorruptStream, EdgeAttpError, UnsupportedStream

__all__ = ["Frames"]


class Frames:
    """Decodes a file alongside a reading of it.

    A picture is found by the number of its packet, because times may be missing or repeated. If the codec
    has to be transcoded, each frame is one picture. `track` as in OpenOptions.

    Raises the same errors as open_source(). Not thread-safe.
    """

    def __init__(self, path: str, *, track: Optional[int] = None) -> None:
        self._av = pyav.import_av(f"{path}: decoding its pictures")
        self._source: Source
        try:
            self._source = open_source(path, OpenOptions(track=track))
            self._is_numbered = True
            self._decoded = self._decode_packets(self._source)
        except UnsupportedStream:
            self._source = original = ContainerSource(path, path, track=track)
            self._is_numbered = False
            self._decoded = original.decode_frames()
        self._waiting: Deque[Frame] = deque()  # in display order
        self._sent = -1  # number of the newest packet that the decoder has
        self._converter = RgbConverter(path, is_silent=True)

    def rgb(self, packet: int) -> Optional[np.ndarray]:
        """RGB uint8 (H, W, 3) of the picture in packet number `packet`, None if FFmpeg does not decode it.
        Pictures must be requested in display order."""
        frame = self._find_frame(packet) if self._is_numbered else self._next_frame()
        try:
            return None if frame is None else self._converter.to_rgb(frame)
        except CorruptStream:
            return None

    def _next_frame(self) -> Optional[Frame]:
        """The next frame; None at the end, and where the file is cut short, which the reading reports."""
        try:
            return next(self._decoded, None)
        except (EdgeAttpError, self._av.error.FFmpegError):
            return None

    def _find_frame(self, number: int) -> Optional[Frame]:
        while True:
            places = [k for k, frame in enumerate(self._waiting) if frame.pts == number]
            if places:
                for _ in range(places[0]):
                    self._waiting.popleft()
                return self._waiting.popleft()
            frame = None if self._sent > number + MAX_AHEAD else self._next_frame()
            if frame is None:
                return None
            self._waiting.append(frame)

    def _decode_packets(self, source: Source) -> Iterator[Frame]:
        """Frames whose pts is the number of their packet."""
        decoder = open_decoder(self._av, source.syntax)
        sets = nal.join(source.parameter_sets, 0)
        for number, packet in enumerate(source.packets()):
            key = nal.KeyBytes(sets, packet.data, source.nal_length_bytes)
            sent = self._av.Packet(annex_b(key, source.syntax))
            sent.pts, sets = number, b""
            self._sent = number
            yield from self._decode(decoder, sent)
        yield from self._decode(decoder, None)

    def _decode(self, decoder: CodecContext, packet: Optional[Packet]) -> List[Frame]:
        """Empty if the packet cannot be decoded."""
        try:
            return decoder.decode(packet)
        except self._av.error.FFmpegError:
            return []

    def close(self) -> None:
        self._source.close()
