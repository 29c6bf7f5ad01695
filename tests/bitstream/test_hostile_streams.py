"""Hostile input made here: every byte string ends in a clean error or in damaged pictures, and reading goes on.

Files are read in a process of their own: a crash, a hang or a memory bomb fails the test with the file's name.
"""

import numpy as np
import pytest

from support import hostile
from support.media import Clip, x264
from support.random_stream import RandomStream

COMMON = {"keyint": 6, "min_keyint": 6, "scenecut": 0, "bframes": 2, "b_adapt": 0}
CLIPS = {
    "CABAC": Clip(pictures=24, width=64, height=48, options=x264(ref=3, **COMMON)),
    "CAVLC": Clip(pictures=24, width=64, height=48, options=x264(cabac=0, ref=3, **COMMON)),
    "CABAC slices": Clip(
        "cuts", 64, 64, 24, options=x264(slices=3, direct="temporal", ref=4, **COMMON)
    ),
    "CAVLC weights": Clip(
        "fade", 64, 64, 24, options=x264(cabac=0, weightp=2, slices=2, ref=4, **COMMON)
    ),
}
names = pytest.mark.parametrize("name", sorted(CLIPS))
ROUNDS = {"quick": 40, "slow": 600}
rounds = pytest.mark.parametrize(
    "count", [ROUNDS["quick"], pytest.param(ROUNDS["slow"], marks=pytest.mark.slow)]
)


def stream(clips, name):
    """The bytes of an undamaged stream."""
    return clips.path(CLIPS[name]).read_bytes()


def read(tmp_path, streams):
    """Summaries of these byte strings."""
    return hostile.read_all(
        [hostile.write(tmp_path, "{:04d}.264".format(n), data) for n, data in enumerate(streams)],
        timeout_s=300,
    )


def good(summary):
    """Digests of the pictures that claim to be ok."""
    return [picture[0] for picture in summary["pictures"] if picture[1] == "ok"]


def groups(units):
    """NAL units cut before each IDR access unit's parameter sets: the first group is the first GOP."""
    starts = [k for k, unit in enumerate(units) if unit[0] & 31 == 7]
    return [units[start:end] for start, end in zip(starts, starts[1:] + [len(units)])]


@names
def test_undamaged_streams_are_ok(clips, tmp_path, name):
    summary = read(tmp_path, [stream(clips, name)])[0]
    assert len(good(summary)) == CLIPS[name].pictures and summary["error"] is None
    assert (
        len(set(good(summary))) == CLIPS[name].pictures
    )  # or comparing digests would prove nothing
    assert sum(picture[3] for picture in summary["pictures"]) == 4


@names
@rounds
def test_flipped_bits_anywhere(clips, tmp_path, name, count):
    random, data = np.random.RandomState(1), stream(clips, name)
    streams = [
        hostile.flip_bits(data, random.choice([1, 2, 5, 30, 300]), random) for _ in range(count)
    ]
    summaries = read(tmp_path, streams)
    assert any(picture[1] == "damaged" for summary in summaries for picture in summary["pictures"])


@names
@rounds
def test_flipped_bits_do_no_harm_after_the_next_random_access_picture(clips, tmp_path, name, count):
    units = hostile.nal_units(stream(clips, name))
    expected = good(read(tmp_path, [hostile.join(units)])[0])
    random, streams = np.random.RandomState(2), []
    first_gop = groups(units)[0]
    slices = [k for k, unit in enumerate(first_gop) if hostile.is_slice(unit)]
    for _ in range(count):
        harmed = list(units)
        k = random.choice(slices)
        harmed[k] = hostile.flip_bits(units[k], random.choice([1, 3, 20]), random, first=1)
        streams.append(hostile.join(harmed))
    later = expected[-18:]  # three of four GOPs
    for number, summary in enumerate(read(tmp_path, streams)):
        assert good(summary)[-18:] == later, (number, summary["error"])


