"""The overlay as a stream: received with PyAV over loopback, and receivers that go away."""

import logging
import socket
import threading
import time

import av
import numpy as np
import pytest
from service_records import header, result

from doubles.fake_video import Picture
from edge_attp.errors import UsageError
from edge_attp.sinks import overlay_stream
from edge_attp.sinks.overlay_layout import Layout
from edge_attp.sinks.overlay_stream import OverlayStreamSink
from rigs.waiting import free_port, wait_until

pytestmark = [pytest.mark.needs_av, pytest.mark.needs_cv2]

RED = np.zeros((48, 64, 3), np.uint8) + np.array([255, 0, 0], np.uint8)


class Receiver(threading.Thread):
    """Decodes what comes to an address until `wanted` pictures are there."""

    def __init__(self, url, wanted, format="mpegts", **options):
        super().__init__(daemon=True)
        self.frames, self.times = [], []
        self._url, self._wanted, self._format = url, wanted, format
        self._options = dict(options, probesize="5000", fpsprobesize="0")
        self.start()

    def run(self):
        opened = av.open(self._url, format=self._format, options=self._options, timeout=10.0)
        with opened as container:
            for packet in container.demux(video=0):
                try:
                    for frame in packet.decode():
                        self.frames.append(frame.to_ndarray(format="rgb24"))
                        self.times.append(frame.time)
                except av.error.InvalidDataError:
                    continue  # before the first key picture
                if len(self.frames) >= self._wanted:
                    return


class Feed:
    """Gives a sink pictures at their time, as the pipeline does, until stop()."""

    def __init__(self, sink):
        self.slowest_s, self._index, self._sink = 0.0, 0, sink
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)
        sink.begin(header())
        sink.observer.begin(header())

    def start(self):
        self._thread.start()
        return self

    def _work(self):
        while not self._stopping.wait(0.04):
            self.show()

    def show(self):
        index, self._index = self._index, self._index + 1
        picture = Picture("K" if index % 5 == 0 else "P", index, 2 * index, 25)
        self._sink.observer.observe(picture, RED if picture.is_random_access else None)
        began = time.monotonic()
        self._sink.picture(result(index, 0.04 * index))
        self.slowest_s = max(self.slowest_s, time.monotonic() - began)

    def stop(self):
        self._stopping.set()
        self._thread.join()
        self._sink.close()
        self._sink.close()


def count(sink, *names):
    return [sink.counters()[name + "_pictures"] for name in names]


def assert_in_time(receiver):
    """Pictures are 40 ms apart, or more where a busy machine has dropped some."""
    steps = np.diff(receiver.times) / 0.04
    np.testing.assert_allclose(steps, np.rint(steps), atol=0.06)
    assert steps.min() > 0.9


@pytest.fixture(autouse=True)
def no_long_waits(monkeypatch):
    monkeypatch.setattr(overlay_stream, "LONGEST_WAIT_S", 0.1)
    monkeypatch.setattr(overlay_stream, "GOP_S", 0.4)


def test_a_player_on_udp_sees_the_newest_key_picture_with_arrows():
    port = free_port()
    sink = OverlayStreamSink(f"udp://127.0.0.1:{port}?pkt_size=1316")
    feed = Feed(sink).start()
    receiver = Receiver(f"udp://127.0.0.1:{port}?overrun_nonfatal=1", 20)
    wait_until(lambda: len(receiver.frames) >= 20, 20)
    feed.stop()
    frame = receiver.frames[10]
    assert frame.shape == Layout(header()).size[::-1] + (3,)
    red, green, _ = frame[300:320, 200:220].reshape(-1, 3).mean(axis=0)
    assert red > 100 > green  # the key picture, darkened as behind all arrows
    assert_in_time(receiver)
    assert sink.counters()["connects"] == 1 and sink.counters()["sent_pictures"] >= 20


def test_a_receiver_that_goes_away_is_connected_to_again(caplog):
    caplog.set_level(logging.INFO)
    port = free_port()
    sink = OverlayStreamSink(f"tcp://127.0.0.1:{port}")
    feed = Feed(sink).start()
    wait_until(lambda: sink.counters()["failed_attempts"] >= 2)
    for count in (1, 2):
        receiver = Receiver(f"tcp://127.0.0.1:{port}?listen=1", 10)
        wait_until(lambda heard=receiver: len(heard.frames) >= 10, 20)
        assert sink.counters()["connects"] == count
    feed.stop()
    assert feed.slowest_s < 0.5 and sink.counters()["dropped_pictures"] > 0
    texts = [record.getMessage() for record in caplog.records]
    assert "pictures are dropped" in texts[0] and "works again" in texts[1]


@pytest.mark.not_pyav10  # it crashes
def test_a_server_of_rtmp():
    url = f"rtmp://127.0.0.1:{free_port()}/live/door"
    sink = OverlayStreamSink(url.replace("door", "{stream}"))
    receiver = Receiver(url, 10, "flv", listen="1")
    feed = Feed(sink).start()
    wait_until(lambda: len(receiver.frames) >= 10, 20)
    feed.stop()
    assert_in_time(receiver)


@pytest.mark.parametrize("scheme", ["rtmp", pytest.param("tcp", marks=pytest.mark.slow)])
def test_a_server_that_hangs_stops_nothing(monkeypatch, caplog, scheme):
    """It takes the connection and nothing more: RTMP waits for its greeting, TCP for room."""
    monkeypatch.setattr(overlay_stream, "STALL_S", 0.7)
    monkeypatch.setattr(overlay_stream, "ENCODER", {"preset": "ultrafast", "crf": "0"})
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        server.bind(("127.0.0.1", 0))
        server.listen(5)
        sink = OverlayStreamSink(f"{scheme}://127.0.0.1:{server.getsockname()[1]}/live/x")
        feed = Feed(sink).start()
        wait_until(lambda: sink.counters()["failed_attempts"] >= 2, 20)
        began = time.monotonic()
        feed.stop()
        assert time.monotonic() - began < 2.0
    assert feed.slowest_s < 0.5
    assert "the receiver hangs" in caplog.text or "does not answer" in caplog.text


def test_what_comes_too_fast_is_dropped_not_waited_for():
    sink = OverlayStreamSink(f"udp://127.0.0.1:{free_port()}")
    feed = Feed(sink)
    for _ in range(100):
        feed.show()
    wait_until(lambda: sum(count(sink, "sent", "dropped")) == 100)
    sink.close()
    assert all(count(sink, "sent", "dropped")) and feed.slowest_s < 0.1


@pytest.mark.parametrize("url", ["out.mp4", "http://x/y", "ftp://x", ""])
def test_an_address_that_is_no_stream(url):
    with pytest.raises(UsageError, match="must begin with one of rtmp://"):
        OverlayStreamSink(url)
