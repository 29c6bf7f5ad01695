"""Eq. (1) bit for bit on HEVC clips encoded here, one tool after the other: picture = MC(references, mv) + residual.

The truth test also checks PCM samples, intra residuals and the order of output: see tests/truth/equation.py.
"""

import re

import pytest

from rigs.media import HevcClip, x265
from truth import equation, headers_hevc, nal

pytestmark = pytest.mark.needs_av

PYRAMID = {"bframes": 4, "b_adapt": 0, "b_pyramid": 1}
THOROUGH = {"rd": 6, "rect": 1, "amp": 1, "max_merge": 5, "limit_refs": 0, "limit_modes": 0}
DEEP = {"tu_intra_depth": 4, "tu_inter_depth": 4, "limit_tu": 0}

# Name of the case: what differs from HevcClip's and x265's defaults.
CASES = {
    "intra only": HevcClip(pictures=3, options=x265(keyint=1)),
    "intra only fine": HevcClip(pictures=2, options=x265(keyint=1, crf=8, **DEEP)),
    "P only": HevcClip(options=x265(bframes=0)),
    "P of one reference": HevcClip(options=x265(bframes=0, ref=1)),
    "P of six references": HevcClip(pictures=16, options=x265(bframes=0, ref=6, limit_refs=0)),
    "bframes 1": HevcClip(options=x265(bframes=1, b_adapt=0)),
    "bframes 2": HevcClip(options=x265(bframes=2, b_adapt=0)),
    "bframes 3 no pyramid": HevcClip(options=x265(bframes=3, b_adapt=0, b_pyramid=0)),
    "bframes 4 pyramid": HevcClip(options=x265(**PYRAMID)),
    "bframes 8 pyramid": HevcClip(pictures=20, options=x265(bframes=8, b_adapt=0, ref=5)),
    "b-intra": HevcClip("cuts", options=x265(b_intra=1, scenecut=0, **PYRAMID)),
    "open gop": HevcClip(
        pictures=24, options=x265(open_gop=1, keyint=8, min_keyint=8, bframes=3, b_adapt=0)
    ),
    "closed gop": HevcClip(pictures=20, options=x265(open_gop=0, keyint=6, **PYRAMID)),
    "radl": HevcClip(
        pictures=24, options=x265(open_gop=0, keyint=8, min_keyint=8, radl=2, bframes=3, b_adapt=0)
    ),
    "intra refresh": HevcClip(pictures=20, options=x265(intra_refresh=1, keyint=8)),
    "temporal layers": HevcClip(
        pictures=18, options=x265(temporal_layers=3, b_adapt=0, b_pyramid=1)
    ),
    "hist-scenecut": HevcClip("cuts", pictures=18, options=x265(hist_scenecut=1)),
    "fade-aware gop": HevcClip("fade", pictures=18, options=x265(gop_lookahead=4)),
    "fade weightp": HevcClip("fade", options=x265(weightp=1, bframes=0, ref=4)),
    "fade weightp and weightb": HevcClip(
        "fade", pictures=20, options=x265(weightp=1, weightb=1, ref=4, **PYRAMID)
    ),
    "fade weightb 10 bits": HevcClip(
        "fade", pix_fmt="yuv420p10le", options=x265(weightp=1, weightb=1, ref=4, **PYRAMID)
    ),
    "fade without weights": HevcClip("fade", options=x265(weightp=0, weightb=0, **PYRAMID)),
    "amp": HevcClip(options=x265(rect=1, amp=1, rd=4, **PYRAMID)),
    "rect": HevcClip(options=x265(rect=1, amp=0, rd=4, **PYRAMID)),
    "amp ctu 16": HevcClip(options=x265(ctu=16, crf=16, **dict(THOROUGH, **PYRAMID))),
    "limit-refs 0": HevcClip(pictures=16, options=x265(limit_refs=0, ref=5, **PYRAMID)),
    "max-merge 1": HevcClip(options=x265(max_merge=1, **PYRAMID)),
    "max-merge 5": HevcClip(options=x265(max_merge=5, **PYRAMID)),
    "no temporal-mvp": HevcClip(options=x265(temporal_mvp=0, max_merge=5, **PYRAMID)),
    "ctu 16": HevcClip(options=x265(ctu=16, **PYRAMID)),
    "ctu 32": HevcClip(options=x265(ctu=32, **PYRAMID)),
    "ctu 64": HevcClip(width=144, height=136, options=x265(ctu=64, **PYRAMID)),
    "min-cu 16": HevcClip(options=x265(min_cu_size=16, **PYRAMID)),
    "min-cu 32": HevcClip(width=112, options=x265(min_cu_size=32, ctu=64, **PYRAMID)),
    "tu depths": HevcClip(options=x265(crf=14, **dict(DEEP, **PYRAMID))),
    "tu depth limited": HevcClip(
        options=x265(tu_intra_depth=4, tu_inter_depth=4, limit_tu=4, **PYRAMID)
    ),
    "max-tu 4": HevcClip(options=x265(ctu=16, max_tu_size=4, **PYRAMID)),
    "max-tu 8": HevcClip(options=x265(ctu=32, max_tu_size=8, **PYRAMID)),
    "max-tu 16": HevcClip(options=x265(ctu=64, max_tu_size=16, **PYRAMID)),
    "tskip": HevcClip(options=x265(tskip=1, rd=4, crf=16, **dict(DEEP, **PYRAMID))),
    "tskip 10 bits noise": HevcClip(
        "noise", pictures=3, pix_fmt="yuv420p10le", options=x265(tskip=1, rd=4, qp=20, **DEEP)
    ),
    "no signhide": HevcClip(options=x265(signhide=0, crf=16, **PYRAMID)),
    "rdoq": HevcClip(options=x265(rdoq_level=2, rd=6, crf=18, **PYRAMID)),
    "default scaling list": HevcClip(options=x265(scaling_list="default", crf=14, **PYRAMID)),
    "custom scaling list": HevcClip(
        options=x265(scaling_list="custom", crf=14, **dict(DEEP, **PYRAMID))
    ),
    "custom scaling list 10 bits": HevcClip(
        pix_fmt="yuv420p10le", options=x265(scaling_list="custom", crf=8, ctu=64, **PYRAMID)
    ),
    "wpp": HevcClip(height=112, options=x265(wpp=1, ctu=16, **PYRAMID)),
    "no wpp": HevcClip(height=112, options=x265(wpp=0, ctu=16, **PYRAMID)),
    "slices": HevcClip(height=112, options=x265(slices=3, ctu=16, **PYRAMID)),
    "slices and wpp": HevcClip(
        "fade", height=112, options=x265(slices=3, wpp=1, ctu=16, weightp=1, weightb=1, **PYRAMID)
    ),
    "frame threads": HevcClip(pictures=20, options=x265(pools=2, frame_threads=3, **PYRAMID)),
    "cu-lossless": HevcClip("still", options=x265(cu_lossless=1, rd=6, crf=6, bframes=0)),
    "lossless": HevcClip(pictures=6, options=x265(lossless=1, **PYRAMID)),
    "lossless 10 bits": HevcClip(
        pictures=5, pix_fmt="yuv420p10le", options=x265(lossless=1, tskip=1, rd=4, **PYRAMID)
    ),
    "constrained intra": HevcClip(
        "cuts", options=x265(constrained_intra=1, scenecut=0, b_intra=1, **PYRAMID)
    ),
    "constrained intra, ctu 16": HevcClip(
        "cuts",
        pictures=14,
        options=x265(constrained_intra=1, scenecut=0, ctu=16, crf=16, bframes=0),
    ),
    "no strong intra smoothing": HevcClip(options=x265(strong_intra_smoothing=0, keyint=4)),
    "aq 1, qg 8": HevcClip(options=x265(aq_mode=1, aq_strength="3.00", qg_size=8, **PYRAMID)),
    "aq 2, qg 16": HevcClip(options=x265(aq_mode=2, aq_strength="3.00", qg_size=16, **PYRAMID)),
    "aq 3, qg 64": HevcClip(
        width=144, height=136, options=x265(aq_mode=3, aq_strength="3.00", qg_size=64, **PYRAMID)
    ),
    "aq 4, 10 bits": HevcClip(
        pix_fmt="yuv420p10le", options=x265(aq_mode=4, aq_strength="3.00", qg_size=8, **PYRAMID)
    ),
    "chroma offsets": HevcClip(options=x265(cbqpoffs=-9, crqpoffs=7, crf=20, **PYRAMID)),
    "chroma offsets at the end": HevcClip(
        options=x265(cbqpoffs=12, crqpoffs=-12, crf=34, **PYRAMID)
    ),
    "opt-qp-pps": HevcClip(pictures=20, options=x265(opt_qp_pps=1, keyint=6, **PYRAMID)),
    "opt-ref-list-length-pps": HevcClip(
        pictures=20, options=x265(opt_ref_list_length_pps=1, keyint=6, ref=4, **PYRAMID)
    ),
    "rps in slice headers": HevcClip(
        pictures=20, options=x265(multi_pass_opt_rps=0, log2_max_poc_lsb=4, ref=5, **PYRAMID)
    ),
    "qp 0": HevcClip(pictures=4, options=x265(qp=0, **PYRAMID)),
    "qp 0 noise": HevcClip("noise", pictures=3, options=x265(qp=0, ctu=16)),
    "qp 0 noise 10 bits": HevcClip("noise", pictures=2, pix_fmt="yuv420p10le", options=x265(qp=0)),
    "qp 51": HevcClip(options=x265(qp=51, **PYRAMID)),
    "bitrate": HevcClip(options=x265(bitrate=60, vbv_maxrate=60, vbv_bufsize=60)),
    "noise reduction": HevcClip(options=x265(nr_inter=500, nr_intra=500, **PYRAMID)),
    "no rskip": HevcClip(options=x265(rskip=0, rd=4, **PYRAMID)),
    "early skip": HevcClip(options=x265(early_skip=1, **PYRAMID)),
    "deblock strong": HevcClip(options=x265(deblock="3,3", qp=38, **PYRAMID)),
    "no loop filters": HevcClip(options=x265(no_deblock=1, sao=0, **PYRAMID)),
    "aud hrd hash": HevcClip(
        options=x265(aud=1, hrd=1, hash=1, vbv_maxrate=500, vbv_bufsize=500, **PYRAMID)
    ),
    "veryslow": HevcClip("cuts", pictures=14, options=x265(preset="veryslow", crf=20)),
    "veryslow 10 bits": HevcClip(pix_fmt="yuv420p10le", options=x265(preset="veryslow", crf=16)),
    "placebo": HevcClip(width=72, height=64, pictures=10, options=x265(preset="placebo", crf=18)),
    "ultrafast": HevcClip(options=x265(preset="ultrafast")),
    "zero latency": HevcClip(options=x265(tune="zerolatency", crf=20)),
    "fields": HevcClip(options=x265(field=1, **PYRAMID)),
    "grain": HevcClip(options=x265(tune="grain", crf=18)),
    "vectors out of the picture": HevcClip(
        "pan", velocity=(9, -7), options=x265(me=5, merange=32, subme=7, scenecut=0, **PYRAMID)
    ),
    "one ctu": HevcClip(width=16, height=16, options=x265(**PYRAMID)),
    "one row": HevcClip(width=160, height=16, options=x265(**PYRAMID)),
    "one column": HevcClip(width=16, height=144, options=x265(**PYRAMID)),
    "98x66": HevcClip(width=98, height=66, options=x265(**PYRAMID)),
    "130x82 10 bits": HevcClip(
        width=130, height=82, pix_fmt="yuv420p10le", options=x265(ctu=32, **PYRAMID)
    ),
    "50x38, min-cu 16": HevcClip(width=50, height=38, options=x265(ctu=32, min_cu_size=16)),
    "10 bits": HevcClip(pix_fmt="yuv420p10le", options=x265(**PYRAMID)),
    "10 bits fine": HevcClip(
        pictures=6, pix_fmt="yuv420p10le", options=x265(crf=4, **dict(DEEP, **PYRAMID))
    ),
    "gray": HevcClip(pix_fmt="gray", options=x265(**PYRAMID)),
    "gray fine": HevcClip(pix_fmt="gray", options=x265(crf=8, bframes=2, **DEEP)),
    "gray fade": HevcClip("fade", pix_fmt="gray", options=x265(weightb=1, **PYRAMID)),
    "gray 10 bits": HevcClip(pix_fmt="gray10le", options=x265(crf=14, **PYRAMID)),
    "mp4": HevcClip(container="mp4", pictures=20, options=x265(keyint=9, **PYRAMID)),
    "mp4 cropped": HevcClip(width=50, height=38, container="mp4", options=x265(**PYRAMID)),
    "mp4 10 bits": HevcClip(container="mp4", pix_fmt="yuv420p10le", options=x265(**PYRAMID)),
    "mkv": HevcClip(container="mkv", options=x265(**PYRAMID)),
    "ts": HevcClip(container="ts", options=x265(**PYRAMID)),
    "still": HevcClip("still", options=x265(**PYRAMID)),
}


