"""NAL units of both codecs as bytes: splitting, records, parameter sets, access units, recognising raw streams."""

import io

import pytest

from edge_attp.bitstream import annexb, decoder_configuration, nal
from edge_attp.bitstream.syntax import H264, HEVC, SYNTAXES
from streamwriter.bits import START_CODE, Bits, annex_b, escaped
from streamwriter.h264 import handmade

SPS, PPS = handmade.sps(), handmade.pps()


class Units:
    """Sample NAL units of one codec, by kind."""

    def __init__(self, syntax, sets, first_slice, later_slice, delimiter, end_of_sequence, sei):
        self.syntax = syntax
        self.sets = sets
        self.first_slice, self.later_slice = first_slice, later_slice
        self.delimiter, self.end_of_sequence, self.sei = delimiter, end_of_sequence, sei

    def types(self, data, length_bytes=0):
        return [self.syntax.nal_type(unit) for unit in nal.split(data, length_bytes)]


def hevc(kind, payload=b"\x80", layer=0, temporal_id=0):
    """A NAL unit with the header of HEVC, clause 7.3.1.2."""
    head = kind << 9 | layer << 3 | temporal_id + 1
    return head.to_bytes(2, "big") + payload


def hevc_vps(number=0):
    return hevc(32, bytes([number << 4 | 0xC, 1, 0xFF]))


def hevc_sps(number=0, sub_layers=0, width=64):
    """Complete up to the id, with something after it. Sub-layers state their level only, but
    for the first, which has a profile, too."""
    bits = Bits().u(4, 0).u(3, sub_layers).u(1, 1)
    profile_tier_level(bits)
    if sub_layers:
        for layer in range(8):
            bits.u(2, 0 if layer >= sub_layers else 3 if layer == 0 else 1)
        profile_tier_level(bits)
        for _ in range(1, sub_layers):
            bits.u(8, 60)
    return HEVC_SPS + escaped(bits.ue(number, 1, width, 64).payload())


def profile_tier_level(bits):
    bits.u(8, 1).u(32, 3 << 29).u(24, 0).u(24, 0).u(8, 93)


def hevc_pps(number=0):
    return HEVC_PPS + escaped(Bits().ue(number, 0).u(5, 0).payload())


HEVC_SPS, HEVC_PPS = b"\x42\x01", b"\x44\x01"
AVC = Units(
    H264, [SPS, PPS], b"\x65\x88\x84", b"\x65\x42\x10", b"\x09\xf0", b"\x0a", b"\x06\x05\x01"
)
HVC = Units(
    HEVC,
    [hevc_vps(), hevc_sps(), hevc_pps()],
    hevc(19, b"\xa8\x84"),
    hevc(19, b"\x42\x10"),
    hevc(35, b"\x50"),
    hevc(36, b""),
    hevc(39, b"\x05\x01\x80"),
)
both = pytest.mark.parametrize("units", [AVC, HVC], ids=["h264", "hevc"])


def avcc(sets, pictures, length_bytes=4):
    head = bytes([1, 66, 0xC0, 30, 0xFC | (length_bytes - 1)])
    parts = [head, bytes([0xE0 | len(sets)])]
    parts += [len(unit).to_bytes(2, "big") + unit for unit in sets]
    parts += [bytes([len(pictures)])]
    parts += [len(unit).to_bytes(2, "big") + unit for unit in pictures]
    return b"".join(parts)


def hvcc(arrays, length_bytes=4, version=1):
    """arrays: (nal_unit_type, [units])."""
    parts = [bytes([version, 1]), bytes(19), bytes([0xFC | (length_bytes - 1), len(arrays)])]
    for kind, units in arrays:
        parts.append(bytes([0x80 | kind]) + len(units).to_bytes(2, "big"))
        parts += [len(unit).to_bytes(2, "big") + unit for unit in units]
    return b"".join(parts)


def record(units, length_bytes=4):
    if units is AVC:
        return avcc(units.sets[:1], units.sets[1:], length_bytes)
    return hvcc([(unit[0] >> 1, [unit]) for unit in units.sets], length_bytes)


def parsed(units, data):
    return decoder_configuration.parse_configuration(data, units.syntax)[:2]


@both
def test_records(units):
    assert parsed(units, record(units)) == (4, units.sets)
    assert parsed(units, record(units, 2)) == (2, units.sets)
    assert parsed(units, nal.join(units.sets, 0)) == (0, units.sets)


def test_records_of_several_sets():
    assert parsed(AVC, avcc([SPS], [PPS, PPS])) == (4, [SPS, PPS, PPS])
    more = [hevc_pps(1), hevc_pps(2)]
    assert parsed(HVC, hvcc([(34, more), (32, [hevc_vps()])])) == (4, more + [hevc_vps()])


