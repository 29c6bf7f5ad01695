"""Inputs that cannot be read: one line, the right exit code, and nothing lost before the place."""

import io
import os
import subprocess
import sys

import handmade
import pytest

from edge_attp.bitstream import CompressedVideo, packets, pyav
from edge_attp.errors import CorruptStream, EdgeAttpError, SourceError, UnsupportedStream


def refused(source, kind, match, **arguments):
    with pytest.raises(kind, match=match) as caught:
        CompressedVideo(source, **arguments)
    assert "\n" not in str(caught.value)
    return caught.value


@pytest.mark.parametrize("suffix", (".264", ".mp4"))
def test_missing_and_empty_files(tmp_path, suffix):
    path = str(tmp_path / ("clip" + suffix))
    error = refused(path, SourceError, "clip.*No such file")
    assert error.exit_code == 3
    open(path, "wb").close()
    assert refused(path, SourceError, r"is empty \(0 bytes\)").exit_code == 3


def test_a_folder(tmp_path):
    refused(str(tmp_path), SourceError, "Is a directory")


def test_empty_and_text_file_objects():
    refused(io.BytesIO(), SourceError, r"is empty \(0 bytes\)")
    refused(io.StringIO("text"), SourceError, "text mode")


def test_what_is_no_source_at_all():
    with pytest.raises(TypeError, match="int"):
        CompressedVideo(5)


def test_no_permission(tmp_path, monkeypatch):
    def refuse(path, mode):
        raise PermissionError(13, "Permission denied", path)

    path = tmp_path / "secret.264"
    path.write_bytes(handmade.stream())
    monkeypatch.setattr(packets, "open", refuse, raising=False)
    refused(str(path), SourceError, "secret.264: Permission denied$")
    refused(str(path), SourceError, "secret.264: Permission denied$", format="h264")


@pytest.mark.parametrize("data", (b"\x5a" * 5000, b"\0" * 5000, handmade.START * 50))
def test_rubbish_in_a_raw_stream(tmp_path, data):
    path = tmp_path / "rubbish.264"
    path.write_bytes(data)
    assert refused(str(path), CorruptStream, "no readable H.264 sequence").exit_code == 3


def test_reading_that_fails_in_mid_stream():
    class Failing(io.BytesIO):
        def read1(self, size=-1):
            data = super().read1(1000)
            if not data:
                raise OSError(5, "Input/output error")
            return data

    seen = []
    with CompressedVideo(Failing(handmade.stream(gops=2, gop=4))) as video:
        with pytest.raises(SourceError, match="Input/output error"):
            for picture in video:
                seen.append(picture.decode_index)
    assert seen == list(range(8))


def test_without_pyav_containers_say_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "av", None)
    path = tmp_path / "clip.mp4"
    path.write_bytes(b"\0\0\0\x20ftypisom" + bytes(100))
    refused(str(path), EdgeAttpError, "needs PyAV.*pip install av")
    with CompressedVideo(io.BytesIO(handmade.stream())) as video:
        picture = next(iter(video))
        with pytest.raises(EdgeAttpError, match="needs PyAV.*pip install av"):
            video.decode_key(picture)


def test_raw_streams_do_not_load_pyav(tmp_path):
    path = tmp_path / "clip.264"
    path.write_bytes(handmade.stream())
    program = (
        "import sys; from edge_attp.bitstream import CompressedVideo\n"
        "assert len(list(CompressedVideo(sys.argv[1]))) == 12\n"
        "assert 'av' not in sys.modules"
    )
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    subprocess.check_call([sys.executable, "-c", program, str(path)], cwd=root)


# What follows needs containers.


@pytest.fixture(scope="module")
def mp4(clips):
    pytest.importorskip("av")
    from support import media

    options = media.x264(keyint=8, bframes=2)
    return clips.path(media.Clip("moving", 96, 80, 30, container="mp4", options=options))


