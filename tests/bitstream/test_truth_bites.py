"""The truth test must fail when something is wrong: it finds every single change of a true picture."""

import numpy as np
import pytest

from rigs.media import Clip, HevcClip, x264, x265
from truth import equation
from truth.witness import Witness

pytestmark = [pytest.mark.needs_av, pytest.mark.not_pyav10]

INTRA, INTER, SKIP = range(3)
FADE = {"weightb": 1, "bframes": 2, "b_adapt": 0, "ref": 3, "scenecut": 0}
CLIPS = {
    "H.264": Clip("fade", pictures=14, options=x264(qp=26, weightp=2, **FADE)),
    "HEVC": HevcClip("fade", pictures=14, options=x265(qp=26, weightp=1, **FADE)),
    "HEVC 10 bits": HevcClip(
        "fade", pictures=14, pix_fmt="yuv420p10le", options=x265(qp=26, weightp=1, **FADE)
    ),
}
LARGEST_INTRA = 8  # a transform block of 32x32 is explained as a whole, or not


class Parts:
    """Copies of the named arrays of an object, to be changed; everything else as it is."""

    def __init__(self, source, *names):
        self._source = source
        for name in names:
            setattr(self, name, np.array(getattr(source, name)))

    def __getattr__(self, name):
        return getattr(self._source, name)


class Copy(Parts):
    """A picture whose arrays can be written."""

    def __init__(self, picture):
        super().__init__(picture)
        self.motion = Parts(picture.motion, "mv", "reference", "mode")
        if picture.motion.weights is not None:
            names = ("weight", "offset", "cb_weight", "cb_offset", "cr_weight", "cr_offset")
            self.motion.weights = Parts(picture.motion.weights, *names)
        self.residual = Parts(picture.residual, "y", "u", "v")


@pytest.fixture(scope="module", params=sorted(CLIPS))
def film(request, clips):
    """All pictures of a clip, and FFmpeg's frames."""
    from edge_attp.bitstream import CompressedVideo

    path = clips.path(CLIPS[request.param])
    witness = Witness(path)
    with CompressedVideo(str(path)) as video:
        pictures = list(video)
    return pictures, {
        picture.decode_index: witness.frame(picture.decode_index) for picture in pictures
    }


def judge(film, kind, change):
    """The report on one picture of this kind after `change(copy, y4, x4)`, and the block that was changed."""
    pictures, frames = film
    for picture in pictures:
        motion = picture.motion
        blocks = (
            (motion.mode == INTRA)
            if kind == "I"
            else (motion.reference >= 0).all(0) & (motion.mode == INTER)
        )
        if kind == "P":
            blocks = (motion.reference[0] >= 0) & (motion.mode == INTER)
        if picture.kind != kind or not blocks.any():
            continue
        copy = Copy(picture)
        y4, x4 = (int(axis[len(axis) // 2]) for axis in np.nonzero(blocks))
        change(copy, y4, x4)
        report = equation.Report("changed")
        equation.check_picture(copy, frames, report)
        return report, (x4, y4)
    raise AssertionError("no such picture in the clip")


def same(copy, y4, x4):
    pass


def residual_y(copy, y4, x4):
    copy.residual.y[4 * y4 + 3, 4 * x4 + 2] += 1


def residual_u(copy, y4, x4):
    copy.residual.u[2 * y4, 2 * x4 + 1] -= 1


def residual_v(copy, y4, x4):
    copy.residual.v[2 * y4 + 1, 2 * x4] += 1


def vector(copy, y4, x4):
    copy.motion.mv[0, y4, x4, 0] += 1


def list_0_forgotten(copy, y4, x4):
    copy.motion.reference[0, y4, x4] = -1


def weight(copy, y4, x4):
    copy.motion.weights.weight[0, y4, x4] += 2


def chroma_offset(copy, y4, x4):
    copy.motion.weights.cr_offset[0, y4, x4] += 3


def mode(copy, y4, x4):
    copy.motion.mode[y4, x4] = INTRA


@pytest.mark.parametrize("kind", "IPB")
def test_the_picture_as_it_is_passes(film, kind):
    report, _ = judge(film, kind, same)
    assert report.ok, str(report)


CHANGES = [("I", residual_y), ("I", residual_u), ("I", residual_v)]
CHANGES += [
    (kind, change)
    for kind in "PB"
    for change in (
        residual_y,
        residual_u,
        residual_v,
        vector,
        list_0_forgotten,
        weight,
        chroma_offset,
        mode,
    )
]


@pytest.mark.parametrize(
    "kind, change", CHANGES, ids=lambda value: getattr(value, "__name__", value)
)
def test_one_change_is_found(film, kind, change):
    report, (x4, y4) = judge(film, kind, change)
    assert not report.ok
    found = report.first
    if kind != "I":
        assert (found.x4, found.y4) == (x4, y4), str(report)
    else:
        first, changed = (found.x4, found.y4), (x4, y4)
        assert [k // LARGEST_INTRA for k in first] == [k // LARGEST_INTRA for k in changed], str(
            report
        )


def test_another_reference_is_found(film):
    def other_reference(copy, y4, x4):
        present = copy.motion.reference[0, y4, x4]
        copy.motion.reference[0, y4, x4] = present - 1 if present else present + 1

    report, place = judge(film, "P", other_reference)
    assert not report.ok and (report.first.x4, report.first.y4) == place
    text = str(report)
    assert f"picture {report.first.decode_index}" in text and "FFmpeg has" in text
