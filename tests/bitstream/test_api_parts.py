"""The small parts that need neither the native core nor PyAV: NAL units, raw streams, sampling, errors."""

import collections
import io
import itertools
from unittest import mock

import handmade
import pytest

from edge_attp import errors, log
from edge_attp.bitstream import annexb, binding, nal
from edge_attp.bitstream.sampling import Reservoir

SPS, PPS = handmade.sps(), handmade.pps()


def avcc(sets, pictures, length_bytes=4):
    head = bytes([1, 66, 0xC0, 30, 0xFC | (length_bytes - 1)])
    parts = [head, bytes([0xE0 | len(sets)])]
    parts += [len(unit).to_bytes(2, "big") + unit for unit in sets]
    parts += [bytes([len(pictures)])]
    parts += [len(unit).to_bytes(2, "big") + unit for unit in pictures]
    return b"".join(parts)


def test_avcc_record():
    assert nal.parse_avcc(avcc([SPS], [PPS, PPS]), "x") == (4, [SPS, PPS, PPS])
    assert nal.parse_avcc(avcc([SPS], [PPS], length_bytes=2), "x")[0] == 2


def test_every_cut_of_an_avcc_record_is_an_error_of_ours():
    record = avcc([SPS], [PPS])
    for end in range(len(record)):
        with pytest.raises(errors.CorruptStream, match="clip: .*avcC"):
            nal.parse_avcc(record[:end], "clip")


def test_avcc_with_impossible_lengths():
    with pytest.raises(errors.CorruptStream, match="3 byte"):
        nal.parse_avcc(avcc([SPS], [PPS], length_bytes=3), "clip")
    with pytest.raises(errors.CorruptStream, match="1 byte"):
        nal.parse_avcc(avcc([SPS + bytes(300)], [PPS], length_bytes=1), "clip")


@pytest.mark.parametrize("length_bytes", [0, 1, 2, 4])
def test_split_inverts_join(length_bytes):
    units = [SPS, PPS, b"\x65" + bytes(range(1, 200)), b"\x0a"]
    assert list(nal.split(nal.join(units, length_bytes), length_bytes)) == units


def test_split_survives_broken_lengths():
    assert list(nal.split(b"\xff\xff\xff\xff\x65\x88", 4)) == [b"\x65\x88"]
    assert list(nal.split(b"\0\0\0\0\0\0\0\2\x65\x88", 4)) == [b"\x65\x88"]
    assert list(nal.split(b"\0\0", 4)) == []
    assert list(nal.split(b"", 4)) == list(nal.split(b"", 0)) == []


def test_parameter_sets_replace_those_of_the_same_id():
    sets = nal.ParameterSets(0)
    other, newer = handmade.sps(sps_id=1), handmade.sps(columns=5)
    sets.add([SPS, PPS, other])
    assert list(nal.split(sets.annex_b, 0)) == [SPS, other, PPS]
    sets.add([newer])
    assert list(nal.split(sets.annex_b, 0)) == [newer, other, PPS]


def test_parameter_sets_keep_the_same_bytes_until_one_changes():
    sets = nal.ParameterSets(4)
    sets.add([SPS, PPS])
    before = sets.annex_b
    sets.watch(nal.join([b"\x06\x05\x01\x00", SPS, PPS, b"\x65\x88"], 4))
    sets.watch(nal.join([b"\x41\x9a"], 4))
    assert sets.annex_b is before
    sets.watch(nal.join([b"\x09\xf0", handmade.sps(rows=7), b"\x65\x88"], 4))
    assert sets.annex_b != before


def test_parameter_sets_after_the_first_slice_are_of_the_next_picture():
    sets = nal.ParameterSets(0)
    sets.watch(nal.join([b"\x65\x88", SPS], 0))
    assert sets.annex_b == b""


