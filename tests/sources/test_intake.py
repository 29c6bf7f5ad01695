"""What the NAL units of a live source say: which pictures are not referred to, and which parameter sets exist."""

import pytest
from live_doubles import Counts, PacketSource

from edge_attp.bitstream import nal
from edge_attp.bitstream.syntax import H264, HEVC
from edge_attp.sources.intake import Intake
from edge_attp.types import EncodedPacket

SPS, PPS = b"\x67\x42\x00\x0a\x80", b"\x68\x80"
IDR, REFERENCE, FREE = b"\x65\x88", b"\x41\x9a", b"\x01\x9e"


def hevc(kind, temporal_id=0):
    return bytes([kind << 1, temporal_id + 1, 0x80])


@pytest.mark.parametrize("nal_ref_idc", range(4))
def test_h264_tells_by_nal_ref_idc(nal_ref_idc):
    assert H264.is_unreferenced(bytes([nal_ref_idc << 5 | 1]), 0) == (nal_ref_idc == 0)


def test_hevc_tells_by_type_and_by_the_highest_sub_layer():
    """Table 7-1, clause 8.3.2: TRAIL_N, TSA_N, STSA_N, RADL_N and RASL_N, where there is no higher sub-layer."""
    free = [kind for kind in range(64) if HEVC.is_unreferenced(hevc(kind), 0)]
    assert free == [0, 2, 4, 6, 8, 10, 12, 14]
    assert not HEVC.is_unreferenced(hevc(0, temporal_id=1), 2)
    assert HEVC.is_unreferenced(hevc(0, temporal_id=2), 2)
    assert not HEVC.is_unreferenced(b"\x00\x09\x80", 0)  # of another layer


def test_the_highest_sub_layer_is_that_of_the_sequence_parameter_set():
    sps = hevc(33)[:2] + bytes([0x0 << 4 | 2 << 1 | 1])
    assert HEVC.highest_sub_layer(sps) == 2
    assert HEVC.highest_sub_layer(sps[:2]) == HEVC.highest_sub_layer(hevc(34)) == 0
    assert H264.highest_sub_layer(SPS) == 0


@pytest.mark.parametrize("syntax", [H264, HEVC], ids=lambda syntax: syntax.name)
def test_the_end_of_a_sequence_is_no_slice(syntax):
    unit = syntax.end_of_sequence
    assert (
        syntax.nal_type(unit) == {H264: 10, HEVC: 36}[syntax] and len(unit) == syntax.header_bytes
    )


def needed(*packets):
    """Which of these packets of NAL units some other picture needs."""
    intake = Intake(Counts())
    intake.begin_connection(PacketSource([], H264))
    data = [nal.join(list(units), 0) for units in packets]
    taken = [intake.accept_packet(EncodedPacket(one, n, n, False), n) for n, one in enumerate(data)]
    return [waiting.is_needed for waiting in taken]


def test_packets_that_may_be_dropped():
    """All slices of the picture, and no parameter sets among them."""
    assert needed((SPS, PPS, IDR), (FREE,), (REFERENCE,), (FREE, FREE), (b"\x06\x05", FREE)) == [
        True,
        False,
        True,
        False,
        False,
    ]
    assert needed((SPS, PPS, IDR), (PPS, FREE), (FREE, REFERENCE), (b"\x06\x05",)) == [True] * 4