@names
def test_any_lost_nal_unit_is_noticed_and_nothing_wrong_is_called_ok(clips, tmp_path, name):
    units = hostile.nal_units(stream(clips, name))
    expected = set(good(read(tmp_path, [hostile.join(units)])[0]))
    slices = [k for k, unit in enumerate(units) if hostile.is_slice(unit)]
    summaries = read(tmp_path, [hostile.join(units[:k] + units[k + 1 :]) for k in slices])
    last_gop = len(units) - len(groups(units)[-1])
    tail = good(read(tmp_path, [hostile.join(groups(units)[-1])])[0])
    for k, summary in zip(slices, summaries):
        wrong = [
            n
            for n, picture in enumerate(summary["pictures"])
            if picture[1] == "ok" and picture[0] not in expected
        ]
        assert not wrong, "NAL unit {} lost: picture {} is called ok".format(k, wrong[0])
        if k < last_gop:
            assert [value in good(summary) for value in tail] == [True] * len(tail), k


@names
def test_lost_references_are_damage(clips, tmp_path, name):
    """Without its first picture a GOP is damaged until the next random-access picture, and ok from there on."""
    units = hostile.nal_units(stream(clips, name))
    harmed = [
        unit for k, unit in enumerate(units) if unit[0] & 31 != 5 or k > len(groups(units)[0])
    ]
    pictures = read(tmp_path, [hostile.join(harmed)])[0]["pictures"]
    start = next(n for n, picture in enumerate(pictures) if picture[3])
    assert start == 5 and all(picture[1] == "damaged" for picture in pictures[:start])
    assert all(picture[1] == "ok" for picture in pictures[start:]) and len(pictures) == 23


def open_gops(clips, cabac):
    """NAL units of a stream whose random-access pictures are not IDR pictures, but for the first."""
    options = x264(
        open_gop=1, keyint=8, min_keyint=8, scenecut=0, bframes=3, b_adapt=0, ref=3, cabac=cabac
    )
    units = hostile.nal_units(clips.path(Clip(pictures=40, options=options)).read_bytes())
    assert sum(unit[0] & 31 == 5 for unit in units) == 1
    return units


@pytest.mark.parametrize("cabac", [0, 1])
def test_begun_at_an_open_gop(clips, tmp_path, cabac):
    """Pictures shown before the random-access picture may need what came before it; the others do not."""
    units = open_gops(clips, cabac)
    expected = read(tmp_path, [hostile.join(units)])[0]["pictures"]
    start = [n for n, picture in enumerate(expected) if picture[3]][1]
    begin = [k for k, unit in enumerate(units) if unit[0] & 31 == 7][1]
    pictures = read(tmp_path, [hostile.join(units[begin:])])[0]["pictures"]
    assert [picture[1] for picture in pictures[:5]] == ["ok"] + 3 * ["damaged"] + ["ok"]
    assert [picture[:2] for picture in pictures[4:]] == [
        picture[:2] for picture in expected[start + 4 :]
    ]


@pytest.mark.parametrize("cabac", [0, 1])
def test_lost_pictures_of_open_gops(clips, tmp_path, cabac):
    """Nothing wrong is called ok, and all is ok again from the next but one random-access picture on."""
    units = open_gops(clips, cabac)
    expected = good(read(tmp_path, [hostile.join(units)])[0])
    slices = [k for k, unit in enumerate(units) if hostile.is_slice(unit)]
    summaries = read(tmp_path, [hostile.join(units[:k] + units[k + 1 :]) for k in slices[:24]])
    for number, summary in enumerate(summaries):
        wrong = [
            n
            for n, picture in enumerate(summary["pictures"])
            if picture[1] == "ok" and picture[0] not in expected
        ]
        assert not wrong, "picture {} lost: picture {} is called ok".format(number, wrong[0])
        assert good(summary)[-4:] == expected[-4:], number