@pytest.mark.parametrize("case", sorted(CASES))
def test_every_block_is_true(clips, case, instruction_sets):
    clip = CASES[case]
    report = equation.assert_true(clips.path(clip), clip.pictures)
    instruction_sets.assert_equal(clips.path(clip))
    assert report.blocks > 0 or clip.scene == "noise" or "intra only" in case, str(report)
    assert report.intra_blocks > 0, str(report)
    assert report.weighted_blocks > 100 or "fade weight" not in case, str(report)


def settings(path):
    """What x265 says of itself in its SEI message."""
    text = re.search(b"x265 \\(build.*?options: ([ -~]*)", path.read_bytes()).group(1)
    return set(text.decode().split())


def wanted(clip):
    """For each x265 parameter of a clip, the ways in which x265 may write it."""
    for pair in dict(clip.options)["x265-params"].split(":"):
        name, value = pair.split("=")
        if name not in ("pools", "log-level", "scaling-list"):
            other = {"0": "no-" + name, "1": name}.get(value, value)
            yield {name + "=" + value, name + "=" + value.replace(",", ":"), other}


@pytest.mark.not_pyav10  # Debian's x265 of its time makes no temporal layers
@pytest.mark.parametrize("case", sorted(name for name in CASES if CASES[name].container == "265"))
def test_the_encoder_took_every_option(clips, case):
    """A matrix proves nothing if the encoder did not obey."""
    found = settings(clips.path(CASES[case]))
    for words in wanted(CASES[case]):
        assert words & found, f"x265 did not take {words}"


