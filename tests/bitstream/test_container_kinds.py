"""Containers, file objects, URLs: a stream gives the same pictures wherever it comes from."""

import io
import threading
from fractions import Fraction
from http.server import HTTPServer, SimpleHTTPRequestHandler

import av
import numpy as np
import pytest

from edge_attp.bitstream import CompressedVideo
from edge_attp.errors import SourceError, UnsupportedStream
from rigs import media
from rigs.containers import CAN_FILTER, Shelf, rewrapped

pytestmark = pytest.mark.needs_av

CLIPS = {
    "h264": media.Clip(
        "moving", 96, 80, 30, options=media.x264(keyint=8, bframes=3, b_pyramid="normal", ref=3)
    ),
    "hevc": media.Clip(
        *("moving", 96, 80, 30),
        codec="libx265",
        options=media.x265(keyint=8, bframes=3, b_pyramid=1, open_gop=1, ref=3),
    ),
}
IN_BAND = media.x265(keyint=8, bframes=3, repeat_headers=1)
ENCODERS = {"h264": media.x264, "hevc": media.x265}
RAW = {"h264": "264", "hevc": "265"}
# FFmpeg writes no HEVC into AVI.
EVERYWHERE = [
    (codec, container)
    for codec, containers in (
        ("h264", ("raw", "mp4", "mkv", "ts") + ("avi",) * CAN_FILTER),
        ("hevc", ("raw", "hvc1", "hev1", "mkv", "ts")),
    )
    for container in containers
]
every_container = pytest.mark.parametrize("codec, container", EVERYWHERE)
both_codecs = pytest.mark.parametrize("codec", sorted(CLIPS))


def digest(picture):
    """Everything of a picture that does not depend on its container."""
    arrays = (picture.motion.mv, picture.motion.reference, picture.motion.mode, picture.residual.y)
    facts = (picture.kind, picture.poc, picture.is_random_access, picture.integrity)
    return facts + tuple(array.tobytes() for array in arrays)


@pytest.fixture(scope="module")
def shelf(clips):
    return Shelf(clips)


@pytest.fixture(scope="module")
def expected(shelf):
    """By codec, the digests of its clip's pictures."""
    found = {}
    for codec, clip in CLIPS.items():
        with CompressedVideo(shelf.path(clip, "raw")) as video:
            found[codec] = [digest(picture) for picture in video]
    return found


@every_container
def test_every_container_gives_the_same_pictures(shelf, expected, codec, container):
    with CompressedVideo(shelf.path(CLIPS[codec], container)) as video:
        assert (video.codec, video.width, video.height) == (codec, 96, 80)
        assert [digest(picture) for picture in video] == expected[codec]
    assert len(expected[codec]) == 30
    assert all(integrity == "ok" for _, _, _, integrity, *_ in expected[codec])


@both_codecs
@pytest.mark.parametrize("container", ("mp4", "mkv", "ts"))
def test_time_stamps_are_those_of_the_container(shelf, codec, container):
    path = shelf.path(CLIPS[codec], container)
    with av.open(str(path)) as opened:
        stream = opened.streams.video[0]
        packets = [packet.pts for packet in opened.demux(stream) if packet.size]
        time_base = stream.time_base
    with CompressedVideo(path) as video:
        assert (video.time_base, video.frame_rate) == (time_base, 25)
        pictures = list(video)
    assert [picture.pts for picture in pictures] == packets
    assert [p.time_s for p in pictures] == [
        pytest.approx(float(pts * time_base)) for pts in packets
    ]


@both_codecs
def test_raw_streams_have_a_rate_but_no_time_stamps(shelf, codec):
    with CompressedVideo(shelf.path(CLIPS[codec], "raw")) as video:
        assert (video.frame_rate, video.time_base) == (Fraction(25), None)
        assert next(iter(video)).pts is None


@pytest.mark.parametrize(
    "codec, profile, block_px, poc_step, tool",
    [("h264", "High", 16, 2, "CABAC"), ("hevc", "Main", 64, 1, "temporal-mvp")],
)
def test_info(shelf, codec, profile, block_px, poc_step, tool):
    with CompressedVideo(shelf.path(CLIPS[codec], "mp4")) as video:
        list(video)
        info = video.info()
    assert "mp4" in info.container
    assert (info.codec, info.profile, info.chroma_format) == (codec, profile, "4:2:0")
    assert (info.width, info.height, info.bit_depth) == (96, 80, 8)
    assert (info.block_px, info.poc_step) == (block_px, poc_step)
    assert tool.upper() in " ".join(info.tools).upper()


