"""One connection, with a double of PyAV: FFmpeg's options, corrupt packets, cameras."""

import types

import pytest
from live_doubles import Counts

from edge_attp.bitstream import nal, pyav
from edge_attp.bitstream.syntax import H264
from edge_attp.errors import EdgeAttpError, SourceError, UnsupportedStream
from edge_attp.sources import connection, v4l2
from edge_attp.sources.connection import ConnectionOptions, connect

SLICE = b"\x65" + bytes(range(1, 41))
ANNEX_B = nal.join([b"\x67\x42", b"\x68\x01", SLICE], 0)


class FFmpegError(Exception):
    pass


class Packet(bytes):
    """A packet of PyAV, with the members that are used."""

    pts = dts = 0
    is_keyframe = True

    def __new__(cls, data, stream, is_corrupt=False):
        packet = super().__new__(cls, data)
        packet.stream, packet.is_corrupt, packet.size = stream, is_corrupt, len(data)
        return packet


def stream(index, codec):
    context = types.SimpleNamespace(
        codec=types.SimpleNamespace(canonical_name=codec),
        name=codec,
        extradata=None,
        width=64,
        height=48,
        bit_rate=None,
    )
    return types.SimpleNamespace(
        index=index,
        id=index,
        type="video",
        codec_context=context,
        average_rate=25,
        time_base=None,
        frames=0,
        metadata={},
    )


class Ffmpeg:
    """A double of PyAV that records how it was called, and gives `packets`."""

    def __init__(self, monkeypatch):
        self.codec, self.duration, self.packets, self.is_closed = "h264", None, [], False
        self.formats_available = {"rtsp", "v4l2"}
        self.error = types.SimpleNamespace(FFmpegError=FFmpegError, InvalidDataError=ValueError)
        monkeypatch.setattr(pyav, "import_av", lambda why: self)
        monkeypatch.setattr(pyav, "open_input", self.open_input)

    def open_input(self, av, target, **asked):
        self.target, self.asked = target, asked
        self.video, self.sound = stream(0, self.codec), stream(1, "aac")
        self.format = types.SimpleNamespace(name="double", flags=0)
        self.streams = types.SimpleNamespace(video=[self.video])
        return self

    def demux(self, *_):
        for data, is_video, is_corrupt in self.packets:
            yield Packet(data, self.video if is_video else self.sound, is_corrupt)

    def close(self):
        self.is_closed = True


@pytest.fixture
def ffmpeg(monkeypatch):
    return Ffmpeg(monkeypatch)


def connected(address, count=None, **options):
    return connect(address, ConnectionOptions(**options), Counts() if count is None else count)


def test_what_ffmpeg_is_told(ffmpeg):
    source = connected(
        "rtsp://me:secret@camera/1",
        transport="udp",
        connect_s=3.0,
        stall_s=2.0,
        options={"buffer_size": "1000000"},
    )
    assert ffmpeg.target == "rtsp://me:secret@camera/1" and source.name == "rtsp://me:***@camera/1"
    assert ffmpeg.asked["timeout"] == (3.0, 2.0) and ffmpeg.asked["format"] is None
    told = ffmpeg.asked["options"]
    assert (told["rtsp_transport"], told["buffer_size"]) == ("udp", "1000000")


def test_only_web_addresses_with_a_duration_are_recordings(ffmpeg):
    ffmpeg.duration = 10_000_000
    assert connected("http://host/index.m3u8").is_recording
    assert not connected("rtsp://host/1").is_recording
    ffmpeg.duration = None
    assert not connected("http://host/index.m3u8").is_recording


def test_corrupt_packets_are_counted_and_cut_short(ffmpeg):
    count = Counts()
    ffmpeg.packets = [(ANNEX_B, True, False), (ANNEX_B, True, True)]
    whole, corrupt = [packet.data for packet in connected("udp://:1", count).packets()]
    assert whole == ANNEX_B and count == {"corrupt_packets": 1}
    units = list(nal.split(corrupt, 0))
    assert units[:2] == [b"\x67\x42", b"\x68\x01"] and units[2] == SLICE[:20]


def test_sound_alone_is_no_sign_of_life(ffmpeg, monkeypatch):
    now = [0.0]

    def clock():
        now[0] += 0.5
        return now[0]

    monkeypatch.setattr(connection, "time", types.SimpleNamespace(monotonic=clock))
    ffmpeg.packets = [(ANNEX_B, True, False)] + [(b"sound", False, False)] * 20
    packets = connected("udp://:1", stall_s=4.0).packets()
    assert next(packets).data == ANNEX_B
    with pytest.raises(SourceError, match="sends no video any more"):
        next(packets)
    assert 4.0 < now[0] < 6.0


@pytest.mark.parametrize(
    "codes, told", [([b"YUYV", b"H264"], "h264"), ([b"HEVC"], "hevc"), ([b"YUYV", b"MJPG"], None)]
)
def test_cameras_are_asked_for_what_is_parsed(ffmpeg, monkeypatch, codes, told):
    monkeypatch.setattr(v4l2, "pixel_formats", lambda device: codes)
    connected("/dev/video2")
    assert (ffmpeg.target, ffmpeg.asked["format"]) == ("/dev/video2", "v4l2")
    assert ffmpeg.asked["options"].get("input_format") == told
    connected("/dev/video2", options={"input_format": "mjpeg", "video_size": "640x480"})
    assert ffmpeg.asked["options"]["input_format"] == "mjpeg"


def test_a_pyav_without_cameras(ffmpeg):
    ffmpeg.formats_available = {"rtsp"}
    with pytest.raises(
        EdgeAttpError, match="/dev/video0: this PyAV cannot read cameras.*pip install"
    ):
        connected("/dev/video0")


def test_other_codecs_are_refused_without_transcoding_and_closed(ffmpeg):
    ffmpeg.codec = "mjpeg"
    with pytest.raises(UnsupportedStream, match="its codec is mjpeg"):
        connected("rtsp://camera/1", transcode=False)
    assert ffmpeg.is_closed


def test_hevc_and_h264_are_read_as_they_are(ffmpeg):
    assert connected("rtsp://camera/1").syntax is H264
    ffmpeg.codec = "hevc"
    assert connected("rtsp://camera/1").syntax.name == "hevc"
