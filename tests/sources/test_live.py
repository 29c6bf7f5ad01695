"""LiveSource with doubles of its connections: reconnecting, stalls, stopping, counting. Needs no network."""

import socket
import threading
import time

import pytest
from live_doubles import FLOW, PacketSource, contents, opened

from edge_attp.bitstream import CompressedVideo, nal
from edge_attp.bitstream.syntax import H264, HEVC
from edge_attp.errors import CorruptStream, SourceError, UnsupportedStream
from edge_attp.sources import live
from edge_attp.sources.live import ConnectionOptions, LiveOptions, LiveSource
from rigs import media

pytestmark = pytest.mark.needs_av

QUICK = LiveOptions(ConnectionOptions(connect_s=0.5, stall_s=0.2), reconnect_max_s=0.02)
CLIP = media.Clip(
    "moving", 64, 48, 24, options=media.x264(keyint=8, min_keyint=8, bframes=2), container="mp4"
)
HEVC_CLIP = media.HevcClip("moving", 64, 64, 8, options=media.x265(keyint=8), container="mp4")


class Network:
    """Stands for connect(): each attempt gets the next of `answers`: a list of packets, an error, or a function.
    After the last one, nobody answers."""

    def __init__(self, clip, answers):
        self._clip = clip
        self._answers = list(answers)
        self.attempts = 0
        self.closed = 0

    def __call__(self, source, options, count):
        self.attempts += 1
        answer = self._answers.pop(0) if self._answers else SourceError("nobody answers")
        if isinstance(answer, Exception):
            raise answer
        if callable(answer):
            return answer()
        return self.connection(answer)

    def connection(self, packets):
        clip = self._clip
        sets, length_bytes = clip.parameter_sets, clip.nal_length_bytes
        source = PacketSource(packets, clip.syntax, clip.time_base, sets, length_bytes)
        source.frame_rate, network = clip.frame_rate, self

        def close():
            network.closed += 1

        source.close = close
        return source


@pytest.fixture
def clip(clips):
    return opened(clips.path(CLIP))


@pytest.fixture
def packets(clip):
    return list(clip.packets())


@pytest.fixture
def begin(monkeypatch, clip):
    """begin(answers, options): a LiveSource whose connections are these answers."""
    begun = []

    def begin(answers, options=QUICK, clip=clip, **arguments):
        network = Network(clip, answers)
        monkeypatch.setattr(live, "connect", network)
        source = LiveSource("rtsp://me:secret@camera/1", options=options, **arguments)
        source.network = network
        begun.append(source)
        return source

    yield begin
    for source in begun:
        source.close()
        assert not source._thread.is_alive()
        assert source.network.closed == source.counters["connects"]


def some(source, number):
    """The next packets, and no more."""
    iterator = source.packets()
    return [next(iterator) for _ in range(number)]


def counted(source):
    return {name: count for name, count in source.counters.items() if count}


def test_every_counter_is_there_from_the_beginning_and_explained():
    assert LiveSource("rtsp://camera").counters == dict.fromkeys(live.COUNTERS, 0)


def test_packets_are_annex_b_with_parameter_sets_before_each_key_packet(begin, packets):
    source = begin([packets])
    source.open()
    assert source.name == "rtsp://me:***@camera/1" and source.syntax is H264
    given = some(source, 24)
    assert [packet.pts for packet in given][:1] == [0] and source.nal_length_bytes == 0
    for packet in given:
        kinds = [unit[0] & 31 for unit in nal.split(packet.data, 0)]
        assert (kinds[:2] == [7, 8]) == packet.is_key == (5 in kinds)
    assert sum(packet.is_key for packet in given) == 3
    assert counted(source)["packets"] == 24 and source.lag_s >= 0


def test_it_connects_again_behind_a_gap(begin, packets):
    """The second connection begins in mid-stream: what comes before its key packet is left out."""
    source = begin([packets[:5], packets[13:]])
    source.open()
    given = some(source, 13)
    assert [nal.join([H264.end_of_sequence], 0) == p.data[:5] for p in given] == [
        n == 5 for n in range(13)
    ]
    assert given[5].is_key and given[5].pts > max(packet.pts for packet in given[:5])
    expected = {"connects": 2, "reconnects": 1, "packets": 16, "skipped_before_key": 3}
    assert {name: source.counters[name] for name in expected} == expected
    assert source.counters["losses"] >= 1 and not source.is_connected


