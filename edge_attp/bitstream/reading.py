"""One reading of a source from its beginning: packets in, pictures out, in decoding order.

The native core counts packets and tells in which one each picture began. The same numbers here lead
from a picture to its packet, so that a random-access picture can carry the bytes that decode it.
"""

import time
from collections import deque
from typing import Deque, Iterator, NamedTuple, Optional, Set

import numpy as np

from edge_attp.bitstream import binding
from edge_attp.bitstream.key_pictures import MAX_AHEAD, AnchorDecoder, ToRgb
from edge_attp.bitstream.nal import KeyBytes, ParameterSets, join
from edge_attp.bitstream.orientation import Orientation, StatedOrientation, effective_orientation
from edge_attp.bitstream.picture import Picture
from edge_attp.bitstream.sampling import Reservoir
from edge_attp.bitstream.source import Source
from edge_attp.errors import CorruptStream, EdgeAttpError
from edge_attp.log import logger
from edge_attp.types import EncodedPacket, StreamStats


class ReadingOptions(NamedTuple):
    residual: bool
    threads: int
    on_demand: bool
    anchor: Optional[int]
    orientation: Orientation  # at the beginning
    turning: Optional[Orientation]  # None: pictures are given out as they are coded


class _Sent(NamedTuple):
    """A packet whose picture the core may not have given out yet."""

    number: int
    key: KeyBytes


