"""tests/check_media.py: its table and its exit codes."""

import check_media

from support import truth
from support.media import Clip, HevcClip, x264, x265


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
    real = truth.check_picture

    def other(picture, frames, report):
        """Takes the picture before for the truth."""
        wrong = dict(frames)
        wrong[picture.decode_index] = frames[max(0, picture.decode_index - 1)]
        real(picture, wrong, report)

    monkeypatch.setattr(truth, "check_picture", other)
    assert check_media.main([str(tmp_path), "--limit", "5"]) == 6
    rows, last = lines(capsys)
    assert "FFmpeg has" in rows[0] and last == "1 files: 0 true, 1 false, 0 not read"