def test_video_goes_on_over_reconnections(begin, packets, clip):
    expected = contents(PacketVideo(packets[:8], clip))
    source = begin([packets[:8], SourceError("refused"), packets[:8], packets[:8]])
    threading.Timer(0.5, source.stop).start()
    with CompressedVideo(source) as video:
        pictures = list(video)
    assert len(pictures) == 24 and all(picture.integrity == "ok" for picture in pictures)
    held = [picture.motion.flow().tobytes() for picture in pictures]
    assert held == [content[FLOW] for content in expected.values()] * 3
    assert counted(source)["connection_failures"] >= 1


def PacketVideo(packets, clip):
    sets, length_bytes = clip.parameter_sets, clip.nal_length_bytes
    return CompressedVideo(PacketSource(packets, clip.syntax, clip.time_base, sets, length_bytes))


def test_a_video_of_it_is_read_once_only(begin, packets):
    source = begin([packets])
    with CompressedVideo(source) as video:
        next(iter(video))
        with pytest.raises(SourceError, match="can be read only once: it is a pipe or live"):
            iter(video)


def test_the_first_connection_is_tried_for_ever(begin, packets):
    source = begin([SourceError("refused")] * 4 + [CorruptStream("no avcC"), packets])
    source.open()
    assert source.counters["connection_failures"] >= 5  # it may have lost the sixth answer by now
    assert source.counters["connects"] == 1


def test_the_first_failure_is_the_end_if_wished(begin, packets):
    source = begin([SourceError("camera: Connection refused")], QUICK._replace(first_fails=True))
    with pytest.raises(SourceError, match="camera: Connection refused"):
        source.open()
    assert source.network.attempts == 1
    later = begin([packets, SourceError("refused"), packets], QUICK._replace(first_fails=True))
    later.open()
    assert len(some(later, 48)) == 48  # only the first counts


def test_what_cannot_get_better_is_not_tried_again(begin):
    source = begin([UnsupportedStream("its codec is vp9")])
    with pytest.raises(UnsupportedStream, match="vp9"):
        CompressedVideo(source)
    assert source.network.attempts == 1


def test_another_codec_ends_it(begin, packets, clips, clip):
    other = opened(clips.path(HEVC_CLIP))
    hevc = PacketSource(list(other.packets()), HEVC, other.time_base)
    source = begin([packets, lambda: hevc])
    source.network.closed += 1  # that of `hevc`, which does not count
    source.open()
    given = source.packets()
    assert len([next(given) for _ in range(24)]) == 24
    with pytest.raises(SourceError, match="codec has changed from h264 to hevc; open it again"):
        next(given)


class Hanging:
    """A connection that gives some packets and then hangs in a read, until FFmpeg's time limit."""

    def __init__(self, packets, limit_s):
        self._packets, self._limit_s = packets, limit_s

    def __iter__(self):
        yield from self._packets
        time.sleep(self._limit_s)
        raise SourceError("Immediate exit requested")


def test_a_stall_is_counted_and_another_connection_made(begin, packets):
    source = begin([Hanging(packets[:3], 0.25), packets])
    source.open()
    assert len(some(source, 27)) == 27
    assert source.counters["stalls"] == 1 and source.counters["reconnects"] == 1


@pytest.mark.parametrize("good_s, warnings", [(0.0, 3), (10.0, 1)])
def test_each_loss_of_a_good_connection_is_a_first_one(
    begin, packets, monkeypatch, caplog, good_s, warnings
):
    """Bad ones in a row are reported once, and waits between them grow."""
    monkeypatch.setattr(live, "_GOOD_S", good_s)
    source = begin([packets, packets, packets])
    source.open()
    assert len(some(source, 72)) == 72
    deadline = time.monotonic() + 5
    while source.counters["connection_failures"] == 0 and time.monotonic() < deadline:
        time.sleep(0.01)
    lost = [
        record for record in caplog.records if "the other side closed it" in record.getMessage()
    ]
    assert [record.levelname for record in lost].count("WARNING") == warnings


