"""tests/check_media.py: its table and its exit codes, and how it pairs pictures with FFmpeg's."""

import io
import os
from pathlib import Path

import check_media
import numpy as np
import pytest

from edge_attp.bitstream import CompressedVideo
from rigs.containers import rewrapped
from rigs.media import Clip, HevcClip, x264, x265
from streamwriter.bits import annex_b
from truth import equation, nal
from truth.witness import Witness

pytestmark = pytest.mark.needs_av

CASES = Path(__file__).resolve().parent.parent / "cases"


def lines(capsys):
    """The rows of the table without its head, and the last line."""
    out = capsys.readouterr().out.splitlines()
    return out[1:-1], out[-1]


def test_true_streams(clips, tmp_path, capsys):
    path = clips.path(Clip(options=x264(bframes=2)))
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "a.264").write_bytes(path.read_bytes())
    hevc = clips.path(HevcClip(pictures=3, options=x265(bframes=2)))
    (tmp_path / "inner" / "b.hevc").write_bytes(hevc.read_bytes())
    (tmp_path / "notes.txt").write_text("not a stream")
    assert check_media.main([str(tmp_path)]) == 0
    rows, last = lines(capsys)
    assert [row.split()[:2] for row in rows] == [["inner/a.264", "12"], ["inner/b.hevc", "3"]]
    assert last == "2 files: 2 true, 0 false, 0 not read"


def test_what_cannot_be_read_says_why(clips, tmp_path, capsys):
    path = clips.path(Clip(pix_fmt="yuv422p", options=x264(profile="high422")))
    (tmp_path / "a.264").write_bytes(path.read_bytes())
    (tmp_path / "b.264").write_bytes(b"")
    assert check_media.main([str(tmp_path)]) == 3
    rows, last = lines(capsys)
    assert "unsupported:" in rows[0] and "4:2:2" in rows[0] and "unreadable:" in rows[1]
    assert last == "2 files: 0 true, 0 false, 2 not read"


def test_a_mismatch_is_shown_and_fails(clips, tmp_path, capsys, monkeypatch):
    (tmp_path / "a.264").write_bytes(clips.path(Clip(options=x264(bframes=2))).read_bytes())
    real = equation.check_picture

    def other(picture, frames, report):
        """Takes the picture before for the truth."""
        wrong = dict(frames)
        wrong[picture.decode_index] = frames[max(0, picture.decode_index - 1)]
        real(picture, wrong, report)

    monkeypatch.setattr(equation, "check_picture", other)
    assert check_media.main([str(tmp_path), "--limit", "5"]) == 6
    rows, last = lines(capsys)
    assert "FFmpeg has" in rows[0] and last == "1 files: 0 true, 1 false, 0 not read"


def with_second_layer(data):
    """Every slice and parameter set once more with nuh_layer_id 1, as in MV-HEVC; nobody can decode them."""
    units = nal.annex_b_nal_units(data)
    again = [bytes([unit[0], unit[1] | 8]) + unit[2:] for unit in units if unit[0] >> 1 < 35]
    return annex_b([unit for pair in zip(units, again + units) for unit in pair])


def test_whatever_lies_in_the_folder(clips, tmp_path, capsys):
    """Good files of every kind are true, others named, and nothing ends the run."""
    clip = clips.path(HevcClip(pictures=3, options=x265(repeat_headers=1, info=0)))
    (tmp_path / "layers.265").write_bytes(with_second_layer(clip.read_bytes()))
    good = ["bframes.avi", "concatenated.ts", "program_stream.mpg", "trimmed_by_edit_list.mp4"]
    for name in good:
        (tmp_path / name).write_bytes((CASES / name).read_bytes())
    (tmp_path / "empty.mp4").write_bytes(b"")
    (tmp_path / "folder.mp4").mkdir()
    (tmp_path / "nowhere.mkv").symlink_to("nothing")
    (tmp_path / "random.ts").write_bytes(os.urandom(4000))
    (tmp_path / "sound.mp4").write_bytes(sound())
    (tmp_path / "text.mp4").write_text("no video\n" * 50)
    (tmp_path / "text.264").write_text("no video\n" * 50)
    assert check_media.main([str(tmp_path)]) == 0
    rows, last = lines(capsys)
    remarks = {row.split()[0]: row for row in rows}
    true = sorted(name for name, row in remarks.items() if "un" not in row)
    assert true == sorted(good + ["layers.265"])
    assert "no video stream" in remarks["sound.mp4"] and "empty" in remarks["empty.mp4"]
    assert last == "10 files: 5 true, 0 false, 5 not read"


def sound():
    import av

    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as output:
        stream = output.add_stream("aac", rate=8000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", "mono")
        frame.rate, frame.pts = 8000, 0
        output.mux(stream.encode(frame) + stream.encode(None))
    return file.getvalue()


def test_a_fault_is_a_row(clips, tmp_path, capsys, monkeypatch):
    (tmp_path / "a.264").write_bytes(clips.path(Clip()).read_bytes())
    (tmp_path / "b.264").write_bytes(b"")
    monkeypatch.setattr(equation, "check_picture", lambda picture, frames, report: {}[picture.kind])
    assert check_media.main([str(tmp_path)]) == 6
    rows, last = lines(capsys)
    assert "KeyError in test_truth_check_media.py" in rows[0] and "'I'" in rows[0]
    assert last == "2 files: 0 true, 1 false, 1 not read"


def test_a_file_that_breaks_off_says_where(clips, tmp_path, capsys):
    clip = clips.path(Clip(container="mp4", options=x264(bframes=2)))
    path = rewrapped(clip, tmp_path / "cut.mp4", options={"movflags": "faststart"})
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 3 // 4])
    assert check_media.main([str(tmp_path)]) == 3
    rows, _ = lines(capsys)
    assert int(rows[0].split()[1]) > 3 and "read up to here only" in rows[0]
    assert "cut short" in rows[0]


def test_a_folder_must_be_one(tmp_path, capsys):
    with pytest.raises(SystemExit) as ended:
        check_media.main([str(tmp_path / "nothing")])
    assert ended.value.code == 2 and "is not a folder" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["bframes.avi", "concatenated.ts", "program_stream.mpg", "raw"])
def test_a_picture_that_is_missing_shifts_no_other(clips, name):
    """Without time stamps, with repeated ones, and with some missing."""
    path = clips.path(Clip(options=x264(bframes=2))) if name == "raw" else CASES / name
    with CompressedVideo(str(path)) as video:
        pictures = list(video)
    witness = Witness(path)
    given = pictures[:3] + pictures[5:8] + pictures[9:]
    assert [witness.take(picture).number for picture in given] == [
        picture.decode_index for picture in given
    ]


def test_frames_are_let_go_of(clips, monkeypatch):
    """All but those that the stream refers to."""
    path = clips.path(Clip(pictures=24, options=x264(bframes=2, ref=2, keyint=24)))
    monkeypatch.setattr(equation, "_MOST_BYTES", 0)
    monkeypatch.setattr(equation, "_FEWEST_FRAMES", 6)
    equation.assert_true(path, pictures=24)
    monkeypatch.setattr(equation, "_FEWEST_FRAMES", 1)
    assert equation.check_stream(path).lost_references