# Case: what its parameter sets must say.
HEADERS = {
    "no wpp": {"entropy_coding_sync_enabled_flag": 0, "ctb_log2": 4},
    "wpp": {"entropy_coding_sync_enabled_flag": 1},
    "slices and wpp": {"entropy_coding_sync_enabled_flag": 1, "weighted_bipred_flag": 1},
    "ctu 32": {"ctb_log2": 5, "min_cb_log2": 3},
    "ctu 64": {"ctb_log2": 6, "max_tb_log2": 5},
    "min-cu 16": {"min_cb_log2": 4},
    "min-cu 32": {"min_cb_log2": 5},
    "max-tu 4": {"max_tb_log2": 2},
    "max-tu 8": {"max_tb_log2": 3},
    "tskip": {"transform_skip_enabled_flag": 1},
    "amp": {"amp_enabled_flag": 1},
    "rect": {"amp_enabled_flag": 0},
    "no signhide": {"sign_data_hiding_enabled_flag": 0},
    "no temporal-mvp": {"sps_temporal_mvp_enabled_flag": 0},
    "no strong intra smoothing": {"strong_intra_smoothing_enabled_flag": 0},
    "no loop filters": {"sample_adaptive_offset_enabled_flag": 0},
    "default scaling list": {
        "scaling_list_enabled_flag": 1,
        "sps_scaling_list_data_present_flag": 0,
    },
    "custom scaling list": {
        "scaling_list_enabled_flag": 1,
        "sps_scaling_list_data_present_flag": 1,
    },
    "fade weightp": {"weighted_pred_flag": 1},
    "fade weightp and weightb": {"weighted_pred_flag": 1, "weighted_bipred_flag": 1},
    "lossless": {"transquant_bypass_enabled_flag": 1},
    "cu-lossless": {"transquant_bypass_enabled_flag": 1},
    "constrained intra": {"constrained_intra_pred_flag": 1},
    "aq 1, qg 8": {"cu_qp_delta_enabled_flag": 1, "diff_cu_qp_delta_depth": 3},
    "chroma offsets": {"chroma_qp_offsets": (-9, 7)},
    "10 bits": {"bit_depth": 10, "chroma_format_idc": 1},
    "gray": {"bit_depth": 8, "chroma_format_idc": 0},
}


