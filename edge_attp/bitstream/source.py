"""What every source of packets looks like to CompressedVideo, whatever lies behind it."""

from fractions import Fraction
from typing import Iterator, List, Optional

from edge_attp.bitstream.syntax import H264
from edge_attp.types import EncodedPacket


class Source:
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
    complete = True  # every packet ends an access unit
    frame_rate: Optional[Fraction] = None
    time_base: Optional[Fraction] = None

    def __init__(self) -> None:
        self.parameter_sets: List[bytes] = []

    def packets(self) -> Iterator[EncodedPacket]:
        raise NotImplementedError

    def close(self) -> None:
        """Closes what the source opened itself; a caller's file object stays open."""