def test_what_hvcc_records_hold_besides():
    """No array at all (all sets in band), SEI messages, sets of other layers; version 0 was once in use."""
    assert parsed(HVC, hvcc([])) == (4, [])
    arrays = [(39, [HVC.sei]), (33, [hevc_sps(), hevc(33, bytes(40), layer=1)])]
    assert parsed(HVC, hvcc(arrays, version=0)) == (4, [hevc_sps()])


@both
def test_of_a_record_that_is_cut_short_the_whole_sets_are_taken(units):
    whole = record(units)
    kind = "avcC" if units is AVC else "hvcC"
    for end in range(1, len(whole)):
        found = decoder_configuration.parse_configuration(whole[:end], units.syntax)
        assert found.fault == f"its {kind} record (parameter sets) is cut short"
        assert found.parameter_sets == units.sets[: len(found.parameter_sets)]
    assert found.parameter_sets == units.sets[:-1]


@both
def test_records_that_say_nothing_of_use(units):
    assert "has no" in decoder_configuration.parse_configuration(b"", units.syntax).fault
    assert (
        "is broken"
        in decoder_configuration.parse_configuration(b"\x42" + record(units), units.syntax).fault
    )


@both
def test_empty_units_in_a_record(units):
    sets = [b""] + units.sets[:1] + [b""]
    data = avcc(sets, [b""]) if units is AVC else hvcc([(32, sets), (33, [b""]), (34, [])])
    assert decoder_configuration.parse_configuration(data, units.syntax) == (4, units.sets[:1], "")


@both
def test_any_length_size(units):
    assert parsed(units, record(units, 3)) == (3, units.sets)
    long = units.sets[0] + b"\1" * 300
    data = avcc([long], [], 1) if units is AVC else hvcc([(32, [long])], 1)
    assert parsed(units, data) == (1, [long])
    assert list(nal.split(nal.join([long], 1), 1, units.syntax)) == [long]


@both
@pytest.mark.parametrize("size", [0, 1, 2, 3, 4])
def test_packets_tell_how_long_their_lengths_are(units, size):
    units = [units.delimiter, units.sei, units.first_slice + b"\2" * 90], units.syntax
    samples = [nal.join(units[0], size), nal.join(units[0][2:], size), b"\xff" * 9]
    for guess in (1, 2, 3, 4):
        assert decoder_configuration.likely_length_size(samples, units[1], guess) == size
    assert decoder_configuration.likely_length_size([b"\xff" * 9], units[1], 2) == 2
    assert decoder_configuration.likely_length_size([], units[1], 3) == 3


@pytest.mark.parametrize("length_bytes", [0, 1, 2, 3, 4])
def test_split_inverts_join(length_bytes):
    units = [SPS, PPS, b"\x65" + bytes(range(1, 200)), b"\x0a"]
    assert list(nal.split(nal.join(units, length_bytes), length_bytes)) == units


def test_split_survives_broken_lengths():
    assert list(nal.split(b"\xff\xff\xff\xff\x65\x88", 4)) == [b"\x65\x88"]
    assert list(nal.split(b"\0\0\0\0\0\0\0\2\x65\x88", 4)) == [b"\x65\x88"]
    assert list(nal.split(b"\0\0", 4)) == []
    assert list(nal.split(b"", 4)) == list(nal.split(b"", 0)) == []


LONG = b"\x65" + b"\x42" * 300  # whose length of four bytes begins with 00 00 01


@pytest.mark.parametrize(
    "data, length_bytes, expected",
    [
        (b"\0\0\0\x0b\x6e\0\0\0\1\x65\x88\0\0\0\1", 4, [b"\x6e", b"\x65\x88"]),
        (b"\0\0\0\5\x65\0\0\1\x0a", 4, [b"\x65", b"\x0a"]),
        (b"\0\0\0\4\x65\0\0\1", 4, [b"\x65"]),
        (nal.join([LONG], 4), 4, [LONG]),
        (nal.join([LONG], 4) + b"\xff", 4, [LONG]),  # not exact, but the length stands
        (nal.join([LONG, PPS], 0), 4, [LONG, PPS]),
        (nal.join([LONG, PPS], 0)[1:], 4, [LONG, PPS]),
        (nal.join([LONG, PPS], 0), 3, [LONG, PPS]),
        (nal.join([SPS, PPS], 0), 2, [SPS, PPS]),
        (nal.join([SPS, PPS], 0), 1, [SPS, PPS]),
        (nal.join([SPS], 4) + nal.join([PPS, b"\x65\x88"], 0), 4, [SPS, PPS, b"\x65\x88"]),
        (nal.join([SPS], 3) + b"\0\0\0", 3, [SPS]),
        (b"\0\0\0\1\x65\x88", 2, [b"\x65\x88"]),
        (b"\0\0\0\1", 4, []),
        (b"\0\0\1", 4, []),
    ],
)
def test_lengths_and_start_codes_in_one_packet(data, length_bytes, expected):
    assert list(nal.split(data, length_bytes, H264)) == expected


