"""Key pictures of every colour description: RGB whatever the stream says, and one warning at most."""

import io
import logging

import av
import numpy as np
import pytest
from av import bitstream

from edge_attp.bitstream import CompressedVideo, colours
from edge_attp.errors import CorruptStream
from rigs import media

pytestmark = pytest.mark.needs_av

ENCODERS = {"h264": ("libx264", media.x264), "hevc": ("libx265", media.x265)}
both = pytest.mark.parametrize("codec", sorted(ENCODERS))
UNKNOWN = [8, 10, 11, 12, 13, 14, 15, 16, 17]  # to FFmpeg's converter, in 2026


def described(clips, codec, pictures=1, **values):
    """A raw stream whose VUI says this of its colours."""
    encoder, options = ENCODERS[codec]
    path = clips.path(
        media.Clip("moving", 64, 48, pictures, codec=encoder, options=options(keyint=1))._replace(
            container={"h264": "264", "hevc": "265"}[codec]
        )
    )
    told = ":".join("{}={}".format(*pair) for pair in values.items())
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        change = bitstream.BitStreamFilterContext(f"{codec}_metadata={told}", stream)
        packets = [packet for packet in container.demux(stream) if packet.size]
        return b"".join(bytes(made) for p in packets + [None] for made in change.filter(p))


def rgb(data):
    with CompressedVideo(io.BytesIO(data)) as video:
        return [video.decode_key(picture) for picture in video]


@both
@pytest.mark.parametrize(
    "field", ["matrix_coefficients", "transfer_characteristics", "colour_primaries"]
)
def test_every_value_gives_rgb(clips, codec, field):
    (plain,) = rgb(described(clips, codec))
    values = list(range(24)) + [63, 128, 254, 255]
    for value in values:
        (found,) = rgb(described(clips, codec, **{field: value}))
        assert found.shape == (48, 64, 3) and found.dtype == np.uint8
        assert np.corrcoef(found.ravel(), plain.ravel())[0, 1] > 0.7, value


@both
@pytest.mark.parametrize("full", [0, 1])
def test_unknown_matrices_look_like_their_nearest(clips, codec, full):
    def shown(matrix, **more):
        (found,) = rgb(
            described(clips, codec, matrix_coefficients=matrix, video_full_range_flag=full, **more)
        )
        return found

    narrow, wide = shown(1), shown(9)
    assert (narrow != wide).any()
    for matrix in UNKNOWN:
        assert (shown(matrix) == (wide if matrix in (10, 14, 15) else narrow)).all(), matrix
    for derived in (12, 13):
        assert (shown(derived, colour_primaries=9) == wide).all()


@both
def test_one_warning_for_a_stream(clips, codec, caplog):
    caplog.set_level(logging.WARNING, "edge_attp")
    assert len(rgb(described(clips, codec, 4, matrix_coefficients=14))) == 4
    (record,) = caplog.records
    assert "no conversion for its colours (matrix_coefficients 14); those of BT.2020" in str(
        record.getMessage()
    )


def test_anchors_and_transcoding_take_it_too(clips, tmp_path, caplog):
    data = described(clips, "h264", 4, matrix_coefficients=8)
    with CompressedVideo(io.BytesIO(data), anchor=1) as video:
        assert [video.decode_anchor(picture).shape for picture in video] == [(48, 64, 3)] * 4
    path = tmp_path / "other.mkv"
    with av.open(str(path), "w") as output:
        stream = output.add_stream("ffv1", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv444p"
        stream.codec_context.colorspace = 14
        for planes in media.moving(64, 48, 3):
            frame = media._frame(planes, "yuv420p").reformat(format="yuv444p")
            frame.colorspace = 14
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    with CompressedVideo(path, transcode=True) as video:
        assert len(list(video)) == 3
    assert sum("no conversion" in record.getMessage() for record in caplog.records) >= 1


FORMATS = (
    "gray gray10le gray12le yuv420p yuv420p10le yuv420p12le yuv422p yuv422p10le yuv422p12le "
    "yuv444p yuv444p10le yuv444p12le yuvj420p yuvj422p yuvj444p gbrp gbrp10le gbrp12le yuva420p nv12"
).split()


@pytest.mark.parametrize("name", FORMATS)
def test_every_pixel_format_with_every_matrix(name):
    frame = av.VideoFrame(64, 48, name)
    for matrix in list(range(19)) + [255]:
        for full in (0, 1, 2):
            frame.colorspace, frame.color_range = matrix, full
            found = colours.RgbConverter("x", is_silent=True).to_rgb(frame)
            assert found.shape == (48, 64, 3)


def test_a_format_that_ffmpeg_cannot_convert_is_an_error_that_says_so():
    def refuse(frame, **options):
        raise OSError(95, "Operation not supported")

    converter = colours.RgbConverter("clip.mp4")
    converter._reformat = refuse
    match = r"clip.mp4: FFmpeg cannot convert its pictures \(yuv420p\): Operation not supported"
    with pytest.raises(CorruptStream, match=match):
        converter.to_rgb(av.VideoFrame(64, 48, "yuv420p"))
