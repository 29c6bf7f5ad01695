"""Some encoders number non-reference pictures against 7.4.3, which does not mean that pictures are lost."""

import pytest

from rigs import hostile, slice_headers
from rigs.media import Clip, x264
from streamwriter.bits import annex_b
from truth import equation, nal

pytestmark = pytest.mark.needs_av

OPTIONS = dict(cabac=0, scenecut=0, keyint=12, min_keyint=12)
CLIPS = {
    "B": dict(bframes=1, b_adapt=0, ref=2),
    "two B in a row": dict(bframes=2, b_adapt=0, b_pyramid="none", ref=3),
    "pyramid": dict(bframes=3, b_adapt=0, b_pyramid="strict", ref=4),
    "slices": dict(bframes=2, b_adapt=0, b_pyramid="none", slices=2),
}


class Numbered:
    """A clip whose frame_num is rewritten."""

    def __init__(self, clips, name):
        path = clips.path(Clip(pictures=26, options=x264(**dict(OPTIONS, **CLIPS[name]))))
        self.units = nal.annex_b_nal_units(path.read_bytes())
        self.numbering = slice_headers.numbering(next(u for u in self.units if u[0] & 31 == 7))

    def repeated(self):
        """Non-reference pictures with the frame_num of the reference picture before them."""
        out, last = [], 0
        for unit in self.units:
            if slice_headers.is_slice(unit):
                if unit[0] >> 5:
                    last = slice_headers.header(unit, self.numbering).frame_num
                else:
                    unit = slice_headers.changed(unit, self.numbering, frame_num=last)
            out.append(unit)
        return out


@pytest.mark.parametrize("name", sorted(CLIPS))
def test_non_reference_pictures_that_repeat_a_number(clips, tmp_path, name):
    stream = Numbered(clips, name)
    units = stream.repeated()
    assert units != stream.units
    path = hostile.write(tmp_path, "repeated.264", annex_b(units))
    equation.assert_true(path, 26)


@pytest.mark.parametrize("name", ["B", "pyramid"])
def test_losses_among_them_are_noticed(clips, tmp_path, name):
    """At the next reference picture. Non-reference pictures before that have the number that they should have."""
    stream = Numbered(clips, name)
    units = stream.repeated()
    slices = [k for k, unit in enumerate(units) if slice_headers.is_slice(unit)]
    is_reference = [units[k][0] >> 5 > 0 for k in slices]
    expected = hostile.good(hostile.read_streams(tmp_path, [annex_b(units)])[0])
    assert len(expected) == 26
    streams = [annex_b([u for k, u in enumerate(units) if k != lost]) for lost in slices[:11]]
    for lost, summary in enumerate(hostile.read_streams(tmp_path, streams)):
        following = next(k for k in range(lost + 1, 26) if is_reference[k])
        late = range(lost, following - 1)  # places in the stream without the lost picture
        wrong = hostile.wrong(summary, expected)
        assert set(wrong) <= set(late), lost
        if is_reference[lost]:
            assert [picture[1] for picture in summary["pictures"][following - 1 : 11]] == (
                ["damaged"] * (12 - following)
            ), lost
