"""Lost, repeated and reordered data: no wrong picture is called `ok`, and untouched pictures stay as they were.

Each file is read in a separate process, so that a crash, a hang or a memory bomb fails the test by the file's name.
"""

import numpy as np
import pytest

from edge_attp.bitstream.pyav import add_stream_like
from rigs import hostile
from rigs.hostile import CLIPS
from rigs.media import Clip, x264
from streamwriter.h264.random_stream import RandomStream
from streamwriter.hevc.case import LONG_TERM, TMVP
from streamwriter.hevc.random_stream import RandomStream as HevcStream
from truth.digest import digest

pytestmark = pytest.mark.needs_av


def test_any_lost_nal_unit_is_noticed_and_nothing_wrong_is_called_ok(stream):
    expected = set(stream.good())
    summaries = stream.read([stream.without({k}) for k in stream.slices])
    last = stream.syntax.groups(stream.units)[-1]
    tail = hostile.good(stream.read([last])[0])
    assert len(tail) == 6
    for k, summary in zip(stream.slices, summaries):
        assert not hostile.wrong(summary, expected), f"NAL unit {k} lost"
        if k < len(stream.units) - len(last):
            assert set(tail) <= set(hostile.good(summary)), k


def lose(stream, random):
    """Without one to seven slices, anywhere."""
    lost = set(random.choice(stream.slices, random.randint(1, 8)).tolist())
    return stream.without(lost)


def test_several_losses(stream):
    expected, random = stream.good(), np.random.RandomState(3)
    streams = [lose(stream, random) for _ in range(30)]
    for number, summary in enumerate(stream.read(streams)):
        assert not hostile.wrong(summary, expected), number


@pytest.mark.parametrize("tools", [{}, {"b_slices": False}, {"long_term": False}], ids=str)
def test_several_losses_among_long_term_references(tmp_path, tools):

    def write(seed):
        return RandomStream(seed, **tools).write(24)

    assert_losses_are_noticed(tmp_path, hostile.H264, 12, write)


@pytest.mark.parametrize("sps", [{}, LONG_TERM, dict(TMVP, rps=5)], ids=str)
def test_several_losses_among_reference_picture_sets(tmp_path, sps):
    """One random-access picture in all: whether a second one is lost cannot always be told from what follows."""

    def write(seed):
        return HevcStream(seed, sps=sps, irap_share=0).write(24)

    assert_losses_are_noticed(tmp_path, hostile.HEVC, 4, write)


