"""The interface between sources of packets and CompressedVideo."""

from fractions import Fraction
from typing import Dict, Iterator, List, Optional, Tuple

from edge_attp.bitstream.orientation import Matrix
from edge_attp.bitstream.process import ProcessBound
from edge_attp.bitstream.syntax import H264
from edge_attp.types import EncodedPacket, VideoTrack

ASSUMED_RATE = Fraction(25)  # pictures per second, if neither container nor stream states a rate


class Source(ProcessBound):
    """Facts about one opened input, and its packets, which can be read once.

    `packets()` ends at the end of the input. If reading fails, it raises SourceError after all packets
    before the failure.
    """

    name = ""  # of the input, for messages
    container = ""  # format name
    codec = ""  # FFmpeg's name of the input's codec, even if packets() is transcoded from it
    syntax = H264  # of the packets
    is_parsed = True  # False: the core does not know the codec of the packets
    nal_length_bytes = 0  # 0: packets are Annex B
    fault = ""  # what is wrong with the container's record of parameter sets, if anything
    track = 0  # number of the video track that is read
    tracks: Tuple[VideoTrack, ...] = ()  # all video tracks of the container
    is_recording = False  # a live address that serves something with an end
    complete = True  # every packet ends an access unit
    frame_rate: Optional[Fraction] = None  # pictures per second
    time_base: Optional[Fraction] = None  # seconds per tick
    # A time that is more than this ahead of the expected one belongs to another clock.
    jump_s = float("inf")
    # From the container, None if it has none; known after the first packet at the latest.
    display_matrix: Optional[Matrix] = None
    # Age of the packet given out last; grows if a live source is read too slowly.
    lag_s = 0.0
    waited_s = 0.0  # time that packets() spent waiting for a live source
    max_lag_s = float("inf")  # packets that wait longer are dropped

    def __init__(self) -> None:
        super().__init__()
        self.parameter_sets: List[bytes] = []  # NAL units from the container
        self.counters: Dict[str, int] = {}  # incidents of a live source, by name

    def open(self) -> None:
        """Determines the facts, waiting for them if necessary. Called once, before anything else."""

    def packets(self) -> Iterator[EncodedPacket]:
        """The packets from the first to the last, in decoding order."""
        raise NotImplementedError

    def stop(self) -> None:
        """Ends packets() soon; may be called from any thread. A file ends by itself."""

    def close(self) -> None:
        """Closes what the source has opened itself; a caller's file object stays open."""
