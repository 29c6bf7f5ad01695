"""Real packets of a live source: dropping some harms no others, and no vector crosses a gap."""

import pytest
from live_doubles import NAMES, Counts, PacketSource, content, contents, opened, referred

from edge_attp.bitstream import CompressedVideo, nal
from edge_attp.bitstream.syntax import HEVC
from edge_attp.sources.backlog import WHOLE_PACKETS, Backlog
from edge_attp.sources.intake import Intake
from rigs import media

pytestmark = pytest.mark.needs_av

B_PICTURES = dict(keyint=12, min_keyint=12, scenecut=0, bframes=3, b_adapt=0, ref=3)
CLIPS = {
    "x264": media.Clip("moving", pictures=72, options=media.x264(**B_PICTURES)),
    "x264 flat": media.Clip(
        "moving", pictures=72, options=media.x264(b_pyramid="none", **B_PICTURES)
    ),
    "x264 POC type 2": media.Clip("moving", pictures=72, options=media.x264(bframes=0, keyint=12)),
    "x265": media.HevcClip("moving", 96, 80, 72, options=media.x265(open_gop=0, **B_PICTURES)),
    "x265 layers": media.HevcClip(
        "moving", 96, 80, 72, options=media.x265(temporal_layers=1, open_gop=0, **B_PICTURES)
    ),
    "x265 open": media.HevcClip("moving", 96, 80, 72, options=media.x265(open_gop=1, **B_PICTURES)),
}
OPEN = media.Clip(
    "moving", pictures=72, options=media.x264(open_gop=1, **B_PICTURES), container="ts"
)
FLAT = "x264 POC type 2"  # has no picture that is not referred to


@pytest.fixture(params=sorted(CLIPS))
def name(request):
    return request.param


@pytest.fixture(params=["mp4", "ts"])
def clip(request, clips, name):
    return opened(clips.path(CLIPS[name]._replace(container=request.param)))


def taken_in(source):
    """All packets of a source as they wait; packet number n arrives at n seconds."""
    intake = Intake(Counts())
    intake.begin_connection(source)
    waiting = [intake.accept_packet(packet, float(n)) for n, packet in enumerate(source.packets())]
    return [item for item in waiting if item is not None]


def parsed(packets, syntax):
    """Pictures of packets of a live source."""
    return contents(CompressedVideo(PacketSource(packets, syntax)))


def test_nothing_is_changed_on_the_way(clip, clips, name):
    expected = list(contents(CompressedVideo(clip)).values())
    clip = opened(clip.name)
    packets = [waiting.packet for waiting in taken_in(clip)]
    assert packets[0].pts == 0 and all(b"\0\0\1" in packet.data for packet in packets)
    assert list(map(unnamed, parsed(packets, clip.syntax).values())) == list(map(unnamed, expected))


def unnamed(content):
    """All but the names of references, which are times."""
    return content[:NAMES] + content[NAMES + 1 :]


def test_dropped_are_all_that_nobody_refers_to_and_nothing_else_changes(clip, name):
    waiting, syntax, count = taken_in(clip), clip.syntax, Counts()
    expected = parsed([item.packet for item in waiting], syntax)
    backlog = Backlog(max_lag_s=1e9, skip_nonref_s=0.5, max_bytes=1 << 30, count=count)
    packets = []
    for item in waiting:
        backlog.put_packet(item)
    for item in iter(lambda: backlog.take_packet(1e6), None):
        packets.append(item.packet)
    pictures = parsed(packets, syntax)
    assert {pts: expected[pts] for pts in pictures} == pictures
    dropped = [item.packet.pts for item in waiting if item.packet.pts not in pictures]
    assert len(dropped) == count["dropped_nonreference"] == unreferenced(waiting, syntax)
    assert (name == FLAT) == (not dropped)


def unreferenced(waiting, syntax):
    """How many pictures behind the first ones no other picture refers to in fact, or is allowed to."""
    video = CompressedVideo(PacketSource([item.packet for item in waiting], syntax))
    pictures = list(video)
    pts = {picture.decode_index: picture.pts for picture in pictures}
    used = set().union(*(referred(picture, pts) for picture in pictures))
    behind = pictures[WHOLE_PACKETS:]
    free = [picture for picture in behind if not picture.is_reference]
    assert not used & {picture.pts for picture in free}
    return len(free)


