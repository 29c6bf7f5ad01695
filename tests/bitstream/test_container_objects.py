"""File objects of other libraries, with fewer, more, and other methods than Python's own."""

import array
import io

import pytest

from edge_attp.bitstream import CompressedVideo
from edge_attp.errors import SourceError
from rigs import media
from streamwriter.h264 import handmade

DATA = handmade.stream()


class Bare:
    """read(), seek() and tell(), as fsspec's, obstore's and Daft's files have them; no seekable()."""

    def __init__(self, data):
        self._file = io.BytesIO(data)
        self.tell = self._file.tell

    def read(self, size):
        return self._file.read(size)

    def seek(self, offset, whence=0):
        self._file.seek(offset, whence)  # gives nothing back


def giving(convert):
    """A file object whose read() gives something else than bytes."""

    class Giving(Bare):
        def read(self, size):
            return convert(super().read(size))

    return Giving


class Extra(Bare):
    """More than was asked for."""

    def read(self, size):
        return super().read(size + 7)


class Never(Bare):
    """Claims that it can seek, but cannot."""

    def seek(self, offset, whence=0):
        raise NotImplementedError("seek")


class Pretending(Bare):
    """Accepts every seek() but does not move."""

    def seek(self, offset, whence=0):
        return offset


@pytest.fixture(scope="module")
def mp4(clips):
    clip = media.Clip("moving", 64, 48, 12, container="mp4", options=media.x264(keyint=6))
    return clips.path(clip).read_bytes()


def count(source):
    return sum(picture.integrity == "ok" for picture in source)


@pytest.mark.needs_av
@pytest.mark.parametrize(
    "kind",
    [
        Bare,
        Extra,
        giving(bytearray),
        giving(memoryview),
        giving(lambda data: array.array("B", data)),
    ],
    ids=["bare", "more than asked", "bytearray", "memoryview", "array"],
)
def test_file_objects_that_can_seek_are_no_pipes(mp4, kind):
    for data in (DATA, mp4):
        file = kind(data)
        with CompressedVideo(file) as video:
            assert count(video) == 12
            assert count(video) == 12, "a second iteration rewinds"


@pytest.mark.needs_av
def test_what_cannot_seek_is_a_pipe(mp4):
    for file in (Never(DATA), Never(mp4), Pretending(DATA)):
        with CompressedVideo(file) as video:
            assert count(video) == 12
    with CompressedVideo(Never(DATA)) as video:
        list(video)
        with pytest.raises(SourceError, match="can be read only once"):
            iter(video)


def test_short_reads_at_the_beginning():
    class Trickle(io.RawIOBase):
        def __init__(self):
            self._left = DATA

        def readable(self):
            return True

        def readinto(self, buffer):
            data, self._left = self._left[:5], self._left[5:]
            buffer[: len(data)] = data
            return len(data)

    with CompressedVideo(Trickle()) as video:
        assert count(video) == 12


@pytest.mark.parametrize(
    "convert, match",
    [
        (lambda data: data.decode("latin-1"), "is in text mode; open it with 'rb'"),
        (
            lambda data: None,
            "read.. returned NoneType, not bytes; it must block until there is data",
        ),
        (lambda data: [1, 2], "read.. returned list, not bytes"),
        (len, "read.. returned int, not bytes"),
    ],
)
def test_what_is_no_bytes_is_named(convert, match):
    with pytest.raises(SourceError, match="<file object>: .*" + match):
        CompressedVideo(giving(convert)(DATA))


@pytest.mark.needs_av
@pytest.mark.parametrize("container", ["raw", "mp4"])
def test_errors_of_other_libraries(mp4, container):
    class Lost(Exception):
        pass

    data = DATA if container == "raw" else fast(mp4)

    class Breaking(Bare):
        def read(self, size):
            if self.tell() >= len(data) * 2 // 3:
                raise Lost("the bucket is gone")
            return super().read(min(size, 100))

    seen = []
    with pytest.raises(SourceError, match="reading failed: Lost: the bucket is gone"):
        with CompressedVideo(Breaking(data)) as video:
            seen += video
    assert seen or container == "mp4"  # FFmpeg looks at all of so small a file first


def fast(data):
    """The index first: FFmpeg then reads pictures as they are asked for."""
    import av

    from rigs.containers import added_copy

    made = io.BytesIO()
    with av.open(io.BytesIO(data)) as source:
        options = {"movflags": "frag_keyframe+empty_moov"}
        with av.open(made, "w", format="mp4", options=options) as output:
            copy = added_copy(output, source.streams.video[0])
            for packet in source.demux(video=0):
                if packet.size:
                    packet.stream = copy
                    output.mux(packet)
    return made.getvalue()


@pytest.mark.needs_av
@pytest.mark.needs_fsspec
def test_fsspec(mp4, tmp_path):
    import fsspec

    for protocol in ("memory", "file"):
        files = fsspec.filesystem(protocol)
        path = "/clip.mp4" if protocol == "memory" else str(tmp_path / "clip.mp4")
        with files.open(path, "wb") as file:
            file.write(mp4)
        with files.open(path, "rb") as file, CompressedVideo(file) as video:
            assert count(video) == count(video) == 12
