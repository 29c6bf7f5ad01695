"""The small parts that need neither a stream nor PyAV: sampling, profile names, errors, the binding."""

import collections
import io
import itertools
from unittest import mock

import pytest

from edge_attp import errors, log
from edge_attp.bitstream import binding, profiles
from edge_attp.bitstream.sampling import Reservoir
from edge_attp.bitstream.syntax import H264, HEVC


def draw(count, size, seed):
    reservoir = Reservoir(size, seed)
    for item in range(count):
        slot = reservoir.offer_item()
        if slot is not None:
            reservoir.put_item(slot, item)
    return reservoir.take_drawn()


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
        reservoir.put_item(reservoir.offer_item(), item) if item == "a" else None
        assert reservoir.take_drawn() == (["a"] if item == "a" else [])
    with pytest.raises(ValueError, match="per_gop"):
        Reservoir(0, None)


@pytest.mark.parametrize(
    "syntax, numbers, expected",
    [
        (H264, (66, 0b0, 30), ("Baseline", "3")),
        (H264, (66, 0b1010, 11), ("Constrained Baseline", "1b")),
        (H264, (100, 0b110000, 41), ("Constrained High", "4.1")),
        (H264, (110, 0b1000, 9), ("High 10 Intra", "1b")),
        (H264, (7, 0, 51), ("profile_idc 7", "5.1")),
        (HEVC, (1, 0, 93), ("Main", "3.1")),
        (HEVC, (2, 1, 153), ("Main 10", "5.1 (High tier)")),
        (HEVC, (3, 0, 30), ("Main Still Picture", "1")),
        (HEVC, (4, 0, 255), ("Format Range Extensions", "8.5")),
        (HEVC, (17, 0, 120), ("general_profile_idc 17", "4")),
    ],
)
def test_profiles_and_levels_have_names(syntax, numbers, expected):
    profile_idc, flags, _ = numbers
    assert profiles.profile_name(syntax, profile_idc, flags) == expected[0]
    assert profiles.level_name(syntax, *numbers) == expected[1]


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

    decoder = binding.Decoder("clip", binding.CODEC_H264, 0)
    monkeypatch.setattr(decoder, "_native", mock.Mock(wraps=binding.native_core()))
    decoder._native.attp_decoder_get_error = get_error
    error = decoder.exception(binding.CORRUPT)
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