def headers(path):
    """The parameter sets of a stream as one dictionary."""
    units = nal.annex_b_nal_units(path.read_bytes())
    sets = headers_hevc.ParameterSets()
    sets.read(units)
    segment = next(unit for unit in units if headers_hevc.is_slice_segment(unit))
    sps, pps = sets.of(sets.segment(segment).pps_id)
    return dict(sps._asdict(), **pps._asdict())


@pytest.mark.parametrize("case", sorted(HEADERS))
def test_the_parameter_sets_say_so(clips, case):
    found = headers(clips.path(CASES[case]))
    assert {name: found[name] for name in HEADERS[case]} == HEADERS[case]


# CRA, RASL, RADL, TSA: each in the stream that is named after it.
KINDS = {"open gop": (21, 8, 9), "radl": (19, 6, 7), "temporal layers": (2,)}


@pytest.mark.not_pyav10  # Debian's x265 of its time makes no temporal layers
def test_picture_types_occur(clips):
    def kinds(case):
        units = nal.annex_b_nal_units(clips.path(CASES[case]).read_bytes())
        return [headers_hevc.nal_unit_type(unit) for unit in units]

    for case, expected in KINDS.items():
        assert set(expected) <= set(kinds(case)), case
    assert sum(kind < 32 for kind in kinds("slices")) == 3 * CASES["slices"].pictures


