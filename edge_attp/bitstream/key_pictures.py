"""RGB of the few pictures that recognition needs as images, through FFmpeg's decoder.

`KeyDecoder` decodes one random-access picture from its own bytes. `AnchorDecoder` serves streams without
such pictures (infinite GOP, intra refresh): it decodes everything that the wanted pictures depend on.
"""

from collections import deque
from functools import partial
from types import ModuleType
from typing import Callable, Deque, List, Optional, Tuple

import numpy as np

from edge_attp.bitstream import nal, pyav
from edge_attp.bitstream.nal import KeyBytes
from edge_attp.bitstream.process import ProcessBound
from edge_attp.bitstream.pyav import CodecContext, Frame, Packet
from edge_attp.bitstream.syntax import HEVC, Syntax
from edge_attp.errors import CorruptStream

# At most so many packets wait undecoded for an anchor, and are read ahead for one.
MAX_WAITING = 300
MAX_AHEAD = 48

# output_corrupt, showall: a damaged picture is better than none. unaligned: crop at any column.
_DECODER_OPTIONS = {"flags": "+output_corrupt+unaligned", "flags2": "+showall"}

ToRgb = Callable[[Frame], np.ndarray]


def annex_b(key: KeyBytes, syntax: Syntax) -> bytes:
    """The picture's bytes with start codes, after the parameter sets that it needs."""
    if key.nal_length_bytes == 0:
        return key.parameter_sets + key.data
    units = nal.split(key.data, key.nal_length_bytes, syntax)
    return key.parameter_sets + nal.join(list(units), 0)


def open_decoder(av: ModuleType, syntax: Syntax, skip_frame: str = "DEFAULT") -> CodecContext:
    """A decoder without frame threads: they free packets that Python made, which needs the interpreter's lock,
    and closing the decoder waits for them while holding it."""
    decoder: CodecContext = av.CodecContext.create(syntax.name, "r")
    decoder.thread_type = "SLICE"
    if syntax is HEVC:  # its slice threads misread dependent slice segments in wavefront rows
        decoder.thread_count = 1
    decoder.options = dict(_DECODER_OPTIONS)
    decoder.skip_frame = skip_frame
    return decoder


class KeyDecoder(ProcessBound):
    """Decodes single random-access pictures with one codec context. Not thread-safe."""

    def __init__(self, name: str, syntax: Syntax, to_rgb: ToRgb) -> None:
        super().__init__()
        self._name = name
        self._syntax = syntax
        self._to_rgb = to_rgb
        self._av = pyav.import_av(f"{name}: decoding a key picture")
        self._open = partial(open_decoder, self._av, syntax)
        self._decoder = self._open()

    def decode(self, key: KeyBytes) -> np.ndarray:
        """RGB uint8 (H, W, 3). CorruptStream if FFmpeg cannot decode these bytes."""
        frames: List[Frame] = []
        try:
            frames += self._decoder.decode(self._av.Packet(annex_b(key, self._syntax)))
            frames += self._decoder.decode(None)
        except self._av.error.FFmpegError:
            frames = []
        self._decoder = pyav.reset_decoder(self._decoder, self._open)
        if not frames:
            raise CorruptStream(f"{self._name}: FFmpeg cannot decode this key picture")
        return self._to_rgb(frames[0])


class AnchorDecoder(ProcessBound):
    """Decodes pictures that are no random-access pictures, from all packets since the last one that was.

    The caller numbers the packets; a frame has the number of its packet as its pts. Packets wait
    undecoded until a picture is wanted, so streams with enough random-access pictures pay nothing.
    H.264 pictures to which no other refers are never decoded; in HEVC, FFmpeg would also leave out some
    to which pictures of higher sub-layers refer. Not thread-safe.
    """

    def __init__(self, name: str, syntax: Syntax, to_rgb: ToRgb) -> None:
        super().__init__()
        self._name = name
        self._syntax = syntax
        self._to_rgb = to_rgb
        self._av = pyav.import_av(f"{name}: decoding an anchor picture")
        skip_frame = "DEFAULT" if syntax.has_sub_layers else "NONREF"
        self._open = partial(open_decoder, self._av, syntax, skip_frame)
        self._decoder = self._open()
        self._parameter_sets = b""
        self._waiting: Deque[Tuple[int, KeyBytes]] = deque()
        self._frames: List[Frame] = []
        self._is_clean = True  # nothing was decoded since the last restart
        self.last_added = -1

    def restart_at(self, number: int) -> None:
        """Forgets everything before packet `number`, a random-access picture. Does nothing if that packet was
        already read ahead; decoding then simply continues."""
        if self.last_added >= number:
            return
        self._waiting.clear()
        self._frames = []
        if not self._is_clean:
            self._decoder = pyav.reset_decoder(self._decoder, self._open)
            self._is_clean = True

    def add_packet(self, number: int, key: KeyBytes) -> None:
        """Takes a packet in decoding order; ignores one that was already added."""
        if number <= self.last_added:
            return
        self.last_added = number
        self._waiting.append((number, key))
        if len(self._waiting) > MAX_WAITING:
            self._decode_oldest()

    def decode(self, number: int, add_next: Callable[[], bool]) -> np.ndarray:
        """RGB uint8 (H, W, 3) of the picture in packet `number`.

        `add_next` adds one more packet and returns whether there was one: FFmpeg outputs pictures in display
        order, some packets later. CorruptStream if FFmpeg does not output that picture: it is broken, or
        comes later than FFmpeg's guess of the reordering depth (rare, in streams that do not declare it).
        """
        self._frames = [frame for frame in self._frames if (frame.pts or 0) >= number]
        while self._find_frame(number) is None and self.last_added < number + MAX_AHEAD:
            if not self._waiting and not add_next():
                self._decode_packet(None)
                break
            self._decode_oldest()
        frame = self._find_frame(number)
        if frame is None:
            raise CorruptStream(f"{self._name}: FFmpeg cannot decode this anchor picture")
        return self._to_rgb(frame)

    def _decode_oldest(self) -> None:
        number, key = self._waiting.popleft()
        if key.parameter_sets == self._parameter_sets:
            key = key._replace(parameter_sets=b"")
        else:
            self._parameter_sets = key.parameter_sets
        packet = self._av.Packet(annex_b(key, self._syntax))
        packet.pts = number
        self._is_clean = False
        self._frames = self._frames[-MAX_AHEAD:]
        self._decode_packet(packet)

    def _decode_packet(self, packet: Optional[Packet]) -> None:
        """Skips bytes that FFmpeg refuses: it conceals in later pictures what is missing."""
        try:
            self._frames += self._decoder.decode(packet)
        except self._av.error.FFmpegError:
            pass

    def _find_frame(self, number: int) -> Optional[Frame]:
        return next((frame for frame in self._frames if frame.pts == number), None)