@names
def test_cut_short_anywhere(clips, tmp_path, name):
    data = stream(clips, name)
    whole = good(read(tmp_path, [data])[0])
    cuts = sorted(
        set(np.linspace(0, len(data) - 1, 60).astype(int).tolist() + list(range(0, 60, 7)))
    )
    for cut, summary in zip(cuts, read(tmp_path, [data[:cut] for cut in cuts])):
        ok = good(summary)
        assert ok == whole[: len(ok)], cut
        assert len(summary["pictures"]) - len(ok) <= 1, cut


@names
def test_begun_anywhere(clips, tmp_path, name):
    data = stream(clips, name)
    whole = good(read(tmp_path, [data])[0])
    starts = np.linspace(1, len(data) * 2 // 3, 40).astype(int).tolist()
    for start, summary in zip(starts, read(tmp_path, [data[start:] for start in starts])):
        assert good(summary)[-6:] == whole[-6:], start
        assert set(good(summary)) <= set(whole), start


def test_streams_one_after_the_other(clips, tmp_path):
    """Size, entropy coder and slices change in mid-stream; nothing of the first stream is left in the second."""
    order = sorted(CLIPS) + sorted(CLIPS)[::-1]
    parts = [stream(clips, name) for name in order]
    expected = [value for summary in read(tmp_path, parts) for value in good(summary)]
    summary = read(tmp_path, [b"".join(parts)])[0]
    assert good(summary) == expected and summary["error"] is None
    assert len(summary["pictures"]) == 24 * len(order)


def test_noise_between_pictures(clips, tmp_path):
    """NAL units of every type with random contents: ignored or dropped, never mistaken for pictures of this stream."""
    random = np.random.RandomState(5)
    units = hostile.nal_units(stream(clips, "CABAC"))
    expected = good(read(tmp_path, [hostile.join(units)])[0])
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
    for summary in read(tmp_path, streams):
        assert good(summary) == expected


@pytest.mark.parametrize("cabac", [False, True], ids=["CAVLC", "CABAC"])
@rounds
def test_flipped_bits_of_written_streams(tmp_path, cabac, count):
    """Long-term references, list commands, weights and MMCO under attack."""
    random, streams = np.random.RandomState(9), []
    for seed in range(count):
        weighting = ((0, 0), (1, 1), (0, 2))
        data = RandomStream(seed, cabac=cabac, weighting=weighting, inference=seed % 2).write(8)
        streams.append(hostile.flip_bits(data, random.choice([1, 3, 10, 60]), random))
    read(tmp_path, streams)


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
    for summary in read(tmp_path, streams):
        assert not good(summary)


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
    units = hostile.nal_units(stream(clips, "CAVLC"))
    harmed = [b"\x67" + sequence if unit[0] & 31 == 7 else unit for unit in units]
    summary = read(tmp_path, [hostile.join(harmed)])[0]
    assert not good(summary) and summary["error"], summary


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


@pytest.mark.parametrize("container", ["mp4", "mkv", "ts"])
def test_lost_packets_of_a_container(clips, tmp_path, container):
    """Pictures keep their timestamps when others are lost, and what is called ok is what it was."""
    import av

    from edge_attp.bitstream import CompressedVideo
    from support.digest import digest

    source = clips.path(CLIPS["CABAC slices"]._replace(container=container))
    with CompressedVideo(str(source)) as video:
        expected = {picture.time_s: digest(picture) for picture in video}
    assert len(expected) == 24
    for lost in (1, 4, 6, 11, 13):
        path = tmp_path / "lost-{}.{}".format(lost, container)
        with av.open(str(source)) as container_in, av.open(str(path), "w") as container_out:
            stream_in = container_in.streams.video[0]
            stream_out = container_out.add_stream_from_template(stream_in)
            for number, packet in enumerate(p for p in container_in.demux(stream_in) if p.size):
                if number != lost:
                    packet.stream = stream_out
                    container_out.mux(packet)
        with CompressedVideo(str(path)) as video:
            pictures = list(video)
        assert len(pictures) == 23
        for picture in pictures:
            if picture.integrity == "ok":
                assert digest(picture) == expected[picture.time_s], (lost, picture)
        assert all(picture.integrity == "ok" for picture in pictures[-6:])
