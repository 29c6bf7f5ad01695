"""Any number of threads gives the same bytes, run after run."""

import pytest

from rigs.media import Clip, HevcClip, x264, x265
from truth.digest import digest

pytestmark = pytest.mark.needs_av

RUNS = 20
CLIPS = {
    "B pyramid, CABAC": Clip(
        "cuts", pictures=24, options=x264(bframes=3, b_adapt=0, ref=4, direct="temporal")
    ),
    "slices, CAVLC": Clip(
        "fade", pictures=24, options=x264(bframes=2, cabac=0, slices=4, weightp=2, keyint=9)
    ),
    "HEVC pyramid": HevcClip("cuts", pictures=24, options=x265(bframes=4, b_adapt=0, ref=4, rd=4)),
    "HEVC slices and rows": HevcClip(
        *("fade", 96, 112, 24),
        options=x265(bframes=2, ctu=16, slices=2, wpp=1, weightp=1, weightb=1, keyint=9),
    ),
    "HEVC, mp4, 10 bits": HevcClip(
        pictures=24, container="mp4", pix_fmt="yuv420p10le", options=x265(open_gop=1, keyint=7)
    ),
    "mp4, P only": Clip(pictures=24, container="mp4", options=x264(bframes=0, ref=3, keyint=7)),
}


def read(path, threads, **options):
    """Digest of every picture of a file."""
    from edge_attp.bitstream import CompressedVideo

    with CompressedVideo(str(path), threads=threads, **options) as video:
        return [(picture.decode_index, picture.pts, digest(picture)) for picture in video]


@pytest.mark.parametrize("name", sorted(CLIPS))
def test_every_run_gives_the_same_bytes(clips, name):
    path = clips.path(CLIPS[name])
    first = read(path, 1)
    assert len(first) == CLIPS[name].pictures
    for threads in (1, 2, 4):
        for run in range(RUNS):
            assert read(path, threads) == first, (threads, run)


@pytest.mark.parametrize("name", ["B pyramid, CABAC", "HEVC pyramid"])
def test_pictures_stay_as_they_are_while_the_pool_turns_over(clips, name):
    from edge_attp.bitstream import CompressedVideo

    path = clips.path(CLIPS[name])
    for threads in (1, 3):
        with CompressedVideo(str(path), threads=threads) as video:
            kept = [(picture, digest(picture)) for picture in video]
        assert [digest(picture) for picture, _ in kept] == [value for _, value in kept]


@pytest.mark.parametrize("name", ["slices, CAVLC", "HEVC slices and rows"])
def test_motion_is_the_same_without_residual(clips, name):
    from edge_attp.bitstream import CompressedVideo

    path = clips.path(CLIPS[name])
    with CompressedVideo(str(path)) as full, CompressedVideo(
        str(path), residual=False
    ) as motion_only:
        for one, other in zip(full, motion_only):
            assert other.residual is None
            assert one.motion.mv.tobytes() == other.motion.mv.tobytes()
            assert one.motion.reference.tobytes() == other.motion.reference.tobytes()
            assert one.motion.mode.tobytes() == other.motion.mode.tobytes()


@pytest.mark.parametrize(
    "name", ["B pyramid, CABAC", "HEVC pyramid", "HEVC slices and rows", "HEVC, mp4, 10 bits"]
)
def test_every_instruction_set_gives_the_same_bytes(clips, name, instruction_sets):
    """Flow included: a fused multiply-add in one library and not in the other would show here."""
    assert "scalar" in instruction_sets.names and len(instruction_sets.names) >= 2
    instruction_sets.assert_equal(clips.path(CLIPS[name]))