def test_hostile_parameter_sets_do_not_pile_up():
    sets = nal.ParameterSets(0)
    for value in range(1000):
        sets.add([b"\x68" + value.to_bytes(3, "big"), b"\x67", b"\x68", b"\x67\0\0\0\0\0\0\0"])
    assert len(list(nal.split(sets.annex_b, 0))) < 300


@pytest.mark.parametrize("chunk", [1, 2, 3, 5, 64, 1 << 18])
def test_access_units_whatever_the_chunks(chunk, monkeypatch):
    monkeypatch.setattr(annexb, "CHUNK_BYTES", chunk)
    data = handmade.stream(gops=3, gop=4)
    units = list(annexb.access_units(io.BytesIO(data).read))
    assert b"".join(units) == data
    firsts = [[nal.nal_type(unit) for unit in nal.split(data, 0)] for data in units]
    assert firsts == [[7, 8, 5], [1], [1], [1]] * 3


def test_access_units_of_several_slices_and_end_markers():
    first, later = b"\x65\x88\x84", b"\x65\x42\x10"  # first_mb_in_slice 0, and another
    end_of_sequence = b"\x0a"
    data = handmade.annex_b([SPS, PPS, first, later, end_of_sequence, b"\x09\xf0", first, later])
    units = [
        [nal.nal_type(u) for u in nal.split(x, 0)]
        for x in annexb.access_units(io.BytesIO(data).read)
    ]
    assert units == [[7, 8, 5, 5, 10], [9, 5, 5]]


def test_endless_rubbish_comes_in_pieces(monkeypatch):
    monkeypatch.setattr(annexb, "LONGEST_UNIT_BYTES", 1000)
    monkeypatch.setattr(annexb, "CHUNK_BYTES", 300)
    data = b"\x5a" * 10001
    units = list(annexb.access_units(io.BytesIO(data).read))
    assert b"".join(units) == data
    assert max(map(len, units)) < 1400


@pytest.mark.parametrize(
    "head, expected",
    [
        (handmade.START + SPS, True),
        (b"\0\0\1" + SPS, True),
        (bytes(9) + b"\1" + SPS, True),
        (b"\0\0\0\1\x09\xf0", True),
        (b"\0\0\0\1\x06\x05", True),
        (b"\0\0\1\x41\x9a", True),
        (b"\0\1" + SPS, False),
        (b"\0\0\1\xba", False),  # MPEG program stream
        (b"\0\0\1\xb3", False),  # MPEG-2
        (b"\0\0\1\xb0", False),  # MPEG-4 Part 2
        (b"\0\0\0\1\x40\1", False),  # HEVC VPS
        (b"\0\0\0\1\x46\1", False),  # HEVC access unit delimiter
        (b"\0\0\0\1ftyp", False),  # MP4 with a 64-bit box size
        (b"\0\0\0\x20ftyp", False),
        (b"\0\0\1", False),
        (b"", False),
    ],
)
def test_recognises_raw_h264(head, expected):
    assert annexb.looks_like_annex_b(head) is expected


def draw(count, size, seed):
    reservoir = Reservoir(size, seed)
    for item in range(count):
        slot = reservoir.slot()
        if slot is not None:
            reservoir.put(slot, item)
    return reservoir.take()


def test_reservoir_draws_without_replacement_and_in_order():
    for count, size in itertools.product(range(12), (1, 2, 5)):
        drawn = draw(count, size, seed=count)
        assert len(drawn) == min(count, size)
        assert drawn == sorted(set(drawn))


def test_reservoir_is_fair():
    counts = collections.Counter(x for seed in range(6000) for x in draw(10, 3, seed))
    assert len(counts) == 10
    assert all(abs(count - 1800) < 180 for count in counts.values())


def test_reservoir_begins_anew():
    reservoir = Reservoir(1, seed=0)
    for item in "ab":
        reservoir.put(reservoir.slot(), item) if item == "a" else None
        assert reservoir.take() == (["a"] if item == "a" else [])
    with pytest.raises(ValueError, match="per_gop"):
        Reservoir(0, None)


