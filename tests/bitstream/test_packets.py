"""The core counts packets: each picture knows the one it began in, and has its times if it is the first there."""

import pytest

from edge_attp.bitstream import binding, nal
from edge_attp.bitstream.syntax import SYNTAXES
from rigs.native_core import Read
from streamwriter.bits import START_CODE, annex_b

ANNEX_B, LENGTHS = 0, 4


@pytest.fixture
def units(written):
    """(syntax, parameter sets, four pictures of one slice each)"""
    syntax = next(syntax for syntax in SYNTAXES if syntax.name == written.CODEC)
    units = written.stream(gops=1, gop=4).split(START_CODE)[1:]
    return syntax, units[:-4], units[-4:]


def facts(read):
    """(packet, pts, dts) of each picture."""
    return [(picture.packet, picture.pts, picture.dts) for picture in read.pictures]


@pytest.mark.parametrize("framing", [ANNEX_B, LENGTHS])
def test_each_picture_knows_its_packet_and_times(units, framing):
    syntax, sets, pictures = units
    packets = [nal.join(sets + pictures[:1], framing)]
    packets += [nal.join([picture], framing) for picture in pictures[1:]]
    assert facts(Read(syntax, packets, framing)) == [(n, n, n) for n in range(4)]


@pytest.mark.parametrize("framing", [ANNEX_B, LENGTHS])
def test_parameter_sets_sent_apart_are_no_packet(units, framing):
    syntax, sets, pictures = units
    packets = [nal.join([picture], framing) for picture in pictures]
    assert facts(Read(syntax, packets, framing, sets=sets)) == [(n, n, n) for n in range(4)]


def test_times_belong_to_the_first_picture_of_a_packet(units):
    syntax, sets, pictures = units
    packets = [annex_b(sets + pictures[:1]), annex_b(pictures[1:3]), annex_b(pictures[3:])]
    expected = [(0, 0, 0), (1, 1, 1), (1, None, None), (2, 2, 2)]
    assert facts(Read(syntax, packets, ANNEX_B)) == expected


@pytest.mark.parametrize("piece_bytes", [1, 7, 100])
def test_a_picture_begins_where_its_start_code_ends(units, piece_bytes):
    """Packets that are pieces of a stream, cut anywhere."""
    syntax, sets, pictures = units
    stream = annex_b(sets + pictures)
    begins, at = [], len(annex_b(sets))
    for picture in pictures:
        begins.append((at + len(START_CODE) - 1) // piece_bytes)
        at += len(annex_b([picture]))
    pieces = [stream[at : at + piece_bytes] for at in range(0, len(stream), piece_bytes)]
    found = [picture.packet for picture in Read(syntax, pieces, ANNEX_B, complete=False).pictures]
    assert found == begins


def test_times_of_any_size_travel_unchanged(units):
    syntax, sets, pictures = units
    decoder = binding.Decoder("packets", syntax.number, ANNEX_B)
    times = [(-(2**63) + 1, 2**63 - 1), (5, None), (None, -5), (None, None)]
    decoder.send_parameter_sets(annex_b(sets))
    for picture, (pts, dts) in zip(pictures, times):
        decoder.send_packet(annex_b([picture]), pts, dts, True)
    decoder.drain()
    found = []
    for _ in times:
        address = decoder.receive_picture()
        info = binding.picture_info(address)
        found.append(tuple(None if t == binding.NO_PTS else t for t in (info.pts, info.dts)))
        binding.release_picture(address)
    decoder.close()
    assert found == times
