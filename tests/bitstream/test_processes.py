"""Videos and processes: pickled, opened after a fork, and inherited by a child, which must neither hang nor do harm."""

import gc
import io
import multiprocessing
import os
import pickle
import subprocess
import sys
import textwrap

import pytest

from edge_attp.bitstream import CompressedVideo, binding
from edge_attp.bitstream.arrays import PictureHandle
from edge_attp.errors import EdgeAttpError
from edge_attp.sources.recorder import PacketRing, RecordedSource
from streamwriter.h264 import handmade

LIMIT_S = 60

# Forks in the middle of reading. The child tries all it should not, reads the file for itself, and ends as a
# program does, with all that it has inherited; the parent then reads on.
FORKED = textwrap.dedent(
    """
    import gc, os, sys
    from edge_attp.bitstream import CompressedVideo
    from edge_attp.errors import EdgeAttpError

    def digest(picture):
        return picture.decode_index, picture.pts, picture.integrity, picture.motion.mv.tobytes()

    def refused(what):
        try:
            what()
        except EdgeAttpError as error:
            assert "forked" in str(error), error
        else:
            raise AssertionError("it was not refused")

    path, threads, is_object = sys.argv[1], int(sys.argv[2]), sys.argv[3] == "object"
    with CompressedVideo(path, threads=threads, transcode=True) as video:
        expected = [digest(picture) for picture in video]
    source = open(path, "rb") if is_object else path
    video = CompressedVideo(source, threads=threads, anchor=4, transcode=True)
    pictures = iter(video)
    seen = []
    for picture in pictures:
        seen.append(picture)
        if picture.is_anchor:
            anchor = video.decode_anchor(picture)
        if len(seen) == 7:
            break
    key = video.decode_key(seen[0])
    drawn = CompressedVideo(path, transcode=True)
    unparsed = next(drawn.sample(keys=True))
    child = os.fork()
    if not child:
        refused(lambda: next(pictures))
        refused(lambda: iter(video))
        refused(lambda: video.sample())
        refused(unparsed.parse)
        refused(lambda: video.decode_key(seen[0]))
        assert digest(seen[1]) == expected[1] and seen[1].motion.flow().shape[0] == 2
        with CompressedVideo(path, threads=threads, transcode=True) as own:
            assert [digest(picture) for picture in own] == expected
            assert (own.decode_key(next(iter(own))) == key).all()
        video.close()
        del pictures, seen, unparsed, drawn, video
        gc.collect()
        sys.exit(7)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
    seen += pictures
    assert [digest(picture) for picture in seen] == expected
    """
)


def clip(clips, codec, container="mp4"):
    from rigs import media

    encoders = {"h264": ("libx264", media.x264), "hevc": ("libx265", media.x265)}
    encoder, options = encoders.get(codec, (codec, lambda **_: ()))
    return clips.path(
        media.Clip(
            *("moving", 96, 80, 30),
            codec=encoder,
            container=container,
            options=options(keyint=8, bframes=2),
        )
    )


@pytest.mark.needs_av
@pytest.mark.skipif(not hasattr(os, "waitstatus_to_exitcode"), reason="needs Python 3.9")
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize(
    "codec, container, kind",
    [
        ("h264", "mp4", "object"),
        ("hevc", "mp4", "path"),
        ("h264", "264", "path"),
        ("hevc", "265", "object"),
        ("mpeg4", "avi", "path"),
    ],
)
def test_a_child_neither_hangs_nor_harms_its_parent(clips, codec, container, kind, threads):
    ran = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", FORKED]
        + [str(clip(clips, codec, container)), str(threads), kind],
        timeout=LIMIT_S,
        stderr=subprocess.PIPE,
    )
    said = [line for line in ran.stderr.decode().splitlines() if "transcoded" not in line]
    assert (ran.returncode, said) == (0, [])


def digests(video):
    with video:
        return [(picture.poc, picture.motion.mv.tobytes()) for picture in video]