@every_container
def test_file_objects(shelf, expected, codec, container):
    data = shelf.path(CLIPS[codec], container).read_bytes()
    file = io.BytesIO(data)
    with CompressedVideo(file) as video:
        assert [digest(picture) for picture in video] == expected[codec]
        again = [digest(picture) for picture in video]
    assert again == expected[codec], "a second iteration rewinds"
    assert not file.closed


@both_codecs
def test_a_file_object_is_read_from_where_it_stands(shelf, expected, codec):
    file = io.BytesIO(b"12345" + shelf.path(CLIPS[codec], "raw").read_bytes())
    file.seek(5)
    with CompressedVideo(file) as video:
        assert [digest(picture) for picture in video] == expected[codec]
        assert [digest(picture) for picture in video] == expected[codec]


class Pipe:
    """A binary stream without seek()."""

    def __init__(self, path):
        self._file = open(str(path), "rb")

    def read(self, size):
        return self._file.read(size)

    def close(self):
        self._file.close()


@both_codecs
@pytest.mark.parametrize("container", ("raw", "mkv", "ts"))
def test_pipes(shelf, expected, codec, container):
    pipe = Pipe(shelf.path(CLIPS[codec], container))
    with CompressedVideo(pipe) as video:
        assert [digest(picture) for picture in video] == expected[codec]
        with pytest.raises(SourceError, match="only once"):
            iter(video)
    pipe.close()


@both_codecs
def test_paths_iterate_again(shelf, expected, codec):
    with CompressedVideo(str(shelf.path(CLIPS[codec], "mp4"))) as video:
        next(iter(video))
        assert [digest(picture) for picture in video] == expected[codec]
        assert [digest(picture) for picture in video] == expected[codec]


@both_codecs
@pytest.mark.parametrize("name", ("no_suffix", "clip.bit", "clip.BIN", "wrong.264", "wrong.h265"))
def test_first_bytes_say_more_than_the_suffix(shelf, expected, tmp_path, codec, name):
    for container in ("raw", "mp4", "mkv", "ts"):
        path = tmp_path / name
        path.write_bytes(shelf.path(CLIPS[codec], container).read_bytes())
        with CompressedVideo(path) as video:
            assert [digest(picture) for picture in video] == expected[codec]


@pytest.mark.parametrize("end", (b"\x48\1", b"\x4a\1"), ids=("of sequence", "of bitstream"))
def test_hevc_may_begin_with_the_end_of_what_was_cut_off(shelf, expected, tmp_path, end):
    path = tmp_path / "clip.bin"
    path.write_bytes(b"\0\0\0\1" + end + shelf.path(CLIPS["hevc"], "raw").read_bytes())
    with CompressedVideo(path) as video:
        assert [digest(picture) for picture in video] == expected["hevc"]


@both_codecs
def test_the_suffix_decides_where_first_bytes_say_nothing(shelf, expected, tmp_path, codec):
    data = b"rubbish before the first start code" + shelf.path(CLIPS[codec], "raw").read_bytes()
    path = tmp_path / ("clip." + RAW[codec])
    path.write_bytes(data)
    for arguments in ({}, {"container_format": codec}, {"container_format": "annexb"}):
        with CompressedVideo(path, **arguments) as video:
            assert [digest(picture) for picture in video] == expected[codec]
    with CompressedVideo(io.BytesIO(data), container_format=codec) as video:
        assert [digest(picture) for picture in video] == expected[codec]


class QuietHandler(SimpleHTTPRequestHandler):
    """Python 3.6 cannot be told a folder."""

    folder = None

    def translate_path(self, path):
        return str(self.folder / path.lstrip("/"))

    def log_message(self, *arguments):
        pass


@pytest.fixture
def web_folder(tmp_path):
    handler = type("Handler", (QuietHandler,), {"folder": tmp_path})
    server = HTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield tmp_path, f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    thread.join()
    server.server_close()


@both_codecs
@pytest.mark.parametrize("container", ("raw", "ts", "mkv"))
def test_urls(shelf, expected, web_folder, codec, container):
    folder, address = web_folder
    path = shelf.path(CLIPS[codec], container)
    (folder / path.name).write_bytes(path.read_bytes())
    with CompressedVideo(address + path.name) as video:
        assert [digest(picture) for picture in video] == expected[codec]