def assert_losses_are_noticed(folder, syntax, streams, write):
    """All streams are read in one process, and so are all that lost something."""
    random = np.random.RandomState(4)
    whole = [hostile.Stream(write(seed), syntax, folder) for seed in range(streams)]
    expected = [hostile.good(summary) for summary in whole[0].read([one.data for one in whole])]
    assert {len(digests) for digests in expected} == {24}
    harmed = [lose(stream, random) for stream in whole for _ in range(4)]
    for number, summary in enumerate(whole[0].read(harmed)):
        assert not hostile.wrong(summary, expected[number // 4]), number // 4


def may_be_a_habit(stream, first, second):
    """Whether an H.264 reference picture and the non-reference picture before it can be exchanged unnoticed: both have
    the same frame_num then, as in streams of encoders that count only after the next picture (a case that is read)."""
    return stream.syntax is hostile.H264 and first[0] >> 5 == 0 and second[0] >> 5 != 0


def test_nal_units_twice_or_out_of_order(stream):
    """As a network delivers them: nothing wrong is called ok, and the last GOP is as it was."""
    units, expected = stream.units, stream.good()
    early = [k for k in stream.slices if k < len(units) - 8][:30]
    twice = [units[: k + 1] + units[k:] for k in early]
    swapped = [
        units[:k] + [units[k + 1], units[k]] + units[k + 2 :]
        for k in early
        if not may_be_a_habit(stream, units[k], units[k + 1])
    ]
    for number, summary in enumerate(stream.read(twice + swapped)):
        assert not hostile.wrong(summary, expected), number
        assert hostile.good(summary)[-6:] == expected[-6:], number


def test_lost_references_are_damage(stream):
    """Without its first picture a GOP is damaged until the next random-access picture, and ok from there on."""
    first_gop = range(len(stream.syntax.groups(stream.units)[0]))
    lost = {k for k in first_gop if stream.syntax.kind(stream.units[k]) in stream.syntax.idr}
    pictures = stream.read([stream.without(lost)])[0]["pictures"]
    start = next(n for n, picture in enumerate(pictures) if picture[3])
    assert start == 5 and all(picture[1] == "damaged" for picture in pictures[:start])
    assert all(picture[1] == "ok" for picture in pictures[start:]) and len(pictures) == 23


def open_gops(clips, tmp_path, cabac):
    """A stream whose random-access pictures are not IDR pictures, but for the first."""
    options = x264(
        open_gop=1, keyint=8, min_keyint=8, scenecut=0, bframes=3, b_adapt=0, ref=3, cabac=cabac
    )
    stream = hostile.stream(clips, Clip(pictures=40, options=options), tmp_path)
    assert sum(unit[0] & 31 == 5 for unit in stream.units) == 1
    return stream


@pytest.mark.parametrize("cabac", [0, 1])
def test_begun_at_an_open_gop(clips, tmp_path, cabac):
    """Pictures shown before the random-access picture may need what came before it; the others do not."""
    stream = open_gops(clips, tmp_path, cabac)
    expected = stream.read([stream.units])[0]["pictures"]
    start = [n for n, picture in enumerate(expected) if picture[3]][1]
    first_gop = stream.syntax.groups(stream.units)[0]
    pictures = stream.read([stream.units[len(first_gop) :]])[0]["pictures"]
    assert [picture[1] for picture in pictures[:5]] == ["ok"] + 3 * ["damaged"] + ["ok"]
    assert [picture[:2] for picture in pictures[4:]] == [
        picture[:2] for picture in expected[start + 4 :]
    ]


@pytest.mark.parametrize("cabac", [0, 1])
def test_lost_pictures_of_open_gops(clips, tmp_path, cabac):
    """Nothing wrong is called ok, and all is ok again from the next but one random-access picture on."""
    stream = open_gops(clips, tmp_path, cabac)
    expected = stream.good()
    lost = [stream.without({k}) for k in stream.slices[:24]]
    for number, summary in enumerate(stream.read(lost)):
        assert not hostile.wrong(summary, expected), f"picture {number} lost"
        assert hostile.good(summary)[-4:] == expected[-4:], number


@pytest.mark.parametrize("ref", [1, 4])
def test_intra_refresh_recovers_without_any_random_access_picture(clips, tmp_path, ref):
    """At its recovery point (D.2.8) a stream that refreshes itself column by column is ok again."""
    options = x264(intra_refresh=1, keyint=8, bframes=0, ref=ref)
    stream = hostile.stream(clips, Clip(pictures=40, options=options), tmp_path)
    expected = stream.good()
    lost = [stream.without({k}) for k in stream.slices[1:16]]
    for number, summary in enumerate(stream.read(lost)):
        assert not hostile.wrong(summary, expected), number
        assert len(hostile.good(summary)) < 39, number
        assert hostile.good(summary)[-4:] == expected[-4:], number


def test_cut_short_anywhere(stream):
    data, whole = stream.data, stream.good()
    cuts = np.linspace(0, len(data) - 1, 60).astype(int).tolist() + list(range(0, 60, 7))
    cuts = sorted(set(cuts))
    for cut, summary in zip(cuts, stream.read([data[:cut] for cut in cuts])):
        ok = hostile.good(summary)
        assert ok == whole[: len(ok)], cut
        assert len(summary["pictures"]) - len(ok) <= 1, cut


def test_begun_anywhere(stream):
    data, whole = stream.data, stream.good()
    starts = np.linspace(1, len(data) * 2 // 3, 40).astype(int).tolist()
    for start, summary in zip(starts, stream.read([data[start:] for start in starts])):
        assert hostile.good(summary)[-6:] == whole[-6:], start
        assert set(hostile.good(summary)) <= set(whole), start


@pytest.mark.parametrize("codec", ["libx264", "libx265"])
def test_streams_one_after_the_other(clips, tmp_path, codec):
    """Size, entropy coder and slices change in mid-stream; nothing of the first stream is left in the second."""
    order = [name for name in sorted(CLIPS) if CLIPS[name].codec == codec]
    streams = [hostile.stream(clips, CLIPS[name], tmp_path) for name in order + order[::-1]]
    expected = [value for stream in streams for value in stream.good()]
    summary = streams[0].read([b"".join(stream.data for stream in streams)])[0]
    assert hostile.good(summary) == expected and summary["error"] is None
    assert len(summary["pictures"]) == 24 * len(streams)


@pytest.mark.not_pyav10  # FFmpeg 5.1 writes other times into an MP4 that lacks a packet
@pytest.mark.parametrize("name", ["CABAC slices", "HEVC slices"])
@pytest.mark.parametrize("container", ["mp4", "mkv", "ts"])
def test_lost_packets_of_a_container(clips, tmp_path, name, container):
    """Pictures keep their timestamps when others are lost, and what is called ok is what it was."""
    import av

    source = clips.path(CLIPS[name]._replace(container=container))
    expected = by_time(source)
    assert len(expected) == 24
    for lost in (1, 4, 6, 11, 13):
        path = tmp_path / f"lost-{lost}.{container}"
        with av.open(str(source)) as container_in, av.open(str(path), "w") as container_out:
            stream_in = container_in.streams.video[0]
            stream_out = add_stream_like(container_out, stream_in)
            for number, packet in enumerate(p for p in container_in.demux(stream_in) if p.size):
                if number != lost:
                    packet.stream = stream_out
                    container_out.mux(packet)
        found = by_time(path)
        assert len(found) == 23
        broken = [
            time for time, (value, is_ok) in found.items() if is_ok and value != expected[time][0]
        ]
        assert not broken, (lost, broken)
        assert all(is_ok for _, is_ok in list(found.values())[-6:])


def by_time(path):
    """Digest and integrity of each picture, by its time."""
    from edge_attp.bitstream import CompressedVideo

    order, found = {}, {}
    with CompressedVideo(str(path)) as video:
        for picture in video:
            order[picture.decode_index] = picture.poc
            found[picture.time_s] = digest(picture, order), picture.integrity == "ok"
    return found
