"""Eq. (1) bit for bit on clips encoded here, one coding tool after the other: picture = MC(references, mv) + residual.

The truth test also compares FFmpeg's exported vectors, I_PCM samples and intra residuals: see tests/truth/equation.py.
"""

import itertools

import pytest

from rigs.media import Clip, x264
from truth import equation

pytestmark = pytest.mark.needs_av

B_PYRAMID = {"bframes": 3, "b_pyramid": "normal", "b_adapt": 0}

# Name of the case: what differs from Clip's and x264's defaults.
CASES = {
    "baseline": Clip(options=x264(profile="baseline")),
    "main": Clip(options=x264(profile="main", **B_PYRAMID)),
    "high": Clip(options=x264(profile="high", **B_PYRAMID)),
    "cavlc": Clip(options=x264(cabac=0, **B_PYRAMID)),
    "cavlc 8x8": Clip(options=x264(cabac=0, qp=12, **{"8x8dct": 1})),
    "cavlc no 8x8": Clip(options=x264(cabac=0, qp=12, **{"8x8dct": 0})),
    "cabac no 8x8": Clip(options=x264(qp=12, **{"8x8dct": 0})),
    "bframes 1": Clip(options=x264(bframes=1, b_adapt=0)),
    "bframes 2": Clip(options=x264(bframes=2, b_adapt=0)),
    "bframes 3 no pyramid": Clip(options=x264(bframes=3, b_adapt=0, b_pyramid="none")),
    "bframes 3 strict pyramid": Clip(options=x264(bframes=3, b_adapt=0, b_pyramid="strict")),
    "open gop": Clip(pictures=24, options=x264(bframes=3, b_adapt=0, keyint=8, open_gop=1)),
    "direct none": Clip(options=x264(direct="none", **B_PYRAMID)),
    "direct spatial": Clip(options=x264(direct="spatial", ref=3, **B_PYRAMID)),
    "direct temporal": Clip(options=x264(direct="temporal", ref=3, **B_PYRAMID)),
    "direct auto": Clip(options=x264(direct="auto", ref=3, **B_PYRAMID)),
    "direct temporal cavlc 4x4": Clip(
        options=x264(direct="temporal", cabac=0, partitions="all", **B_PYRAMID)
    ),
    "direct temporal weighted": Clip(
        options=x264(direct="temporal", weightb=1, ref=4, **B_PYRAMID)
    ),
    "direct over cuts": Clip(
        "cuts", pictures=20, options=x264(direct="temporal", scenecut=0, ref=4, **B_PYRAMID)
    ),
    "spatial over cuts": Clip(
        "cuts", pictures=20, options=x264(direct="spatial", scenecut=0, ref=4, **B_PYRAMID)
    ),
    "ref 2": Clip(options=x264(ref=2, bframes=0)),
    "ref 8": Clip(pictures=20, options=x264(ref=8, bframes=0)),
    "ref 16 cavlc": Clip(pictures=24, options=x264(ref=16, bframes=2, cabac=0)),
    "ref 8 mixed": Clip(pictures=20, options=x264(ref=8, mixed_refs=1, **B_PYRAMID)),
    "partitions none": Clip(options=x264(partitions="none", **B_PYRAMID)),
    "partitions all": Clip(options=x264(preset="veryslow", partitions="all", crf=15)),
    "partitions all cavlc": Clip(
        options=x264(preset="veryslow", partitions="all", cabac=0, crf=15)
    ),
    "p4x4 small": Clip(
        width=48, height=48, options=x264(preset="placebo", partitions="all", qp=10, cabac=0)
    ),
    "slices": Clip(options=x264(slices=4, **B_PYRAMID)),
    "slices cavlc": Clip(options=x264(slices=5, cabac=0, **B_PYRAMID)),
    "slices temporal": Clip(options=x264(slices=3, direct="temporal", ref=4, **B_PYRAMID)),
    "slice max size": Clip(options=x264(slice_max_size=300, crf=18)),
    "slice max mbs": Clip(options=x264(slice_max_mbs=4, cabac=0)),
    "sliced threads": Clip(options=x264(sliced_threads=1, threads=3)),
    "cqm jvt": Clip(options=x264(cqm="jvt", qp=14)),
    "cqm jvt cavlc": Clip(options=x264(cqm="jvt", qp=14, cabac=0)),
    "cqm custom 4x4": Clip(options=x264(cqm4=",".join(str(8 + 5 * n) for n in range(16)), qp=12)),
    "cqm custom 8x8": Clip(options=x264(cqm8=",".join(str(6 + 2 * n) for n in range(64)), qp=12)),
    "cqm fallback": Clip(options=x264(cqm4iy=",".join(str(40 - 2 * n) for n in range(16)), qp=12)),
    "intra refresh": Clip(pictures=20, options=x264(intra_refresh=1, keyint=8)),
    "constrained intra": Clip("cuts", options=x264(constrained_intra=1, scenecut=0)),
    "constrained intra cavlc": Clip(
        "cuts", options=x264(constrained_intra=1, scenecut=0, cabac=0, bframes=2)
    ),
    "fade explicit weights": Clip("fade", options=x264(weightp=2, bframes=0, ref=4)),
    "fade weightp 1": Clip("fade", options=x264(weightp=1, bframes=0)),
    "fade weightp 0": Clip("fade", options=x264(weightp=0, bframes=0)),
    "fade weights and b": Clip(
        "fade", pictures=20, options=x264(weightp=2, weightb=1, ref=4, **B_PYRAMID)
    ),
    "fade weights slices cavlc": Clip(
        "fade", options=x264(weightp=2, weightb=1, slices=3, cabac=0, **B_PYRAMID)
    ),
    "implicit weights off": Clip(options=x264(weightb=0, **B_PYRAMID)),
    "no deblock": Clip(options=x264(no_deblock=1, **B_PYRAMID)),
    "deblock strong": Clip(options=x264(deblock="3,3", **B_PYRAMID)),
    "qp 1": Clip(pictures=4, options=x264(qp=1, **B_PYRAMID)),
    "qp 1 cavlc noise": Clip("noise", pictures=3, options=x264(qp=1, cabac=0)),
    "qp 1 noise": Clip("noise", pictures=3, options=x264(qp=1)),
    "qp 51": Clip(options=x264(qp=51, **B_PYRAMID)),
    "qp changes": Clip(options=x264(aq_mode=2, aq_strength=3.0, crf=24, **B_PYRAMID)),
    "qp changes cavlc": Clip(options=x264(aq_mode=1, aq_strength=3.0, crf=24, cabac=0)),
    "bitrate": Clip(options=x264(bitrate=60, vbv_maxrate=60, vbv_bufsize=20)),
    "chroma qp offset": Clip(options=x264(chroma_qp_offset=-9, crf=20)),
    "chroma qp offset up": Clip(options=x264(chroma_qp_offset=12, crf=34)),
    "trellis psy": Clip(options=x264(trellis=2, psy_rd="1.5,0.5", subme=10, **B_PYRAMID)),
    "no dct decimate": Clip(options=x264(no_dct_decimate=1, no_psy=1)),
    "aud hrd": Clip(options=x264(aud=1, nal_hrd="vbr", vbv_maxrate=200, vbv_bufsize=200)),
    "filler": Clip(options=x264(nal_hrd="cbr", bitrate=500, vbv_maxrate=500, vbv_bufsize=500)),
    "other parameter set numbers": Clip(options=x264(sps_id=7, **B_PYRAMID)),
    "frame packing": Clip(options=x264(frame_packing=3, **B_PYRAMID)),
    "bluray": Clip(
        options=x264(
            bluray_compat=1, slices=4, keyint=12, vbv_maxrate=400, vbv_bufsize=400, level="4.1"
        )
    ),
    "stitchable": Clip(options=x264(stitchable=1, **B_PYRAMID)),
    "repeated parameter sets": Clip(pictures=20, options=x264(keyint=5)),
    "all intra": Clip(pictures=4, options=x264(keyint=1)),
    "all intra cavlc": Clip(pictures=4, options=x264(keyint=1, cabac=0, crf=12)),
    "vectors out of the picture": Clip(
        "pan",
        velocity=(9, -7),
        options=x264(me="esa", merange=32, subme=9, scenecut=0, **B_PYRAMID),
    ),
    "one macroblock": Clip(width=16, height=16, options=x264(**B_PYRAMID)),
    "one row": Clip(width=128, height=16, options=x264(cabac=0, **B_PYRAMID)),
    "one column": Clip(width=16, height=96, options=x264(**B_PYRAMID)),
    "50x38": Clip(width=50, height=38, options=x264(**B_PYRAMID)),
    "98x62 cavlc": Clip(width=98, height=62, options=x264(cabac=0, slices=2)),
    "cropped by half blocks": Clip(
        width=112, height=96, options=x264(crop_rect="14,2,6,30", **B_PYRAMID)
    ),
    "cropped all round": Clip(
        width=112, height=96, options=x264(crop_rect="8,4,12,6", **B_PYRAMID)
    ),
    "mp4": Clip(container="mp4", pictures=20, options=x264(**B_PYRAMID)),
    "mp4 cropped": Clip(width=50, height=38, container="mp4", options=x264(**B_PYRAMID)),
    "mkv": Clip(container="mkv", options=x264(**B_PYRAMID)),
    "ts": Clip(container="ts", options=x264(**B_PYRAMID)),
    "monochrome": Clip(pix_fmt="gray", options=x264(**B_PYRAMID)),
    "monochrome cavlc": Clip(pix_fmt="gray", options=x264(cabac=0, crf=12, **B_PYRAMID)),
    "monochrome fade": Clip("fade", pix_fmt="gray", options=x264(weightp=2, **B_PYRAMID)),
    # frame_mbs_only_flag is 0, yet every picture is a progressive frame.
    "interlaced sequence of frames": Clip(height=84, options=x264(fake_interlaced=1, **B_PYRAMID)),
    "interlaced sequence of frames, temporal": Clip(
        "fade", options=x264(fake_interlaced=1, direct="temporal", cabac=0, weightp=2, **B_PYRAMID)
    ),
    "still": Clip("still", options=x264(**B_PYRAMID)),
}