def test_a_url_that_is_not_there(web_folder):
    with pytest.raises(SourceError, match=r"none\.mp4"):
        CompressedVideo(web_folder[1] + "none.mp4")


def test_edit_lists_keep_the_streams_time_stamps(tmp_path):
    """A leading gap of the presentation shows in the pts, and no picture is left out."""
    path = tmp_path / "late.mp4"
    with av.open(str(path), "w") as output:
        stream = output.add_stream("libx264", rate=25, options={"bf": "2"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.codec_context.time_base = Fraction(1, 25)
        for number in range(12):
            frame = av.VideoFrame.from_ndarray(np.full((72, 64), 9 * number, np.uint8), "yuv420p")
            frame.pts, frame.time_base = number + 50, Fraction(1, 25)
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    with CompressedVideo(path) as video:
        times = sorted(picture.time_s for picture in video)
    assert times == pytest.approx([(number + 50) / 25 for number in range(12)])


SECOND_PARTS = {
    "tools": {"h264": dict(bframes=0, cabac=0, qp=20), "hevc": dict(bframes=0, ctu=16, qp=20)},
    "size": {"h264": dict(bframes=2), "hevc": dict(bframes=2)},
}


@both_codecs
@pytest.mark.parametrize("change", sorted(SECOND_PARTS))
@pytest.mark.parametrize("container", ("mp4", "mkv", "ts"))
def test_parameter_sets_that_change_in_mid_stream(clips, tmp_path, codec, change, container):
    """Two encodings in one container; the second one brings its parameter sets in band."""
    first = CLIPS[codec]._replace(pictures=8, container=RAW[codec])
    options = ENCODERS[codec](**SECOND_PARTS[change][codec])
    width, height = (64, 112) if change == "size" else (96, 80)
    second = first._replace(seed=5, options=options, width=width, height=height)
    joined = tmp_path / ("joined." + RAW[codec])
    joined.write_bytes(clips.path(first).read_bytes() + clips.path(second).read_bytes())
    path = rewrapped(joined, tmp_path / ("joined." + container))
    with CompressedVideo(joined) as video:
        pictures = list(video)
        expected = [digest(picture) for picture in pictures]
        rgb = [video.decode_key(picture).shape for picture in pictures if picture.is_idr]
    assert [picture.shape for picture in pictures] == [(80, 96)] * 8 + [(height, width)] * 8
    assert all(picture.integrity == "ok" for picture in pictures)
    assert rgb == [(80, 96, 3), (height, width, 3)]
    with CompressedVideo(path) as video:
        assert [digest(picture) for picture in video] == expected


def test_parameter_sets_in_band_only(shelf, tmp_path):
    """An hvcC record without any: they come in the packets, as the sample entry "hev1" allows."""
    data = bytearray(shelf.path(CLIPS["hevc"]._replace(options=IN_BAND), "hev1").read_bytes())
    data[data.index(b"hvcC") + 4 + 22] = 0  # numOfArrays
    path = tmp_path / "in_band.mp4"
    path.write_bytes(bytes(data))
    with CompressedVideo(path) as video:
        pictures = list(video)
        assert video.decode_key(pictures[0]).shape == (80, 96, 3)
    assert [picture.integrity for picture in pictures] == ["ok"] * 30


class FakePacket:
    size = 4
    pts = dts = 0
    is_corrupt = is_keyframe = False

    def __init__(self, data, extradata=None):
        self._data, self._extradata = data, extradata

    def __bytes__(self):
        return self._data

    def has_sidedata(self, kind):
        return kind == "new_extradata" and self._extradata is not None

    def get_sidedata(self, kind):
        return self._extradata


def test_parameter_sets_that_change_beside_the_packets(shelf):
    """FFmpeg's new_extradata: the sets are sent before the packet with which they take effect."""
    from edge_attp.bitstream import nal, packets

    source = packets.open_source(str(shelf.path(CLIPS["h264"], "mp4")))
    unit = b"\x67\x42\xc0\x1e\x95"
    record = bytes([1, 66, 192, 30, 0xFF, 0xE1, 0, len(unit)]) + unit + b"\0"
    assert source._packet_bytes(FakePacket(b"data", record)) == nal.join([unit], 4) + b"data"
    assert source._packet_bytes(FakePacket(b"data")) == b"data"
    other_length = record[:4] + b"\xfd" + record[5:]
    with pytest.raises(UnsupportedStream, match="from 4 to 2 bytes"):
        source._packet_bytes(FakePacket(b"data", other_length))
    source.close()
