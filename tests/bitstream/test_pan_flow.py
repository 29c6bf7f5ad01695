"""Flow means the same in every picture: a constant pan gives its velocity in P and B, both lists, every distance."""

import numpy as np
import pytest

from support.media import Clip, x264
from support.random_stream import RandomStream

MODE_SKIP = 2
# Fine quantisation and a thorough search: the encoder finds the true vector of nearly every block, and comes close
# with the rest.
EXACT = {"qp": 6, "me": "esa", "subme": 7, "merange": 48, "scenecut": 0, "preset": "medium"}
GROUPS = {
    "P": {"bframes": 0, "ref": 1},
    "P of many references": {"bframes": 0, "ref": 5, "mixed_refs": 1},
    "B 1": {"bframes": 1, "b_adapt": 0, "ref": 2},
    "B 2 temporal": {"bframes": 2, "b_adapt": 0, "ref": 3, "direct": "temporal"},
    "B 3": {"bframes": 3, "b_adapt": 0, "b_pyramid": "none", "ref": 3},
    "B 3 pyramid": {
        "bframes": 3,
        "b_adapt": 0,
        "b_pyramid": "normal",
        "ref": 4,
        "direct": "spatial",
    },
    "B 3 pyramid, CAVLC": {"bframes": 3, "b_adapt": 0, "b_pyramid": "strict", "ref": 4, "cabac": 0},
    "open GOP": {"bframes": 3, "b_adapt": 0, "open_gop": 1, "keyint": 7, "ref": 4},
    "closed GOPs": {"bframes": 2, "b_adapt": 0, "keyint": 6, "ref": 3},
}


def pan(velocity, group, container="264"):
    """A clip that moves by `velocity` pixels a picture."""
    options = x264(**dict(EXACT, **group))
    return Clip("pan", 144, 112, 16, velocity=velocity, container=container, options=options)


def displacement(pictures, picture, i):
    """Per block: distance to the reference of list i in pictures of display order, and whether the list is used."""
    by_index = {p.decode_index: p for p in pictures}
    distance = np.zeros(picture.motion.mode.shape, int)
    for index in np.unique(picture.motion.reference[i]):
        if index >= 0:
            chosen = picture.motion.reference[i] == index
            distance[chosen] = display_number(pictures, picture) - display_number(
                pictures, by_index[int(index)]
            )
    return distance, picture.motion.reference[i] >= 0


def display_number(pictures, picture):
    """Place in display order: sequences begin at IDR pictures, POC counts within them."""
    return sorted(pictures, key=lambda p: _display_key(pictures, p)).index(picture)


def _display_key(pictures, picture):
    start = max(
        p.decode_index for p in pictures if p.decode_index <= picture.decode_index and _starts(p)
    )
    return start, picture.poc


def _starts(picture):
    return picture.is_random_access and picture.poc == 0


