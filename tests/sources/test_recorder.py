"""Clips cut from the running stream: their pictures are those of the stream, bit for bit, at the right times."""

import types
from fractions import Fraction

import av
import pytest

from edge_attp.bitstream import CompressedVideo, pyav
from edge_attp.errors import CorruptStream
from edge_attp.sources.recorder import PacketRing, RecordedSource, write_mp4
from edge_attp.types import EncodedPacket
from rigs import media

pytestmark = pytest.mark.needs_av

SECOND = Fraction(1)
MS = Fraction(1, 1000)
SMALL = dict(width=64, height=48, pictures=60)
X264 = dict(keyint=12, min_keyint=12, scenecut=0, bframes=3)
STREAMS = {
    "h264": media.Clip(container="mp4", options=media.x264(**X264), **SMALL),
    "h264-ts": media.Clip(container="ts", options=media.x264(**X264), **SMALL),
    "h264-open-gop": media.Clip(
        container="mkv", options=media.x264(open_gop=1, b_pyramid="normal", **X264), **SMALL
    ),
    "h264-no-b": media.Clip(container="mkv", options=media.x264(**dict(X264, bframes=0)), **SMALL),
    "hevc": media.HevcClip(
        container="mp4", options=media.x265(open_gop=0, keyint=12, bframes=3), **SMALL
    ),
    "hevc-open-gop": media.HevcClip(
        container="mkv",
        options=media.x265(open_gop=1, keyint=12, min_keyint=12, bframes=4),
        **SMALL,
    ),
}


def frames(path):
    """(seconds, luma and chroma bytes) of what FFmpeg decodes."""
    with av.open(str(path)) as container:
        return [(frame.time, frame.to_ndarray().tobytes()) for frame in container.decode(video=0)]


def packets_of(path):
    with av.open(str(path)) as container:
        return [packet for packet in container.demux(video=0) if packet.size]


def recorded(path):
    ring = PacketRing()
    with CompressedVideo(RecordedSource(str(path), ring)) as video:
        pictures = [picture.time_s for picture in video]
    return ring, pictures


@pytest.fixture(params=sorted(STREAMS))
def stream(request, clips):
    return clips.path(STREAMS[request.param])


@pytest.mark.parametrize("start_s, end_s", [(0.9, 1.3), (0.0, 0.2), (0.49, 1.0)])
def test_pictures_and_times_are_those_of_the_stream(stream, tmp_path, start_s, end_s):
    ring, _ = recorded(stream)
    whole = frames(stream)
    whole = [(time_s - whole[0][0], data) for time_s, data in whole]
    cut = ring.cut(start_s, end_s)
    assert cut.is_whole and cut.packets[0].is_key
    write_mp4(str(tmp_path / "clip.mp4"), cut.packets, cut.time_base)
    made = frames(tmp_path / "clip.mp4")
    assert len(made) == len(cut.packets)
    begin_s = float(cut.packets[0].pts * cut.time_base)
    first = min(range(len(whole)), key=lambda k: abs(whole[k][0] - begin_s))
    assert [data for _, data in made] == [data for _, data in whole[first : first + len(made)]]
    for (time_s, _), (stream_s, _) in zip(made, whole[first:]):
        assert time_s == pytest.approx(stream_s - begin_s, abs=0.002)
    assert start_s - 0.49 <= begin_s <= start_s + 0.001
    assert end_s - 0.041 <= begin_s + made[-1][0] <= end_s + 0.6


def test_the_clip_is_a_video_like_any_other(stream, tmp_path):
    ring, _ = recorded(stream)
    cut = ring.cut(0.6, 1.2)
    write_mp4(str(tmp_path / "clip.mp4"), cut.packets, cut.time_base)
    with CompressedVideo(str(tmp_path / "clip.mp4")) as video:
        pictures = list(video)
        assert video.stats.damaged == video.stats.skipped == 0
    assert len(pictures) == len(cut.packets) and pictures[0].is_random_access
    data = (tmp_path / "clip.mp4").read_bytes()
    assert (b"avcC" in data) != (b"hvcC" in data and b"hvc1" in data)
    packets = packets_of(tmp_path / "clip.mp4")
    decoded = [packet.dts for packet in packets]
    assert decoded == sorted(set(decoded)) and packets[0].is_keyframe
    assert sum(packet.is_keyframe for packet in packets) == sum(p.is_key for p in cut.packets)
    assert all(packet.dts <= packet.pts for packet in packets)


class OldPacket:
    """That of PyAV 10."""

    is_keyframe = property(lambda self: False)

    def __init__(self, data):
        pass


@pytest.mark.parametrize("name, format", [("h264-open-gop", "h264"), ("hevc-open-gop", "hevc")])
def test_key_packets_are_marked_where_that_is_not_allowed(clips, name, format):
    ring, _ = recorded(clips.path(STREAMS[name]))
    old = types.SimpleNamespace(Packet=OldPacket, open=av.open, error=av.error)
    keys = [packet for packet in ring.cut(0.6, 1.8).packets if packet.is_key]
    for packet in keys:
        marked = pyav.make_packet(old, packet.data, is_key=True, duration=1, raw_format=format)
        assert marked.is_keyframe and bytes(marked) == packet.data
    assert len(keys) > 1


def test_a_recorded_file_reads_like_the_file(stream):
    _, times = recorded(stream)
    with CompressedVideo(str(stream)) as video:
        assert times == [picture.time_s for picture in video]


