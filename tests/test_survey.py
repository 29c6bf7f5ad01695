"""The statistics of `edge-attp inspect` on pictures made by hand, where every number is known."""

from types import SimpleNamespace

import numpy as np
import pytest

from edge_attp.survey import Survey, compress_pattern
from edge_attp.types import CodingCounts


def picture(index, kind, poc, **changes):
    """A 32x16 picture of 4x8 blocks; by default all inter, still, referring to picture 0."""
    mode = np.full((4, 8), 0 if kind == "I" else 1, np.uint8)
    reference = np.full((2, 4, 8), -1, np.int32)
    if kind != "I":
        reference[0] = 0
    motion = SimpleNamespace(mode=mode, reference=reference, flow=lambda: np.zeros((2, 4, 8)))
    fields = {
        "decode_index": index,
        "kind": kind,
        "poc": poc,
        "poc_step": 2,
        "is_random_access": index == 0,
        "is_reference": kind != "B",
        "integrity": "ok",
        "damage": "",
        "nal_unit_name": "slice",
        "temporal_id": 0,
        "coding_counts": None,
        "motion": motion,
        "residual": SimpleNamespace(y=np.zeros((16, 32), np.int16)),
    }
    fields.update(changes)
    return SimpleNamespace(**fields)


def summary(*pictures):
    survey = Survey()
    for one in pictures:
        survey.add_picture(one)
    return survey.summary()


@pytest.mark.parametrize(
    "letters, compressed",
    [
        ("", ""),
        ("I", "I"),
        ("IPPP", "I 3x[P]"),
        ("IbBbPbBbPP", "I 2x[bBbP] P"),
        ("bbIbbPbb", "bbI bbP bb"),
    ],
)
def test_pattern_is_compressed(letters, compressed):
    assert compress_pattern(letters) == compressed


def test_counts_and_gops():
    pictures = [picture(0, "I", 0), picture(1, "P", 4), picture(2, "B", 2)]
    pictures += [picture(3, "I", 0, is_random_access=True), picture(4, "P", 2)]
    found = summary(*pictures)
    assert found["pictures"] == 5
    assert found["kinds"] == {"I": 2, "P": 2, "B": 1}
    assert found["gop"] == {
        "count": 2,
        "pattern": "I bP",
        "pattern_count": 1,
        "shortest": 2,
        "longest": 3,
    }


def test_block_shares_are_per_kind():
    skipped = picture(1, "P", 2)
    skipped.motion.mode[:2] = 2
    found = summary(picture(0, "I", 0), skipped)["blocks"]
    assert found["I"]["intra"] == 1.0
    assert found["P"] == {"intra": 0.0, "inter": 0.5, "skip": 0.5, "pcm": 0.0, "missing": 0.0}


def test_speeds_leave_intra_blocks_out():
    moved = picture(1, "P", 2)
    flow = np.zeros((2, 4, 8), np.float32)
    flow[0], flow[1] = 3, 4
    moved.motion.reference[0, 0] = -1
    flow[:, 0] = 100  # not used: these blocks have no reference
    moved.motion.flow = lambda: flow
    found = summary(picture(0, "I", 0), moved)["motion"]
    assert found == {"blocks": 24, "mean_px": 5.0, "median_px": 5.0, "p95_px": 5.0}


def test_percentiles_follow_the_distribution():
    mixed = picture(1, "P", 2)
    flow = np.zeros((2, 4, 8), np.float32)
    flow[0] = np.arange(32).reshape(4, 8)
    mixed.motion.flow = lambda: flow
    found = summary(picture(0, "I", 0), mixed)["motion"]
    assert found["mean_px"] == 15.5
    assert found["median_px"] == 15.0
    assert found["p95_px"] == 30.0


def test_reference_distances_are_in_display_order():
    later = picture(1, "P", 8)
    between = picture(2, "B", 2)
    between.motion.reference[1] = 1
    found = summary(picture(0, "I", 0), later, between)["reference_distances"]
    assert {(item["pictures"], item["share"]) for item in found} == {
        (4.0, 1 / 3),  # P to I
        (1.0, 1 / 3),  # B to I
        (-3.0, 1 / 3),  # B to P, which is shown later
    }


def test_residual_strength():
    coded = picture(1, "P", 2)
    coded.residual.y[:8] = 6
    found = summary(picture(0, "I", 0), coded)["residual"]
    assert found["I"] == {"rms_luma": 0.0, "nonzero_share": 0.0}
    assert found["P"]["nonzero_share"] == 0.5
    assert found["P"]["rms_luma"] == pytest.approx(6 * 0.5**0.5)


def test_first_damage_is_kept():
    damaged = picture(1, "P", 2, integrity="damaged", damage="slice 3 lost")
    found = summary(picture(0, "I", 0), damaged, picture(2, "P", 4, integrity="damaged"))
    assert found["integrity"] == {
        "ok": 1,
        "damaged": 2,
        "first_damage": "picture 1: slice 3 lost",
    }


def test_coding_trees_are_summed_per_kind():
    counts = CodingCounts(
        coding_tree_units=4,
        coding_units=(4, 0, 3, 0),
        prediction_units=8,
        merged=6,
        bi_predicted=2,
        luma_transforms=(16, 4, 0, 1),
    )
    more = counts._replace(coding_units=(0, 4, 0, 0), merged=8, luma_transforms=(0, 0, 0, 0))
    found = summary(
        picture(0, "I", 0),
        picture(1, "B", 2, coding_counts=counts),
        picture(2, "B", 4, coding_counts=more),
    )
    area = 4 * 64 + 4 * 256 + 3 * 1024
    assert found["coding"] == {
        "B": {
            "coding_units": {
                "8": 4 * 64 / area,
                "16": 4 * 256 / area,
                "32": 3 * 1024 / area,
                "64": 0.0,
            },
            "luma_transforms": {"4": 256 / 1536, "8": 256 / 1536, "16": 0.0, "32": 1024 / 1536},
            "merged": 14 / 16,
            "bi_predicted": 4 / 16,
        }
    }


def test_nal_units_and_sub_layers_are_counted():
    found = summary(
        picture(0, "I", 0, nal_unit_name="CRA"),
        picture(1, "P", 8, temporal_id=0, nal_unit_name="TRAIL_R"),
        picture(2, "B", 4, temporal_id=2, nal_unit_name="RASL_N"),
        picture(3, "B", 6, temporal_id=2, nal_unit_name="RASL_N"),
    )
    assert found["nal_units"] == {"RASL_N": 2, "CRA": 1, "TRAIL_R": 1}
    assert found["sub_layers"] == [2, 0, 2]


def test_an_empty_stream_has_a_summary():
    found = summary()
    assert found["pictures"] == 0 and found["motion"]["p95_px"] == 0.0
