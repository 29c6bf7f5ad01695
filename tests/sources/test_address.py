"""What addresses, and cameras of this machine, say about how to read them."""

import errno
import os
import struct

import pytest

from edge_attp.errors import SourceError
from edge_attp.log import without_password
from edge_attp.sources import v4l2
from edge_attp.sources.address import ffmpeg_options, is_live, may_be_recording

LIVE = (
    "rtsp://camera/1 RTSP://camera rtsps://camera rtmp://host/app/key rtmps://host/x udp://@239.0.0.1:5000 "
    "srt://host:9000?mode=caller rtp://host:5004 /dev/video0 /dev/video12 http://camera/mjpeg "
    "https://host/live/index.m3u8?token=1 http://10.0.0.2:8080/stream.ts"
).split()
NOT_LIVE = (
    "clip.mp4 /videos/clip.264 /dev/video /dev/videos/1.mp4 file:///clip.mp4 http://host/clip.mp4 "
    "https://host/a.b/clip.MKV?x=1 - rtsp.mp4 ./udp/clip"
).split()


@pytest.mark.parametrize("source", LIVE)
def test_live(source):
    assert is_live(source)


@pytest.mark.parametrize("source", NOT_LIVE)
def test_not_live(source):
    assert not is_live(source)


def test_only_web_addresses_may_be_recordings():
    assert may_be_recording("https://host/index.m3u8") and not may_be_recording("rtsp://host/1")


@pytest.mark.parametrize(
    "source, shown",
    [
        ("rtsp://me:secret@camera:554/1", "rtsp://me:***@camera:554/1"),
        ("rtsp://me@camera/a:b@c", "rtsp://me@camera/a:b@c"),
        ("rtsp://camera:554/1", "rtsp://camera:554/1"),
        ("/dev/video0", "/dev/video0"),
        ("http://me:s@cr:t@camera/1", "http://me:***@camera/1"),
        (
            "srt://host:9?mode=caller&passphrase=x&a=b",
            "srt://host:9?mode=caller&passphrase=***&a=b",
        ),
        ("rtsp://host/user=me&Password=x&channel=1", "rtsp://host/user=me&Password=***&channel=1"),
        ("https://host/1.m3u8?token=abc", "https://host/1.m3u8?token=***"),
        ("https://host/1.m3u8?monkey=abc", "https://host/1.m3u8?monkey=abc"),
        ("/videos/key=1.mp4", "/videos/key=1.mp4"),
    ],
)
def test_passwords_are_not_shown(source, shown):
    assert without_password(source) == shown


def test_options_of_ffmpeg():
    rtsp = ffmpeg_options("RTSP://camera/1", "udp")
    assert rtsp["rtsp_transport"] == "udp" and rtsp["allowed_media_types"] == "video"
    assert "rtsp_transport" not in ffmpeg_options("http://camera/1", "udp")
    assert ffmpeg_options("udp://:5000", "tcp")["overrun_nonfatal"] == "1"


def camera(*codes):
    """The ioctl of a camera with these formats; none: of a device that is not a camera."""

    def ioctl(_, request, asked):
        assert request == 0xC0405602  # VIDIOC_ENUM_FMT of linux/videodev2.h
        index, kind = struct.unpack_from("=II", asked)
        assert kind == 1 and len(asked) == 64
        if index >= len(codes):
            raise OSError(errno.EINVAL if codes else errno.ENOTTY, "no")
        return asked[:44] + codes[index] + asked[48:]

    return ioctl


@pytest.mark.parametrize(
    "codes, chosen",
    [
        ([b"YUYV", b"MJPG"], None),
        ([b"YUYV", b"HEVC"], "hevc"),
        ([b"HEVC", b"MJPG", b"H264"], "h264"),
    ],
)
def test_formats_of_a_camera(codes, chosen):
    formats = v4l2.pixel_formats(os.devnull, camera(*codes))
    assert formats == codes and v4l2.input_format(formats) == chosen


def test_devices_that_are_no_cameras(tmp_path):
    with pytest.raises(SourceError, match="no such camera"):
        v4l2.pixel_formats(str(tmp_path / "video7"))
    with pytest.raises(SourceError, match="is not a camera: no"):
        v4l2.pixel_formats(os.devnull, camera())
    with pytest.raises(SourceError, match="/dev/null: is not a camera: "):
        v4l2.pixel_formats(os.devnull)


def test_a_camera_that_may_not_be_read(monkeypatch):
    def refused(*_):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(os, "open", refused)
    with pytest.raises(SourceError, match="group `video`"):
        v4l2.pixel_formats("/dev/video0")
