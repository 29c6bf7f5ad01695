"""From bytes to arrays, on streams whose every value is known. Needs no PyAV."""

import io
from fractions import Fraction

import numpy as np
import pytest

from edge_attp.bitstream import (
    MODE_INTER,
    MODE_PCM,
    MODE_SKIP,
    CompressedVideo,
    CorruptStream,
    SourceError,
    UnsupportedStream,
)
from streamwriter.bits import START_CODE, annex_b
from streamwriter.h264 import handmade
from streamwriter.hevc import handmade as handmade_hevc
from streamwriter.hevc import parameter_sets as hevc_sets


def opened(data, **arguments):
    return CompressedVideo(io.BytesIO(data), **arguments)


def test_attributes_of_a_raw_stream():
    with opened(handmade.stream()) as video:
        assert (video.codec, video.width, video.height, video.bit_depth) == ("h264", 32, 32, 8)
        assert (video.frame_rate, video.time_base) == (25, None)
        info = video.info()
    assert info.profile == "Constrained Baseline"
    assert (info.level, info.chroma_format, info.pic_order_cnt_type) == ("3", "4:2:0", 2)
    assert info.max_num_ref_frames == 1


def test_attributes_of_a_raw_hevc_stream():
    with opened(handmade_hevc.stream()) as video:
        assert (video.codec, video.width, video.height, video.bit_depth) == ("hevc", 32, 32, 8)
        assert (video.frame_rate, video.time_base) == (None, None)
        info = video.info()
    assert (info.profile, info.chroma_format, info.block_px) == ("Main", "4:2:0", 16)
    assert (info.max_num_ref_frames, info.pic_order_cnt_type) == (1, 0)


def test_coding_units_are_counted():
    with opened(handmade_hevc.stream(gops=1, gop=3)) as video:
        pcm, skipped, moving = (picture.coding_counts for picture in video)
    nothing = (0, 0, 0, 0)
    assert pcm == (4, (0, 4, 0, 0), 0, 0, 0, nothing)
    assert skipped == (4, (0, 4, 0, 0), 4, 4, 0, nothing)
    assert moving == (4, (0, 4, 0, 0), 4, 0, 0, nothing)
    with opened(handmade.stream(gops=1)) as video:
        assert next(iter(video)).coding_counts is None


def test_no_timing_information_is_no_frame_rate():
    with opened(handmade.stream(time_scale=0)) as video:
        assert video.frame_rate is None


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("sub_layers", [1, 3, 7])
def test_the_rate_of_hevc_may_be_in_the_vps_only(seed, sub_layers):
    def video_parameter_set(**timing):
        sps = hevc_sets.sequence_parameters(sps_max_sub_layers_minus1=sub_layers - 1)
        return hevc_sets.video_parameter_set(np.random.RandomState(seed), sps, **timing)

    rest = handmade_hevc.stream().split(START_CODE)[2:]
    with opened(annex_b([video_parameter_set(has_timing=True)] + rest)) as video:
        assert video.frame_rate == Fraction(30000, 1001)
    with opened(annex_b([video_parameter_set()] + rest)) as video:
        assert video.frame_rate is None


