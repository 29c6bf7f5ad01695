"""Sources that are neither H.264 nor HEVC are encoded on the fly when that is allowed."""

import logging

import av
import numpy as np
import pytest

from edge_attp.bitstream import CompressedVideo
from rigs import media

pytestmark = pytest.mark.needs_av

SOURCES = [
    ("mpeg4", "avi", "yuv420p"),
    ("mjpeg", "mkv", "yuvj420p"),
    ("libvpx-vp9", "mkv", "yuv420p"),
    ("rawvideo", "avi", "yuv420p"),
]


@pytest.mark.parametrize("codec, container, pix_fmt", SOURCES)
def test_transcoded_sources_give_pictures_with_their_time_stamps(
    clips, caplog, codec, container, pix_fmt
):
    clip = media.Clip("moving", 96, 80, 30, codec=codec, container=container, pix_fmt=pix_fmt)
    path = clips.path(clip)
    with av.open(str(path)) as source:
        times = [float(frame.pts * frame.time_base) for frame in source.decode(video=0)]
    with caplog.at_level(logging.WARNING, "edge_attp"):
        with CompressedVideo(path, transcode=True) as video:
            assert (video.width, video.height) == (96, 80)
            assert video.codec != "h264"
            pictures = list(video)
    assert len(caplog.messages) == 1
    assert "transcoded" in caplog.messages[0]
    assert sorted(picture.time_s for picture in pictures) == pytest.approx(times, abs=0.002)
    assert all(picture.integrity == "ok" for picture in pictures)
    assert {picture.kind for picture in pictures} == {"I", "P", "B"}
    keys = [p.decode_index for p in pictures if p.is_random_access]
    assert keys[0] == 0 and len(keys) >= 3


def test_transcoded_key_pictures_look_like_the_source(clips):
    path = clips.path(media.Clip("still", 96, 80, 4, codec="mpeg4", container="avi"))
    with av.open(str(path)) as source:
        expected = next(source.decode(video=0)).to_ndarray(format="rgb24")
    with CompressedVideo(path, transcode=True) as video:
        rgb = video.decode_key(next(iter(video)))
    assert np.abs(rgb.astype(int) - expected).mean() < 6


def test_odd_sizes_lose_what_cannot_be_coded(clips, tmp_path):
    path = tmp_path / "odd.avi"
    with av.open(str(path), "w") as output:
        stream = output.add_stream("png", rate=25)
        stream.width, stream.height, stream.pix_fmt = 97, 81, "rgb24"
        for number in range(3):
            frame = av.VideoFrame.from_ndarray(
                np.full((81, 97, 3), 40 * number, np.uint8), format="rgb24"
            )
            frame.pts = number
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    with CompressedVideo(path, transcode=True) as video:
        assert (video.width, video.height) == (96, 80)
        assert len(list(video)) == 3


@pytest.mark.parametrize("encoder, codec", (("libx264", "h264"), ("libx265", "hevc")))
def test_what_is_parsed_is_never_transcoded(clips, caplog, encoder, codec):
    options = {"libx264": media.x264, "libx265": media.x265}[encoder]()
    clip = media.Clip("moving", 96, 80, 12, codec=encoder, container="mp4", options=options)
    with CompressedVideo(clips.path(clip), transcode=True) as video:
        assert video.codec == codec
        assert len(list(video)) == 12
    assert not caplog.messages


def test_transcoded_sources_iterate_again(clips):
    path = clips.path(media.Clip("moving", 96, 80, 12, codec="mpeg4", container="avi"))
    with CompressedVideo(path, transcode=True) as video:
        first = sorted(picture.pts for picture in video)
        assert sorted(picture.pts for picture in video) == first == list(range(12))