@both
@pytest.mark.parametrize("length_bytes", [1, 2, 3, 4])
def test_sets_are_seen_whatever_marks_them(units, length_bytes):
    """In Annex B too, in one length, and behind an empty unit."""
    plain = nal.join(units.sets, length_bytes)
    in_one = nal.join([b"\0\0\1".join(units.sets)], length_bytes)
    for data in (plain, in_one, nal.join(units.sets, 0), nal.join(units.sets, 0)[1:]):
        for before in (b"", bytes(length_bytes) if data in (plain, in_one) else b""):
            sets = nal.ParameterSets(units.syntax, length_bytes)
            sets.watch_packet(before + data)
            assert list(nal.split(sets.annex_b, 0)) == units.sets


@pytest.mark.parametrize(
    "syntax, unit, expected",
    [
        (H264, handmade.sps(sps_id=3), (7, 3)),
        (H264, handmade.pps(pps_id=200), (8, 200)),
        (HEVC, hevc_vps(15), (32, 15)),
        (HEVC, hevc_sps(7), (33, 7)),
        (HEVC, hevc_sps(15, sub_layers=1), (33, 15)),
        (HEVC, hevc_sps(4, sub_layers=6), (33, 4)),
        (HEVC, hevc_pps(63), (34, 63)),
    ],
)
def test_parameter_sets_say_their_number(syntax, unit, expected):
    assert syntax.set_key(unit) == expected


def test_parameter_sets_replace_those_of_the_same_id():
    sets = nal.ParameterSets(H264, 0)
    other, newer = handmade.sps(sps_id=1), handmade.sps(columns=5)
    sets.add_sets([SPS, PPS, other])
    assert list(nal.split(sets.annex_b, 0)) == [SPS, other, PPS]
    sets.add_sets([newer])
    assert list(nal.split(sets.annex_b, 0)) == [newer, other, PPS]


def test_hevc_parameter_sets_replace_those_of_the_same_id():
    sets = nal.ParameterSets(HEVC, 0)
    other, newer = hevc_sps(1), hevc_sps(0, width=128)
    sets.add_sets([hevc_pps(), hevc_sps(), hevc_vps(), other])
    sets.add_sets([newer])
    assert list(nal.split(sets.annex_b, 0)) == [hevc_vps(), newer, other, hevc_pps()]


@both
def test_parameter_sets_keep_the_same_bytes_until_one_changes(units):
    sets = nal.ParameterSets(units.syntax, 4)
    sets.add_sets(units.sets)
    before = sets.annex_b
    sets.watch_packet(nal.join([units.sei] + units.sets + [units.first_slice], 4))
    sets.watch_packet(nal.join([units.first_slice], 4))
    assert sets.annex_b is before
    newer = handmade.sps(rows=7) if units is AVC else hevc_sps(width=99)
    sets.watch_packet(nal.join([units.delimiter, newer, units.first_slice], 4))
    assert sets.annex_b != before


@both
def test_parameter_sets_after_the_first_slice_are_of_the_next_picture(units):
    sets = nal.ParameterSets(units.syntax, 0)
    sets.watch_packet(nal.join([units.first_slice, units.sets[1]], 0))
    assert sets.annex_b == b""


def test_parameter_sets_of_other_layers_are_passed_over():
    sets = nal.ParameterSets(HEVC, 0)
    sets.watch_packet(nal.join(HVC.sets + [hevc(34, b"\xc0", layer=1), HVC.first_slice], 0))
    assert list(nal.split(sets.annex_b, 0)) == HVC.sets


def test_hostile_parameter_sets_do_not_pile_up():
    sets = nal.ParameterSets(H264, 0)
    for value in range(1000):
        sets.add_sets([b"\x68" + value.to_bytes(3, "big"), b"\x67", b"\x68", b"\x67\0\0\0\0\0\0\0"])
    assert len(list(nal.split(sets.annex_b, 0))) < 300
    sets = nal.ParameterSets(HEVC, 0)
    for value in range(1000):
        rubbish = value.to_bytes(3, "big")
        sets.add_sets(
            [b"\x44\x01" + rubbish, b"\x42\x01", b"\x42\x01\x0e" + rubbish * 9, b"\x40\x01"]
        )
        sets.add_sets([b"\x40\x01" + rubbish, b"\x44\x01"])
    assert len(list(nal.split(sets.annex_b, 0))) < 600


@pytest.mark.parametrize("chunk", [1, 2, 3, 5, 64, 1 << 18])
def test_access_units_whatever_the_chunks(chunk, monkeypatch):
    monkeypatch.setattr(annexb, "CHUNK_BYTES", chunk)
    data = handmade.stream(gops=3, gop=4)
    units = list(annexb.access_units(H264, io.BytesIO(data).read))
    assert b"".join(units) == data
    assert [AVC.types(unit) for unit in units] == [[7, 8, 5], [1], [1], [1]] * 3


