"""FFmpeg's exported vectors against ours, apart from eq. (1): this comparison reads no sample.

The rules of the comparison are in tests/truth/vectors.py; here they are also shown to bite.
"""

from itertools import islice

import numpy as np
import pytest

from rigs.media import Clip, x264
from truth import vectors
from truth.witness import Witness

pytestmark = pytest.mark.needs_av

CASES = {
    "P": Clip(options=x264(bframes=0, ref=3)),
    "P 4x4": Clip(options=x264(bframes=0, partitions="all", preset="veryslow", crf=15)),
    "B pyramid": Clip(options=x264(bframes=3, b_adapt=0, ref=4)),
    "B temporal 4x4": Clip(
        options=x264(bframes=2, b_adapt=0, direct="temporal", partitions="all", cabac=0)
    ),
    "cropped": Clip(width=112, height=96, options=x264(bframes=2, crop_rect="8,4,12,6")),
}


def pairs(path, limit=None):
    """(Picture, Frame) of every picture of a file."""
    from edge_attp.bitstream import CompressedVideo

    witness = Witness(path)
    with CompressedVideo(str(path), residual=False) as video:
        for picture in islice(video, limit):
            yield picture, witness.frame(picture.decode_index)


@pytest.mark.parametrize("case", sorted(CASES))
def test_every_vector_is_ours_and_every_inter_block_is_listed(clips, case):
    total = 0
    for picture, frame in pairs(clips.path(CASES[case])):
        count, wrong = vectors.compare(picture, frame)
        assert not wrong, (picture, wrong[:3])
        assert (count > 0) == (picture.motion.reference != -1).any()
        total += count
    assert total > 100


class Edited:
    """A picture whose motion can be changed, to see that the comparison notices."""

    def __init__(self, picture):
        self.kind, self.motion = picture.kind, self
        self.mv, self.reference, self.mode = (
            np.array(array)
            for array in (picture.motion.mv, picture.motion.reference, picture.motion.mode)
        )


def test_one_wrong_component_is_noticed(clips):
    picture, frame = next(pair for pair in pairs(clips.path(CASES["P"])) if pair[0].kind == "P")
    edited = Edited(picture)
    y, x = (int(axis[0]) for axis in np.nonzero(edited.reference[0] != -1))
    edited.mv[0, y, x, 1] += 1
    assert vectors.compare(edited, frame)[1]


def test_a_forgotten_or_invented_block_is_noticed(clips):
    picture, frame = next(pair for pair in pairs(clips.path(CASES["P"])) if pair[0].kind == "P")
    forgotten = Edited(picture)
    y, x = (int(axis[0]) for axis in np.nonzero(forgotten.reference[0] != -1))
    forgotten.reference[0, y, x] = -1
    assert vectors.compare(forgotten, frame)[1]
    invented = Edited(picture)
    invented.reference[1, y, x] = 0
    assert vectors.compare(invented, frame)[1]