def visible(picture, velocity, distances):
    """Blocks whose place in every reference they use lies inside the picture; the others show something new."""
    height4, width4 = picture.motion.mode.shape
    rows, columns = np.mgrid[0:height4, 0:width4]
    inside = np.ones((height4, width4), bool)
    for distance, used in distances:
        for place, v, extent in ((columns, velocity[0], width4), (rows, velocity[1], height4)):
            source = 4 * place - v * distance
            # Whole macroblocks share a vector, so one of them must be inside.
            block = 16 * (place // 4) - v * distance
            inside &= ~used | ((source >= 0) & (block >= 0) & (block + 16 <= 4 * extent))
    return inside


@pytest.mark.parametrize("velocity", [(3, 0), (-2, 1), (1, -4)], ids=str)
@pytest.mark.parametrize("group", sorted(GROUPS))
def test_flow_is_the_velocity_of_the_pan(clips, group, velocity):
    from edge_attp.bitstream import CompressedVideo

    clip = pan(velocity, GROUPS[group])
    with CompressedVideo(str(clips.path(clip)), residual=False) as video:
        pictures = list(video)
    kinds = [picture.kind for picture in pictures]
    assert kinds[1] == "P" and ("B" in kinds) == ("B" in group or "GOP" in group)
    seen = set()
    for picture in pictures:
        distances = [displacement(pictures, picture, i) for i in range(2)]
        used = distances[0][1] | distances[1][1]
        counted = visible(picture, velocity, distances) & used
        flow = picture.motion.flow()
        assert flow.dtype == np.float32 and flow.shape == (2,) + picture.motion.mode.shape
        assert (flow[:, ~used] == 0).all()
        if picture.kind == "I":
            continue
        assert counted.mean() > 0.5, picture
        error = np.abs(flow - np.reshape(velocity, (2, 1, 1))).max(0)
        assert (error[counted] < 1e-5).mean() > 0.9, (
            picture,
            np.argwhere(counted & (error > 1e-5))[:3],
        )
        assert (error[counted] < 0.3).all(), (picture, np.argwhere(counted & (error > 0.3))[:3])
        seen |= {
            (picture.kind, i, int(d))
            for i in range(2)
            for d in np.unique(distances[i][0][distances[i][1]])
        }
    if "B" in kinds:
        assert {(kind, i) for kind, i, _ in seen} == {("P", 0), ("B", 0), ("B", 1)}
        assert any(d < 0 for _, _, d in seen) and any(d > 1 for _, _, d in seen)


def flow_of(picture, order):
    """The definition: the mean over the lists of -mv / (4 d). order: POC by decode_index."""
    motion = picture.motion
    total = np.zeros((2,) + motion.mode.shape)
    lists = np.zeros(motion.mode.shape)
    for i in range(2):
        for index in np.unique(motion.reference[i][motion.reference[i] >= 0]):
            distance = (picture.poc - order[int(index)]) / picture.poc_step
            chosen = motion.reference[i] == index
            total[:, chosen] -= motion.mv[i][chosen].T / (4 * distance)
            lists[chosen] += 1
    return total / np.maximum(lists, 1)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("tools", [{}, {"poc_type": 1}, {"poc_type": 2}, {"cabac": True}], ids=str)
def test_flow_is_what_vectors_references_and_poc_say(tmp_path, tools, seed):
    """Long-term references, uneven POC distances, several lists in a picture: everything a pan does not have."""
    from edge_attp.bitstream import CompressedVideo

    path = tmp_path / "random.264"
    path.write_bytes(RandomStream(seed, **tools).write(20))
    order = {}
    with CompressedVideo(str(path), residual=False) as video:
        for picture in video:
            order[picture.decode_index] = picture.poc
            assert np.allclose(
                picture.motion.flow(), flow_of(picture, order), rtol=1e-5, atol=1e-4
            ), picture


@pytest.mark.parametrize("container", ["mp4", "mkv", "ts"])
def test_flow_is_the_same_with_timestamps(clips, container):
    from edge_attp.bitstream import CompressedVideo

    raw, boxed = (pan((3, 0), GROUPS["B 3 pyramid"], kind) for kind in ("264", container))
    with CompressedVideo(str(clips.path(raw))) as one, CompressedVideo(
        str(clips.path(boxed))
    ) as other:
        flows = [(a.motion.flow(), b.motion.flow()) for a, b in zip(one, other)]
    assert len(flows) == raw.pictures
    for flow, same in flows:
        assert flow.tobytes() == same.tobytes()


@pytest.mark.parametrize("group", ["P", "B 3 pyramid", "B 3 pyramid, CAVLC"])
def test_still_clip_has_zero_vectors_and_exactly_zero_residual_when_skipped(clips, group):
    from edge_attp.bitstream import CompressedVideo

    # A still scene costs an encoder nothing after the first picture, if that one is fine enough.
    clip = Clip("still", 96, 80, 12, options=x264(preset="medium", qp=4, **GROUPS[group]))
    with CompressedVideo(str(clips.path(clip))) as video:
        pictures = list(video)
    skipped = 0
    for picture in pictures[1:]:
        motion, residual = picture.motion, picture.residual
        assert not motion.mv.any(), picture
        assert not motion.flow().any(), picture
        if (motion.mode == MODE_SKIP).all():
            skipped += 1
            assert not residual.y.any() and not residual.u.any() and not residual.v.any(), picture
    assert skipped >= 6
