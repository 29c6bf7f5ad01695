"""How the picture of a stream must be turned: determined as FFmpeg does, and applied to everything a video gives."""

import logging
import struct

import av
import numpy as np
import pytest

from edge_attp.bitstream import CompressedVideo, pyav
from edge_attp.bitstream.mp4 import read_file_matrix
from edge_attp.bitstream.orientation import UPRIGHT, Orientation, from_matrix
from edge_attp.sources.live import LiveSource
from edge_attp.sources.recorder import PacketRing, RecordedSource, write_mp4
from rigs import media, turned
from rigs.containers import rewrapped

pytestmark = pytest.mark.needs_av

QUARTER = 1 << 14  # a quarter turn in units of anticlockwise_rotation
HANDS_ON = hasattr(
    av.container.OutputContainer, "add_stream_from_template"
)  # PyAV before 14 loses it
EACH = pytest.mark.parametrize("orientation", turned.TURNED, ids=str)
PARAMETERS = dict(keyint=8, min_keyint=8, bframes=2)
CLIPS = {
    "h264": media.Clip("fade", 80, 64, 20, options=media.x264(scenecut=0, weightp=2, **PARAMETERS)),
    "hevc": media.HevcClip(
        "fade", 80, 64, 20, options=media.x265(scenecut=0, open_gop=0, weightp=1, **PARAMETERS)
    ),
}


@pytest.fixture(params=sorted(CLIPS))
def codec(request):
    return request.param


@pytest.fixture
def mp4(clips, codec):
    return clips.path(CLIPS[codec]._replace(container="mp4"))


@pytest.fixture
def raw(clips, codec):
    return clips.path(CLIPS[codec]).read_bytes()


def orientation_of(source, **options):
    with CompressedVideo(source, **options) as video:
        return Orientation(video.rotation_deg, video.is_mirrored)


def witness(path):
    """The matrix that FFmpeg's decoder gives with the first picture."""
    with av.open(str(path)) as container:
        return pyav.frame_matrix(next(container.decode(video=0)))


def wrapped(path, target, options=None):
    """The same packets in another container, with what FFmpeg knows of their presentation."""
    with av.open(str(path)) as source, av.open(str(target), "w", options=options or {}) as output:
        stream = source.streams.video[0]
        copy = output.add_stream_from_template(stream, opaque=True)
        for packet in source.demux(stream):
            if packet.size:
                packet.stream = copy
                output.mux(packet)
    return target


# Finding out ----------------------------------------------------------------------------


@EACH
def test_a_track_says_how_it_is_to_be_turned(mp4, tmp_path, orientation):
    nine = turned.matrix(turned.TERMS[orientation])
    path = turned.with_matrix(mp4, tmp_path / "turned.mp4", nine)
    with CompressedVideo(path) as video:
        assert video.display_matrix == nine
        assert (video.rotation_deg, video.is_mirrored) == orientation
        assert (video.width, video.height) == (80, 64)
        info = video.info()
    assert (info.rotation_deg, info.is_mirrored, info.display_matrix) == orientation + (nine,)
    if HANDS_ON:  # older versions of FFmpeg as well
        assert witness(path) == nine


def test_what_says_nothing_is_upright(mp4, raw, tmp_path, codec):
    path = tmp_path / "raw"
    path.write_bytes(raw)
    for source in (mp4, path):
        with CompressedVideo(source, oriented=True) as video:
            assert (video.rotation_deg, video.is_mirrored, video.display_matrix) == (0, False, None)
            assert not next(iter(video)).motion.mode.flags.owndata  # a view, as always


