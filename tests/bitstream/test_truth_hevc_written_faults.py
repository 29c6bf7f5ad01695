"""HEVC streams written by hand with one thing wrong: their pictures are damaged, and the parser says what it is."""

import pytest

from rigs import hostile
from streamwriter.bits import annex_b
from streamwriter.hevc.random_stream import RandomStream
from truth import nal
from truth.digest import summary

pytestmark = [pytest.mark.needs_av, pytest.mark.not_pyav10]

_SPS = dict(pic_width_in_luma_samples=88, pic_height_in_luma_samples=56)
DIVIDED = {
    "tiles": dict(sps=_SPS, pps=dict(tiles=(2, 2, True))),
    "wavefronts": dict(sps=_SPS, pps=dict(entropy_coding_sync_enabled_flag=1)),
    "wavefronts and dependent slice segments": dict(
        sps=_SPS,
        pps=dict(entropy_coding_sync_enabled_flag=1, dependent_slice_segments_enabled_flag=1),
        segments=2,
    ),
}
# What is wrong, and the syntax element that the parser names.
FAULTS = {
    "entry point": "entry_point_offset_minus1",
    "longer sub-stream": "entry_point_offset_minus1",
    "end_of_subset_one_bit": "end_of_subset_one_bit",
    "alignment bit": "byte_alignment",
    "trailing bits": "slice_segment_",
}


def read(folder, **arguments):
    """What comes out of a stream of one picture."""
    path = folder / "stream.265"
    path.write_bytes(RandomStream(3, **arguments).write(1))
    result = summary(str(path))
    assert result["error"] is None and len(result["pictures"]) == 1
    _, integrity, damage, _ = result["pictures"][0]
    return integrity, damage


@pytest.mark.parametrize("fault", sorted(FAULTS))
@pytest.mark.parametrize("division", sorted(DIVIDED))
def test_sub_streams_that_end_elsewhere_are_damaged(tmp_path, division, fault):
    integrity, damage = read(tmp_path, faults=(fault,), **DIVIDED[division])
    assert integrity == "damaged" and FAULTS[fault] in damage, damage


@pytest.mark.parametrize("division", sorted(DIVIDED))
def test_cabac_zero_words_are_no_harm(tmp_path, division):
    """7.3.2.10: slice data may be followed by any number of cabac_zero_word."""
    units = nal.annex_b_nal_units(RandomStream(3, **DIVIDED[division]).write(1))
    slices = hostile.HEVC.slices(units)
    assert slices
    longer = [unit + b"\x00\x00\x03" * 4 if k in slices else unit for k, unit in enumerate(units)]
    path = tmp_path / "longer.265"
    path.write_bytes(annex_b(longer))
    assert [picture[1] for picture in summary(str(path))["pictures"]] == ["ok"]


@pytest.mark.parametrize("division", sorted(DIVIDED))
def test_the_streams_themselves_are_ok(tmp_path, division):
    assert read(tmp_path, **DIVIDED[division]) == ("ok", "")
