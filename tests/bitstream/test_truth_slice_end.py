"""Every slice ends exactly at its trailing bits (7.3.2.11): the parser checks it, and here the check is seen to bite.

That good streams pass it is part of every truth test: a slice that ends elsewhere makes its picture `damaged`.
The streams are written by hand: x264 leaves a bit of its own behind the stop bit of CABAC slices.
"""

import pytest

from rigs import hostile
from rigs.media import Clip, HevcClip, x264, x265
from streamwriter.bits import annex_b
from streamwriter.h264.random_stream import RandomStream
from truth import nal
from truth.digest import summary

pytestmark = pytest.mark.needs_av

PICTURES = 12


def shift_stop_bit(unit):
    """The stop bit one place later, and a zero where it was."""
    bits = int.from_bytes(unit, "big")
    stop = bits & -bits
    if stop == 1:
        return (((bits - 1) << 8) | 0x80).to_bytes(len(unit) + 1, "big")
    return (bits - stop + stop // 2).to_bytes(len(unit), "big")


HARM = {
    "a bit more": shift_stop_bit,
    "a byte more": lambda unit: unit + b"\xa5\x80",
    "a byte less": lambda unit: unit[:-2] + b"\x80",
    "half": lambda unit: unit[: len(unit) // 2] + b"\x80",
}


def written(entropy):
    """NAL units of a stream, and the places of its slices."""
    units = nal.annex_b_nal_units(
        RandomStream(11, cabac=entropy == "CABAC", long_term=False).write(PICTURES)
    )
    return units, hostile.H264.slices(units)


def integrities(tmp_path, units):
    """Integrity of each picture of a stream."""
    result = summary(str(hostile.write(tmp_path, "changed.264", annex_b(units))))
    assert result["error"] is None and len(result["pictures"]) == PICTURES
    return [integrity for _, integrity, _, _ in result["pictures"]]


@pytest.mark.parametrize("harm", sorted(HARM))
@pytest.mark.parametrize("entropy", ["CABAC", "CAVLC"])
def test_a_slice_that_ends_elsewhere_is_damaged(tmp_path, entropy, harm):
    units, slices = written(entropy)
    for k in slices:
        changed = units[:k] + [HARM[harm](units[k])] + units[k + 1 :]
        assert "damaged" in integrities(tmp_path, changed), f"slice in NAL unit {k}"


@pytest.mark.parametrize("entropy", ["CABAC", "CAVLC"])
def test_the_slices_themselves_are_ok(tmp_path, entropy):
    assert integrities(tmp_path, written(entropy)[0]) == ["ok"] * PICTURES


def test_cabac_zero_words_are_no_harm(tmp_path):
    """7.3.2.10: a CABAC slice may be followed by any number of cabac_zero_word."""
    units, slices = written("CABAC")
    longer = [unit + b"\x00\x00\x03" * 4 if k in slices else unit for k, unit in enumerate(units)]
    assert integrities(tmp_path, longer) == ["ok"] * PICTURES


@pytest.mark.parametrize("entropy", ["CABAC", "CAVLC"])
def test_trailing_zero_bytes_are_no_harm(tmp_path, entropy):
    """B.1.1: any number of trailing_zero_8bits may follow a NAL unit."""
    units, _ = written(entropy)
    assert integrities(tmp_path, [unit + bytes(5) for unit in units]) == ["ok"] * PICTURES


ENCODED = {
    "H.264 CAVLC": Clip(pictures=PICTURES, options=x264(cabac=0, bframes=2, b_adapt=0)),
    "H.264 CABAC": Clip(pictures=PICTURES, options=x264(cabac=1, bframes=2, b_adapt=0)),
    "HEVC": HevcClip(pictures=PICTURES, options=x265(bframes=2, b_adapt=0)),
    "HEVC rows and slices": HevcClip(
        pictures=PICTURES, options=x265(bframes=2, b_adapt=0, ctu=16, wpp=1, slices=2)
    ),
}


@pytest.mark.parametrize("name", sorted(ENCODED))
def test_slices_of_an_encoder_that_lost_bytes_are_damaged(clips, tmp_path, name):
    stream = hostile.stream(clips, ENCODED[name], tmp_path)
    # The bit behind the stop bit of an x264 CABAC slice hides one bit more.
    harms = [HARM[harm] for harm in HARM if harm != "a bit more" or "HEVC" in name]
    places = [(k, harm) for k in stream.slices for harm in harms]
    changed = [
        stream.units[:k] + [harm(stream.units[k])] + stream.units[k + 1 :] for k, harm in places
    ]
    for (k, _), result in zip(places, stream.read(changed)):
        assert len(result["pictures"]) == PICTURES and result["error"] is None
        assert len(hostile.good(result)) < PICTURES, f"slice in NAL unit {k}"
