"""FFmpeg as the truth test uses it: without in-loop filters. With them, the truth test must fail."""

import pytest

from rigs.media import Clip, HevcClip, x264, x265
from truth import equation, witness

pytestmark = [pytest.mark.needs_av, pytest.mark.not_pyav10]

# One filter each, and a stream in which it has much to do.
FILTERED = {
    "H.264 deblocking": Clip(options=x264(qp=40, bframes=2)),
    "HEVC deblocking": HevcClip(options=x265(qp=38, sao=0, bframes=2)),
    "HEVC sample adaptive offset": HevcClip(options=x265(qp=38, no_deblock=1, bframes=2)),
}


@pytest.mark.parametrize("name", sorted(FILTERED))
def test_in_loop_filters_are_left_out(clips, monkeypatch, name):
    path = clips.path(FILTERED[name])
    report = equation.check_stream(path)
    assert report.ok and report.blocks and report.intra_blocks, str(report)
    monkeypatch.setitem(witness._OPTIONS, "skip_loop_filter", "none")
    report = equation.check_stream(path)
    assert report.mismatches > 100 and not report.unmatched, str(report)