class Reading:
    """Owns the native decoder. Raises an error after giving out all pictures before it."""

    def __init__(
        self,
        source: Source,
        packets: Iterator[EncodedPacket],
        options: ReadingOptions,
        to_rgb: ToRgb,
    ) -> None:
        self._source = source
        self._packets = packets
        self._options = options
        self._syntax = source.syntax
        self._length_bytes = source.nal_length_bytes
        self._seconds_per_tick = None if source.time_base is None else float(source.time_base)
        self._decoder = binding.Decoder(
            source.name,
            source.syntax.number,
            source.nal_length_bytes,
            options.threads,
            options.residual,
            options.on_demand,
        )
        self._sets = ParameterSets(source.syntax, source.nal_length_bytes)
        self._sets.add_sets(source.parameter_sets)
        self._told = self._sets.display_orientation  # the newest
        # The core holds back, and anchors read ahead, less than this; more means that the bytes are not video.
        self._sent: Deque[_Sent] = deque(maxlen=2 * MAX_AHEAD + 4 * options.threads)
        self._number = 0
        self._hidden: Set[int] = set()  # numbers of packets
        self._anchors: Optional[AnchorDecoder] = None
        if options.anchor is not None:
            self._anchors = AnchorDecoder(source.name, source.syntax, to_rgb)
        self._last_anchor: Optional[int] = None
        self._newest = -1  # decode_index
        self._at_end = False
        self._final_info: Optional[binding.NativeStreamInfo] = None  # once it is closed
        self._failure: Optional[EdgeAttpError] = None
        self._pictures = 0
        self._damaged = 0
        self._demux_s = 0.0
        self._has_warned_of_turning = False
        self._send_parameter_sets()

    def _send_parameter_sets(self) -> None:
        sets = self._source.parameter_sets
        if not sets:
            return
        try:
            self._decoder.send_parameter_sets(join(sets, self._length_bytes))
        except EdgeAttpError as error:
            self._end(error)

    def pictures(self) -> Iterator[Picture]:
        """Yields all pictures, parsed."""
        while True:
            address = self._next_address()
            if address is None:
                return
            yield self._picture(address, binding.picture_info(address))

    def sample(
        self, per_gop: int, seed: Optional[int], keys: bool, span: Optional[int]
    ) -> Iterator[Picture]:
        """See CompressedVideo.sample(); the reading must be on demand."""
        if span is not None and span < 1:
            raise ValueError(f"span is {span}, must be 1 or more")
        reservoir: Reservoir[Picture] = Reservoir(per_gop, seed)
        failure = None
        while True:
            try:
                address = self._next_address()
            except EdgeAttpError as error:
                address, failure = None, error
            if address is None:
                break
            info = binding.picture_info(address)
            if info.is_random_access:
                key = self._picture(address, info)
                yield from self._drawn(reservoir)
                if keys:
                    yield key
                continue
            is_candidate = info.kind != ord("I") and info.packet not in self._hidden
            if is_candidate and reservoir.offered == span:
                yield from self._drawn(reservoir)
            slot = reservoir.offer_item() if is_candidate else None
            if slot is None:
                self._damaged += info.is_damaged
                binding.release_picture(address)
            else:
                reservoir.put_item(slot, self._picture(address, info))
        yield from self._drawn(reservoir)
        if failure is not None:
            raise failure

    def _drawn(self, reservoir: "Reservoir[Picture]") -> Iterator[Picture]:
        for picture in reservoir.take_drawn():
            picture.parse()
            yield picture

    def _next_address(self) -> Optional[int]:
        """Returns the next native picture, None at the end; raises the error that cut the reading short, if any."""
        while True:
            if self._final_info is not None:
                raise ValueError(
                    f"{self._source.name}: this iteration has ended: the video was closed or is being read again"
                )
            address = self._decoder.receive_picture()
            if address is not None:
                self._pictures += 1
                return address
            if self._at_end:
                break
            self._read_on()
        if self._failure is not None:
            raise self._failure
        if self._pictures == 0:
            raise CorruptStream(f"{self._source.name}: none of its pictures could be read")
        return None

    def _read_on(self) -> bool:
        """Sends one more packet to the core. Returns False at the end of the source."""
        if self._at_end:
            return False
        try:
            began = time.perf_counter()
            packet = next(self._packets, None)
            self._demux_s += time.perf_counter() - began
            if packet is not None:
                self._send(packet)
                return True
            self._end(None)
        except EdgeAttpError as error:
            self._end(error)
        return False

    def _send(self, packet: EncodedPacket) -> None:
        data = packet.data
        sets_before = self._sets.annex_b
        self._sets.watch_packet(data)
        if self._sets.display_orientation is not self._told:
            self._check_orientation(self._sets.display_orientation)
        number = self._number
        self._number = number + 1
        key = KeyBytes(sets_before, data, self._length_bytes)
        self._sent.append(_Sent(number, key))
        if not packet.is_shown:
            self._hidden.add(number)
        self._decoder.send_packet(data, packet.pts, packet.dts, self._source.complete)

    def _check_orientation(self, told: StatedOrientation) -> None:
        """Warns once if the orientation changes: that of the beginning holds for all pictures."""
        found = effective_orientation(told, self._source.display_matrix).orientation
        if found != self._options.orientation and not self._has_warned_of_turning:
            self._has_warned_of_turning = True
            logger.warning(
                "%s: from packet %d on, the stream asks for another orientation; the first one is kept",
                self._source.name,
                self._number,
            )
        self._told = told

    def _end(self, failure: Optional[EdgeAttpError]) -> None:
        self._at_end = True
        self._failure = failure
        try:
            self._decoder.drain()
        except EdgeAttpError as error:
            self._failure = failure or error

    def _picture(self, address: int, info: binding.PictureInfo) -> Picture:
        on_demand_decoder = self._decoder if self._options.on_demand else None
        picture = Picture(
            address,
            info,
            self._syntax,
            self._seconds_per_tick,
            on_demand_decoder,
            self._options.turning,
        )
        self._newest = info.decode_index
        self._damaged += info.is_damaged
        picture.is_shown = info.packet not in self._hidden
        sent = self._sent_with(info.packet) if info.is_first_in_packet else None
        if sent is not None and info.is_random_access:
            picture.key_bytes = sent.key
        if self._anchors is not None and sent is not None:
            self._pass_anchor(picture, sent, self._anchors)
        return picture

    def _sent_with(self, number: int) -> Optional[_Sent]:
        """Returns the packet of this number and forgets earlier ones, because pictures come in decoding order."""
        sent = self._sent
        while sent and sent[0].number < number:
            passed = sent.popleft()
            if self._anchors is not None:
                self._anchors.add_packet(passed.number, passed.key)
        return sent[0] if sent and sent[0].number == number else None

    def _pass_anchor(self, picture: Picture, sent: _Sent, anchors: AnchorDecoder) -> None:
        index, last, every = picture.decode_index, self._last_anchor, self._options.anchor or 1
        if picture.is_random_access:
            anchors.restart_at(sent.number)
        anchors.add_packet(sent.number, sent.key)
        is_due = last is None or index - last >= every
        # FFmpeg leaves these out after a restart at the random-access picture before them.
        can_be_decoded = picture.nal_unit_type not in self._syntax.skipped_types
        if picture.is_random_access or (picture.is_reference and is_due and can_be_decoded):
            self._last_anchor = index
            picture.is_anchor = True

    def decode_anchor(self, picture: Picture) -> np.ndarray:
        """See CompressedVideo.decode_anchor()."""
        if self._anchors is None or not picture.is_anchor:
            raise ValueError(f"picture {picture.decode_index} is no anchor")
        if self._final_info is not None or picture.decode_index != self._newest or not self._sent:
            raise ValueError(
                f"picture {picture.decode_index} is no longer the newest, so the packets around it are gone"
            )
        return self._anchors.decode(self._sent[0].number, self._add_next)

    def _add_next(self) -> bool:
        """Adds the next packet for the anchors, reading another if all sent ones were added."""
        assert self._anchors is not None
        if self._sent[-1].number <= self._anchors.last_added and not self._read_on():
            return False
        after = self._anchors.last_added
        following = next(sent for sent in self._sent if sent.number > after)
        self._anchors.add_packet(following.number, following.key)
        return True

    def native_info(self) -> binding.NativeStreamInfo:
        return self._final_info or self._decoder.stream_info()

    def stats(self) -> StreamStats:
        info = self.native_info()
        return StreamStats(
            self._pictures,
            self._damaged,
            info.nal_units,
            info.ignored_nal_units,
            info.damaged_nal_units,
            self._demux_s,
            info.skipped_pictures,
            len(self._hidden),
        )

    def close(self) -> None:
        """Closes the decoder. Pictures given out stay valid, and so do the counts."""
        if self._final_info is None:
            self._final_info = self._decoder.stream_info()
            self._decoder.close()
