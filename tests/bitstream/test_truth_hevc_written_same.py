"""HEVC streams that FFmpeg reads against the standard: they must give the same as streams that it reads correctly.

Each test writes the same pictures twice, from the same random choices: once as FFmpeg reads them, where eq. (1) is
held, and once with other syntax for the same thing. FFmpeg's ways are named where they are avoided.
"""

import numpy as np
import pytest

from edge_attp.bitstream import CompressedVideo
from streamwriter.bits import Bits, annex_b
from streamwriter.hevc.parameter_sets import nal_unit
from streamwriter.hevc.random_stream import RandomStream
from streamwriter.hevc.slice_header import BLA_W_LP, CRA
from truth import equation, nal

pytestmark = [pytest.mark.needs_av, pytest.mark.not_pyav10]

_WIDE = dict(pic_width_in_luma_samples=88, pic_height_in_luma_samples=56)
_LONG_TERM = dict(
    log2_max_pic_order_cnt_lsb_minus4=0,
    long_term_ref_pics_present_flag=1,
    long_term=20,
    rps=8,
)
SEEDS = range(3)


def written(folder, name, stream, pictures=10):
    path = folder / (name + ".265")
    path.write_bytes(stream.write(pictures))
    return path


def assert_true(path):
    report = equation.check_stream(path)
    assert report.ok, str(report)


def contents(path):
    """Every picture as a dictionary of what it says; nothing may be damaged."""
    with CompressedVideo(str(path)) as video:
        pictures = [
            dict(
                poc=picture.poc,
                mv=picture.motion.mv.copy(),
                reference=picture.motion.reference.copy(),
                mode=picture.motion.mode.copy(),
                y=picture.residual.y.copy(),
                u=picture.residual.u.copy(),
                v=picture.residual.v.copy(),
                integrity=picture.integrity,
            )
            for picture in video
        ]
    assert {picture["integrity"] for picture in pictures} == {"ok"}
    return pictures


def assert_same(first, second, names=("poc", "mv", "reference", "mode", "y", "u", "v")):
    assert len(first) == len(second) > 0
    for one, other in zip(first, second):
        for name in names:
            assert np.array_equal(one[name], other[name]), "POC {}: {}".format(one["poc"], name)


def assert_written_twice(folder, seed, usual, other):
    """usual, other: arguments of RandomStream for what FFmpeg reads and for what it does not.

    Returns the other stream, or None where its bytes are not other ones.
    """
    streams = RandomStream(seed, **usual), RandomStream(seed, **other)
    paths = [written(folder, name, one) for name, one in zip(("usual", "other"), streams)]
    assert_true(paths[0])
    if paths[0].read_bytes() == paths[1].read_bytes():
        return None
    assert_same(*map(contents, paths))
    return streams[1]


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("dependent", [0, 1])
def test_tiles_with_wavefronts(tmp_path, seed, dependent):
    """FFmpeg begins rows of the picture where rows of the tile begin (9.3.1)."""
    arguments = []
    for sync in (0, 1):
        pps = dict(
            tiles=(3, 2, False),
            entropy_coding_sync_enabled_flag=sync,
            dependent_slice_segments_enabled_flag=dependent,
        )
        arguments.append(dict(sps=_WIDE, pps=pps, slices=2, segments=3, in_rows=True))
    stream = assert_written_twice(tmp_path, seed, *arguments)
    assert stream.written["contexts of the row above"]
    assert bool(stream.written["contexts of the segment before"]) == bool(dependent)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("count", [2, 3])
def test_short_chroma_qp_offset_lists(tmp_path, seed, count):
    """FFmpeg takes cu_chroma_qp_offset_idx of every list as if the list had six entries."""
    offsets = [(-9, 4), (6, 11), (2, -12)][:count]
    arguments = []
    for entries in (tuple(one for one in offsets for _ in range(6 // count)), tuple(offsets)):
        arguments.append(
            dict(sps=dict(general_profile_idc=4), pps=dict(chroma_qp_offset_list=entries))
        )
    stream = assert_written_twice(tmp_path, seed, *arguments)
    assert stream.written["cu_chroma_qp_offset"]


def test_long_term_cycles_of_sps_and_slice(tmp_path):
    """FFmpeg carries DeltaPocMsbCycleLt over from the entries of the SPS to those of the slice (7-52)."""
    usual = dict(sps=_LONG_TERM, irap_share=0.0)
    others = [
        assert_written_twice(tmp_path, seed, usual, dict(usual, beyond_ffmpeg=True))
        for seed in range(3)
    ]
    assert any(one and one.written["entry of the slice without MSB"] for one in others)


def test_predicted_sets_that_name_the_picture_itself(tmp_path):
    """7-61, 7-62: a delta of 0 is left out; FFmpeg counts it among the pictures that follow."""
    usual = dict(sps=dict(rps=8), irap_share=0.0)
    others = [
        assert_written_twice(tmp_path, seed, usual, dict(usual, beyond_ffmpeg=True))
        for seed in range(3)
    ]
    assert any(one and one.written["RPS predicted in a slice"] for one in others)


def test_skipped_pictures_of_several_slices(tmp_path):
    """FFmpeg compares the PPS of their slices with that of the picture before."""
    usual = dict(
        pps=({}, {}, {}), slices=4, irap=(BLA_W_LP, CRA), irap_share=0.3, leading=True, ends=True
    )
    stream = assert_written_twice(tmp_path, 3, usual, dict(usual, beyond_ffmpeg=True))
    assert stream.skipped


@pytest.mark.parametrize("luma, chroma", [(0, 2), (2, 0), (1, 2)])
def test_bit_depths_of_luma_and_chroma_that_differ(tmp_path, luma, chroma):
    """FFmpeg refuses these. Luma is as if chroma had its depth, and the reverse."""

    def read(luma_depth, chroma_depth):
        sps = dict(
            bit_depth_luma_minus8=luma_depth,
            bit_depth_chroma_minus8=chroma_depth,
            general_profile_idc=4,
        )
        path = written(tmp_path, f"{luma_depth}-{chroma_depth}", RandomStream(1, sps=sps))
        if luma_depth == chroma_depth:
            assert_true(path)
        return contents(path)

    differ = read(luma, chroma)
    assert_same(differ, read(luma, luma), ("poc", "mv", "reference", "y"))
    assert_same(differ, read(chroma, chroma), ("poc", "mv", "reference", "u", "v"))


def test_parameter_sets_of_other_layers(tmp_path):
    """FFmpeg reads them as if they were of the base layer."""
    path = written(tmp_path, "base", RandomStream(5))
    units = nal.annex_b_nal_units(path.read_bytes())
    junk = [nal_unit(kind, Bits().u(24, 0xA50F33), nuh_layer_id=7) for kind in (32, 33, 34, 1)]
    with_layers = tmp_path / "layers.265"
    with_layers.write_bytes(annex_b([other for unit in units for other in [unit] + junk]))
    assert_same(contents(path), contents(with_layers))
