"""Which video track is read: the one FFmpeg calls the best, or the requested one; and still images."""

import struct
from fractions import Fraction

import av
import pytest

from edge_attp.bitstream import CompressedVideo
from edge_attp.cli import main
from edge_attp.errors import SourceError, UnsupportedStream
from edge_attp.sources.live import ConnectionOptions, LiveOptions, LiveSource
from edge_attp.sources.recorder import RecordedSource
from rigs import media, mp4

pytestmark = [pytest.mark.needs_av, pytest.mark.not_pyav10]

DEFAULT = av.stream.Disposition.default
COVER = av.stream.Disposition.attached_pic
NONE = av.stream.Disposition(0)


def write(path, *tracks, format=None):
    """tracks: (codec, width, pictures, disposition), written in this order."""
    with av.open(str(path), "w", format=format) as output:
        streams = [added(output, *track) for track in tracks]
        for stream, (_, width, pictures, _) in zip(streams, tracks):
            for number, planes in enumerate(media.moving(width, 48, pictures)):
                frame = media._frame(planes, "yuv420p").reformat(format=stream.pix_fmt)
                frame.pts, frame.time_base = number, Fraction(1, 25)
                output.mux(stream.encode(frame))
        for stream in streams:
            output.mux(stream.encode(None))
    return path


def added(output, codec, width, pictures, disposition):
    options = dict(media.x264(keyint=6)) if codec == "libx264" else {}
    stream = output.add_stream(codec, rate=25, options=options)
    stream.width, stream.height = width, 48
    stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
    stream.codec_context.time_base = Fraction(1, 25)
    stream.disposition = disposition
    return stream


CASES = {
    "lone thumbnail": (("mjpeg", 32, 1, NONE), ("libx264", 64, 12, DEFAULT)),
    "lone thumbnail called default": (("mjpeg", 32, 1, DEFAULT), ("libx264", 64, 12, NONE)),
    "cover": (("mjpeg", 32, 1, COVER), ("libx264", 64, 12, DEFAULT)),
    "second is default": (("libx264", 32, 12, NONE), ("libx264", 64, 12, DEFAULT)),
}


@pytest.mark.parametrize("container", ["mp4", "mkv", "mov"])
@pytest.mark.parametrize("case", sorted(CASES))
def test_the_track_that_ffmpeg_calls_the_best(tmp_path, case, container):
    if container == "mkv" and "called default" in case:
        pytest.skip("Matroska does not count pictures: FFmpeg takes the default, and so do we")
    path = write(tmp_path / ("clip." + container), *CASES[case])
    with CompressedVideo(path) as video:
        assert (video.codec, video.width, len(list(video))) == ("h264", 64, 12)
        assert video.info().tracks[video.track].width == 64


def test_thumbnails_of_chapters(tmp_path):
    """QuickTime: the film refers to the track of thumbnails as its chapters, and neither need be called default."""
    path = write(tmp_path / "chapters.mp4", ("mjpeg", 32, 6, DEFAULT), ("libx264", 64, 12, NONE))
    data = bytearray(path.read_bytes())
    chapters = mp4.box(b"tref", mp4.box(b"chap", struct.pack(">I", 1)))
    for begin in (data.rindex(b"moov") - 4, data.rindex(b"trak") - 4):
        struct.pack_into(">I", data, begin, mp4.size_of(data, begin) + len(chapters))
    media_box = data.rindex(b"mdia") - 4
    data[media_box:media_box] = chapters
    path.write_bytes(bytes(data))
    with CompressedVideo(path) as video:
        assert (video.track, video.width, len(list(video))) == (1, 64, 12)
        assert [track.is_cover for track in video.info().tracks] == [True, False]


@pytest.mark.parametrize("container", ["mp4", "mkv", "ts", "avi"])
def test_a_track_is_chosen_by_its_number(tmp_path, container):
    tracks = (("libx264", 32, 12, NONE), ("libx264", 64, 9, DEFAULT), ("libx264", 96, 6, NONE))
    path = write(tmp_path / ("clip." + container), *tracks)
    for number, (_, width, pictures, _) in enumerate(tracks):
        with CompressedVideo(path, track=number) as video:
            assert (video.track, video.width, len(list(video))) == (number, width, pictures)
    for wrong in (3, -1):
        match = rf"no video track {wrong}: it has 0 \(h264 32x48.*\) and 1 \(.* and 2 \("
        with pytest.raises(SourceError, match=match):
            CompressedVideo(path, track=wrong)


def test_raw_streams_are_one_track(clips):
    path = clips.path(media.Clip("moving", 64, 48, 4, options=media.x264()))
    with CompressedVideo(path, track=0) as video:
        assert (video.track, video.info().tracks) == (0, ())
    with pytest.raises(SourceError, match="no video track 1: it is a raw stream"):
        CompressedVideo(path, track=1)


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    tracks = (("libx264", 96, 12, DEFAULT), ("libx264", 64, 12, NONE))
    return write(tmp_path_factory.mktemp("two") / "two.mp4", *tracks)


def test_recorded_and_transcoded_sources_take_the_same(two, tmp_path):
    source = RecordedSource(str(two), Deaf(), track=1)
    with CompressedVideo(source) as video:
        assert (video.track, video.width) == (1, 64)
    other = write(tmp_path / "a.mkv", ("libx264", 32, 3, DEFAULT), ("mpeg4", 64, 12, NONE))
    with CompressedVideo(other, track=1, transcode=True) as video:
        assert (video.track, video.codec, len(list(video))) == (1, "mpeg4", 12)