def test_no_vector_crosses_a_cut(clip):
    """The middle is dropped; the pictures behind it are as they were, and so are their references."""
    waiting, syntax, count = taken_in(clip), clip.syntax, Counts()
    keys = [n for n, item in enumerate(waiting) if item.parameter_sets]
    assert len(keys) == 6
    backlog = Backlog(max_lag_s=20.0, skip_nonref_s=1e9, max_bytes=1 << 30, count=count)
    packets = []
    for item in waiting[:18]:
        backlog.put_packet(item)
        packets.append(backlog.take_packet(item.arrived_s).packet)
    for item in waiting[18:]:
        backlog.put_packet(item)
    for item in iter(lambda: backlog.take_packet(keys[5] - 1.0), None):
        packets.append(item.packet)
    assert count == {"dropped_backlog": keys[5] - 18}
    assert packets[18].data.startswith(nal.join([syntax.end_of_sequence], 0))
    expected = parsed([item.packet for item in waiting], syntax)
    pictures = list(CompressedVideo(PacketSource(packets, syntax)))
    pts = {picture.decode_index: picture.pts for picture in pictures}
    begun = next(n for n, p in enumerate(pictures) if p.pts == packets[18].pts)
    assert len(pictures) - begun >= 9
    for picture in pictures[begun:]:
        assert content(picture, pts) == expected[picture.pts]
        assert referred(picture, pts) <= {other.pts for other in pictures[begun:]}


def test_a_cut_in_hevc_leaves_leading_pictures_out(clips):
    clip = opened(clips.path(CLIPS["x265 open"]._replace(container="ts")))
    waiting = taken_in(clip)
    key = [n for n, item in enumerate(waiting) if item.parameter_sets][2]
    cut = waiting[key].packet
    cut = cut._replace(data=waiting[key].end_mark + cut.data)
    packets = [item.packet for item in waiting]
    video = CompressedVideo(PacketSource(packets[:20] + [cut] + packets[key + 1 :], HEVC))
    pictures = list(video)
    assert video.stats.skipped > 0 and len(pictures) + video.stats.skipped == 20 + 72 - key
    assert all(picture.integrity == "ok" for picture in pictures)


def test_a_cut_before_an_open_gop_of_h264(clips):
    """Its random-access picture is no IDR picture: what leads it is damaged, and nothing refers across,
    whatever frame_num was before the cut."""
    clip = opened(clips.path(OPEN))
    waiting = taken_in(clip)
    key = [n for n, item in enumerate(waiting) if item.parameter_sets][3]
    packets = [item.packet for item in waiting]
    cut = packets[key]._replace(data=waiting[key].end_mark + packets[key].data)
    expected = parsed(packets, clip.syntax)
    for begin in range(14, key):
        joined = packets[:begin] + [cut] + packets[key + 1 :]
        pictures = list(CompressedVideo(PacketSource(joined, clip.syntax)))[begin:]
        pts = {picture.decode_index: picture.pts for picture in pictures}
        leading = [picture for picture in pictures if picture.pts < cut.pts]
        assert leading and all(picture.integrity == "damaged" for picture in leading)
        for picture in pictures:
            assert referred(picture, pts) <= set(pts.values()), begin
            if picture not in leading:
                assert unplaced(content(picture, pts)) == unplaced(expected[picture.pts])


def unplaced(content):
    """All but the picture order count, which begins anew at a cut."""
    return content[:1] + content[2:]


def test_a_packet_cut_short_is_damage(clip):
    """Like packets that FFmpeg calls corrupt. Each in turn: that picture is damaged, or gone where not
    even its header is left, and all that is called whole holds what it should."""
    waiting, syntax = taken_in(clip), clip.syntax
    packets = [item.packet for item in waiting]
    expected = parsed(packets, syntax)
    for n in range(1, 40, 2):
        broken = packets[n]._replace(data=nal.truncate_last_slice(packets[n].data, 0, syntax))
        pictures = parsed(packets[:n] + [broken] + packets[n + 1 : n + 14], syntax)
        whole = {pts: content for pts, content in pictures.items() if content[2] == "ok"}
        assert packets[n].pts not in whole, n
        assert whole == {pts: expected[pts] for pts in whole}, n
