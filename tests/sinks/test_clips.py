"""Clips of events: from the packets of a video to files in a folder that does not grow without end."""

import logging
import os
import re
import shutil
import threading
import time

import av
import pytest
from service_records import VERDICT, closing, event, header, result

from edge_attp.bitstream import CompressedVideo, pyav
from edge_attp.errors import UsageError
from edge_attp.sinks import clips as clips_module
from edge_attp.sinks.clips import ClipSink
from edge_attp.sources.live import LiveSource
from edge_attp.sources.recorder import PacketRing, RecordedSource
from rigs import media
from rigs.waiting import free_port, wait_until

pytestmark = pytest.mark.needs_av

VIDEO = media.Clip(
    width=64,
    height=48,
    pictures=100,
    container="mp4",
    options=media.x264(keyint=10, min_keyint=10, scenecut=0, bframes=2),
)  # 4 s, a key picture every 0.4 s


@pytest.fixture
def start_sink(tmp_path):
    options = dict(folder=str(tmp_path / "clips"), before_s=0.5, after_s=0.5)
    with closing() as start:
        yield lambda recorder, **more: start(ClipSink(recorder=recorder, **dict(options, **more)))


@pytest.fixture
def video(clips):
    """A ring that has seen all of VIDEO, and the (start_s, is_key) of its pictures."""
    ring = PacketRing()
    with CompressedVideo(RecordedSource(str(clips.path(VIDEO)), ring)) as opened:
        shown = sorted((picture.time_s, picture.is_random_access) for picture in opened)
    return ring, shown


def show(sink, pictures, until_s=99.0):
    for index, (start_s, is_key) in enumerate(pictures):
        if start_s < until_s:
            sink.picture(result(index, start_s, is_key=is_key))


def names(tmp_path):
    folder = tmp_path / "clips"
    return sorted(os.listdir(str(folder))) if folder.is_dir() else []


def length_s(path):
    with CompressedVideo(str(path)) as opened:
        return len(list(opened)) / 25.0


def test_a_clip_appears_once_its_last_key_picture_has_come(tmp_path, video, start_sink):
    ring, pictures = video
    sink = start_sink(ring)
    sink.event(event(start_s=1.5, end_s=2.0))
    show(sink, pictures, until_s=2.75)
    assert not names(tmp_path)
    show(sink, pictures, until_s=3.25)
    wait_until(lambda: sink.counters()["written"] == 1)
    (name,) = names(tmp_path)
    assert re.match(r"door-walk-\d{8}T\d{6}\.\d{3}Z\.mp4$", name)
    assert length_s(tmp_path / "clips" / name) == pytest.approx(2.0)  # 0.8 s to 2.8 s
    show(sink, pictures)
    sink.finish(VERDICT)
    sink.close()
    assert len(names(tmp_path)) == 1 and sink.counters()["cut_short"] == 0


def test_events_at_both_ends_of_a_video(tmp_path, video, start_sink):
    ring, pictures = video
    sink = start_sink(ring)
    sink.event(event(start_s=0.1, end_s=0.2, label="a/b"))
    sink.event(event(start_s=3.5, end_s=3.9, label="last"))
    show(sink, pictures)
    sink.finish(VERDICT)
    sink.close()
    first, last = names(tmp_path)
    assert first.startswith("door-a_b-") and last.startswith("door-last-")
    assert length_s(tmp_path / "clips" / first) == pytest.approx(0.8)
    assert length_s(tmp_path / "clips" / last) == pytest.approx(1.2)
    assert sink.counters() == {"written": 2, "cut_short": 0, "lost": 0, "removed": 0}


def test_a_source_that_is_gone_does_not_keep_the_clip(tmp_path, video, start_sink, monkeypatch):
    """Whoever makes the event may end the camera."""
    monkeypatch.setattr(clips_module, "LOST_SOURCE_S", 0.2)
    ring, _ = video
    sink = start_sink(ring, after_s=60.0)
    sink.event(event(start_s=3.0, end_s=3.5))
    wait_until(lambda: sink.counters()["written"] == 1)


def test_the_folder_is_bounded_and_nothing_else_in_it_is_touched(tmp_path, video, start_sink):
    ring, pictures = video
    (tmp_path / "clips").mkdir()
    for name in ("holiday.mp4", "door-walk.mp4", "notes.txt"):
        (tmp_path / "clips" / name).write_bytes(b"." * 100000)
    clip_bytes = sum(len(packet.data) for packet in ring.cut(1.0, 2.5).packets)
    max_bytes = int(3.5 * clip_bytes)
    sink = start_sink(ring, max_bytes=max_bytes)
    for number in range(8):
        sink.event(event(start_s=1.5, end_s=2.0, label=f"walk{number}"))
        sink.finish(VERDICT)
        wait_until(lambda count=number + 1: sink.counters()["written"] == count)
    sink.close()
    left = [name for name in names(tmp_path) if name.startswith("door-walk") and "Z" in name]
    sizes = [os.path.getsize(str(tmp_path / "clips" / name)) for name in left]
    assert sum(sizes) <= max_bytes < sum(sizes) + max(sizes)
    assert [name[:10] for name in left] == [f"door-walk{n}" for n in range(8 - len(left), 8)]
    assert sink.counters()["removed"] == 8 - len(left) > 0
    assert {"holiday.mp4", "door-walk.mp4", "notes.txt"} <= set(names(tmp_path))