class Deaf:
    def record_packet(self, packet, time_base):
        pass


def test_a_live_source_takes_it_from_its_connection(two):
    options = LiveOptions(ConnectionOptions(track=1), first_fails=True)
    with CompressedVideo(LiveSource(str(two), options=options)) as video:
        assert (video.track, video.width, next(iter(video)).shape) == (1, 64, (48, 64))


def test_inspect_lists_tracks_and_takes_one(two, capsys):
    assert main(["inspect", str(two)]) == 0
    assert "tracks       0 (h264 96x48, default; this one is read), 1 (h264 64x48)" in said(capsys)
    assert main(["inspect", str(two), "--track", "1"]) == 0
    assert "1 (h264 64x48; this one is read)" in said(capsys)
    assert main(["inspect", str(two), "--track", "2"]) == 3
    with pytest.raises(SystemExit):
        main(["inspect", str(two), "--track", "-1"])


def said(capsys):
    return capsys.readouterr().out


@pytest.mark.needs_cv2
def test_run_and_its_overlay_take_the_same(two, tmp_path, capsys):
    drawn = {}
    for number in (0, 1):
        path = tmp_path / (f"{number}.mp4")
        assert main(["run", str(two), "--track", str(number), "--overlay", str(path)]) == 0
        with av.open(str(path)) as overlay:
            stream = overlay.streams.video[0]
            drawn[number] = sum(1 for _ in overlay.decode(stream)), stream.width
    assert [pictures for pictures, _ in drawn.values()] == [12, 12]
    assert "12 pictures" in said(capsys)


# Still images.


def still(tmp_path):
    """hvcC box and sample of one picture of 64x64."""
    path = tmp_path / "still.mp4"
    media.encode(media.moving(64, 64, 1), path, "libx265", media.x265(keyint=1), "mp4")
    data = path.read_bytes()
    begin = mp4.begin_of(data, b"hvcC")
    with av.open(str(path)) as container:
        sample = next(bytes(packet) for packet in container.demux() if packet.size)
    return data[begin : begin + mp4.size_of(data, begin)], sample


def heic(hvcc, sample, columns, rows, brand):
    """A HEIF file (ISO/IEC 23008-12) of one image, or of tiles in a grid that all are the same."""
    tiles = columns * rows
    grid = struct.pack(">BBBBHH", 0, 0, rows - 1, columns - 1, 64 * columns, 64 * rows)
    items = [(number + 1, b"hvc1") for number in range(tiles)]
    items += [(tiles + 1, b"grid")] if tiles > 1 else []
    sizes = [len(sample)] * tiles + [len(grid)] * (tiles > 1)

    def meta(begin):
        places, at = [], begin
        for (number, _), size in zip(items, sizes):
            places.append(struct.pack(">HHHII", number, 0, 1, at, size))
            at += size
        infos = [
            mp4.full_box(b"infe", 2, 0, struct.pack(">HH4s", number, 0, kind), b"\0")
            for number, kind in items
        ]
        sides = ((64, 64), (64 * columns, 64 * rows))
        extents = [mp4.full_box(b"ispe", 0, 0, struct.pack(">II", *side)) for side in sides]
        uses = [struct.pack(">HBBB", number, 2, 0x81, 2) for number in range(1, tiles + 1)]
        uses += [struct.pack(">HBB", tiles + 1, 1, 3)] * (tiles > 1)
        of = [struct.pack(">H", number) for number in range(1, tiles + 1)]
        parts = [
            mp4.full_box(b"hdlr", 0, 0, struct.pack(">I4s", 0, b"pict"), bytes(13)),
            mp4.full_box(b"pitm", 0, 0, struct.pack(">H", items[-1][0])),
            mp4.full_box(b"iloc", 0, 0, struct.pack(">BBH", 0x44, 0, len(places)), *places),
            mp4.full_box(b"iinf", 0, 0, struct.pack(">H", len(infos)), *infos),
            mp4.box(
                b"iprp",
                mp4.box(b"ipco", hvcc, *extents),
                mp4.full_box(b"ipma", 0, 0, struct.pack(">I", len(uses)), *uses),
            ),
        ]
        dimg = mp4.box(b"dimg", struct.pack(">HH", tiles + 1, tiles), *of)
        parts += [mp4.full_box(b"iref", 0, 0, dimg)] if tiles > 1 else []
        return mp4.full_box(b"meta", 0, 0, *parts)

    head = mp4.box(b"ftyp", brand, bytes(4), b"mif1heic")
    begin = len(head) + len(meta(0)) + 8
    return head + meta(begin) + mp4.box(b"mdat", sample * tiles, grid if tiles > 1 else b"")


@pytest.mark.parametrize("brand", [b"heic", b"mif1"])
def test_an_image_of_tiles_is_named_and_a_single_one_is_read(tmp_path, brand):
    path = tmp_path / "image.heic"
    path.write_bytes(heic(*still(tmp_path), 2, 2, brand))
    if not any(stream.disposition.value & 0x80000 for stream in av.open(str(path)).streams.video):
        pytest.skip("this FFmpeg knows no tiles")
    with pytest.raises(UnsupportedStream, match="still image made of 4 tiles .HEIC., not a video"):
        CompressedVideo(path)
    path.write_bytes(heic(*still(tmp_path), 1, 1, brand))
    with CompressedVideo(path) as video:
        (picture,) = video
        assert video.decode_key(picture).shape == (64, 64, 3)
