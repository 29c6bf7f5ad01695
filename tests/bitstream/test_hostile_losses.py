"""Lost, repeated and reordered data: nothing wrong is called `ok`, and what is not touched stays as it was.

Files are read in a process of their own: a crash, a hang or a memory bomb fails the test with the file's name.
"""

import numpy as np
import pytest

from support import hostile
from support.digest import digest
from support.hostile import CLIPS
from support.media import Clip, x264
from support.random_stream import RandomStream


@pytest.mark.parametrize("name", sorted(CLIPS))
def test_any_lost_nal_unit_is_noticed_and_nothing_wrong_is_called_ok(clips, tmp_path, name):
    units = hostile.nal_units(clips.path(CLIPS[name]).read_bytes())
    expected = set(hostile.good(hostile.read_streams(tmp_path, [hostile.join(units)])[0]))
    slices = [k for k, unit in enumerate(units) if hostile.is_slice(unit)]
    summaries = hostile.read_streams(
        tmp_path, [hostile.join(units[:k] + units[k + 1 :]) for k in slices]
    )
    last_gop = len(units) - len(hostile.groups(units)[-1])
    tail = hostile.good(
        hostile.read_streams(tmp_path, [hostile.join(hostile.groups(units)[-1])])[0]
    )
    for k, summary in zip(slices, summaries):
        assert not hostile.wrong(summary, expected), "NAL unit {} lost".format(k)
        if k < last_gop:
            assert [value in hostile.good(summary) for value in tail] == [True] * len(tail), k


def lose(units, random):
    """Without one to seven slices, anywhere."""
    slices = [k for k, unit in enumerate(units) if hostile.is_slice(unit)]
    lost = set(random.choice(slices, random.randint(1, 8)).tolist())
    return hostile.join([unit for k, unit in enumerate(units) if k not in lost])


@pytest.mark.parametrize("name", sorted(CLIPS))
def test_several_losses(clips, tmp_path, name):
    units = hostile.nal_units(clips.path(CLIPS[name]).read_bytes())
    expected = hostile.good(hostile.read_streams(tmp_path, [hostile.join(units)])[0])
    random = np.random.RandomState(3)
    for number, summary in enumerate(
        hostile.read_streams(tmp_path, [lose(units, random) for _ in range(30)])
    ):
        assert not hostile.wrong(summary, expected), number


@pytest.mark.parametrize("tools", [{}, {"b_slices": False}, {"long_term": False}], ids=str)
def test_several_losses_among_long_term_references(tmp_path, tools):
    random = np.random.RandomState(4)
    for seed in range(12):
        units = hostile.nal_units(RandomStream(seed, **tools).write(24))
        streams = [hostile.join(units)] + [lose(units, random) for _ in range(4)]
        summaries = hostile.read_streams(tmp_path, streams)
        expected = hostile.good(summaries[0])
        assert len(expected) == 24
        for summary in summaries[1:]:
            assert not hostile.wrong(summary, expected), seed


@pytest.mark.parametrize("name", sorted(CLIPS))
def test_nal_units_twice_or_out_of_order(clips, tmp_path, name):
    """As a network delivers them: nothing wrong is called ok, and the last GOP is as it was."""
    units = hostile.nal_units(clips.path(CLIPS[name]).read_bytes())
    expected = hostile.good(hostile.read_streams(tmp_path, [hostile.join(units)])[0])
    early = [k for k, unit in enumerate(units[:-8]) if hostile.is_slice(unit)]
    twice = [units[: k + 1] + units[k:] for k in early[:30]]
    swapped = [units[:k] + [units[k + 1], units[k]] + units[k + 2 :] for k in early[:30]]
    for number, summary in enumerate(
        hostile.read_streams(tmp_path, [hostile.join(order) for order in twice + swapped])
    ):
        assert not hostile.wrong(summary, expected), number
        assert hostile.good(summary)[-6:] == expected[-6:], number


@pytest.mark.parametrize("name", sorted(CLIPS))
def test_lost_references_are_damage(clips, tmp_path, name):
    """Without its first picture a GOP is damaged until the next random-access picture, and ok from there on."""
    units = hostile.nal_units(clips.path(CLIPS[name]).read_bytes())
    harmed = [
        unit
        for k, unit in enumerate(units)
        if unit[0] & 31 != 5 or k > len(hostile.groups(units)[0])
    ]
    pictures = hostile.read_streams(tmp_path, [hostile.join(harmed)])[0]["pictures"]
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
    expected = hostile.read_streams(tmp_path, [hostile.join(units)])[0]["pictures"]
    start = [n for n, picture in enumerate(expected) if picture[3]][1]
    begin = [k for k, unit in enumerate(units) if unit[0] & 31 == 7][1]
    pictures = hostile.read_streams(tmp_path, [hostile.join(units[begin:])])[0]["pictures"]
    assert [picture[1] for picture in pictures[:5]] == ["ok"] + 3 * ["damaged"] + ["ok"]
    assert [picture[:2] for picture in pictures[4:]] == [
        picture[:2] for picture in expected[start + 4 :]
    ]