@pytest.mark.needs_av
@pytest.mark.parametrize("method", multiprocessing.get_all_start_methods())
def test_a_pickled_video_is_opened_anew_in_a_worker(clips, method):
    """Also while the parent reads, and after it has closed."""
    videos = [CompressedVideo(clip(clips, codec), threads=2) for codec in ("h264", "hevc")]
    first = [next(iter(video)) for video in videos]
    with multiprocessing.get_context(method).Pool(2) as pool:
        found = pool.map(digests, videos)
        videos[0].close()
        assert pool.map(digests, videos[:1]) == found[:1]
    assert [first[0].poc, first[1].poc] == [0, 0]
    assert [len(pictures) for pictures in found] == [30, 30]
    assert found == [digests(CompressedVideo(clip(clips, codec))) for codec in ("h264", "hevc")]


@pytest.mark.needs_av
def test_pickling_keeps_the_arguments(clips):
    path = clip(clips, "h264")
    options = dict(residual=False, threads=2, anchor=3, track=0, oriented=True)
    options["options"] = {"probesize": "100000"}
    with pickle.loads(pickle.dumps(CompressedVideo(path, **options))) as video:
        pictures = list(video)
        assert pictures[0].residual is None and sum(p.is_anchor for p in pictures) > 4
        again = pickle.loads(pickle.dumps(video))
    expected = dict(options, transcode=False, container_format=None)
    assert dict(again._options._asdict()) == expected
    again.close()


def test_file_objects_are_pickled_if_they_can_be():
    file = io.BytesIO(b"12345" + handmade.stream())
    file.seek(5)
    video = CompressedVideo(file)
    list(video)
    assert len(list(pickle.loads(pickle.dumps(video)))) == 12
    file.close()
    with pytest.raises(TypeError, match="<file object>: this video cannot be pickled.*closed"):
        pickle.dumps(video)


def test_what_cannot_be_pickled_says_so(tmp_path):
    path = tmp_path / "clip.264"
    path.write_bytes(handmade.stream())
    with open(str(path), "rb") as file, CompressedVideo(file) as video:
        with pytest.raises(TypeError, match="clip.264: this video cannot be pickled.*by its path"):
            pickle.dumps(video)
    with CompressedVideo(RecordedSource(str(path), PacketRing())) as video:
        with pytest.raises(TypeError, match="clip.264: this video.*RecordedSource belongs to its"):
            pickle.dumps(video)
    with CompressedVideo(path) as video:
        with pytest.raises(TypeError, match="its arrays can"):
            pickle.dumps(next(iter(video)))
        with pytest.raises(TypeError, match="its arrays can"):
            pickle.dumps(next(iter(video)).motion)


def test_nothing_is_said_when_half_made_objects_go(capfd):
    with pytest.raises(TypeError):
        binding.Decoder()
    with pytest.raises(TypeError):
        PictureHandle()
    with pytest.raises(ValueError):
        CompressedVideo("x", threads=0)
    with pytest.raises(EdgeAttpError):
        CompressedVideo("there is no such file")
    PictureHandle.__new__(PictureHandle)
    binding.Decoder.__new__(binding.Decoder)
    gc.collect()
    assert capfd.readouterr().err == ""


def test_nothing_is_said_at_the_end_of_the_interpreter(tmp_path):
    path = tmp_path / "clip.264"
    path.write_bytes(handmade.stream())
    program = (
        "import sys, builtins; from edge_attp.bitstream import CompressedVideo\n"
        "builtins.kept = video = CompressedVideo(sys.argv[1], threads=2); pictures = iter(video)\n"
        "builtins.pictures = [next(pictures), next(pictures).motion.mv, pictures]\n"
        "class Cycle: pass\n"
        "cycle = Cycle(); cycle.self = cycle; cycle.pictures = list(CompressedVideo(sys.argv[1]))\n"
    )
    command = [sys.executable, "-c", program, str(path)]
    ran = subprocess.run(command, timeout=LIMIT_S, stderr=subprocess.PIPE)
    assert (ran.returncode, ran.stderr) == (0, b"")
