"""Transcoding: the same settings whatever the source; unusable sources are named."""

from fractions import Fraction

import av
import numpy as np
import pytest
from data_sets import film

from edge_attp.bitstream import CompressedVideo
from edge_attp.bitstream.orientation import Orientation
from edge_attp.errors import SourceError, UsageError
from edge_attp_export.data.transcode import Encoder, frames, transcode
from rigs import media, turned

pytestmark = [pytest.mark.needs_av, pytest.mark.needs_cv2, pytest.mark.needs_torch]

SMALL = Encoder(width=96, height=80)
CODECS = ["h264", "hevc"]


def pattern(path):
    """Picture types in decoding order; lower case: not a reference."""
    with CompressedVideo(str(path)) as video:
        return "".join(p.kind if p.is_reference else p.kind.lower() for p in video)


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("scene", ["still", "cuts", "noise", "fade"])
def test_picture_types_say_nothing_of_what_is_shown(tmp_path, codec, scene):
    source = film(tmp_path / "a.mkv", scene, 31)
    target = tmp_path / "copy" / "a.mp4"
    assert transcode(source, target, SMALL._replace(codec=codec)) == 31
    assert pattern(target) == "IPBbbPBbbPBbIPBbbPBbbPBbIPBbbPb"
    with CompressedVideo(str(target)) as video:
        keys = [p.decode_index for p in video if p.is_random_access]
        assert (video.codec, video.width, video.height) == (codec, 96, 80)
        assert keys == [0, 12, 24]


@pytest.mark.parametrize("codec", CODECS)
def test_gops_and_b_pictures_are_as_asked(tmp_path, codec):
    source = film(tmp_path / "a.mkv", pictures=11)
    encoder = SMALL._replace(codec=codec, gop=5, b_pictures=1)
    transcode(source, tmp_path / "a.mp4", encoder)
    assert pattern(tmp_path / "a.mp4") == "IPbPbIPbPbI"
    transcode(source, tmp_path / "b.mp4", encoder._replace(b_pictures=0))
    assert pattern(tmp_path / "b.mp4") == "IPPPPIPPPPI"


@pytest.mark.parametrize("orientation", turned.TURNED, ids=str)
def test_copies_are_upright_once(tmp_path, orientation):
    scene = media.moving(96, 64, 3)
    expected = [planes[0] for planes in scene]
    coded = [[turned.coded(orientation, plane) for plane in planes] for planes in scene]
    media.encode(coded, tmp_path / "a.mp4", options=media.x264(qp=4), container="mp4")
    nine = turned.matrix(turned.TERMS[orientation])
    source = turned.with_matrix(tmp_path / "a.mp4", tmp_path / "b.mp4", nine)
    assert transcode(source, tmp_path / "c.mp4", SMALL._replace(height=64, crf=4)) == 3
    assert display_matrix_of(tmp_path / "c.mp4") is None
    for frame, *planes in zip(frames(source, 96, 64), *zip(*scene)):
        made = frame.to_ndarray()
        chroma = made[64:].reshape(2, 32, 48)
        for one, plane in zip([made[:64], *chroma], planes):
            assert np.abs(one.astype(int) - plane).mean() < 3
    with av.open(str(tmp_path / "c.mp4")) as container:
        for frame, plane in zip(container.decode(video=0), expected):
            assert np.abs(frame.to_ndarray()[:64].astype(int) - plane).mean() < 4


def display_matrix_of(path):
    with CompressedVideo(str(path)) as video:
        return video.display_matrix


def test_copies_of_streams_that_say_it_themselves_are_upright(tmp_path):
    scene = media.still(96, 64, 2)
    orientation = Orientation(270, False)
    coded = [[turned.coded(orientation, plane) for plane in planes] for planes in scene]
    raw = media.encode(coded, tmp_path / "a.264", options=media.x264(qp=4))
    message = turned.sei("h264", anticlockwise_rotation=1 << 14)
    raw.write_bytes(turned.with_sei(raw.read_bytes(), "h264", {0: message}))
    made = next(frames(raw, 96, 64)).to_ndarray()
    assert np.abs(made[:64].astype(int) - scene[0][0]).mean() < 3


@pytest.mark.parametrize("rate", [10, Fraction(30000, 1001)])
def test_every_picture_goes_on_at_one_rate(tmp_path, rate):
    source = film(tmp_path / "a.mkv", "noise", 9, rate=rate)
    transcode(source, tmp_path / "a.mp4", SMALL._replace(crf=10))
    with av.open(str(tmp_path / "a.mp4")) as container:
        stream = container.streams.video[0]
        shown = list(container.decode(stream))
        assert stream.average_rate == 25
        assert [frame.time for frame in shown] == pytest.approx([k / 25 for k in range(9)])
    wanted = [frame.to_ndarray() for frame in frames(source, 96, 80)]
    for number, frame in enumerate(shown):
        distances = [np.abs(frame.to_ndarray().astype(int) - other).mean() for other in wanted]
        assert int(np.argmin(distances)) == number


