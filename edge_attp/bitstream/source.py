"""What every source of packets looks like to CompressedVideo, whatever lies behind it."""

from fractions import Fraction
from typing import Dict, Iterator, List, Optional, Tuple

from edge_attp.bitstream.orientation import Matrix
from edge_attp.bitstream.process import ProcessBound
from edge_attp.bitstream.syntax import H264
from edge_attp.types import EncodedPacket, VideoTrack


class Source(ProcessBound):
    """Facts about one opened input, and its packets, once.

    `packets()` ends at the end of the input and raises SourceError where reading failed, after all
    packets before that place.
    """

    name = ""  # of the input, for messages
    container = ""  # format name
    codec = (
        ""  # FFmpeg's name for that of the input itself, also if packets() is transcoded from it
    )
    syntax = H264  # of the packets
    is_parsed = True  # False: the packets are of another codec, which the core does not know
    nal_length_bytes = 0  # 0: packets are Annex B
    fault = ""  # what is wrong with the record of parameter sets, if anything is
    track = 0  # number of the video track that is read
    tracks: Tuple[VideoTrack, ...] = ()  # those of a container
    is_recording = False  # a live address behind which there is something that ends
    complete = True  # every packet ends an access unit
    frame_rate: Optional[Fraction] = None
    time_base: Optional[Fraction] = None
    # More than this ahead of what was due, and a time is that of another clock.
    jump_s = float("inf")
    # What the container says of presentation, None if nothing; known once there was a packet.
    display_matrix: Optional[Matrix] = None
    # Age of the packet that came out last; grows where a live source is not kept up with.
    lag_s = 0.0
    waited_s = 0.0  # time spent in packets() because a live source had none yet
    max_lag_s = float("inf")  # packets that wait longer are dropped

    def __init__(self) -> None:
        super().__init__()
        self.parameter_sets: List[bytes] = []
        self.counters: Dict[str, int] = {}  # incidents of a live source, by name

    def open(self) -> None:
        """Makes the facts known, waiting for them if need be. Called once, before anything else."""

    def packets(self) -> Iterator[EncodedPacket]:
        raise NotImplementedError

    def stop(self) -> None:
        """Ends packets() soon, from any thread. A file ends by itself."""

    def close(self) -> None:
        """Closes what the source opened itself; a caller's file object stays open."""