def test_pictures_come_in_decoding_order_with_their_facts(written):
    with opened(written.stream(gops=2, gop=4)) as video:
        pictures = list(video)
    assert [p.decode_index for p in pictures] == list(range(8))
    assert "".join(p.kind for p in pictures) == "IPPPIPPP"
    assert [p.is_random_access for p in pictures] == [True, False, False, False] * 2
    assert all(p.is_reference and p.integrity == "ok" and p.damage == "" for p in pictures)
    assert all(p.pts is None and p.time_s is None for p in pictures)
    assert [p.poc // p.poc_step for p in pictures] == [0, 1, 2, 3] * 2
    names = {"h264": ("IDR", "non-IDR"), "hevc": ("IDR_N_LP", "TRAIL_R")}[written.CODEC]
    assert [p.nal_unit_name for p in pictures] == [names[0], names[1], names[1], names[1]] * 2
    assert all(p.temporal_id == 0 for p in pictures)


def test_pcm_pictures_carry_their_samples_as_residual(written):
    samples = handmade.picture_samples(2, 2, seed=0)
    with opened(written.stream(gops=1)) as video:
        picture = next(iter(video))
    assert (picture.motion.mode == MODE_PCM).all()
    assert (picture.motion.reference == -1).all()
    assert (picture.motion.mv == 0).all()
    np.testing.assert_array_equal(picture.residual.y, handmade.luma(samples, 2, 2))
    np.testing.assert_array_equal(picture.residual.u[:8, :8], samples[0, 256:320].reshape(8, 8))
    np.testing.assert_array_equal(picture.residual.v[8:, 8:], samples[3, 320:].reshape(8, 8))
    blocks = {"h264": 4, "hevc": 16}[written.CODEC]  # macroblocks, 8x8 blocks
    assert picture.mode_counts == (0, 0, 0, blocks)


def test_skipped_and_moving_pictures(written):
    with opened(written.stream(gops=1, gop=3, mv=(6, -4))) as video:
        _, skipped, moving = video
    assert (skipped.motion.mode == MODE_SKIP).all()
    assert (skipped.motion.mv == 0).all()
    assert (skipped.motion.reference[0] == 0).all()
    assert (moving.motion.mode == MODE_INTER).all()
    assert (moving.motion.reference[0] == 1).all()
    assert (moving.motion.reference[1] == -1).all()
    assert (moving.motion.mv[0] == (6, -4)).all()
    assert (moving.motion.mv[1] == 0).all()
    assert moving.motion.weights is None
    assert not moving.residual.y.any()
    flow = moving.motion.flow()
    assert flow.dtype == np.float32
    np.testing.assert_array_equal(flow[0], np.full((8, 8), -1.5))
    np.testing.assert_array_equal(flow[1], np.full((8, 8), 1.0))


def test_shapes_follow_the_crop(written):
    left, right, top, bottom = 1, 2, 0, 3  # chroma samples
    with opened(written.stream(gops=1, crop=(left, right, top, bottom))) as video:
        picture = next(iter(video))
        assert (video.width, video.height) == (26, 26)
    assert picture.shape == (26, 26)
    assert picture.motion.mv.shape == (2, 7, 7, 2)
    assert picture.motion.reference.shape == (2, 7, 7)
    assert picture.motion.mode.shape == (7, 7)
    assert picture.motion.flow().shape == (2, 7, 7)
    assert picture.residual.y.shape == (26, 26)
    assert picture.residual.u.shape == picture.residual.v.shape == (13, 13)
    whole = handmade.luma(handmade.picture_samples(2, 2, seed=0), 2, 2)
    np.testing.assert_array_equal(picture.residual.y, whole[0:26, 2:28])


def test_without_residual(written):
    with opened(written.stream(), residual=False) as video:
        assert all(picture.residual is None for picture in video)


def test_each_iteration_begins_anew_and_ends_the_one_before(written):
    with opened(written.stream(gops=2, gop=3)) as video:
        first = iter(video)
        next(first)
        assert [p.decode_index for p in video] == list(range(6))
        with pytest.raises(ValueError, match="is being read again"):
            next(first)
        assert len(list(video)) == 6


def test_a_pipe_is_read_once(written):
    class Pipe:
        def __init__(self, data):
            self._data = io.BytesIO(data)

        def read(self, size):
            return self._data.read(min(size, 100))

    with CompressedVideo(Pipe(written.stream())) as video:
        assert len(list(video)) == 12
        with pytest.raises(SourceError, match="only once"):
            iter(video)


def test_a_closed_video_says_so(written):
    video = opened(written.stream())
    pictures = iter(video)
    next(pictures)
    video.close()
    video.close()
    with pytest.raises(ValueError, match="closed"):
        next(pictures)
    with pytest.raises(ValueError, match="closed"):
        iter(video)
    assert video.info().width == 32


def test_stats_count_what_was_read(written):
    with opened(written.stream(gops=2, gop=4)) as video:
        assert video.stats.pictures == 0
        for _ in video:
            pass
        stats = video.stats
    assert (stats.pictures, stats.damaged) == (8, 0)
    assert stats.nal_units == 2 * (written.SETS + 4)
    assert stats.skipped == 0
    assert stats.demux_s > 0


def test_a_new_size_in_mid_stream(written):
    data = written.stream(gops=1, columns=2, rows=2) + written.stream(gops=1, columns=3, rows=1)
    with opened(data) as video:
        shapes = [picture.residual.y.shape for picture in video]
        assert (video.width, video.height) == (32, 32)
    assert shapes == [(32, 32)] * 4 + [(16, 48)] * 4


def test_an_unsupported_tool_at_the_beginning_raises_at_open(written):
    with pytest.raises(UnsupportedStream, match="interlaced|frame_mbs_only_flag|4:2:2") as caught:
        opened(written.refused())
    assert caught.value.exit_code == 4
    assert "\n" not in str(caught.value)


def test_an_unsupported_tool_later_raises_after_the_pictures_before_it(written):
    good = written.stream(gops=2, gop=4)
    seen = []
    with opened(good + written.refused()) as video:
        with pytest.raises(UnsupportedStream):
            for picture in video:
                seen.append(picture.decode_index)
    assert seen == list(range(8))


def test_a_stream_without_parameter_sets_is_corrupt(written):
    data = annex_b([written.idr(handmade.picture_samples(2, 2))] * 3)
    with pytest.raises(CorruptStream, match="sequence parameter set") as caught:
        opened(data)
    assert caught.value.exit_code == 3


def test_parameter_sets_without_a_picture_are_corrupt(written):
    with opened(annex_b(written.parameter_sets(2, 2))) as video:
        with pytest.raises(CorruptStream, match="none of its pictures could be read"):
            list(video)


def test_a_lost_reference_damages_pictures_and_the_next_idr_heals(written):
    data = written.stream(gops=1, gop=6) + written.stream(gops=1, gop=3)
    units = data.split(START_CODE)[1:]
    del units[
        written.SETS + 1
    ]  # a reference picture: frame_num now has a gap, or the RPS a picture too many
    with opened(annex_b(units)) as video:
        integrity = [picture.integrity for picture in video]
        assert video.stats.damaged == integrity.count("damaged") > 0
    assert integrity[0] == "ok"
    assert integrity[-3:] == ["ok", "ok", "ok"]


def test_a_damaged_picture_says_why(written):
    units = written.stream(gops=2, gop=4).split(START_CODE)[1:]
    first_slice = units[written.SETS]
    units[written.SETS] = first_slice[: len(first_slice) // 2]
    with opened(annex_b(units)) as video:
        first = next(iter(video))
    assert first.integrity == "damaged"
    assert first.damage


@pytest.mark.parametrize("arguments", [{"threads": 0}, {"anchor": 0}])
def test_wrong_arguments(arguments):
    with pytest.raises(ValueError, match="must be 1 (or more|to 64)"):
        opened(handmade.stream(), **arguments)


def test_threads_change_nothing(written):
    data = written.stream(gops=6, gop=5)
    expected = [(p.kind, p.motion.mv.tobytes(), p.residual.y.tobytes()) for p in opened(data)]
    with opened(data, threads=3) as video:
        found = [(p.kind, p.motion.mv.tobytes(), p.residual.y.tobytes()) for p in video]
    assert found == expected


def test_options_have_names():
    with pytest.raises(TypeError, match="positional"):
        CompressedVideo(io.BytesIO(handmade.stream()), False)
    with CompressedVideo(io.BytesIO(handmade.stream())) as video:
        with pytest.raises(TypeError, match="positional"):
            video.sample(2)


def test_a_line_about_everything():
    video = CompressedVideo(io.BytesIO(handmade.stream()), container_format="h264")
    first = next(iter(video))
    shown = f"{video} {first} {first.motion} {first.residual}"
    assert "h264 32x32, 8 bits" in shown and "<Picture 0 I 32x32 poc=0 pts=None ok" in shown
    assert "<MotionField 8x8 blocks> <Residual y (32, 32), u and v (16, 16)>" in shown
    video.close()
    assert repr(video).endswith(", closed>")
