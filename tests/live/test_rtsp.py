"""A real RTSP camera on loopback: it is killed, frozen, cut off, and changes in mid-stream."""

import time

import pytest
from viewer import STALL_S, drift_s

pytestmark = [pytest.mark.slow, pytest.mark.needs_av, pytest.mark.needs_gstreamer]

B_PICTURES = ("--encoder", "bframes=2 b-adapt=false ! video/x-h264,profile=main")


def whole(seen):
    return all(entry.integrity == "ok" for entry in seen)


def in_order(seen):
    times = [entry.time_s for entry in seen]
    return times == sorted(times)


@pytest.mark.parametrize("transport", ["tcp", "udp"])
@pytest.mark.parametrize("codec", ["h264", "hevc"])
def test_pictures_come_as_they_are_taken(camera, viewer, codec, transport):
    view = viewer(camera("--codec", codec).address, transport)
    view.wait_for(20)
    seen = view.wait_for(75)
    assert whole(seen) and in_order(seen) and drift_s(seen) < 1.0
    assert seen[0].shape == (256, 340) and sum(entry.is_key for entry in seen) >= 3
    assert max(entry.lag_s for entry in seen) < 0.5
    assert view.source.frame_rate == pytest.approx(25, abs=0.5)
    assert view.close() < 1.0
    counters = {name: count for name, count in view.source.counters.items() if count}
    assert set(counters) <= {"connects", "packets"}
    view.source._thread.join(2.0)
    assert not view.source._thread.is_alive()


def test_b_pictures(camera, viewer):
    view = viewer(camera(*B_PICTURES).address)
    assert view.wait_for(100)[0].time_s == 0
    seen = list(view.seen)
    assert whole(seen) and {entry.kind for entry in seen} == {"I", "P", "B"}
    shown = sorted(entry.time_s for entry in seen)[:-3]
    steps = [later - earlier for earlier, later in zip(shown, shown[1:])]
    assert steps == pytest.approx([0.04] * len(steps), abs=0.001)


@pytest.mark.parametrize("transport", ["tcp", "udp"])
@pytest.mark.parametrize("codec", ["h264", "hevc"])
def test_a_camera_that_is_killed_and_comes_back(camera, viewer, codec, transport):
    server = camera("--codec", codec)
    view = viewer(server.address, transport)
    before = view.wait_for(30)
    server.kill()
    view.wait(lambda _: not view.source.is_connected)
    time.sleep(1.0)
    server.start()
    after = view.wait_for(30)
    assert whole(before + after) and in_order(before + after)
    assert drift_s(before[-5:] + after[-5:]) < 2.5  # what FFmpeg looks at first comes late
    counters = view.source.counters
    assert (counters["connects"], counters["reconnects"]) == (2, 1)
    assert counters["losses"] + counters["stalls"] == 1 and counters["connection_failures"] >= 1


@pytest.mark.parametrize("transport", ["tcp", "udp"])
def test_a_camera_that_freezes(camera, viewer, transport):
    server = camera()
    view = viewer(server.address, transport)
    view.wait_for(30)
    server.freeze()
    began_s = time.monotonic()
    view.wait(lambda _: view.source.counters["stalls"] == 1)
    assert STALL_S <= time.monotonic() - began_s + 0.1 < STALL_S + 4.0
    server.thaw()
    view.wait_for(30)
    assert view.source.counters["connects"] == 2


def test_stop_does_not_wait_for_a_frozen_camera(camera, viewer):
    server = camera()
    view = viewer(server.address)
    view.wait_for(10)
    server.freeze()
    time.sleep(0.2)
    assert view.close() < 3.0
    server.thaw()


@pytest.mark.parametrize("codec", ["h264", "hevc"])
def test_another_resolution_in_mid_stream(camera, viewer, codec):
    server = camera("--codec", codec)
    view = viewer(server.address)
    view.wait_for(20)
    for size, shape in (("640x360", (360, 640)), ("176x144", (144, 176))):
        server.tell("size " + size)
        seen = view.wait(lambda seen, shape=shape: sum(e.shape == shape for e in seen) >= 30)
        assert whole(seen) and in_order(seen)
        changed = next(n for n, entry in enumerate(seen) if entry.shape == shape)
        assert seen[changed].is_key and {e.shape for e in seen[changed:]} == {shape}
    assert view.source.counters["parameter_set_changes"] >= 2
    assert view.source.counters["connects"] == 1


@pytest.mark.parametrize("codec", ["h264", "hevc"])
def test_packets_that_are_lost(camera, viewer, codec):
    """Damaged are the pictures up to the next key picture, and no others behind it."""
    server = camera("--codec", codec, "--size", "640x480")
    view = viewer(server.address, "udp")
    view.wait_for(20)
    server.tell("loss 0.02")
    lossy = view.wait_for(200)
    server.tell("loss 0")
    view.wait_for(40)
    healed = view.wait_for(50)
    damaged = [entry for entry in lossy if entry.integrity == "damaged"]
    assert 5 < len(damaged) < 200 and whole(healed)
    assert any(entry.is_key and entry.integrity == "ok" for entry in lossy)


def test_a_slow_network_only_delays(camera, relay, viewer):
    middle = relay(camera())
    middle.delay_s = 0.15
    view = viewer(middle.address)
    seen = view.wait_for(75)
    assert whole(seen) and in_order(seen)
    assert view.source.counters["connects"] == 1


def test_a_network_that_holds_everything_back(camera, relay, viewer):
    """Longer than the limit: another connection is made."""
    middle = relay(camera())
    view = viewer(middle.address)
    view.wait_for(20)
    middle.is_held = True
    view.wait(lambda _: view.source.counters["stalls"] == 1)
    middle.is_held = False
    seen = view.wait_for(40)
    assert whole(seen) and in_order(seen)
    assert view.source.counters["reconnects"] >= 1


def test_connections_that_are_cut_again_and_again(camera, relay, viewer):
    middle = relay(camera())
    view = viewer(middle.address)
    for _ in range(5):
        view.wait_for(20)
        middle.cut()
        view.wait(lambda _: not view.source.is_connected)
    view.wait_for(20)
    assert whole(view.seen) and in_order(view.seen)
    assert view.source.counters["reconnects"] == view.source.counters["losses"] == 5


def test_a_reader_that_is_too_slow_never_falls_behind(camera, viewer):
    """It takes 100 ms a picture, for 25 pictures a second: packets are dropped, and the lag stays small."""
    view = viewer(camera(*B_PICTURES, "--keyint", "10").address, max_lag_s=1.0)
    slow, seen = view._seen, []

    def slowly(picture):
        time.sleep(0.1)
        return slow(picture)

    view._seen = slowly
    seen = view.wait_for(150)
    counters = view.source.counters
    assert max(entry.lag_s for entry in seen) < 2.0
    assert counters["dropped_nonreference"] > 20 and whole(seen)
    assert drift_s(seen[50:]) < 3.5