@pytest.mark.parametrize("case", sorted(CASES))
def test_every_block_is_true(clips, case, instruction_sets):
    clip = CASES[case]
    report = equation.assert_true(clips.path(clip), clip.pictures)
    instruction_sets.assert_equal(clips.path(clip))
    assert report.blocks > 0 or "all intra" in case or clip.scene == "noise", str(report)


def test_cases_reach_what_they_are_named_after(clips):
    """A matrix proves nothing if the encoder did not use the tools: weights and intra blocks must be there."""
    for case in ("fade explicit weights", "fade weights and b", "direct temporal weighted"):
        report = equation.check_stream(clips.path(CASES[case]))
        assert report.weighted_blocks > 100 and report.intra_blocks > 0, str(report)


REFUSED = {
    "interlac": Clip(options=x264(tff=1)),
    "4:2:2": Clip(pix_fmt="yuv422p", options=x264(profile="high422")),
    "4:4:4": Clip(pix_fmt="yuv444p", options=x264(profile="high444")),
    "10-bit": Clip(pix_fmt="yuv420p10le", options=x264(profile="high10")),
    "lossless": Clip(options=x264(qp=0, profile="high444")),
}


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_unsupported_features_are_refused_by_name(clips, name):
    assert name in equation.refusal(clips.path(REFUSED[name]))


