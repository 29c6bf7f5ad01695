"""Flow of a clip in both codecs, against dense optical flow of its pictures (tests/check_flow.py)."""

import check_flow
import pytest

from rigs.paths import ROOT

pytestmark = pytest.mark.needs_av


@pytest.mark.slow
def test_both_codecs_come_about_as_close_to_dense_flow():
    figures = check_flow.compare(ROOT / "examples" / "demo.mp4", 60)
    assert figures.pictures == 59
    assert max(figures.h264, figures.hevc) < 0.5 * figures.no_motion, figures
    assert figures.hevc < 1.6 * figures.h264 and figures.h264 < 1.6 * figures.hevc, figures
    assert figures.between < 0.5 * figures.no_motion, figures


def test_the_figures_are_printed(clips, capsys):
    from rigs.media import Clip, x264

    path = clips.path(Clip("pan", 96, 80, 6, velocity=(2, 1), container="mp4", options=x264()))
    assert check_flow.main([str(path), "--pictures", "4"]) == 0
    rows = capsys.readouterr().out.splitlines()
    assert rows[0].startswith(path.name + ": 3 pictures") and len(rows) == 5
    dense, nothing = (float(rows[k].split()[-1]) for k in (2, 3))
    assert 1.5 < nothing < 3 and dense < nothing  # the pan has 2.24 pixels a picture