def test_stop_ends_a_blocking_read_at_once(begin, packets):
    source = begin([Hanging(packets[:3], 1.5)])
    began = time.monotonic()
    threading.Timer(0.1, source.stop).start()
    with CompressedVideo(source) as video:
        assert len(list(video)) == 3
        assert time.monotonic() - began < 1.2
    assert len(list(source.packets())) == 0


def test_stop_ends_the_wait_between_attempts_at_once(begin, monkeypatch):
    """And a long wait is not mistaken for a thread that hangs."""
    monkeypatch.setattr(live, "_PATIENCE_S", -1.1)
    monkeypatch.setattr(live, "_CHECK_S", 0.02)
    source = begin([], QUICK._replace(reconnect_max_s=60.0))
    source._backoff.failures = 10
    threading.Timer(0.3, source.stop).start()
    with pytest.raises(SourceError, match="stopped before it was connected"):
        source.open()
    assert source.counters["hung_threads"] == 0
    source._thread.join(2.0)
    assert not source._thread.is_alive()


def test_stop_before_it_was_begun(begin):
    source = begin([])
    source.stop()
    with pytest.raises(SourceError, match="stopped before"):
        source.open()
    assert source.network.attempts == 0


class Paced:
    """A connection that takes its time for each packet."""

    def __init__(self, packets, interval_s):
        self._packets, self._interval_s = packets, interval_s

    def __iter__(self):
        for packet in self._packets:
            time.sleep(self._interval_s)
            yield packet


def test_a_thread_that_hangs_is_replaced(begin, packets, monkeypatch):
    """FFmpeg returns long after its time limits, from opening, reading and closing; other threads have taken over."""
    monkeypatch.setattr(live, "_PATIENCE_S", -0.6)
    monkeypatch.setattr(live, "_CHECK_S", 0.05)

    def slow_to_open():
        time.sleep(1.5)
        source.network.closed -= 1  # it does not count as a connection
        return source.network.connection(packets)

    source = begin([slow_to_open, Hanging(packets[:5], 1.5), Paced(packets, 0.07)])
    source.open()
    assert source.counters["hung_threads"] == 1
    given = some(source, 29)
    assert source.counters["hung_threads"] == 2 and source.counters["connects"] == 2
    assert [packet.is_key for packet in given[:6]] == [True] + [False] * 4 + [True]
    threads = [thread for thread in threading.enumerate() if thread.name == "edge-attp-live"]
    assert threads == [source._thread]


class Recorder:
    """Remembers what it is given."""

    def __init__(self):
        self.packets, self.time_bases = [], set()

    def record_packet(self, packet, time_base):
        self.packets.append(packet)
        self.time_bases.add(time_base)


def test_a_recorder_gets_every_packet_before_any_is_dropped(begin, packets):
    recorder = Recorder()
    options = QUICK._replace(max_lag_s=0.1)
    source = begin([packets + [SourceError("gone")], packets], options, recorder=recorder)
    source.open()
    deadline = time.monotonic() + 5
    while len(recorder.packets) < 48 and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0.15)
    given = source.packets()
    assert next(given).data.startswith(nal.join([H264.end_of_sequence], 0))
    assert source.counters["dropped_backlog"] == 40  # all but the last group
    assert [p.data for p in recorder.packets[:24]] == [p.data for p in recorder.packets[24:]]
    times = [packet.pts for packet in recorder.packets if packet.is_key]
    assert times == sorted(times) and recorder.time_bases == {source.time_base}


def test_a_failing_recorder_is_heard_of(begin, packets):
    class Broken:
        def record_packet(self, packet, time_base):
            raise RuntimeError("disk on fire")

    source = begin([packets], recorder=Broken())
    with pytest.raises(RuntimeError, match="disk on fire"):
        CompressedVideo(source)