def test_a_disk_that_does_not_take_it_stops_nothing(tmp_path, video, start_sink, caplog):
    caplog.set_level(logging.INFO)
    ring, _ = video
    sink = start_sink(ring)
    folder = tmp_path / "clips"
    folder.write_text("in the way")
    for _ in range(2):
        sink.event(event(start_s=1.5, end_s=2.0))
        sink.finish(VERDICT)
    wait_until(lambda: sink.counters()["lost"] == 2)
    folder.unlink()
    sink.event(event(start_s=1.5, end_s=2.0))
    sink.finish(VERDICT)
    wait_until(lambda: sink.counters()["written"] == 1)
    texts = [record.getMessage() for record in caplog.records]
    assert len(texts) == 2 and "clips are lost" in texts[0] and "works again" in texts[1]


def test_a_failure_in_the_middle_leaves_no_file(tmp_path, video, start_sink, monkeypatch):
    ring, _ = video

    def fails(path, *_, **__):
        with open(path, "w") as file:
            file.write("half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(clips_module, "write_mp4", fails)
    sink = start_sink(ring)
    sink.event(event(start_s=1.5, end_s=2.0))
    sink.finish(VERDICT)
    wait_until(lambda: sink.counters()["lost"] == 1)
    assert names(tmp_path) == []


def test_what_the_recorder_has_forgotten(tmp_path, clips, start_sink, caplog):
    ring = PacketRing(max_s=1.0)
    with CompressedVideo(RecordedSource(str(clips.path(VIDEO)), ring)) as opened:
        list(opened)
    sink = start_sink(ring)
    sink.event(event(start_s=0.5, end_s=0.6))
    sink.event(event(start_s=2.0, end_s=3.0))
    sink.finish(VERDICT)
    wait_until(lambda: sink.counters()["written"] == 1)
    assert sink.counters()["lost"] == sink.counters()["cut_short"] == 1
    assert "no packets of an event" in caplog.text


@pytest.mark.parametrize("container", ["264", "avi"])
def test_a_stream_without_times_is_cut_where_its_pictures_are_shown(
    tmp_path, clips, start_sink, container
):
    ring = PacketRing()
    path = str(clips.path(VIDEO._replace(container=container, pictures=30)))
    with CompressedVideo(RecordedSource(path, ring)) as opened:
        pictures = sorted(opened, key=lambda picture: (picture.decode_index // 10, picture.poc))
    sink = start_sink(ring, before_s=0.0, after_s=0.0)
    sink.event(event(start_s=0.45, end_s=0.5))
    for index, picture in enumerate(pictures):
        sink.picture(result(index, index / 25.0, packet=picture.packet))
    sink.finish(VERDICT)
    sink.close()
    (name,) = names(tmp_path)
    with av.open(str(tmp_path / "clips" / name)) as made, av.open(path) as whole:
        shown = [(frame.time, frame.to_ndarray().tobytes()) for frame in made.decode(video=0)]
        frames = [frame.to_ndarray().tobytes() for frame in whole.decode(video=0)]
    assert [data for _, data in shown] == frames[10:20]
    assert [time_s for time_s, _ in shown] == pytest.approx([k / 25.0 for k in range(10)])


def test_the_folder_may_go_away(tmp_path, video, start_sink):
    ring, _ = video
    sink = start_sink(ring)
    for count in (1, 2):
        sink.event(event(start_s=1.5, end_s=2.0))
        sink.finish(VERDICT)
        wait_until(lambda count=count: sink.counters()["written"] == count)
        shutil.rmtree(str(tmp_path / "clips"))


def send_in_time(path, url):
    """The packets of a file as MPEG-TS, as fast as a camera gives them."""
    with av.open(str(path)) as source, av.open(url, "w", format="mpegts") as output:
        stream = pyav.add_stream_like(output, source.streams.video[0])
        began = time.monotonic()
        for packet in pyav.demux_packets(av, source, source.streams.video[0]):
            time.sleep(max(0.0, began + packet.dts * packet.time_base - time.monotonic()))
            packet.stream = stream
            output.mux(packet)


@pytest.mark.slow
@pytest.mark.parametrize("codec", ["libx264", "libx265"])
def test_a_clip_of_a_live_source_has_the_pictures_of_the_camera(tmp_path, clips, start_sink, codec):
    camera = VIDEO
    if codec == "libx265":
        camera = VIDEO._replace(codec=codec, options=media.x265(keyint=10, open_gop=1))
    path, url, ring = clips.path(camera), f"udp://127.0.0.1:{free_port()}", PacketRing()
    sink = start_sink(ring)
    source = LiveSource(url, recorder=ring)
    sending = threading.Thread(target=send_in_time, args=(path, url + "?pkt_size=1316"))
    sending.start()
    patience = threading.Timer(20.0, source.stop)  # or the test would wait for ever
    patience.start()
    with CompressedVideo(source) as opened:
        for number, picture in enumerate(opened):
            sink.picture(result(number, picture.time_s, is_key=picture.is_random_access))
            if number == 30:
                sink.event(event(start_s=picture.time_s - 0.4, end_s=picture.time_s - 0.2))
            if sink.counters()["written"]:
                break
    patience.cancel()
    sending.join()
    (name,) = names(tmp_path)
    camera_pictures, clip = pictures_of(path), pictures_of(tmp_path / "clips" / name)
    begin = camera_pictures.index(clip[0])
    assert clip == camera_pictures[begin : begin + len(clip)] and len(clip) >= 30


def pictures_of(path):
    with av.open(str(path)) as container:
        return [frame.to_ndarray().tobytes() for frame in container.decode(video=0)]


def test_closing_before_a_start_and_twice(tmp_path):
    sink = ClipSink(str(tmp_path), PacketRing())
    sink.close()
    sink.begin(header())
    sink.close()
    sink.close()


@pytest.mark.parametrize("options", [{"before_s": -1}, {"after_s": -1}, {"max_bytes": 0}])
def test_what_cannot_be_is_a_usage_error(options):
    with pytest.raises(UsageError, match="clips: before_s and after_s must be 0 or more"):
        ClipSink("clips", PacketRing(), **options)
