"""Flipped bits, noise and lies in headers: a clean error or pictures marked `damaged`, and reading goes on.

Files are read in a process of their own: a crash, a hang or a memory bomb fails the test with the file's name.
"""

import numpy as np
import pytest

from support import hostile
from support.hostile import CLIPS
from support.random_stream import RandomStream

ROUNDS = {"quick": 40, "slow": 600}
rounds = pytest.mark.parametrize(
    "count", [ROUNDS["quick"], pytest.param(ROUNDS["slow"], marks=pytest.mark.slow)]
)


@pytest.mark.parametrize("name", sorted(CLIPS))
def test_undamaged_streams_are_ok(clips, tmp_path, name):
    summary = hostile.read_streams(tmp_path, [clips.path(CLIPS[name]).read_bytes()])[0]
    assert len(hostile.good(summary)) == CLIPS[name].pictures and summary["error"] is None
    assert (
        len(set(hostile.good(summary))) == CLIPS[name].pictures
    )  # or comparing digests would prove nothing
    assert sum(picture[3] for picture in summary["pictures"]) == 4


@pytest.mark.parametrize("name", sorted(CLIPS))
@rounds
def test_flipped_bits_anywhere(clips, tmp_path, name, count):
    random, data = np.random.RandomState(1), clips.path(CLIPS[name]).read_bytes()
    streams = [
        hostile.flip_bits(data, random.choice([1, 2, 5, 30, 300]), random) for _ in range(count)
    ]
    summaries = hostile.read_streams(tmp_path, streams)
    assert any(picture[1] == "damaged" for summary in summaries for picture in summary["pictures"])


@pytest.mark.parametrize("name", sorted(CLIPS))
@rounds
def test_flipped_bits_do_no_harm_after_the_next_random_access_picture(clips, tmp_path, name, count):
    units = hostile.nal_units(clips.path(CLIPS[name]).read_bytes())
    expected = hostile.good(hostile.read_streams(tmp_path, [hostile.join(units)])[0])
    random, streams = np.random.RandomState(2), []
    first_gop = hostile.groups(units)[0]
    slices = [k for k, unit in enumerate(first_gop) if hostile.is_slice(unit)]
    for _ in range(count):
        harmed = list(units)
        k = random.choice(slices)
        harmed[k] = hostile.flip_bits(units[k], random.choice([1, 3, 20]), random, first=1)
        streams.append(hostile.join(harmed))
    later = expected[-18:]  # three of four GOPs
    for number, summary in enumerate(hostile.read_streams(tmp_path, streams)):
        assert hostile.good(summary)[-18:] == later, (number, summary["error"])


@pytest.mark.parametrize("cabac", [False, True], ids=["CAVLC", "CABAC"])
@rounds
def test_flipped_bits_of_written_streams(tmp_path, cabac, count):
    """Long-term references, list commands, weights and MMCO under attack."""
    random, streams = np.random.RandomState(9), []
    for seed in range(count):
        weighting = ((0, 0), (1, 1), (0, 2))
        data = RandomStream(seed, cabac=cabac, weighting=weighting, inference=seed % 2).write(8)
        streams.append(hostile.flip_bits(data, random.choice([1, 3, 10, 60]), random))
    hostile.read_streams(tmp_path, streams)


def test_noise_between_pictures(clips, tmp_path):
    """NAL units of every type with random contents: ignored or dropped, never mistaken for pictures of this stream."""
    random = np.random.RandomState(5)
    units = hostile.nal_units(clips.path(CLIPS["CABAC"]).read_bytes())
    expected = hostile.good(hostile.read_streams(tmp_path, [hostile.join(units)])[0])
    streams = []
    for kind in (
        6,
        9,
        12,
        0,
        14,
        20,
        21,
        24,
        30,
        31,
    ):  # SEI, AUD, filler, unspecified, prefix and extension slices
        body = random.randint(1, 256, 30).astype(np.uint8).tobytes()
        units_with = [
            part
            for unit in units
            for part in ((bytes([kind]) + body, unit) if unit[0] & 31 == 7 else (unit,))
        ]
        streams.append(hostile.join(units_with))
    # Auxiliary pictures (alpha) look like slices: 7.4.1.2.3 wants them ignored.
    alpha = [
        part
        for unit in units
        for part in (unit, bytes([unit[0] & 0x60 | 19]) + unit[1:])
        if part is unit or hostile.is_slice(unit)
    ]
    streams.append(hostile.join(alpha))
    for summary in hostile.read_streams(tmp_path, streams):
        assert hostile.good(summary) == expected


def test_random_bytes(tmp_path):
    random = np.random.RandomState(6)
    streams = [
        random.randint(0, 256, size).astype(np.uint8).tobytes()
        for size in (1, 2, 3, 4, 5, 100, 5000, 100000)
    ]
    streams += [
        b"\x00" * 1000,
        b"\x00\x00\x01" * 500,
        b"\xff" * 1000,
        b"\x00\x00\x01\x67" * 300,
        b"\x00\x00\x01\x65" * 300,
    ]
    for kind in range(32):  # a start code and a header in front, so that something is parsed
        for _ in range(4):
            body = random.randint(0, 256, 400).astype(np.uint8).tobytes()
            streams.append(b"\x00\x00\x01" + bytes([0x60 | kind]) + body)
    for summary in hostile.read_streams(tmp_path, streams):
        assert not hostile.good(summary)


def _bits(*fields):
    """A NAL unit payload from (value, bits) and ue(v) fields given as plain numbers."""
    text = ""
    for field in fields:
        if isinstance(field, tuple):
            text += "{:0{}b}".format(field[0], field[1])
        else:
            code = "{:b}".format(field + 1)
            text += "0" * (len(code) - 1) + code
    text += "1"
    text += "0" * (-len(text) % 8)
    return int(text, 2).to_bytes(len(text) // 8, "big")


@pytest.mark.parametrize(
    "width, height", [(65536, 65536), (1 << 20, 16), (16, 1 << 20), (1 << 31, 1 << 31)]
)
def test_huge_pictures_are_refused_before_memory_is_taken(clips, tmp_path, width, height):
    sequence = _bits(
        (66, 8),
        (0, 8),
        (51, 8),
        0,
        0,
        2,
        1,
        (0, 1),
        width // 16 - 1,
        height // 16 - 1,
        (1, 1),
        (1, 1),
        (0, 2),
    )
    units = hostile.nal_units(clips.path(CLIPS["CAVLC"]).read_bytes())
    harmed = [b"\x67" + sequence if unit[0] & 31 == 7 else unit for unit in units]
    summary = hostile.read_streams(tmp_path, [hostile.join(harmed)])[0]
    assert not hostile.good(summary) and summary["error"], summary


@pytest.mark.parametrize("container", ["mp4", "mkv", "ts"])
@rounds
def test_damaged_containers(clips, tmp_path, container, count):
    clip = CLIPS["CABAC"]._replace(container=container)
    data = clips.path(clip).read_bytes()
    random = np.random.RandomState(7)
    streams = [
        hostile.flip_bits(data, random.choice([1, 5, 50]), random) for _ in range(count // 2)
    ]
    streams += [data[:cut] for cut in np.linspace(0, len(data) - 1, count // 2).astype(int)]
    paths = [
        hostile.write(tmp_path, "{:04d}.{}".format(n, container), data)
        for n, data in enumerate(streams)
    ]
    hostile.read_all(paths, timeout_s=300)