@pytest.mark.skipif(not HANDS_ON, reason="PyAV before 14")
@pytest.mark.parametrize("orientation", turned.TURNED[1::2], ids=str)
@pytest.mark.parametrize(
    "name, options",
    [
        ("a.mov", {}),
        ("a.mkv", {}),
        ("fragments.mp4", {"movflags": "frag_keyframe+empty_moov"}),
        ("first.mp4", {"movflags": "faststart"}),
        ("list.m3u8", {"hls_segment_type": "fmp4"}),
    ],
)
def test_other_containers_say_it_too(mp4, tmp_path, orientation, name, options):
    nine = turned.matrix(turned.TERMS[orientation])
    path = turned.with_matrix(mp4, tmp_path / "turned.mp4", nine)
    path = wrapped(path, tmp_path / name, options)
    assert orientation_of(path) == orientation
    assert from_matrix(witness(path)).orientation == orientation
    if name.endswith(("mp4", "mov")):
        assert read_file_matrix(str(path), 1) == nine
        with open(str(path), "rb") as file:
            file.seek(5)
            assert read_file_matrix(file, 1) == nine and file.tell() == 5


@pytest.mark.skipif(not HANDS_ON, reason="PyAV before 14")
@pytest.mark.parametrize("film", turned.TURNED[::3], ids=str)
@pytest.mark.parametrize("scale", [(turned.ONE, turned.ONE), (turned.ONE // 2, 3 * turned.ONE)])
def test_the_film_is_turned_after_its_track(mp4, tmp_path, film, scale):
    track = turned.matrix(turned.TERMS[Orientation(90, False)], scale)
    path = turned.with_matrix(mp4, tmp_path / "turned.mp4", track[:6] + (7 << 16, -5, 1 << 30))
    data = bytearray(path.read_bytes())
    at = data.index(b"mvhd") + 4 + 36
    data[at : at + 36] = struct.pack(">9i", *turned.matrix(turned.TERMS[film]))
    path.write_bytes(bytes(data))
    nine = witness(path)
    assert read_file_matrix(str(path), 1) == nine
    with CompressedVideo(path) as video:
        assert video.display_matrix == nine
        assert (video.rotation_deg, video.is_mirrored) == from_matrix(nine).orientation
    turn, back = turned.TERMS[film], turned.TERMS[Orientation(90, False)]
    product = np.reshape(back, (2, 2)) @ np.reshape(turn, (2, 2))
    assert turned.TERMS[from_matrix(nine).orientation] == tuple(product.ravel())


@pytest.mark.parametrize("nine", [(0,) * 9, (turned.ONE,) * 9, (-(1 << 31),) * 9])
def test_a_matrix_of_nonsense_turns_nothing(mp4, tmp_path, nine):
    path = turned.with_matrix(mp4, tmp_path / "turned.mp4", nine)
    assert orientation_of(path, oriented=True) == UPRIGHT


def box(kind, *contents, wide=False):
    data = b"".join(contents)
    if wide:
        return struct.pack(">I4sQ", 1, kind, len(data) + 16) + data
    return struct.pack(">I4s", len(data) + 8, kind) + data


def header(kind, version, before, nine):
    """mvhd or tkhd up to the matrix. before: bytes in front of it, of version 0 and 1."""
    return box(kind, bytes([version]) + bytes(before[version] - 1), struct.pack(">9i", *nine))


def track_header(version, track_id, nine):
    made = bytearray(header(b"tkhd", version, (40, 52), nine))
    made[8 + (12, 20)[version] : 12 + (12, 20)[version]] = track_id.to_bytes(4, "big")
    return bytes(made)


@pytest.mark.parametrize("version", [0, 1])
@pytest.mark.parametrize("wide", [False, True])
def test_boxes_of_every_kind_are_read(tmp_path, version, wide):
    quarter, mirror = (turned.TERMS[Orientation(*which)] for which in ((90, False), (0, True)))
    film = header(b"mvhd", version, (36, 48), turned.matrix(mirror))
    tracks = [
        box(b"trak", box(b"edts"), track_header(version, number, turned.matrix(terms)))
        for number, terms in ((1, mirror), (7, quarter))
    ]
    moov = box(b"moov", film, *tracks, wide=wide)
    path = tmp_path / "film.mp4"
    path.write_bytes(box(b"ftyp", b"isom") + box(b"mdat", bytes(50), wide=wide) + moov + b"\0\0")
    assert read_file_matrix(str(path), 1) is None  # mirrored twice
    # Turned by a quarter, then mirrored: right becomes down, down becomes right.
    assert read_file_matrix(str(path), 7)[:5] == (0, turned.ONE, 0, turned.ONE, 0)
    assert read_file_matrix(str(path), 2) is None
    whole = path.read_bytes()
    for length in range(0, len(whole), 3):
        path.write_bytes(whole[:length])
        read_file_matrix(str(path), 7)


@pytest.mark.parametrize("hor_flip, ver_flip", [(0, 0), (0, 1), (1, 0), (1, 1)])
def test_a_stream_says_how_it_is_to_be_turned(raw, tmp_path, codec, hor_flip, ver_flip):
    for quarters in range(4):
        message = turned.sei(codec, hor_flip, ver_flip, quarters * QUARTER)
        path = tmp_path / f"stream.{codec}"
        path.write_bytes(turned.with_sei(raw, codec, {0: message}))
        told = witness(path)
        expected = UPRIGHT if told is None else from_matrix(told).orientation
        assert orientation_of(path) == expected
        assert expected.is_mirrored == (hor_flip != ver_flip)


@pytest.mark.skipif(not HANDS_ON, reason="FFmpeg before 7 prefers the container")
def test_the_stream_goes_before_its_container(raw, tmp_path, codec):
    path = tmp_path / f"stream.{codec}"
    nine = turned.matrix(turned.TERMS[Orientation(180, True)])
    for message, expected in (
        (turned.sei(codec, 0, 0, QUARTER), Orientation(270, False)),
        (turned.sei(codec), Orientation(180, True)),
        (turned.sei(codec, cancel=True), Orientation(180, True)),
    ):
        path.write_bytes(turned.with_sei(raw, codec, {0: message}))
        boxed = rewrapped(path, tmp_path / "stream.mp4")
        boxed = turned.with_matrix(boxed, tmp_path / "turned.mp4", nine)
        assert orientation_of(boxed) == expected == from_matrix(witness(boxed)).orientation


@pytest.mark.parametrize("is_boxed", [False, True])
def test_what_changes_is_told_once(raw, tmp_path, codec, caplog, is_boxed):
    path = tmp_path / f"stream.{codec}"
    first, other = turned.sei(codec, 0, 0, QUARTER), turned.sei(codec, 1, 0, QUARTER)
    for messages, warnings in (
        ({0: first, 8: first, 16: first}, 0),
        ({0: first, 8: other, 9: first, 16: other}, 1),
        ({0: first, 8: turned.sei(codec, cancel=True)}, 1),
        ({8: first, 16: first}, 1),
        ({0: turned.sei(codec), 8: turned.sei(codec, cancel=True)}, 0),
    ):
        path.write_bytes(turned.with_sei(raw, codec, messages))
        source = rewrapped(path, tmp_path / "stream.mp4") if is_boxed else path
        caplog.clear()
        with CompressedVideo(source, oriented=True) as video:
            shapes = {picture.shape for picture in video}
        assert len(shapes) == 1
        assert [record.levelno for record in caplog.records] == warnings * [logging.WARNING]
        assert all("the first one is kept" in message for message in caplog.messages)


@pytest.mark.parametrize("later, warnings", [(QUARTER, 0), (3 * QUARTER, 1)])
def test_a_stream_that_repeats_its_container_changes_nothing(
    raw, tmp_path, codec, caplog, later, warnings
):
    path = tmp_path / f"stream.{codec}"
    path.write_bytes(turned.with_sei(raw, codec, {8: turned.sei(codec, 0, 0, later)}))
    nine = turned.matrix(turned.TERMS[Orientation(270, False)])
    boxed = rewrapped(path, tmp_path / "stream.mp4")
    boxed = turned.with_matrix(boxed, tmp_path / "turned.mp4", nine)
    with CompressedVideo(boxed, oriented=True) as video:
        assert video.rotation_deg == 270
        list(video)
    assert len(caplog.messages) == warnings


@pytest.mark.parametrize("angle_deg, nearest", [(30, 0), (100, 90), (200, 180), (330, 0)])
def test_another_angle_is_told_once(mp4, tmp_path, caplog, angle_deg, nearest):
    angle = np.deg2rad(angle_deg)
    terms = [int(round(value * turned.ONE)) for value in (np.cos(angle), np.sin(angle))]
    nine = turned.matrix((terms[0], terms[1], -terms[1], terms[0]), (1, 1))
    path = turned.with_matrix(mp4, tmp_path / "turned.mp4", nine)
    with CompressedVideo(path, oriented=True) as video:
        assert (video.rotation_deg, video.is_mirrored) == (nearest, False)
        assert video.display_matrix == nine
        list(video)
    assert len(caplog.messages) == 1 and f"{angle_deg}.0 degrees" in caplog.messages[0]


# Turning --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def as_coded(clips):
    """What a clip gives as it is coded, by codec."""
    found = {}
    for name, clip in CLIPS.items():
        with CompressedVideo(clips.path(clip._replace(container="mp4")), anchor=3) as video:
            found[name] = [_contents(video, picture) for picture in video]
    return found


def _contents(video, picture):
    """(motion, residual, RGB of a key picture, RGB of an anchor)."""
    key = video.decode_key(picture) if picture.is_random_access else None
    anchor = video.decode_anchor(picture) if picture.is_anchor else None
    motion, residual = picture.motion, picture.residual
    planes = [residual.y, residual.u, residual.v]
    return [
        motion.mode,
        motion.reference,
        motion.mv,
        motion.flow(),
        motion.weights,
        planes,
        key,
        anchor,
    ]


@EACH
def test_everything_is_turned(mp4, tmp_path, codec, orientation, as_coded):
    path = turned.with_matrix(
        mp4, tmp_path / "turned.mp4", turned.matrix(turned.TERMS[orientation])
    )
    a, b, c, d = turned.TERMS[orientation]
    seen = set()
    with CompressedVideo(path, anchor=3, oriented=True) as video:
        assert (video.width, video.height) == ((64, 80) if a == 0 else (80, 64))
        for picture, expected in zip(video, as_coded[codec]):
            mode, reference, mv, flow, weights, planes, key, anchor = _contents(video, picture)
            assert picture.shape == (video.height, video.width) == planes[0].shape
            assert np.array_equal(mode, turned.shown(orientation, expected[0]))
            for k in range(2):
                assert np.array_equal(reference[k], turned.shown(orientation, expected[1][k]))
                x, y = np.rollaxis(turned.shown(orientation, expected[2][k]), 2)
                assert np.array_equal(mv[k], np.stack([a * x + c * y, b * x + d * y], 2))
            x, y = (turned.shown(orientation, plane) for plane in expected[3])
            assert np.array_equal(flow, [a * x + c * y, b * x + d * y])
            assert (weights is None) == (expected[4] is None)
            if weights is not None:
                seen.add("weights")
                assert weights.log2_denom == expected[4].log2_denom
                for name in (
                    "weight",
                    "offset",
                    "cb_weight",
                    "cb_offset",
                    "cr_weight",
                    "cr_offset",
                ):
                    for one, coded in zip(getattr(weights, name), getattr(expected[4], name)):
                        assert np.array_equal(one, turned.shown(orientation, coded))
            for plane, coded in zip(planes, expected[5]):
                assert np.array_equal(plane, turned.shown(orientation, coded))
                assert plane.flags.c_contiguous and not plane.flags.writeable
            for name, rgb, coded in (("key", key, expected[6]), ("anchor", anchor, expected[7])):
                assert (rgb is None) == (coded is None)
                if rgb is not None:
                    seen.add(name)
                    assert np.array_equal(rgb, turned.shown(orientation, coded))
                    assert rgb.flags.c_contiguous
            for array in (mode, reference, mv):
                assert not array.flags.writeable
    assert seen == {"key", "anchor", "weights"}


@pytest.mark.parametrize("pix_fmt, size", [("yuv420p", (90, 70)), ("gray", (61, 47))])
@EACH
def test_sides_that_are_no_multiple_of_a_block(tmp_path, orientation, pix_fmt, size):
    width, height = size
    half = (height + 1) // 2, (width + 1) // 2
    scene = [
        (y[:height, :width], u[: half[0], : half[1]], v[: half[0], : half[1]])
        for y, u, v in media.moving(92, 72, 3)
    ]
    drawn = tmp_path / "drawn.mp4"
    media.encode(scene, drawn, options=media.x264(bframes=0), container="mp4", pix_fmt=pix_fmt)
    nine = turned.matrix(turned.TERMS[orientation])
    path = turned.with_matrix(drawn, tmp_path / "turned.mp4", nine)
    with CompressedVideo(path) as one, CompressedVideo(path, oriented=True) as other:
        for coded, upright in zip(one, other):
            height, width = upright.shape
            assert upright.motion.mode.shape == (-(-height // 4), -(-width // 4))
            assert upright.motion.flow().shape[1:] == upright.motion.mode.shape
            for name in "yuv":
                plane, before = (getattr(picture.residual, name) for picture in (upright, coded))
                assert np.array_equal(plane, turned.shown(orientation, before))


def test_every_way_of_reading_is_turned(mp4, tmp_path):
    nine = turned.matrix(turned.TERMS[Orientation(90, False)])
    path = str(turned.with_matrix(mp4, tmp_path / "turned.mp4", nine))
    with CompressedVideo(path, oriented=True, threads=2) as video:
        for read in (
            video.__iter__,
            video.__iter__,
            lambda: video.sample(per_gop=2, seed=0, keys=True),
        ):
            assert {p.motion.flow().shape for p in read()} == {(2, 20, 16)}
    with open(path, "rb") as file, CompressedVideo(file, oriented=True) as video:
        assert [p.shape for p in video] == [(80, 64)] * 20


# Sources that are not read from a file as it is -------------------------------------------


@pytest.mark.parametrize("make", [LiveSource, None], ids=["live", "recorded"])
def test_clips_keep_the_matrix(mp4, tmp_path, make):
    orientation = Orientation(270, True)
    nine = turned.matrix(turned.TERMS[orientation])
    path = str(turned.with_matrix(mp4, tmp_path / "turned.mp4", nine))
    ring = PacketRing()
    source = LiveSource(path, recorder=ring) if make else RecordedSource(path, ring)
    with CompressedVideo(source, oriented=True) as video:
        pictures = iter(video)
        assert [next(pictures).shape for _ in range(20)] == [(80, 64)] * 20
        found = video.display_matrix
    assert found == nine
    cut = ring.cut(0.0, 9.0, is_last=True)
    target = str(tmp_path / "clip.mp4")
    write_mp4(target, cut.packets, cut.time_base, display_matrix=found)
    with CompressedVideo(target) as clip:
        assert clip.display_matrix == nine and len(list(clip)) == len(cut.packets)
    if HANDS_ON:
        assert witness(target) == nine


def test_side_data_that_pyav_does_not_know_harms_nothing():
    class Frame:
        rotation = -90

        @property
        def side_data(self):
            raise ValueError("31 is not a valid Type")

    told = from_matrix(pyav.frame_matrix(Frame()))
    assert told.orientation == Orientation(90, False) and told.is_right_angle


@pytest.mark.parametrize("codec, container", [("mpeg4", "mp4"), ("mjpeg", "mov")])
def test_transcoding_keeps_the_matrix(clips, tmp_path, codec, container):
    pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
    clip = media.Clip("still", 80, 64, 4, codec=codec, container=container, pix_fmt=pix_fmt)
    orientation = Orientation(90, False)
    nine = turned.matrix(turned.TERMS[orientation])
    path = turned.with_matrix(clips.path(clip), tmp_path / ("turned." + container), nine)
    scene = clip.draw()[0][0]
    for source in (path, RecordedSource(str(path), PacketRing())):
        options = {} if isinstance(source, RecordedSource) else {"transcode": True}
        with CompressedVideo(source, oriented=True, **options) as video:
            assert video.display_matrix == nine and (video.width, video.height) == (64, 80)
            rgb = video.decode_key(next(iter(video)))
        luma = rgb @ np.array([0.299, 0.587, 0.114]) * 219 / 255 + 16
        assert np.abs(luma - turned.shown(orientation, scene)).mean() < 6
