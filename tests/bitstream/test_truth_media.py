"""Eq. (1) bit for bit on real streams: conformance streams, cameras, web platforms. Only where they are at hand.

Every progressive 8-bit 4:2:0 H.264 stream must be read completely and be true; every other one is refused by name.
"""

import pytest

from support import truth
from support.paths import SHARED_MEDIA
from support.witness import RAW_SUFFIXES, access_units

FOLDERS = ("h264_conformance", "real")
# A few seconds for all of them: these streams and pictures cover every tool that occurs.
QUICK_LIMIT = 24
QUICK = (
    *(
        "BA1_FT_C",
        "BA2_Sony_F",
        "BAMQ2_JVC_C",
        "CABA3_SVA_B",
        "CABASTBR3_Sony_B",
        "CANL3_Sony_C",
        "CI_MW_D",
    ),
    *(
        "CVSEFDFT3_Sony_E",
        "FRExt3_Panasonic_E",
        "HCAFR1_HHI_C",
        "HCBP2_HHI_A",
        "HCMP1_HHI_A",
        "MR1_BT_A",
        "MR1_MW_A",
    ),
    *(
        "MR4_TANDBERG_C",
        "SL1_SVA_B",
        "SVA_BA2_D",
        "brcm_freh9",
        "freh12_b",
        "test-25fps",
        "demo",
        "nasa_13013",
    ),
)


def _parameters(path):
    """The first SequenceParameters of an H.264 file, None for another codec."""
    import av

    if path.suffix not in RAW_SUFFIXES:
        with av.open(str(path)) as container:
            if container.streams.video[0].codec_context.name != "h264":
                return None
    return next(unit.parameters for unit in access_units(str(path)) if unit.parameters)


def _streams():
    files = [path for folder in FOLDERS for path in sorted((SHARED_MEDIA / folder).rglob("*.*"))]
    return [(path, _parameters(path)) for path in files]


STREAMS = [(path, parameters) for path, parameters in _streams() if parameters is not None]
SUPPORTED = [
    path
    for path, p in STREAMS
    if p.frame_mbs_only_flag and p.bit_depth == 8 and p.chroma_format_idc in (0, 1)
]
REFUSED = [(path, parameters) for path, parameters in STREAMS if path not in SUPPORTED]


def _name(path):
    return path.name if hasattr(path, "name") else ""


@pytest.mark.parametrize(
    "path", [p for p in SUPPORTED if p.stem in QUICK or "oxideav" in str(p)], ids=_name
)
def test_beginning_is_true(path):
    report = truth.check_stream(path, limit=QUICK_LIMIT)
    assert report.ok and report.pictures, str(report)


@pytest.mark.slow
@pytest.mark.parametrize("path", SUPPORTED, ids=_name)
def test_whole_stream_is_true(path):
    report = truth.check_stream(path)
    assert report.ok and report.pictures, str(report)


@pytest.mark.parametrize("path, parameters", REFUSED, ids=_name)
def test_other_streams_are_refused_by_name(path, parameters):
    from edge_attp.bitstream import CompressedVideo, UnsupportedStream

    with pytest.raises(UnsupportedStream) as caught:
        with CompressedVideo(str(path)) as video:
            list(video)
    message = str(caught.value).lower()
    expected = {
        "interlac": not parameters.frame_mbs_only_flag,
        "bit": parameters.bit_depth > 8,
        "4:2:2": parameters.chroma_format_idc == 2,
        "4:4:4": parameters.chroma_format_idc == 3,
    }
    assert any(word in message for word, applies in expected.items() if applies), message


def test_the_quick_choice_names_streams_that_exist():
    assert {path.stem for path in SUPPORTED} >= set(QUICK)
    assert len(SUPPORTED) >= 45 and len(REFUSED) >= 15