def packet(pts, is_key=False, size=10, dts=None):
    return EncodedPacket(b"." * size, pts, dts, is_key)


def filled(count, gop=5, **options):
    """A packet a second, a key packet every `gop`."""
    ring = PacketRing(**options)
    for second in range(count):
        ring.record_packet(packet(second, second % gop == 0), SECOND)
    return ring


def times(cut):
    return [packet.pts for packet in cut.packets]


def test_from_key_packet_to_key_packet():
    ring = filled(21)
    assert times(ring.cut(7.5, 13.5)) == list(range(5, 15))
    assert times(ring.cut(5.0, 15.0)) == list(range(5, 15))
    assert times(ring.cut(4.9, 15.1)) == list(range(0, 20))


def test_the_last_key_packet_is_waited_for():
    ring = filled(19)
    assert ring.cut(7.0, 15.5) is None
    assert times(ring.cut(7.0, 15.5, is_last=True)) == list(range(5, 19))
    ring.record_packet(packet(19), SECOND)
    assert ring.cut(7.0, 15.5) is None
    ring.record_packet(packet(20, True), SECOND)
    assert times(ring.cut(7.0, 15.5)) == list(range(5, 20))


def test_a_key_packet_that_never_comes_is_not_waited_for():
    ring = filled(40, gop=100)
    assert times(ring.cut(3.0, 20.0)) == list(range(20))
    assert ring.cut(3.0, 35.0) is None


def test_a_key_picture_with_earlier_pictures_behind_it_ends_nothing_before_them():
    ring = PacketRing()
    for pts, dts, is_key in [(0, -2, 1), (3, -1, 0), (1, 0, 0), (2, 1, 0), (6, 2, 1), (4, 3, 0)]:
        ring.record_packet(packet(pts, bool(is_key), dts=dts), SECOND)
    for pts, dts in [(5, 4), (9, 5), (7, 6), (8, 7)]:
        ring.record_packet(packet(pts, dts=dts), SECOND)
    ring.record_packet(packet(12, True, dts=8), SECOND)
    assert times(ring.cut(1.0, 2.0)) == [0, 3, 1, 2]
    assert times(ring.cut(1.0, 4.0)) == [0, 3, 1, 2, 6, 4, 5, 9, 7, 8]
    assert times(ring.cut(6.0, 8.0)) == [6, 9, 7, 8]  # 4 and 5 need what came before 6


def test_what_is_gone_is_said():
    ring = filled(100, max_s=20.0)
    cut = ring.cut(70.0, 90.0)
    assert times(cut)[0] == 75 and not cut.is_whole
    assert ring.cut(80.0, 90.0).is_whole
    assert ring.cut(10.0, 20.0).packets == []
    assert PacketRing().cut(0.0, 1.0, is_last=True).packets == []


def test_bytes_are_bounded():
    ring = PacketRing(max_bytes=1000)
    for second in range(200):
        ring.record_packet(packet(second, second % 5 == 0, size=60), SECOND)
        kept = ring.cut(-1.0, 1e6, is_last=True).packets
        assert sum(len(p.data) for p in kept) <= 1000 and kept[0].is_key
    assert len(kept) >= 10


def test_a_gop_that_is_too_large_is_not_kept():
    ring = PacketRing(max_bytes=1000)
    ring.record_packet(packet(0, True, size=900), SECOND)
    for second in range(1, 10):
        ring.record_packet(packet(second, size=90), SECOND)
    assert ring.cut(0.0, 5.0, is_last=True).packets == []
    ring.record_packet(packet(10, True), SECOND)
    ring.record_packet(packet(11), SECOND)
    assert times(ring.cut(0.0, 20.0, is_last=True)) == [10, 11]


def test_packets_without_a_time_are_left_out_up_to_the_next_key_packet():
    ring = filled(3)
    for made in (packet(None), packet(4), packet(5, True), packet(6)):
        ring.record_packet(made, SECOND)
    assert times(ring.cut(5.0, 9.0, is_last=True)) == [5, 6] and ring.timeless == 1
    ring.record_packet(packet(7), None)
    assert ring.timeless == 2


def test_it_begins_at_a_key_packet_and_anew_with_another_clock():
    ring = PacketRing()
    ring.record_packet(packet(0), SECOND)
    ring.record_packet(packet(1, True), SECOND)
    assert times(ring.cut(0.0, 9.0, is_last=True)) == [1]
    ring.record_packet(packet(2000), MS)
    ring.record_packet(packet(3000, True), MS)
    cut = ring.cut(0.0, 9.0, is_last=True)
    assert times(cut) == [3000] and cut.time_base == MS


def test_equal_times_can_be_written(clips, tmp_path):
    ring, _ = recorded(clips.path(STREAMS["h264"]))
    cut = ring.cut(0.0, 0.9)
    twice = [p._replace(pts=p.pts // 1024 * 1024) for p in cut.packets]
    write_mp4(str(tmp_path / "clip.mp4"), twice, cut.time_base)
    assert len(packets_of(tmp_path / "clip.mp4")) == len(twice)


def test_what_is_no_video_and_where_nothing_can_be_written(clips, tmp_path):
    with pytest.raises(CorruptStream, match="no parameter sets"):
        write_mp4(str(tmp_path / "a.mp4"), [packet(0, True)], SECOND)
    ring, _ = recorded(clips.path(STREAMS["h264"]))
    cut = ring.cut(0.0, 0.9)
    with pytest.raises(OSError):
        write_mp4(str(tmp_path / "no" / "a.mp4"), cut.packets, cut.time_base)