def test_nothing_of_a_source_goes_on_but_its_pictures(tmp_path):
    """Two sources that decode to the same pictures and differ in everything else have the same copy."""
    plain = film(tmp_path / "plain.mkv", options=(("qp", "0"),), size=(96, 80))
    other = tmp_path / "other.mp4"
    with av.open(str(other), "w", format="mp4") as container:
        container.metadata["title"] = "a fight"
        stream = container.add_stream("libx264", rate=50, options={"qp": "0", "bf": "0", "g": "3"})
        stream.width, stream.height, stream.pix_fmt = 96, 80, "yuv420p"
        for number, frame in enumerate(frames(plain, 96, 80)):
            frame.pts, frame.time_base = number, Fraction(1, 50)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    for source in (plain, other):
        transcode(source, tmp_path / f"{source.stem}.copy", SMALL)
    assert (tmp_path / "plain.copy").read_bytes() == (tmp_path / "other.copy").read_bytes()


def test_colours_of_high_definition_become_those_of_the_copy(tmp_path):
    """A BT.709 source is not converted by the matrix of BT.601."""
    red = np.zeros((80, 96, 3), np.uint8) + np.array([200, 40, 30], np.uint8)
    path = tmp_path / "a.mp4"
    with av.open(str(path), "w", format="mp4") as container:
        stream = container.add_stream(
            "libx264", rate=25, options={"qp": "1", "colorspace": "bt709"}
        )
        stream.width, stream.height, stream.pix_fmt = 96, 80, "yuv420p"
        frame = av.VideoFrame.from_ndarray(red, "rgb24")
        frame = frame.reformat(format="yuv420p", src_colorspace="ITU709", dst_colorspace="ITU709")
        for number in range(2):
            frame.pts, frame.time_base = number, Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    for frame in frames(path, 96, 80):
        colour = frame.to_ndarray(format="rgb24").reshape(-1, 3).mean(axis=0)
        np.testing.assert_allclose(colour, red[0, 0], atol=4)


def test_a_clip_of_one_picture_is_refused(tmp_path):
    film(tmp_path / "one.mkv", pictures=1)
    with pytest.raises(SourceError, match="one.mkv: motion needs 2 pictures, found 1"):
        transcode(tmp_path / "one.mkv", tmp_path / "out" / "one.mp4", SMALL)
    assert not list((tmp_path / "out").iterdir())
    film(tmp_path / "two.mkv", pictures=2)
    assert transcode(tmp_path / "two.mkv", tmp_path / "out" / "two.mp4", SMALL) == 2


@pytest.mark.parametrize(
    "content, said",
    [
        (b"no video", "a.mp4: is not a media file that FFmpeg recognises"),
        (b"", "a.mp4: "),
        (None, "a.mp4: No such file"),
    ],
    ids=["garbage", "empty", "missing"],
)
def test_what_is_no_video_is_named(tmp_path, content, said):
    source, target = tmp_path / "a.mp4", tmp_path / "out" / "a.mp4"
    if content is not None:
        source.write_bytes(content)
    with pytest.raises(SourceError, match=said):
        transcode(source, target, SMALL)
    assert not list(target.parent.iterdir())


def test_a_source_that_breaks_off_leaves_nothing_half_written(tmp_path, monkeypatch):
    def broken(*_):
        yield from frames(film(tmp_path / "a.mkv", pictures=5), 96, 80)
        raise SourceError("a.mkv: the disk is gone")

    monkeypatch.setattr("edge_attp_export.data.transcode.frames", broken)
    with pytest.raises(SourceError, match="the disk is gone"):
        transcode(tmp_path / "a.mkv", tmp_path / "out" / "a.mp4", SMALL)
    assert not list((tmp_path / "out").iterdir())


@pytest.mark.parametrize("codec", CODECS)
def test_values_that_an_encoder_does_not_take_are_named(codec):
    SMALL._replace(codec=codec).check()
    with pytest.raises(UsageError, match="libx26[45] rejects .*'preset': 'quick'"):
        SMALL._replace(codec=codec, preset="quick").check()


def test_an_encoder_that_is_not_built_in_is_named(monkeypatch):
    monkeypatch.setattr(av, "codecs_available", {"libx264"})
    SMALL.check()
    with pytest.raises(UsageError, match="this PyAV has no libx265: use the other codec"):
        SMALL._replace(codec="hevc").check()