REFUSED = {
    "4:2:2": HevcClip(pictures=2, pix_fmt="yuv422p", options=x265()),
    "4:4:4": HevcClip(pictures=2, pix_fmt="yuv444p", options=x265()),
    "12-bit": HevcClip(pictures=2, pix_fmt="yuv420p12le", options=x265()),
}


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_unsupported_features_are_refused_by_name(clips, name):
    assert name in equation.refusal(clips.path(REFUSED[name]))


GROUPS = (
    {"bframes": 0, "ref": 4},
    {"bframes": 2, "b_adapt": 0, "weightb": 1, "open_gop": 1, "keyint": 9},
    dict(PYRAMID, ref=5, open_gop=0, keyint=11, radl=2),
    {"bframes": 8, "b_adapt": 2, "temporal_mvp": 0, "b_intra": 1},
)
TOOLS = (
    dict(THOROUGH, **DEEP),
    {"ctu": 16, "slices": 2, "wpp": 1, "tskip": 1, "rd": 4, "scaling_list": "default"},
    {"ctu": 32, "min_cu_size": 16, "max_merge": 1, "signhide": 0, "constrained_intra": 1},
    {"qg_size": 8, "aq_mode": 3, "aq_strength": "3.00", "cbqpoffs": -5, "scaling_list": "custom"},
    {"cu_lossless": 1, "rd": 6, "max_tu_size": 8, "early_skip": 1, "ctu": 64, "limit_refs": 0},
)
LEVELS = ({"crf": 6}, {"crf": 24}, {"crf": 40})


@pytest.mark.slow
@pytest.mark.parametrize("pix_fmt", ["yuv420p", "yuv420p10le", "gray"])
@pytest.mark.parametrize("level", LEVELS, ids=str)
@pytest.mark.parametrize("scene", ["moving", "cuts", "fade"])
@pytest.mark.parametrize("tools", range(len(TOOLS)))
@pytest.mark.parametrize("group", range(len(GROUPS)))
def test_combinations_are_true(clips, group, tools, scene, level, pix_fmt):
    parameters = dict(GROUPS[group], **dict(TOOLS[tools], **level))
    seed, options = group * 7 + tools, x265(**parameters)
    clip = HevcClip(scene, 114, 82, 18, seed=seed, pix_fmt=pix_fmt, options=options)
    equation.assert_true(clips.path(clip), clip.pictures)