@pytest.mark.parametrize("cabac", [0, 1])
def test_lost_pictures_of_open_gops(clips, tmp_path, cabac):
    """Nothing wrong is called ok, and all is ok again from the next but one random-access picture on."""
    units = open_gops(clips, cabac)
    expected = hostile.good(hostile.read_streams(tmp_path, [hostile.join(units)])[0])
    slices = [k for k, unit in enumerate(units) if hostile.is_slice(unit)]
    summaries = hostile.read_streams(
        tmp_path, [hostile.join(units[:k] + units[k + 1 :]) for k in slices[:24]]
    )
    for number, summary in enumerate(summaries):
        assert not hostile.wrong(summary, expected), "picture {} lost".format(number)
        assert hostile.good(summary)[-4:] == expected[-4:], number


@pytest.mark.parametrize("ref", [1, 4])
def test_intra_refresh_recovers_without_any_random_access_picture(clips, tmp_path, ref):
    """At its recovery point (D.2.8) a stream that refreshes itself column by column is ok again."""
    options = x264(intra_refresh=1, keyint=8, bframes=0, ref=ref)
    units = hostile.nal_units(clips.path(Clip(pictures=40, options=options)).read_bytes())
    expected = hostile.good(hostile.read_streams(tmp_path, [hostile.join(units)])[0])
    slices = [k for k, unit in enumerate(units) if hostile.is_slice(unit)]
    lost = [hostile.join(units[:k] + units[k + 1 :]) for k in slices[1:16]]
    for number, summary in enumerate(hostile.read_streams(tmp_path, lost)):
        assert not hostile.wrong(summary, expected), number
        assert len(hostile.good(summary)) < 39, number
        assert hostile.good(summary)[-4:] == expected[-4:], number


@pytest.mark.parametrize("name", sorted(CLIPS))
def test_cut_short_anywhere(clips, tmp_path, name):
    data = clips.path(CLIPS[name]).read_bytes()
    whole = hostile.good(hostile.read_streams(tmp_path, [data])[0])
    cuts = sorted(
        set(np.linspace(0, len(data) - 1, 60).astype(int).tolist() + list(range(0, 60, 7)))
    )
    for cut, summary in zip(cuts, hostile.read_streams(tmp_path, [data[:cut] for cut in cuts])):
        ok = hostile.good(summary)
        assert ok == whole[: len(ok)], cut
        assert len(summary["pictures"]) - len(ok) <= 1, cut


@pytest.mark.parametrize("name", sorted(CLIPS))
def test_begun_anywhere(clips, tmp_path, name):
    data = clips.path(CLIPS[name]).read_bytes()
    whole = hostile.good(hostile.read_streams(tmp_path, [data])[0])
    starts = np.linspace(1, len(data) * 2 // 3, 40).astype(int).tolist()
    for start, summary in zip(
        starts, hostile.read_streams(tmp_path, [data[start:] for start in starts])
    ):
        assert hostile.good(summary)[-6:] == whole[-6:], start
        assert set(hostile.good(summary)) <= set(whole), start


def test_streams_one_after_the_other(clips, tmp_path):
    """Size, entropy coder and slices change in mid-stream; nothing of the first stream is left in the second."""
    order = sorted(CLIPS) + sorted(CLIPS)[::-1]
    parts = [clips.path(CLIPS[name]).read_bytes() for name in order]
    expected = [
        value
        for summary in hostile.read_streams(tmp_path, parts)
        for value in hostile.good(summary)
    ]
    summary = hostile.read_streams(tmp_path, [b"".join(parts)])[0]
    assert hostile.good(summary) == expected and summary["error"] is None
    assert len(summary["pictures"]) == 24 * len(order)


@pytest.mark.parametrize("container", ["mp4", "mkv", "ts"])
def test_lost_packets_of_a_container(clips, tmp_path, container):
    """Pictures keep their timestamps when others are lost, and what is called ok is what it was."""
    import av

    source = clips.path(CLIPS["CABAC slices"]._replace(container=container))
    expected = by_time(source)
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
