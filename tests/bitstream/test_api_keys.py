"""decode_key() and decode_anchor(): pixels of a few pictures, equal to those of FFmpeg decoding the whole stream."""

import io

import av
import numpy as np
import pytest

from edge_attp.bitstream import CompressedVideo, key_pictures, pyav
from edge_attp.errors import CorruptStream
from rigs import media
from rigs.containers import Shelf
from streamwriter.bits import START_CODE, annex_b
from streamwriter.h264 import handmade

pytestmark = pytest.mark.needs_av

CLIP = media.Clip("moving", 96, 80, 24, options=media.x264(keyint=6, bframes=2, scenecut=0))
HEVC_CLIP = CLIP._replace(
    codec="libx265",
    options=media.x265(keyint=6, min_keyint=6, bframes=2, scenecut=0, open_gop=0, info=0),
)
CLIPS = {"h264": CLIP, "hevc": HEVC_CLIP}
both_codecs = pytest.mark.parametrize("codec", sorted(CLIPS))


def ffmpeg_rgb(path):
    """RGB of every picture, by its place in decoding order, from decoding the whole stream with FFmpeg."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        stream.thread_type = "NONE"
        stream.codec_context.options = {"flags": "unaligned"}
        order, frames = [], {}
        for number, packet in enumerate(container.demux(stream)):
            packet_pts = packet.pts = number if packet.size else None
            order.append(packet_pts)
            for frame in packet.decode():
                frames[frame.pts] = frame.to_ndarray(format="rgb24")
    return frames


@pytest.fixture(scope="module")
def shelf(clips):
    return Shelf(clips)


@both_codecs
@pytest.mark.parametrize("container", ("raw", "mp4", "mkv", "ts"))
def test_key_pictures_equal_ffmpegs_own_decoding(shelf, codec, container):
    expected = ffmpeg_rgb(shelf.path(CLIPS[codec], "mkv"))
    found = {}
    with CompressedVideo(shelf.path(CLIPS[codec], container)) as video:
        for picture in video:
            if picture.is_random_access:
                found[picture.decode_index] = video.decode_key(picture)
    assert sorted(found) == [0, 6, 12, 18]
    for index, rgb in found.items():
        assert (rgb.shape, rgb.dtype) == ((80, 96, 3), np.uint8)
        np.testing.assert_array_equal(rgb, expected[index])


OPEN = {
    "h264": media.x264(keyint=6, bframes=2, open_gop=1, scenecut=0),
    "hevc": media.x265(keyint=6, min_keyint=6, bframes=2, open_gop=1, scenecut=0),
}


@both_codecs
def test_open_gops_have_key_pictures_too(shelf, codec):
    """Recovery points and CRA pictures: not IDR, with B pictures around them."""
    clip = CLIPS[codec]._replace(options=OPEN[codec])
    expected = ffmpeg_rgb(shelf.path(clip, "mkv"))
    with CompressedVideo(shelf.path(clip, "mkv")) as video:
        keys = [picture for picture in video if picture.is_random_access]
        assert len(keys) == 4
        assert [key.is_idr for key in keys] == [True, False, False, False]
        assert {key.nal_unit_name for key in keys[1:]} == {"non-IDR" if codec == "h264" else "CRA"}
        for key in keys:
            np.testing.assert_array_equal(video.decode_key(key), expected[key.decode_index])


@pytest.mark.parametrize("container", ("raw", "mp4"))
def test_the_crop_is_exact(shelf, container):
    """Even at the left, where FFmpeg rounds by default. The clip does not move, so a still
    picture and its cropped twin are coded alike but for the crop."""
    clip = CLIP._replace(options=media.x264(keyint=6, crop_rect="6,2,10,4", qp=10))
    path = shelf.path(clip, container)
    with CompressedVideo(path) as video:
        rgb = video.decode_key(next(iter(video)))
        assert rgb.shape == (video.height, video.width, 3) == (74, 80, 3)
    source = media.Clip.draw(clip)[0][0][2:76, 6:86].astype(int)
    gray = rgb.astype(float) @ (0.299, 0.587, 0.114) * 219 / 255 + 16
    errors = {
        shift: np.abs(gray[:, 8:-8] - np.roll(source, shift, axis=1)[:, 8:-8]).mean()
        for shift in range(-6, 7)
    }
    assert min(errors, key=errors.get) == 0


@both_codecs
@pytest.mark.parametrize("width, height", ((98, 82), (70, 66)))
def test_sizes_that_are_no_multiple_of_8(shelf, codec, width, height):
    clip = CLIPS[codec]._replace(width=width, height=height, pictures=3)
    with CompressedVideo(shelf.path(clip, "raw")) as video:
        assert video.decode_key(next(iter(video))).shape == (height, width, 3)


def test_ten_bits(shelf):
    """Key pictures become 8 bits; the residual keeps its 10."""
    options = media.x265(keyint=6, bframes=2, qp=12)
    clip = HEVC_CLIP._replace(pix_fmt="yuv420p10le", options=options)
    expected = ffmpeg_rgb(shelf.path(clip, "mkv"))
    with CompressedVideo(shelf.path(clip, "mp4")) as video:
        assert (video.bit_depth, video.info().profile) == (10, "Main 10")
        key = next(iter(video))
        np.testing.assert_array_equal(video.decode_key(key), expected[0])
    assert np.abs(key.residual.y).max() > 255


@pytest.mark.not_pyav10  # it knows no matrix of a picture
@pytest.mark.parametrize(
    "matrix, matrix_row", (("bt709", (0.2126, 0.0722)), ("smpte170m", (0.299, 0.114)))
)
@pytest.mark.parametrize("full_range", (False, True))
def test_colours_follow_matrix_and_range(tmp_path, matrix, matrix_row, full_range):
    y, u, v = 120, 90, 180
    path = tmp_path / "flat.mp4"
    with av.open(str(path), "w") as output:
        stream = output.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.options = {"qp": "1", "x264-params": "colormatrix=" + matrix}
        stream.codec_context.color_range = 2 if full_range else 1
        frame = av.VideoFrame(64, 48, "yuv420p")
        for plane, value in zip(frame.planes, (y, u, v)):
            plane.update(bytes([value]) * plane.buffer_size)
        frame.pts = 0
        output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    with CompressedVideo(path) as video:
        found = video.decode_key(next(iter(video)))[20, 20]
    if full_range:
        luma, cb, cr = y, u - 128, v - 128
    else:
        luma, cb, cr = (y - 16) * 255 / 219, (u - 128) * 255 / 224, (v - 128) * 255 / 224
    kr, kb = matrix_row
    red, blue = luma + 2 * (1 - kr) * cr, luma + 2 * (1 - kb) * cb
    green = (luma - kr * red - kb * blue) / (1 - kr - kb)
    assert np.abs(found - np.array([red, green, blue])).max() < 3


@both_codecs
def test_other_pictures_are_refused(shelf, codec):
    with CompressedVideo(shelf.path(CLIPS[codec], "raw")) as video:
        pictures = iter(video)
        next(pictures)
        picture = next(pictures)
        with pytest.raises(ValueError, match=r"picture 1 \(P\) is no random-access picture"):
            video.decode_key(picture)


@both_codecs
def test_a_picture_carries_its_bytes(shelf, codec):
    """decode_key() works in any order, and after the iteration is over."""
    with CompressedVideo(shelf.path(CLIPS[codec]._replace(options=OPEN[codec]), "raw")) as video:
        keys = [picture for picture in video if picture.is_random_access]
        late = [video.decode_key(key) for key in reversed(keys)][::-1]
        at_once = [video.decode_key(p) for p in video if p.is_random_access]
    for one, other in zip(late, at_once):
        np.testing.assert_array_equal(one, other)


@both_codecs
def test_raw_key_pictures_carry_their_own_bytes_only(shelf, codec):
    """Memory: a key picture holds its access unit, not its neighbours."""
    with CompressedVideo(shelf.path(CLIPS[codec], "raw")) as video:
        for picture in video:
            if picture.is_random_access:
                assert len(picture.key_bytes.data) < picture.packet_bytes + 1000
            else:
                assert picture.key_bytes is None


def test_key_pictures_know_the_parameter_sets_in_force():
    """The sets change in mid-stream, and are not repeated at the second key picture after it."""
    second = handmade.stream(gops=2, columns=3, rows=1).split(START_CODE)[1:]
    del second[6:8]  # SPS and PPS of the last GOP
    data = handmade.stream(gops=1) + annex_b(second)
    with CompressedVideo(io.BytesIO(data)) as video:
        keys = [picture for picture in video if picture.is_random_access]
        shapes = [video.decode_key(key).shape for key in keys]
    assert shapes == [(32, 32, 3), (16, 48, 3), (16, 48, 3)]


def test_bytes_that_ffmpeg_cannot_decode():
    with CompressedVideo(io.BytesIO(handmade.stream())) as video:
        picture = next(iter(video))
        picture.key_bytes = picture.key_bytes._replace(data=START_CODE + b"\x65")
        with pytest.raises(CorruptStream, match="cannot decode"):
            video.decode_key(picture)
        other = next(p for p in video if p.is_random_access)
        assert video.decode_key(other).shape == (32, 32, 3), "the decoder still works"


def test_bytes_that_are_not_known():
    """For example after damage, when two pictures begin in what looks like one."""
    with CompressedVideo(io.BytesIO(handmade.stream())) as video:
        picture = next(iter(video))
        picture.key_bytes = None
        with pytest.raises(CorruptStream, match="picture 0: its bytes cannot be told"):
            video.decode_key(picture)


REFRESH = media.x264(keyint=1000, intra_refresh=1, bframes=0)
INFINITE = media.x264(keyint=1000, bframes=3, b_pyramid="normal", scenecut=0)
HEVC_REFRESH = media.x265(keyint=1000, intra_refresh=1, bframes=0)
HEVC_INFINITE = media.x265(keyint=1000, bframes=3, b_pyramid=1, scenecut=0)
LAYERS = media.x265(keyint=1000, bframes=3, b_pyramid=1, scenecut=0, temporal_layers=3)
ENDLESS = [("h264", INFINITE), ("h264", REFRESH)]
ENDLESS += [("hevc", HEVC_INFINITE), ("hevc", HEVC_REFRESH), ("hevc", LAYERS)]


@pytest.mark.parametrize("codec, options", ENDLESS)
@pytest.mark.parametrize("container", ("raw", "mp4"))
@pytest.mark.parametrize("threads", (1, 2))
def test_anchors_equal_ffmpegs_own_decoding(shelf, codec, options, container, threads):
    clip = CLIPS[codec]._replace(options=options, pictures=40)
    expected = ffmpeg_rgb(shelf.path(clip, "mkv"))
    anchors = {}
    with CompressedVideo(shelf.path(clip, container), anchor=8, threads=threads) as video:
        pictures = []
        for picture in video:
            pictures.append(picture)
            if picture.is_anchor:
                anchors[picture.decode_index] = video.decode_anchor(picture)
    assert [p.decode_index for p in pictures] == list(range(40))
    indices = sorted(anchors)
    assert len(indices) >= 4
    assert all(8 <= b - a <= 12 for a, b in zip(indices, indices[1:]))
    assert all(pictures[index].is_reference for index in indices)
    for index, rgb in anchors.items():
        np.testing.assert_array_equal(rgb, expected[index])


def test_anchors_do_not_change_what_is_parsed(shelf):
    path = shelf.path(CLIP._replace(options=INFINITE, pictures=40), "raw")

    def read(anchor):
        with CompressedVideo(path, anchor=anchor) as video:
            for picture in video:
                if picture.is_anchor and picture.decode_index % 3:
                    video.decode_anchor(picture)
                yield picture.kind, picture.motion.mv.tobytes(), picture.residual.y.tobytes()

    assert list(read(5)) == list(read(None))


def test_an_anchor_that_ffmpeg_does_not_give_out(shelf, monkeypatch):
    """One error, after which pictures and other anchors come as before."""
    path = shelf.path(CLIP._replace(options=INFINITE, pictures=40), "raw")

    def read(ahead):
        found, refused = {}, 0
        monkeypatch.setattr(key_pictures, "MAX_AHEAD", ahead)
        with CompressedVideo(path, anchor=8) as video:
            for count, picture in enumerate(video):
                if picture.is_anchor:
                    try:
                        found[count] = video.decode_anchor(picture)
                    except CorruptStream:
                        refused += 1
                        monkeypatch.setattr(key_pictures, "MAX_AHEAD", 48)
        assert count == 39
        return found, refused

    whole, refused = read(ahead=48)
    assert refused == 0
    partly, refused = read(ahead=0)
    assert refused == 1 and len(partly) == len(whole) - 1
    for count, rgb in partly.items():
        np.testing.assert_array_equal(rgb, whole[count])


@both_codecs
def test_random_access_pictures_are_anchors_and_spare_the_decoding(shelf, codec):
    with CompressedVideo(shelf.path(CLIPS[codec], "raw"), anchor=10) as video:
        for picture in video:
            assert picture.is_anchor == picture.is_random_access
            if picture.is_anchor:
                assert video.decode_anchor(picture).shape == (80, 96, 3)


LONGER = {
    "h264": media.x264(keyint=13, min_keyint=13, bframes=3, b_pyramid="normal", scenecut=0),
    "hevc": media.x265(keyint=13, min_keyint=13, bframes=3, open_gop=0, scenecut=0),
    "hevc, open": media.x265(keyint=13, min_keyint=13, bframes=3, open_gop=1, scenecut=0),
}


@pytest.mark.parametrize("name", sorted(LONGER))
def test_random_access_pictures_that_were_read_ahead(shelf, name):
    """An anchor just before a key picture makes FFmpeg read beyond it; later anchors still come right. The
    pictures before a CRA picture in display order are never anchors: FFmpeg leaves them out."""
    clip = CLIPS[name[:4]]._replace(options=LONGER[name], pictures=60)
    expected = ffmpeg_rgb(shelf.path(clip, "mkv"))
    for every in (1, 2, 5, 11, 12):
        with CompressedVideo(shelf.path(clip, "raw"), anchor=every) as video:
            for picture in video:
                if picture.is_anchor:
                    rgb = video.decode_anchor(picture)
                    np.testing.assert_array_equal(rgb, expected[picture.decode_index])


def test_anchors_of_other_pictures_are_refused(shelf):
    path = shelf.path(CLIP._replace(options=INFINITE, pictures=40), "raw")
    with CompressedVideo(path, anchor=8) as video:
        pictures = iter(video)
        anchor = next(p for p in pictures if p.is_anchor and not p.is_random_access)
        later = next(pictures)
        with pytest.raises(ValueError, match="no anchor"):
            video.decode_anchor(later)
        with pytest.raises(ValueError, match="no longer the newest"):
            video.decode_anchor(anchor)
    with CompressedVideo(path) as video:
        assert not any(picture.is_anchor for picture in video)
        with pytest.raises(ValueError, match="no anchor"):
            video.decode_anchor(later)


def test_a_decoder_that_cannot_be_flushed_is_opened_anew(clips, monkeypatch):
    """PyAV 10, the last for Python 3.6, has no flush_buffers()."""
    path = clips.path(CLIP)

    def keys():
        with CompressedVideo(path) as video:
            return [video.decode_key(p) for p in video if p.is_random_access]

    expected, opened = keys(), []
    monkeypatch.setattr(pyav, "reset_decoder", lambda _, make: opened.append(make()) or opened[-1])
    found = keys()
    assert len(found) == len(opened) == 4
    assert all(np.array_equal(a, b) for a, b in zip(found, expected))
    made = object()
    monkeypatch.undo()
    assert pyav.reset_decoder(object(), lambda: made) is made
