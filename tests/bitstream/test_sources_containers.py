"""Containers, file objects, URLs: the same stream gives the same pictures wherever it comes from."""

import io
import threading
from fractions import Fraction
from functools import partial
from http.server import HTTPServer, SimpleHTTPRequestHandler

import numpy as np
import pytest

av = pytest.importorskip("av")

from containers import Shelf, added_copy  # noqa: E402

from edge_attp.bitstream import CompressedVideo  # noqa: E402
from edge_attp.errors import SourceError, UnsupportedStream  # noqa: E402
from support import media  # noqa: E402

OPTIONS = media.x264(keyint=8, bframes=3, b_pyramid="normal", ref=3)
CLIP = media.Clip("moving", 96, 80, 30, options=OPTIONS)
CONTAINERS = ("264", "mp4", "mkv", "ts", "avi")


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
    with CompressedVideo(shelf.path(CLIP, "264")) as video:
        return [digest(picture) for picture in video]


@pytest.mark.parametrize("container", CONTAINERS)
def test_every_container_gives_the_same_pictures(shelf, expected, container):
    with CompressedVideo(shelf.path(CLIP, container)) as video:
        assert (video.codec, video.width, video.height) == ("h264", 96, 80)
        assert [digest(picture) for picture in video] == expected
    assert len(expected) == 30


@pytest.mark.parametrize("container", ("mp4", "mkv", "ts"))
def test_time_stamps_are_those_of_the_container(shelf, container):
    path = shelf.path(CLIP, container)
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


def test_raw_streams_have_a_rate_but_no_time_stamps(shelf):
    with CompressedVideo(shelf.path(CLIP, "264")) as video:
        assert (video.frame_rate, video.time_base) == (Fraction(25), None)
        assert next(iter(video)).pts is None


def test_info(shelf):
    with CompressedVideo(shelf.path(CLIP, "mp4")) as video:
        list(video)
        info = video.info()
    assert "mp4" in info.container
    assert (info.codec, info.profile, info.chroma_format) == ("h264", "High", "4:2:0")
    assert (info.width, info.height, info.bit_depth) == (96, 80, 8)
    assert info.poc_step == 2
    assert "CABAC" in " ".join(info.tools).upper()


@pytest.mark.parametrize("container", CONTAINERS)
def test_file_objects(shelf, expected, container):
    data = shelf.path(CLIP, container).read_bytes()
    file = io.BytesIO(data)
    with CompressedVideo(file) as video:
        assert [digest(picture) for picture in video] == expected
        assert [digest(picture) for picture in video] == expected, "a second iteration rewinds"
    assert not file.closed


def test_a_file_object_is_read_from_where_it_stands(shelf, expected):
    file = io.BytesIO(b"12345" + shelf.path(CLIP, "264").read_bytes())
    file.seek(5)
    with CompressedVideo(file) as video:
        assert [digest(picture) for picture in video] == expected
        assert [digest(picture) for picture in video] == expected


class Pipe:
    """A binary stream without seek()."""

    def __init__(self, path):
        self._file = open(str(path), "rb")

    def read(self, size):
        return self._file.read(size)

    def close(self):
        self._file.close()


@pytest.mark.parametrize("container", ("264", "mkv", "ts"))
def test_pipes(shelf, expected, container):
    pipe = Pipe(shelf.path(CLIP, container))
    with CompressedVideo(pipe) as video:
        assert [digest(picture) for picture in video] == expected
        with pytest.raises(SourceError, match="only once"):
            iter(video)
    pipe.close()


def test_paths_iterate_again(shelf, expected):
    with CompressedVideo(str(shelf.path(CLIP, "mp4"))) as video:
        next(iter(video))
        assert [digest(picture) for picture in video] == expected
        assert [digest(picture) for picture in video] == expected


def test_without_file_name_suffix(shelf, expected, tmp_path):
    for container in ("264", "mp4"):
        path = tmp_path / ("no_suffix_" + container)
        path.write_bytes(shelf.path(CLIP, container).read_bytes())
        with CompressedVideo(path) as video:
            assert [digest(picture) for picture in video] == expected


class QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, *arguments):
        pass


@pytest.fixture
def web_folder(tmp_path):
    server = HTTPServer(("127.0.0.1", 0), partial(QuietHandler, directory=str(tmp_path)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield tmp_path, "http://127.0.0.1:{}/".format(server.server_port)
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("container", ("264", "ts", "mkv"))
def test_urls(shelf, expected, web_folder, container):
    folder, address = web_folder
    name = "clip." + container
    (folder / name).write_bytes(shelf.path(CLIP, container).read_bytes())
    with CompressedVideo(address + name) as video:
        assert [digest(picture) for picture in video] == expected


def test_a_url_that_is_not_there(web_folder):
    with pytest.raises(SourceError, match=r"none\.mp4"):
        CompressedVideo(web_folder[1] + "none.mp4")


def test_edit_lists_keep_the_streams_time_stamps(tmp_path):
    """A leading gap of the presentation is in the pts, and no picture is left out."""
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


@pytest.mark.parametrize("container", ("mp4", "mkv", "ts"))
def test_parameter_sets_that_change_in_mid_stream(tmp_path, container):
    """Two encodings in one container; the second one brings its parameter sets in band."""
    first = media.encode(media.moving(96, 80, 8), tmp_path / "a.264", options=OPTIONS)
    other = media.x264(bframes=0, cabac=0, qp=20)
    second = media.encode(media.moving(96, 80, 8, seed=5), tmp_path / "b.264", options=other)
    joined = tmp_path / "joined.264"
    joined.write_bytes(first.read_bytes() + second.read_bytes())
    path = tmp_path / ("joined." + container)
    with av.open(str(joined), format="h264") as source, av.open(str(path), "w") as output:
        stream = source.streams.video[0]
        target = added_copy(output, stream)
        for number, packet in enumerate(source.demux(stream)):
            if packet.size:
                packet.stream, packet.time_base = target, Fraction(1, 25)
                packet.pts = packet.dts = number
                packet.duration = 1
                output.mux(packet)
    with CompressedVideo(joined) as video:
        expected = [digest(picture) for picture in video]
    assert len(expected) == 16
    with CompressedVideo(path) as video:
        assert [digest(picture) for picture in video] == expected


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
    """FFmpeg's new_extradata: the sets are sent before the packet that they begin to hold with."""
    from edge_attp.bitstream import nal, packets

    source = packets.open_source(str(shelf.path(CLIP, "mp4")))
    unit = b"\x67\x42\xc0\x1e\x95"
    record = bytes([1, 66, 192, 30, 0xFF, 0xE1, 0, len(unit)]) + unit + b"\0"
    assert source._bytes(FakePacket(b"data", record)) == nal.join([unit], 4) + b"data"
    assert source._bytes(FakePacket(b"data")) == b"data"
    other_length = record[:4] + b"\xfd" + record[5:]
    with pytest.raises(UnsupportedStream, match="from 4 to 2 bytes"):
        source._bytes(FakePacket(b"data", other_length))
    source.close()
