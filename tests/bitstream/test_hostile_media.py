"""Real files that were made to break decoders, or that broke in transit, each come to an orderly end."""

import numpy as np
import pytest

from rigs import hostile
from rigs.paths import SHARED_MEDIA

pytestmark = [pytest.mark.needs_av, pytest.mark.needs_media]

FILES = sorted((SHARED_MEDIA / "corrupt").rglob("*.*"))
HEALTHY = """
    CABA3_SVA_B MR1_BT_A SL1_SVA_B HCMP1_HHI_A freh12_b CI_MW_D
    bear full_qcif_10f_10bit true_tiles weighted_b wppslices perslice_lf
""".split()


def test_every_corrupt_file_ends_in_order():
    """All in one process, so that a file that corrupts memory harms the next one."""
    assert FILES
    hostile.read_all(FILES, timeout_s=300)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_corrupt_file_gives_damage_or_an_error_or_pictures(path):
    summary = hostile.read_all([path])[0]
    assert summary["pictures"] or summary["error"], "nothing came out and nothing was said"


def test_a_lost_idr_picture_is_noticed():
    summary = hostile.read_all(
        [SHARED_MEDIA / "corrupt" / "h264_openh264_loss" / "BA_MW_D_IDR_LOST.264"]
    )[0]
    pictures = summary["pictures"]
    assert pictures and pictures[0][1] == "damaged"
    first_access = next(n for n, picture in enumerate(pictures) if picture[3])
    assert all(picture[1] == "damaged" for picture in pictures[:first_access])
    assert pictures[first_access][1] == "ok"


def test_a_truncated_mp4_says_so(tmp_path):
    data = (SHARED_MEDIA / "real" / "vali" / "test.mp4").read_bytes()
    paths = [hostile.write(tmp_path, f"{n}.mp4", data[: len(data) * n // 8]) for n in range(8)]
    summaries = hostile.read_all(paths)
    assert summaries[0]["error"][0] == "SourceError"


@pytest.mark.parametrize("name", HEALTHY)
def test_conformance_streams_with_flipped_bits(tmp_path, name):
    path = next(path for path in SHARED_MEDIA.rglob(name + ".*"))
    data, random = path.read_bytes()[:60000], np.random.RandomState(8)
    paths = [
        hostile.write(
            *(tmp_path, f"{n}{path.suffix}"),
            hostile.flip_bits(data, random.choice([1, 10, 200]), random),
        )
        for n in range(8)
    ]
    hostile.read_all(paths, timeout_s=300)
