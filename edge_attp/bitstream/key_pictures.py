"""RGB of the few pictures that the recogniser needs as images, through FFmpeg's decoder.

`KeyDecoder` decodes one random-access picture from its own bytes. `AnchorDecoder` serves streams that
have none (infinite GOP, intra refresh): it decodes all that the wanted pictures depend on.
"""

from collections import deque
from functools import partial
from typing import Any, Callable, Deque, List, Optional, Tuple

import numpy as np

from edge_attp.bitstream import nal, pyav
from edge_attp.bitstream.nal import KeyBytes
from edge_attp.bitstream.process import ProcessBound
from edge_attp.bitstream.syntax import HEVC, Syntax
from edge_attp.errors import CorruptStream

# Packets that wait for an anchor at most, and packets that are read ahead for one.
MOST_WAITING = 300
MOST_AHEAD = 48

# output_corrupt, showall: a damaged picture is better than none. unaligned: crop at any column.
_DECODER_OPTIONS = {"flags": "+output_corrupt+unaligned", "flags2": "+showall"}


def annex_b(key: KeyBytes, syntax: Syntax) -> bytes:
    """The picture's bytes behind the parameter sets that it needs, with start codes."""
    if key.nal_length_bytes == 0:
        return key.parameter_sets + key.data
    units = nal.split(key.data, key.nal_length_bytes, syntax)
    return key.parameter_sets + nal.join(list(units), 0)


def open_decoder(av: Any, syntax: Syntax, skip_frame: str = "DEFAULT") -> Any:
    """Not with frame threads: they free packets that Python made, which needs the interpreter's lock, and
    closing the decoder waits for them with the lock held."""
    decoder = av.CodecContext.create(syntax.name, "r")
    decoder.thread_type = "SLICE"
    if syntax is HEVC:  # its slice threads read dependent slice segments in wavefront rows wrongly
        decoder.thread_count = 1
    decoder.options = dict(_DECODER_OPTIONS)
    decoder.skip_frame = skip_frame
    return decoder


class KeyDecoder(ProcessBound):
    """Decodes single random-access pictures; one codec context for all. Not thread-safe."""

    def __init__(self, name: str, syntax: Syntax, to_rgb: Callable[[Any], np.ndarray]) -> None:
        super().__init__()
        self._name = name
        self._syntax = syntax
        self._to_rgb = to_rgb
        self._av = pyav.import_av(f"{name}: decoding a key picture")
        self._open = partial(open_decoder, self._av, syntax)
        self._decoder = self._open()

    def decode(self, key: KeyBytes) -> np.ndarray:
        """RGB uint8 (H, W, 3). CorruptStream if FFmpeg gets no picture out of these bytes."""
        frames: List[Any] = []
        try:
            frames += self._decoder.decode(self._av.Packet(annex_b(key, self._syntax)))
            frames += self._decoder.decode(None)
        except self._av.error.FFmpegError:
            frames = []
        self._decoder = pyav.restarted(self._decoder, self._open)
        if not frames:
            raise CorruptStream(f"{self._name}: FFmpeg cannot decode this key picture")
        return self._to_rgb(frames[0])


class AnchorDecoder(ProcessBound):
    """Decodes pictures that are no random-access pictures, from all packets since the last one that was.

    Packets are numbered by the caller; a frame bears the number of its packet as its pts. Packets wait
    undecoded until a picture is asked for, so a stream that has enough random-access pictures costs
    nothing. Pictures of H.264 that no other picture needs are not decoded at all; in HEVC, FFmpeg would
    leave out some that pictures of higher sub-layers need. Not thread-safe.
    """

    def __init__(self, name: str, syntax: Syntax, to_rgb: Callable[[Any], np.ndarray]) -> None:
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
        self._frames: List[Any] = []
        self._is_clean = True  # nothing was decoded since the last restart
        self.last_added = -1

    def restart(self, number: int) -> None:
        """Packet `number` is a random-access picture: forgets all before it, unless reading ahead has
        gone beyond it already; then decoding goes on as it is."""
        if self.last_added >= number:
            return
        self._waiting.clear()
        self._frames = []
        if not self._is_clean:
            self._decoder = pyav.restarted(self._decoder, self._open)
            self._is_clean = True

    def add(self, number: int, key: KeyBytes) -> None:
        """Takes a packet in decoding order; one that was taken before is passed over."""
        if number <= self.last_added:
            return
        self.last_added = number
        self._waiting.append((number, key))
        if len(self._waiting) > MOST_WAITING:
            self._decode_oldest()

    def decode(self, number: int, add_next: Callable[[], bool]) -> np.ndarray:
        """RGB uint8 (H, W, 3) of the picture in packet `number`. `add_next` adds one more packet and says
        whether there was one: FFmpeg gives pictures out in display order, some packets later.
        CorruptStream if FFmpeg does not get that picture out: it is broken, or comes later than FFmpeg's
        guess of the reordering depth (rare, in streams that do not declare it)."""
        self._frames = [frame for frame in self._frames if frame.pts >= number]
        while self._find(number) is None and self.last_added < number + MOST_AHEAD:
            if not self._waiting and not add_next():
                self._collect(None)
                break
            self._decode_oldest()
        frame = self._find(number)
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
        self._frames = self._frames[-MOST_AHEAD:]
        self._collect(packet)

    def _collect(self, packet: Any) -> None:
        """Bytes that FFmpeg refuses are left out: it conceals in later pictures what is missing."""
        try:
            self._frames += self._decoder.decode(packet)
        except self._av.error.FFmpegError:
            pass

    def _find(self, number: int) -> Optional[Any]:
        return next((frame for frame in self._frames if frame.pts == number), None)
