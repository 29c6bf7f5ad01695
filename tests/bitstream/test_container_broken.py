"""Inputs that cannot be read: one line, the right exit code, and nothing lost before the place."""

import io
import os
import subprocess
import sys

import pytest

from edge_attp.bitstream import CompressedVideo, nal, packets, pyav
from edge_attp.bitstream.syntax import H264, HEVC
from edge_attp.errors import CorruptStream, EdgeAttpError, SourceError, UnsupportedStream
from streamwriter.bits import START_CODE
from streamwriter.h264 import handmade


def refused(source, kind, match, **arguments):
    with pytest.raises(kind, match=match) as caught:
        CompressedVideo(source, **arguments)
    assert "\n" not in str(caught.value)
    return caught.value


@pytest.mark.parametrize("suffix", (".264", ".265", ".mp4"))
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
    refused(str(path), SourceError, "secret.264: Permission denied$", container_format="h264")


@pytest.mark.parametrize("suffix, title", ((".264", "H.264"), (".hevc", "HEVC")))
@pytest.mark.parametrize(
    "data", (b"\x5a" * 5000, b"\0" * 5000, START_CODE * 50), ids=("letters", "zeros", "starts")
)
def test_rubbish_in_a_raw_stream(tmp_path, data, suffix, title):
    path = tmp_path / ("rubbish" + suffix)
    path.write_bytes(data)
    match = f"no readable {title} sequence"
    assert refused(str(path), CorruptStream, match).exit_code == 3


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


def encoded(clips, codec, container="mp4", **changes):
    from rigs import media

    options = {"h264": media.x264, "hevc": media.x265}[codec](keyint=8, bframes=2)
    encoder = {"h264": "libx264", "hevc": "libx265"}[codec]
    clip = media.Clip("moving", 96, 80, 30, codec=encoder, container=container, options=options)
    return clips.path(clip._replace(**changes))


@pytest.fixture(scope="module", params=("h264", "hevc"))
def mp4(request, clips):
    return encoded(clips, request.param)