def test_a_recording_waits_for_its_reader_and_ends(begin, packets):
    def recording():
        source = begun.network.connection(packets)
        source.is_recording = True
        return source

    size = sum(len(packet.data) for packet in packets)
    begun = begin([recording], QUICK._replace(max_lag_s=0.01, max_bytes=size // 2))
    begun.open()
    time.sleep(0.1)
    assert 0 < begun.counters["packets"] < 24
    assert len(list(begun.packets())) == 24 and begun.lag_s == 0.0
    assert counted(begun) == {"connects": 1, "packets": 24}


def test_packets_without_parameter_sets_cannot_be_begun_with(begin, packets, clip):
    bare = PacketSource(packets, H264, clip.time_base, (), clip.nal_length_bytes)
    source = begin([lambda: bare, packets])
    source.network.closed += 1  # that of `bare`, which does not count
    source.open()
    assert len(some(source, 24)) == 24
    assert source.counters["skipped_before_key"] == 24


def test_a_server_that_never_answers(monkeypatch):
    """With FFmpeg itself: its time limit ends the attempt, and stop() does not wait for that."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(5)
        address = f"rtsp://127.0.0.1:{silent.getsockname()[1]}/live"
        source = LiveSource(address, options=QUICK._replace(first_fails=True))
        began = time.monotonic()
        with pytest.raises(SourceError, match="live: no answer within 0 s"):
            source.open()
        assert 0.4 < time.monotonic() - began < 5.0
        patient = LiveSource(address, options=LiveOptions(ConnectionOptions(connect_s=1.5)))
        began = time.monotonic()
        threading.Timer(0.1, patient.stop).start()
        with pytest.raises(SourceError, match="stopped before it was connected"):
            patient.open()
        assert time.monotonic() - began < 1.2
        patient.close()
        assert not patient._thread.is_alive()


def test_an_address_that_refuses():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"rtsp://127.0.0.1:{unused.getsockname()[1]}/live"
        source = LiveSource(address, options=QUICK._replace(first_fails=True))
        with pytest.raises(SourceError, match="rtsp://127.0.0.1:[0-9]*/live: Connection refused"):
            source.open()


def test_a_protocol_that_ffmpeg_does_not_know_is_not_tried_again():
    source = LiveSource("nothing://127.0.0.1:9", options=QUICK)
    with pytest.raises(UnsupportedStream, match="9: the FFmpeg inside this PyAV does not know"):
        source.open()


def test_a_live_stream_of_another_codec_is_transcoded(clips, tmp_path):
    """Motion JPEG, as webcams give it, over a local pipe; low delay means no B pictures."""
    still = media.Clip("moving", 64, 48, 12, codec="mjpeg", pix_fmt="yuvj420p", container="avi")
    source = LiveSource(str(clips.path(still)), options=QUICK)
    with CompressedVideo(source) as video:
        assert video.codec == "mjpeg" and video.frame_rate == 25
        pictures = iter(video)
        kinds = [next(pictures).kind for _ in range(24)]  # the file ends, and is connected to again
        source.stop()
    assert set(kinds[1:12]) == {"P"} and kinds[0] == kinds[12] == "I"
    refusing = LiveOptions(ConnectionOptions(transcode=False))
    with pytest.raises(UnsupportedStream, match="its codec is mjpeg"):
        CompressedVideo(LiveSource(str(clips.path(still)), options=refusing))


def test_another_orientation_is_told_once_and_not_taken(begin, packets, caplog):
    def connection(matrix):
        made = source.network.connection(packets[:8])
        made.display_matrix = matrix
        return made

    quarter, half = (0, 1, 0, -1, 0, 0, 0, 0, 1), (-1, 0, 0, 0, -1, 0, 0, 0, 1)
    answers = [lambda m=m: connection(m) for m in (quarter, half, None, quarter)]
    source = begin([SourceError("busy")] + answers)
    with caplog.at_level("WARNING", "edge_attp"):
        with CompressedVideo(source, oriented=True) as video:
            pictures = iter(video)
            assert {next(pictures).shape for _ in range(30)} == {(64, 48)}
            assert video.display_matrix == quarter
    assert sum("orientation" in message for message in caplog.messages) == 1