ENTROPY = ({"cabac": 1}, {"cabac": 0})
GROUPS = (
    {"bframes": 0},
    {"bframes": 1, "b_adapt": 0, "direct": "spatial"},
    {"bframes": 2, "b_adapt": 0, "direct": "temporal"},
    dict(B_PYRAMID, direct="temporal"),
    dict(B_PYRAMID, direct="spatial", weightb=0),
    dict(B_PYRAMID, direct="auto", open_gop=1, keyint=9),
)
TOOLS = (
    {"ref": 1, "weightp": 0},
    {"ref": 5, "weightp": 2, "partitions": "all", "8x8dct": 0},
    {"ref": 3, "slices": 3, "cqm": "jvt"},
    {"ref": 8, "constrained_intra": 1, "slice_max_size": 200, "scenecut": 0},
)
SCENES = ("moving", "cuts", "fade")
LEVELS = ({"qp": 3}, {"crf": 23}, {"qp": 40})


@pytest.mark.slow
@pytest.mark.parametrize("level", LEVELS, ids=str)
@pytest.mark.parametrize("scene", SCENES)
@pytest.mark.parametrize("tools", range(len(TOOLS)))
@pytest.mark.parametrize("group", range(len(GROUPS)))
@pytest.mark.parametrize("entropy", ENTROPY, ids=str)
def test_combinations_are_true(clips, entropy, group, tools, scene, level):
    parameters = dict(
        itertools.chain.from_iterable(
            d.items() for d in (entropy, GROUPS[group], TOOLS[tools], level)
        )
    )
    clip = Clip(
        scene, width=114, height=82, pictures=18, seed=group * 7 + tools, options=x264(**parameters)
    )
    equation.assert_true(clips.path(clip), clip.pictures)
