"""Streams other than RTSP: MPEG-TS over UDP and HTTP, HLS of a running and of a finished broadcast."""

import pytest
from viewer import drift_s

from edge_attp.bitstream import CompressedVideo
from edge_attp.sources.live import LiveSource
from rigs import media
from rigs.streams import UdpSender, WebServer

pytestmark = [pytest.mark.slow, pytest.mark.needs_av]

PICTURES, SECONDS = 75, 3.0
BROADCAST = 200  # pictures
CLIPS = {
    "h264": media.Clip(
        "moving", 176, 144, PICTURES, options=media.x264(keyint=25, bframes=2), container="ts"
    ),
    "hevc": media.HevcClip(
        "moving", 176, 144, PICTURES, options=media.x265(keyint=25, bframes=2), container="ts"
    ),
}


@pytest.fixture(params=sorted(CLIPS))
def path(request, clips):
    return clips.path(CLIPS[request.param])


@pytest.fixture(params=sorted(CLIPS))
def playlist(request, tmp_path):
    """A broadcast as HLS: four segments of 2 s."""
    clip = CLIPS[request.param]._replace(width=64, height=64, pictures=BROADCAST)
    media.encode(clip.draw(), tmp_path / "all.m3u8", clip.codec, clip.options, "hls")
    return tmp_path / "all.m3u8"


def test_a_transport_stream_over_udp(path, viewer, closed_later):
    """Its clock jumps back every 3 s, when the clip starts over."""
    view = viewer(closed_later(UdpSender(path, SECONDS)).address)
    view.wait_for(20)
    seen = view.wait_for(200)
    assert sum(entry.integrity == "ok" for entry in seen) > 0.9 * len(seen)
    assert drift_s(seen) < 2.0
    assert view.source.counters["time_jumps"] >= 2 and view.source.counters["connects"] == 1


def test_lost_datagrams(path, viewer, closed_later):
    sender = closed_later(UdpSender(path, SECONDS))
    view = viewer(sender.address)
    view.wait_for(20)
    sender.loss = 10
    lossy = view.wait_for(100)
    sender.loss = 0
    view.wait_for(60)
    assert any(entry.integrity == "damaged" for entry in lossy)
    assert view.source.counters["corrupt_packets"] > 0
    assert view.wait(lambda seen: [e.integrity for e in seen[-25:]] == ["ok"] * 25)


def test_an_endless_transport_stream_over_http(path, viewer, closed_later):
    server = closed_later(WebServer(path.parent, SECONDS))
    view = viewer(server.address("endless/" + path.name))
    view.wait_for(20)
    seen = view.wait_for(150)
    assert drift_s(seen) < 2.0 and view.source.counters["time_jumps"] >= 1
    assert view.source.counters["connects"] == 1


def test_a_broadcast_that_is_over(playlist, closed_later):
    """Nothing of it is dropped, and its end is the end."""
    server = closed_later(WebServer(playlist.parent, SECONDS))
    source = LiveSource(server.address(playlist.name))
    with CompressedVideo(source) as video:
        times = sorted(picture.time_s for picture in video)
    assert times == pytest.approx([n / 25 for n in range(BROADCAST)], abs=0.001)
    assert source.counters["connects"] == 1 and source.counters["time_jumps"] == 0


def test_a_broadcast_that_goes_on(playlist, viewer, closed_later):
    server = closed_later(WebServer(playlist.parent, SECONDS))
    view = viewer(server.address("growing/" + playlist.name), stall_s=5.0)  # packets come in bursts
    seen = view.wait_for(150)
    assert all(entry.integrity == "ok" for entry in seen)
    assert view.source.counters["connects"] == 1
