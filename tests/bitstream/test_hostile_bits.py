"""Flipped bits, noise and false headers end in a clean error or in pictures marked `damaged`, and reading goes on.

Each file is read in a separate process, so that a crash, a hang or a memory bomb fails the test by the file's name.
"""

import numpy as np
import pytest

from rigs import hostile
from rigs.hostile import CLIPS
from streamwriter.bits import Bits, escaped
from streamwriter.h264.random_stream import RandomStream
from streamwriter.hevc.everything import everything
from streamwriter.hevc.random_stream import RandomStream as HevcStream

pytestmark = pytest.mark.needs_av

ROUNDS = {"quick": 40, "slow": 600}
rounds = pytest.mark.parametrize(
    "count", [ROUNDS["quick"], pytest.param(ROUNDS["slow"], marks=pytest.mark.slow)]
)


def test_undamaged_streams_are_ok(stream):
    summary = stream.read([stream.units])[0]
    assert len(hostile.good(summary)) == 24 and summary["error"] is None
    assert len(set(hostile.good(summary))) == 24  # or comparing digests would prove nothing
    assert sum(picture[3] for picture in summary["pictures"]) == 4


@rounds
def test_flipped_bits_anywhere(stream, count):
    random = np.random.RandomState(1)
    streams = [
        hostile.flip_bits(stream.data, random.choice([1, 2, 5, 30, 300]), random)
        for _ in range(count)
    ]
    summaries = stream.read(streams)
    assert any(picture[1] == "damaged" for summary in summaries for picture in summary["pictures"])


@rounds
def test_flipped_bits_do_no_harm_after_the_next_random_access_picture(stream, count):
    random, streams = np.random.RandomState(2), []
    slices = stream.syntax.slices(stream.syntax.groups(stream.units)[0])
    first = stream.syntax.header_bytes
    for _ in range(count):
        harmed = list(stream.units)
        k = random.choice(slices)
        harmed[k] = hostile.flip_bits(harmed[k], random.choice([1, 3, 20]), random, first)
        streams.append(harmed)
    later = stream.good()[-18:]  # three of four GOPs
    for number, summary in enumerate(stream.read(streams)):
        assert hostile.good(summary)[-18:] == later, (number, summary["error"])


def written_h264(seed, cabac):
    weighting = ((0, 0), (1, 1), (0, 2))
    return RandomStream(seed, cabac=cabac, weighting=weighting, inference=seed % 2).write(8)


def written_hevc(seed):
    return HevcStream(seed, **everything(np.random.RandomState(seed))).write(8)


WRITTEN = {
    "H.264 CAVLC": (hostile.H264, lambda seed: written_h264(seed, False)),
    "H.264 CABAC": (hostile.H264, lambda seed: written_h264(seed, True)),
    "HEVC": (hostile.HEVC, written_hevc),
}


@pytest.mark.parametrize("name", sorted(WRITTEN))
@rounds
def test_flipped_bits_of_written_streams(tmp_path, name, count):
    """Bit flips in long-term references, list commands, weights, tiles and other things that encoders do not use."""
    random, streams = np.random.RandomState(9), []
    syntax, write = WRITTEN[name]
    for seed in range(count):
        streams.append(hostile.flip_bits(write(seed), random.choice([1, 3, 10, 60]), random))
    hostile.read_streams(tmp_path, streams, syntax)


# Types of NAL units that may lie between pictures and say nothing of them: SEI, AUD, filler, reserved, unspecified,
# and slices of extensions. Auxiliary pictures and other layers look like slices, and must be ignored as well.
NOISE = {".264": (6, 9, 12, 0, 14, 20, 21, 24, 30, 31), ".265": (*range(35, 64), *range(22, 32))}


def test_noise_between_pictures(stream):
    """NAL units with random contents: ignored or dropped, never mistaken for pictures of this stream."""
    random, syntax = np.random.RandomState(5), stream.syntax
    expected, streams = stream.good(), []
    first, *others = syntax.groups(stream.units)
    for kind in NOISE[syntax.suffix]:
        header = bytes([kind]) if syntax.header_bytes == 1 else bytes([kind << 1, 1])
        body = random.randint(1, 256, 30).astype(np.uint8).tobytes()
        streams.append(first + [unit for group in others for unit in [header + body] + group])
    streams.append(_with_others(stream.units, syntax, syntax.is_slice))
    if syntax.header_bytes == 2:  # a whole second layer, parameter sets and all
        streams.append(_with_others(stream.units, syntax, lambda unit: True))
    for number, summary in enumerate(stream.read(streams)):
        assert hostile.good(summary) == expected, number