def test_mp4_without_its_index(mp4, tmp_path):
    path = tmp_path / "cut.mp4"
    path.write_bytes(mp4.read_bytes()[: mp4.stat().st_size // 2])
    assert refused(str(path), SourceError, "cut.mp4.*cut short before its index").exit_code == 3


@pytest.mark.parametrize("tenths", (3, 6, 9))
def test_mp4_cut_in_its_data(mp4, tmp_path, tenths):
    """Pictures before the cut come first, exactly as in the whole file; then the error says so."""
    from containers import rewrapped

    whole = rewrapped(mp4, tmp_path / "whole.mp4", {"movflags": "faststart"})
    data = whole.read_bytes()
    begin = data.index(b"mdat")
    path = tmp_path / "cut.mp4"
    path.write_bytes(data[: begin + (len(data) - begin) * tenths // 10])
    with CompressedVideo(whole) as video:
        expected = [picture.motion.mv.tobytes() for picture in video]
    seen = []
    with CompressedVideo(path) as video:
        with pytest.raises(SourceError, match=r"cut short: \d+( of 30)? packets") as caught:
            for picture in video:
                seen.append((picture.motion.mv.tobytes(), picture.integrity))
    assert caught.value.exit_code == 3
    assert 2 < len(seen) < 30
    assert [mv for mv, _ in seen[:-1]] == expected[: len(seen) - 1]
    assert all(integrity == "ok" for _, integrity in seen[:-1])


def test_mp4_cut_between_two_packets(mp4, tmp_path):
    import av
    from containers import rewrapped

    whole = rewrapped(mp4, tmp_path / "whole.mp4", {"movflags": "faststart"})
    with av.open(str(whole)) as source:
        positions = [p.pos for p in source.demux(source.streams.video[0]) if p.size]
        if pyav.indexed_packets(source.streams.video[0]) == 0:
            pytest.skip("this PyAV does not show the index: such a cut cannot be told from the end")
    path = tmp_path / "cut.mp4"
    path.write_bytes(whole.read_bytes()[: positions[17]])
    seen = []
    with CompressedVideo(path) as video:
        with pytest.raises(SourceError, match="cut short: 17 of 30 packets"):
            for picture in video:
                seen.append(picture.integrity)
    assert seen == ["ok"] * 17


def test_a_whole_mp4_is_not_called_cut(mp4, tmp_path):
    from containers import rewrapped

    for options in ({}, {"movflags": "frag_keyframe+empty_moov"}):
        path = rewrapped(mp4, tmp_path / "whole.mp4", options)
        with CompressedVideo(path) as video:
            assert len(list(video)) == 30


@pytest.mark.parametrize("container", ("mkv", "ts", "264"))
def test_other_files_cut_short_end_where_they_end(mp4, tmp_path, container):
    from containers import rewrapped

    whole = rewrapped(mp4, tmp_path / ("whole." + container))
    path = tmp_path / ("cut." + container)
    path.write_bytes(whole.read_bytes()[: whole.stat().st_size * 2 // 3])
    with CompressedVideo(path) as video:
        integrity = [picture.integrity for picture in video]
    assert 10 < len(integrity) < 30
    assert integrity[:-1] == ["ok"] * (len(integrity) - 1)


def write_audio(path, cover=False):
    import av
    import numpy as np

    with av.open(str(path), "w") as output:
        audio = output.add_stream("aac", rate=44100)
        if cover:
            picture = output.add_stream("mjpeg", rate=25)
            picture.width, picture.height, picture.pix_fmt = 64, 48, "yuvj420p"
            picture.disposition = av.stream.Disposition.attached_pic
            frame = av.VideoFrame(64, 48, "yuvj420p")
            frame.pts = 0
            output.mux(picture.encode(frame) + picture.encode(None))
        silence = np.zeros((1, 1024), np.float32)
        for number in range(20):
            frame = av.AudioFrame.from_ndarray(silence, format="fltp", layout="mono")
            frame.sample_rate, frame.pts = 44100, 1024 * number
            output.mux(audio.encode(frame))
        output.mux(audio.encode(None))


def test_audio_only(tmp_path):
    pytest.importorskip("av")
    path = tmp_path / "song.m4a"
    write_audio(path)
    error = refused(str(path), SourceError, r"song.m4a: has no video stream \(only audio in it\)")
    assert error.exit_code == 3
    refused(str(path), SourceError, "no video stream", transcode=True)


def test_a_cover_picture_is_no_video(tmp_path):
    av = pytest.importorskip("av")
    if not hasattr(av.stream, "Disposition"):
        pytest.skip("this PyAV does not show what a stream is for")
    path = tmp_path / "song.mp4"
    write_audio(path, cover=True)
    refused(str(path), SourceError, "has no video stream", transcode=True)


def test_a_text_file_is_no_video(tmp_path):
    pytest.importorskip("av")
    path = tmp_path / "notes.txt"
    path.write_text("These are notes, not a video.\n" * 40)
    refused(str(path), SourceError, "notes.txt: is text, not a video")
    path = tmp_path / "notes"
    path.write_text("These are notes, not a video.\n" * 40)
    refused(str(path), SourceError, "notes: is no media file")


def test_an_unknown_format_name(mp4):
    pytest.importorskip("av")
    refused(str(mp4), SourceError, "no_such_format", format="no_such_format")


def test_other_codecs_are_refused_by_name(clips):
    pytest.importorskip("av")
    from support import media

    for codec, name in (("mpeg4", "mpeg4"), ("mjpeg", "mjpeg")):
        pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        clip = media.Clip("moving", 96, 80, 4, codec=codec, container="avi", pix_fmt=pix_fmt)
        error = refused(str(clips.path(clip)), UnsupportedStream, "its codec is " + name)
        assert error.exit_code == 4


def test_reason_drops_number_and_name():
    assert pyav.reason(OSError(2, "No such file or directory", "x")) == "No such file or directory"
    assert pyav.reason(ValueError("plain")) == "plain"


def test_position_and_rewind():
    file = io.BytesIO(b"0123456789")
    file.seek(4)
    begin = packets.position(file)
    file.read()
    packets.rewind(file, begin, "x")
    assert file.read(1) == b"4"
    assert packets.position("a path") is None
    packets.rewind("a path", None, "x")
