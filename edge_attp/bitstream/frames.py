"""All pictures of a file as RGB, decoded by FFmpeg: for the eye only, recognition never sees them."""

from collections import deque
from typing import Any, Deque, Iterator, Optional

import numpy as np

from edge_attp.bitstream import nal, pyav
from edge_attp.bitstream.container import ContainerSource
from edge_attp.bitstream.key_pictures import MOST_AHEAD, annex_b, open_decoder
from edge_attp.bitstream.packets import OpenOptions, open_source
from edge_attp.bitstream.source import Source
from edge_attp.errors import CorruptStream, EdgeAttpError, UnsupportedStream

__all__ = ["Frames"]


class Frames:
    """Decodes a file beside a reading of it. A picture is found by the number of its packet: times may be
    missing, or come twice. track: as in OpenOptions. Of codecs that are transcoded, one frame is one picture.

    Raises what open_source() raises. Not thread-safe.
    """

    def __init__(self, path: str, track: Optional[int] = None) -> None:
        self._av = pyav.import_av(f"{path}: decoding its pictures")
        self._source: Source
        try:
            self._source = open_source(path, OpenOptions(track=track))
            self._is_numbered = True
            self._decoded = self._decode_packets(self._source)
        except UnsupportedStream:
            self._source = original = ContainerSource(path, path, None, None, track)
            self._is_numbered = False
            self._decoded = original.decoded()
        self._waiting: Deque[Any] = deque()  # frames in display order
        self._sent = -1  # number of the newest packet that the decoder has
        self._converter = pyav.RgbConverter(path, is_silent=True)

    def rgb(self, packet: int) -> Optional[np.ndarray]:
        """RGB uint8 (H, W, 3) of the picture in packet number `packet`, None where FFmpeg has none. Pictures
        must be asked for in display order."""
        if not self._is_numbered:
            frame = self._next()
        else:
            frame = self._find(packet)
        try:
            return None if frame is None else self._converter.rgb(frame)
        except CorruptStream:
            return None

    def _next(self) -> Optional[Any]:
        """The next frame; None at the end, and where the file is cut short: the reading beside this one says so."""
        try:
            return next(self._decoded, None)
        except (EdgeAttpError, self._av.error.FFmpegError):
            return None

    def _find(self, number: int) -> Optional[Any]:
        while True:
            places = [k for k, frame in enumerate(self._waiting) if frame.pts == number]
            if places:
                for _ in range(places[0]):
                    self._waiting.popleft()
                return self._waiting.popleft()
            frame = None if self._sent > number + MOST_AHEAD else self._next()
            if frame is None:
                return None
            self._waiting.append(frame)

    def _decode_packets(self, source: Source) -> Iterator[Any]:
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

    def _decode(self, decoder: Any, packet: Any) -> Any:
        """What cannot be decoded is left out."""
        try:
            return decoder.decode(packet)
        except self._av.error.FFmpegError:
            return []

    def close(self) -> None:
        self._source.close()