def _with_others(units, syntax, chosen):
    """After each chosen NAL unit the same one of an auxiliary picture, or of layer 1."""
    return [
        part
        for unit in units
        for part in ([unit, _elsewhere(unit, syntax)] if chosen(unit) else [unit])
    ]


def _elsewhere(unit, syntax):
    """The same NAL unit as one of an auxiliary picture (H.264) or of layer 1 (HEVC)."""
    if syntax.header_bytes == 1:
        return bytes([unit[0] & 0x60 | 19]) + unit[1:]
    return unit[:1] + bytes([unit[1] | 8]) + unit[2:]


@pytest.mark.parametrize("syntax", [hostile.H264, hostile.HEVC], ids=["H.264", "HEVC"])
def test_random_bytes(tmp_path, syntax):
    random = np.random.RandomState(6)
    streams = [
        random.randint(0, 256, size).astype(np.uint8).tobytes()
        for size in (1, 2, 3, 4, 5, 100, 5000, 100000)
    ]
    streams += [b"\x00" * 1000, b"\x00\x00\x01" * 500, b"\xff" * 1000]
    streams += [b"\x00\x00\x01" + bytes([kind]) * 300 for kind in (0x67, 0x65, 0x42, 0x26)]
    headers = [bytes([0x60 | kind]) for kind in range(32)]
    if syntax.header_bytes == 2:
        headers = [bytes([kind << 1, 1]) for kind in range(64)]
    for header in headers:  # a start code and a header in front, so that something is parsed
        for _ in range(4):
            body = random.randint(0, 256, 400).astype(np.uint8).tobytes()
            streams.append(b"\x00\x00\x01" + header + body)
    for summary in hostile.read_streams(tmp_path, streams, syntax):
        assert not hostile.good(summary)


def huge(stream, width, height):
    """The NAL units of a stream whose SPS say that its pictures have this size."""
    if stream.syntax.header_bytes == 1:
        bits = Bits().u(8, 66).u(8, 0).u(8, 51).ue(0, 0, 2, 1).u(1, 0)
        bits.ue(width // 16 - 1, height // 16 - 1).u(1, 1).u(1, 1).u(2, 0)
        sps = b"\x67" + bits.payload()
    else:
        bits = Bits().u(8, 1).u(8, 1).u(32, 3 << 29).u(48, 0).u(8, 93).ue(0, 1, width, height)
        bits.u(1, 0).ue(0, 0, 4).u(1, 1).ue(4, 0, 0, 0, 3, 0, 3, 0, 0).u(4, 0).ue(0).u(5, 0)
        sps = b"\x42\x01" + escaped(bits.payload())
    kind = stream.syntax.kind(sps)
    return [sps if stream.syntax.kind(unit) == kind else unit for unit in stream.units]


def test_huge_pictures_are_refused_before_memory_is_taken(stream):
    sizes = (65536, 65536), (1 << 20, 16), (16, 1 << 20), (1 << 31, 1 << 31)
    for size, summary in zip(sizes, stream.read([huge(stream, *size) for size in sizes])):
        assert not hostile.good(summary) and summary["error"], (size, summary)


@pytest.mark.parametrize("name", ["CABAC", "HEVC"])
@pytest.mark.parametrize("container", ["mp4", "mkv", "ts"])
@rounds
def test_damaged_containers(clips, tmp_path, name, container, count):
    clip = CLIPS[name]._replace(container=container)
    data = clips.path(clip).read_bytes()
    random = np.random.RandomState(7)
    streams = [
        hostile.flip_bits(data, random.choice([1, 5, 50]), random) for _ in range(count // 2)
    ]
    streams += [data[:cut] for cut in np.linspace(0, len(data) - 1, count // 2).astype(int)]
    paths = [
        hostile.write(tmp_path, f"{n:04d}.{container}", data) for n, data in enumerate(streams)
    ]
    hostile.read_all(paths, timeout_s=300)