@pytest.mark.parametrize(
    "name, exit_code, builtin",
    [
        ("EdgeAttpError", 1, Exception),
        ("SourceError", 3, OSError),
        ("UnsupportedStream", 4, ValueError),
        ("CorruptStream", 3, ValueError),
        ("ModelError", 5, Exception),
        ("EngineError", 5, Exception),
        ("UsageError", 2, Exception),
    ],
)
def test_error_tree(name, exit_code, builtin):
    error = getattr(errors, name)("one line")
    assert isinstance(error, errors.EdgeAttpError)
    assert isinstance(error, builtin)
    assert error.exit_code == exit_code
    assert str(error) == "one line"
    assert name in errors.__doc__
    assert name in errors.__all__


@pytest.fixture
def unloaded(monkeypatch):
    monkeypatch.setattr(binding, "_library", None)
    return monkeypatch


def test_a_missing_library_says_how_to_build_it(unloaded, tmp_path):
    unloaded.setenv("EDGE_ATTP_LIBRARY", str(tmp_path / "none.so"))
    with pytest.raises(errors.EdgeAttpError, match=r"none\.so is missing.*pip install -e \."):
        binding.native_core()


def test_a_file_that_is_no_library(unloaded, tmp_path):
    path = tmp_path / "rubbish.so"
    path.write_bytes(b"rubbish")
    unloaded.setenv("EDGE_ATTP_LIBRARY", str(path))
    with pytest.raises(errors.EdgeAttpError, match="cannot be loaded"):
        binding.native_core()


def test_another_interface_version_is_refused(unloaded):
    unloaded.setattr(binding, "ABI_VERSION", 99)
    with pytest.raises(errors.EdgeAttpError, match="interface version .* needs 99"):
        binding.native_core()


def test_the_kernels_have_a_name():
    assert binding.cpu() in ("scalar", "sse41", "avx2", "neon")


@pytest.mark.parametrize(
    "fields, expected",
    [
        (
            dict(decode_index=7, bit_position=73, element=b"slice_qp_delta", message=b"is wrong"),
            "clip: picture 7: is wrong (slice_qp_delta, bit 73 of its NAL unit)",
        ),
        (
            dict(decode_index=-1, bit_position=-1, element=b"4:2:2", message=b"4:2:2 is refused"),
            "clip: 4:2:2 is refused",
        ),
        (dict(decode_index=-1, bit_position=-1), "clip: is not a valid bitstream"),
    ],
)
def test_messages_say_where_once(fields, expected, monkeypatch):
    def get_error(pointer, info):
        for name, value in fields.items():
            setattr(info._obj, name, value)

    decoder = binding.Decoder("clip", 0)
    monkeypatch.setattr(decoder, "_native", mock.Mock(wraps=binding.native_core()))
    decoder._native.attp_get_error = get_error
    error = decoder.error(binding.CORRUPT)
    assert (type(error), str(error)) == (errors.CorruptStream, expected)
    decoder.close()


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_colour_only_on_terminals_and_never_against_no_color(monkeypatch):
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert log.paint("x", "red", Terminal()) == "\033[31mx\033[0m"
    assert log.paint("x", "red", io.StringIO()) == "x"
    monkeypatch.setenv("NO_COLOR", "1")
    assert log.paint("x", "red", Terminal()) == "x"


@pytest.fixture
def bare_logger(monkeypatch):
    monkeypatch.setattr(log.logger, "handlers", [])
    yield
    log.logger.setLevel(0)


def test_messages_go_to_stderr(capsys, bare_logger):
    log.configure()
    log.configure()
    log.logger.info("bare")
    log.logger.warning("careful with %s", "this")
    log.logger.debug("not shown")
    out, err = capsys.readouterr()
    assert out == ""
    assert err == "bare\nwarning: careful with this\n"
