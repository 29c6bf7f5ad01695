"""Eq. (1) bit for bit on real streams: conformance streams, cameras, web platforms. Only where they are at hand.

Every progressive 8-bit 4:2:0 H.264 stream and every 4:2:0 HEVC stream of 8 to 10 bits without range extensions must be
read completely and be true; every other one is refused by name.
"""

import re

import pytest

from rigs import media
from rigs.media import x265
from rigs.paths import SHARED_MEDIA
from truth import equation
from truth.access_units import access_units, codec_name

pytestmark = [pytest.mark.needs_av, pytest.mark.needs_media]

FOLDERS = ("h264_conformance", "hevc_conformance", "real")
# A few seconds for all of them: these streams and pictures cover every tool that occurs.
QUICK_LIMIT = 24
QUICK = """
    BA1_FT_C BA2_Sony_F BAMQ2_JVC_C CABA3_SVA_B CABASTBR3_Sony_B CANL3_Sony_C CI_MW_D CVSEFDFT3_Sony_E
    FRExt3_Panasonic_E HCAFR1_HHI_C HCBP2_HHI_A HCMP1_HHI_A MR1_BT_A MR1_MW_A MR4_TANDBERG_C SL1_SVA_B
    SVA_BA2_D brcm_freh9 freh12_b test-25fps demo nasa_13013
    64x64-I-P-B-P bear full_qcif_10f_10bit i_64x64_10bit i_64x64_full toy_qp30 p_qcif_10f h265_10bits
""".split()
# HEVC streams that use what is out of scope: what the refusal must name.
REFUSED_HEVC = {
    "ll444": "4:4:4",
    "r416-ccp": "4:4:4",
    "r413-palette": "palette|scc",
    "r413-rdpcm-implicit": "implicit_rdpcm",
}


def _refusal(path):
    """A pattern that the refusal of this file matches, "" for a file in scope, None for another codec."""
    codec = codec_name(str(path))
    if codec == "hevc":
        return REFUSED_HEVC.get(path.stem, "")
    if codec != "h264":
        return None
    parameters = next(unit.parameters for unit in access_units(str(path)) if unit.parameters)
    refused = {
        "interlac": not parameters.frame_mbs_only_flag,
        "bit": parameters.bit_depth > 8,
        "4:2:2": parameters.chroma_format_idc == 2,
        "4:4:4": parameters.chroma_format_idc == 3,
    }
    return "|".join(word for word, applies in refused.items() if applies)


def _streams():
    files = [path for folder in FOLDERS for path in sorted((SHARED_MEDIA / folder).rglob("*.*"))]
    return [(path, _refusal(path)) for path in files]


STREAMS = [(path, refusal) for path, refusal in _streams() if refusal is not None]
SUPPORTED = [path for path, refusal in STREAMS if not refusal]
REFUSED = [(path, refusal) for path, refusal in STREAMS if refusal]


def _name(path):
    return path.name if hasattr(path, "name") else ""


@pytest.mark.parametrize(
    "path", [p for p in SUPPORTED if p.stem in QUICK or "oxideav" in str(p)], ids=_name
)
def test_beginning_is_true(path):
    report = equation.check_stream(path, limit=QUICK_LIMIT)
    assert report.ok and report.pictures, str(report)


@pytest.mark.slow
@pytest.mark.parametrize("path", SUPPORTED, ids=_name)
def test_whole_stream_is_true(path):
    report = equation.check_stream(path)
    assert report.ok and report.pictures, str(report)


CODED_ANEW = {
    "medium": ("yuv420p", x265(preset="medium", bframes=4)),
    "slower, 10 bits": ("yuv420p10le", x265(preset="slower", crf=22, tskip=1)),
    "superfast, fine": ("yuv420p", x265(preset="superfast", crf=14, ctu=32, slices=2)),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(CODED_ANEW))
def test_camera_pictures_coded_anew_are_true(tmp_path, name):
    """What the world looks like, in the hands of an HEVC encoder that uses all it has."""
    pix_fmt, options = CODED_ANEW[name]
    frames = media.frames_of(SHARED_MEDIA / "real" / "mmaction2" / "demo.mp4", 40)
    path = media.encode(frames, tmp_path / "anew.265", "libx265", options, "265", pix_fmt)
    equation.assert_true(path, 40)


@pytest.mark.parametrize("path, refusal", REFUSED, ids=_name)
def test_other_streams_are_refused_by_name(path, refusal):
    assert re.search(refusal, equation.refusal(path))


def test_the_quick_choice_names_streams_that_exist():
    assert {path.stem for path in SUPPORTED} >= set(QUICK)
    assert {path.stem for path, _ in REFUSED} >= set(REFUSED_HEVC)
    assert len(SUPPORTED) >= 70 and len(REFUSED) >= 19