@pytest.mark.parametrize("chunk", [1, 2, 3, 5, 64, 1 << 18])
def test_hevc_access_units_whatever_the_chunks(chunk, monkeypatch):
    monkeypatch.setattr(annexb, "CHUNK_BYTES", chunk)
    rasl, trail = hevc(8, b"\xc0\x11", temporal_id=1), hevc(1, b"\xd0\x22")
    data = annex_b((HVC.sets + [hevc(21, b"\xa8\x33"), rasl, trail]) * 3)
    units = list(annexb.access_units(HEVC, io.BytesIO(data).read))
    assert b"".join(units) == data
    assert [HVC.types(unit) for unit in units] == [[32, 33, 34, 21], [8], [1]] * 3


@both
def test_access_units_of_several_slices_and_end_markers(units):
    slices = [units.first_slice, units.later_slice]
    whole = units.sets + slices + [units.end_of_sequence, units.delimiter] + slices
    cut = list(annexb.access_units(units.syntax, io.BytesIO(annex_b(whole)).read))
    first = [units.syntax.nal_type(unit) for unit in whole[: len(whole) - 3]]
    assert [units.types(data) for data in cut] == [first, units.types(nal.join(whole[-3:], 0))]


def test_other_layers_belong_to_the_access_unit_of_their_base_layer():
    """Whatever they begin: their slices and parameter sets open nothing. Suffix SEI messages do not, either."""
    above = [hevc(33, bytes(20), layer=1), hevc(1, b"\x80\x11", layer=1), hevc(40, b"\x84\x01\x80")]
    data = annex_b((HVC.sets + [HVC.first_slice] + above) * 2)
    units = list(annexb.access_units(HEVC, io.BytesIO(data).read))
    assert [HVC.types(unit) for unit in units] == [[32, 33, 34, 19, -1, -1, 40]] * 2


@both
def test_endless_rubbish_comes_in_pieces(units, monkeypatch):
    monkeypatch.setattr(annexb, "MAX_UNIT_BYTES", 1000)
    monkeypatch.setattr(annexb, "CHUNK_BYTES", 300)
    data = b"\x5a" * 10001
    pieces = list(annexb.access_units(units.syntax, io.BytesIO(data).read))
    assert b"".join(pieces) == data
    assert max(map(len, pieces)) < 1400


@pytest.mark.parametrize(
    "head, expected",
    [
        (START_CODE + SPS, H264),
        (b"\0\0\1" + SPS, H264),
        (bytes(9) + b"\1" + SPS, H264),
        (b"\0\0\0\1\x09\xf0", H264),
        (b"\0\0\0\1\x06\x05", H264),
        (b"\0\0\1\x41\x9a", H264),
        (b"\0\0\0\1\x28\xce", H264),  # a PPS with nal_ref_idc 1
        (START_CODE + HVC.sets[0], HEVC),
        (b"\0\0\1" + HVC.sets[1], HEVC),
        (b"\0\0\1" + HVC.sets[2], HEVC),
        (bytes(9) + b"\1" + HVC.delimiter, HEVC),
        (b"\0\0\0\1" + HVC.sei, HEVC),
        (b"\0\0\1" + hevc(21), HEVC),  # cut out at a CRA picture
        (b"\0\0\1" + hevc(20), HEVC),  # 0x28 0x01
        (b"\0\1" + SPS, None),
        (b"\0\1" + HVC.sets[0], None),
        (b"\0\0\1\xba\x44", None),  # MPEG program stream
        (b"\0\0\1\xb3\x16", None),  # MPEG-2
        (b"\0\0\1\x00\x0f", None),  # MPEG-2, a picture header
        (b"\0\0\1\xb0\x01", None),  # MPEG-4 Part 2
        (b"\0\0\1\x20\x00\xc8", None),  # MPEG-4 Part 2, a video object layer
        (b"\0\0\0\1ftyp", None),  # MP4 with a 64-bit box size
        (b"\0\0\0\x20ftyp", None),
        (b"\0\0\1\x67", None),
        (b"\0\0\1", None),
        (b"", None),
    ],
)
def test_recognises_raw_streams(head, expected):
    assert annexb.detect_syntax(head) is expected


def test_suffixes_and_first_bytes_of_slices_are_told_apart():
    assert not set(H264.suffixes) & set(HEVC.suffixes)
    assert all(suffix == suffix.lower() for syntax in SYNTAXES for suffix in syntax.suffixes)
    assert b"\x65" in H264.slice_heads and b"\x67" not in H264.slice_heads
    assert b"\x2a" in HEVC.slice_heads and b"\x40" not in HEVC.slice_heads