@pytest.mark.needs_av
def test_mp4_without_its_index(mp4, tmp_path):
    path = tmp_path / "cut.mp4"
    path.write_bytes(mp4.read_bytes()[: mp4.stat().st_size // 2])
    assert refused(str(path), SourceError, "cut.mp4.*cut short before its index").exit_code == 3


@pytest.mark.needs_av
@pytest.mark.parametrize("tenths", (3, 6, 9))
def test_mp4_cut_in_its_data(mp4, tmp_path, tenths):
    """Pictures before the cut come first, exactly as in the whole file; then the error says so."""
    from rigs.containers import rewrapped

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


@pytest.mark.needs_av
def test_mp4_cut_between_two_packets(mp4, tmp_path):
    import av

    from rigs.containers import rewrapped

    whole = rewrapped(mp4, tmp_path / "whole.mp4", {"movflags": "faststart"})
    with av.open(str(whole)) as source:
        positions = [p.pos for p in source.demux(source.streams.video[0]) if p.size]
        if pyav.count_indexed_packets(source.streams.video[0]) == 0:
            pytest.skip("this PyAV does not show the index: such a cut cannot be told from the end")
    path = tmp_path / "cut.mp4"
    path.write_bytes(whole.read_bytes()[: positions[17]])
    seen = []
    with CompressedVideo(path) as video:
        with pytest.raises(SourceError, match="cut short: 17 of 30 packets"):
            for picture in video:
                seen.append(picture.integrity)
    assert seen == ["ok"] * 17


@pytest.mark.needs_av
def test_a_whole_mp4_is_not_called_cut(mp4, tmp_path):
    from rigs.containers import rewrapped

    for options in ({}, {"movflags": "frag_keyframe+empty_moov"}):
        path = rewrapped(mp4, tmp_path / "whole.mp4", options)
        with CompressedVideo(path) as video:
            assert len(list(video)) == 30


@pytest.mark.needs_av
@pytest.mark.parametrize("codec, raw", (("h264", "264"), ("hevc", "265")))
@pytest.mark.parametrize("container", ("mkv", "ts", "raw"))
def test_other_files_cut_short_end_where_they_end(clips, tmp_path, codec, raw, container):
    original = encoded(clips, codec)
    from rigs.containers import rewrapped

    suffix = raw if container == "raw" else container
    whole = rewrapped(original, tmp_path / ("whole." + suffix))
    path = tmp_path / ("cut." + suffix)
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


@pytest.mark.needs_av
def test_audio_only(tmp_path):
    path = tmp_path / "song.m4a"
    write_audio(path)
    error = refused(str(path), SourceError, r"song.m4a: has no video stream \(only audio in it\)")
    assert error.exit_code == 3
    refused(str(path), SourceError, "no video stream", transcode=True)


@pytest.mark.not_pyav10  # it does not show what a stream is for
@pytest.mark.needs_av
def test_a_cover_picture_is_no_video(tmp_path):

    path = tmp_path / "song.mp4"
    write_audio(path, cover=True)
    refused(str(path), SourceError, "has no video stream", transcode=True)


@pytest.mark.needs_av
def test_a_text_file_is_no_video(tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("These are notes, not a video.\n" * 40)
    refused(str(path), SourceError, "notes.txt: is text, not a video")
    path = tmp_path / "notes"
    path.write_text("These are notes, not a video.\n" * 40)
    refused(str(path), SourceError, "notes: is not a media file")


@pytest.mark.needs_av
def test_an_unknown_format_name(mp4):
    refused(str(mp4), SourceError, "no_such_format", container_format="no_such_format")


def hvcc_begin(data):
    """Where the hvcC record begins, and where its box ends."""
    begin = data.index(b"hvcC") + 4
    return begin, begin - 8 + int.from_bytes(data[begin - 8 : begin - 4], "big")


@pytest.mark.needs_av
def test_an_hvcc_record_that_is_cut_short(clips, tmp_path):
    data = bytearray(encoded(clips, "hevc").read_bytes())
    begin, end = hvcc_begin(data)
    data[begin + 26 : begin + 28] = b"\xff\xff"  # nalUnitLength of the first parameter set
    path = tmp_path / "broken.mp4"
    path.write_bytes(bytes(data))
    error = refused(str(path), CorruptStream, r"broken.mp4: its hvcC record .* is cut short")
    assert "none of its packets has a readable HEVC sequence parameter set" in str(error)
    assert error.exit_code == 3
    assert end - begin > 60


def without(data, syntax, kinds):
    """An Annex B stream without the NAL units of these types."""
    kept = [unit for unit in nal.split(data, 0) if syntax.nal_type(unit) not in kinds]
    return nal.join(kept, 0)


@pytest.mark.needs_av
@pytest.mark.parametrize("syntax, sps", ((H264, 7), (HEVC, 33)))
def test_without_sequence_parameter_sets(clips, tmp_path, syntax, sps):
    raw = {"h264": "264", "hevc": "265"}[syntax.name]
    data = encoded(clips, syntax.name, raw).read_bytes()
    path = tmp_path / ("headless." + raw)
    path.write_bytes(without(data, syntax, (sps,)))
    match = f"headless.*no readable {syntax.title} sequence parameter set"
    refused(str(path), CorruptStream, match)


@pytest.mark.needs_av
@pytest.mark.parametrize("syntax, pps", ((H264, 8), (HEVC, 34)))
def test_without_picture_parameter_sets(clips, syntax, pps):
    raw = {"h264": "264", "hevc": "265"}[syntax.name]
    data = without(encoded(clips, syntax.name, raw).read_bytes(), syntax, (pps,))
    with CompressedVideo(io.BytesIO(data)) as video:
        assert (video.width, video.height) == (96, 80)
        with pytest.raises(CorruptStream, match="none of its pictures could be read"):
            list(video)


@pytest.mark.needs_av
def test_hevc_without_video_parameter_sets_is_read(clips):
    """Nothing of a VPS is needed for the base layer."""
    data = encoded(clips, "hevc", "265").read_bytes()
    with CompressedVideo(io.BytesIO(without(data, HEVC, (32,)))) as video:
        assert [picture.integrity for picture in video] == ["ok"] * 30


@pytest.mark.needs_av
def test_other_codecs_are_refused_by_name(clips):
    from rigs import media

    for codec, name in (("mpeg4", "mpeg4"), ("mjpeg", "mjpeg")):
        pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        clip = media.Clip("moving", 96, 80, 4, codec=codec, container="avi", pix_fmt=pix_fmt)
        match = f"its codec is {name}; only H.264 and HEVC are read without transcoding"
        error = refused(str(clips.path(clip)), UnsupportedStream, match)
        assert error.exit_code == 4


def test_reason_drops_number_and_name():
    assert (
        pyav.describe_error(OSError(2, "No such file or directory", "x"))
        == "No such file or directory"
    )
    assert pyav.describe_error(ValueError("plain")) == "plain"


def test_position_and_rewind():
    file = io.BytesIO(b"0123456789")
    file.seek(4)
    begin = packets.input_position(file)
    file.read()
    packets.rewind_input(file, begin, "x")
    assert file.read(1) == b"4"
    assert packets.input_position("a path") is None
    packets.rewind_input("a path", None, "x")


@pytest.mark.needs_av
def test_a_password_is_not_shown():
    with pytest.raises(SourceError) as caught:
        CompressedVideo("http://user:secret@127.0.0.1:1/clip.mp4")
    assert "http://user:***@127.0.0.1:1/clip.mp4" in str(caught.value)
    assert "secret" not in str(caught.value)
