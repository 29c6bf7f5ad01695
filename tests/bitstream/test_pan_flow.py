"""Flow means the same in every picture: a constant pan gives its velocity in P and B, both lists, every distance."""

import numpy as np
import pytest

from rigs.media import Clip, HevcClip, x264, x265
from streamwriter.h264.random_stream import RandomStream
from streamwriter.hevc.case import LONG_TERM
from streamwriter.hevc.random_stream import RandomStream as HevcStream

pytestmark = pytest.mark.needs_av

MODE_SKIP = 2
# Fine quantisation and a thorough search: the encoder finds the true vector of nearly every block, and comes close
# with the rest.
EXACT = {"qp": 6, "me": "esa", "subme": 7, "merange": 48, "scenecut": 0, "preset": "medium"}
# Small coding tree blocks, as large as macroblocks: `visible` counts on that.
EXACT_HEVC = {"qp": 6, "me": 5, "subme": 7, "merange": 48, "scenecut": 0, "preset": "medium"}
EXACT_HEVC.update(ctu=16, psy_rd="0.00", b_adapt=0)
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


GROUPS_HEVC = {
    "HEVC P": {"bframes": 0, "ref": 1},
    "HEVC P of many references": {"bframes": 0, "ref": 5, "limit_refs": 0},
    "HEVC B 1": {"bframes": 1, "ref": 2},
    "HEVC B 2": {"bframes": 2, "ref": 3, "temporal_mvp": 0},
    "HEVC B 3": {"bframes": 3, "b_pyramid": 0, "ref": 3},
    "HEVC B 4 pyramid": {"bframes": 4, "b_pyramid": 1, "ref": 4, "rect": 1, "amp": 1},
    "HEVC open GOP": {"bframes": 3, "open_gop": 1, "keyint": 7, "min_keyint": 7, "ref": 4},
    "HEVC closed GOPs": {"bframes": 2, "open_gop": 0, "keyint": 6, "min_keyint": 6, "ref": 3},
}
ALL_GROUPS = dict(GROUPS, **GROUPS_HEVC)


def pan(velocity, name, **fields):
    """A clip that moves by `velocity` pixels a picture, coded as the group of this name."""
    group = ALL_GROUPS[name]
    if name in GROUPS:
        options, make = x264(**dict(EXACT, **group)), Clip
    else:
        options, make = x265(**dict(EXACT_HEVC, **group)), HevcClip
    return make("pan", 144, 112, 16, velocity=velocity, options=options, **fields)


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
@pytest.mark.parametrize("group", sorted(ALL_GROUPS))
def test_flow_is_the_velocity_of_the_pan(clips, group, velocity):
    from edge_attp.bitstream import CompressedVideo

    clip = pan(velocity, group)
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


LOOKAHEAD = 16  # pictures that are known before the first one is given out


def distance(picture, index, films, poc_type):
    """How many pictures earlier reference `index` is shown. films: POC by decode_index, of each sequence."""
    if poc_type == 2:  # 8.2.1.3: order of decoding
        return picture.decode_index - index
    film = next(film for film in films if picture.decode_index in film)
    reference = next(film[index] for film in films if index in film)
    known = max(picture.decode_index, LOOKAHEAD if film is films[0] else 0)
    low, high = sorted((reference, picture.poc))
    between = sum(low < poc < high for number, poc in film.items() if number <= known)
    steps = int(np.ceil((high - low) / picture.poc_step - 0.5))
    return max(steps, between + 1) * (1 if reference < picture.poc else -1)


def flow_of(picture, films, poc_type):
    """The definition: the mean over the lists of -mv / (4 d)."""
    motion = picture.motion
    total = np.zeros((2,) + motion.mode.shape)
    lists = np.zeros(motion.mode.shape)
    for i in range(2):
        for index in np.unique(motion.reference[i][motion.reference[i] >= 0]):
            chosen = motion.reference[i] == index
            total[:, chosen] -= motion.mv[i][chosen].T / (
                4 * distance(picture, int(index), films, poc_type)
            )
            lists[chosen] += 1
    return total / np.maximum(lists, 1)


WRITTEN = {
    "H.264": ("264", lambda seed: RandomStream(seed)),
    "H.264, POC type 1": ("264", lambda seed: RandomStream(seed, poc_type=1)),
    "H.264, POC type 2": ("264", lambda seed: RandomStream(seed, poc_type=2)),
    "H.264, CABAC": ("264", lambda seed: RandomStream(seed, cabac=True)),
    "HEVC": ("265", lambda seed: HevcStream(seed, sps=LONG_TERM, slices=2)),
    "HEVC, leading pictures": ("265", lambda seed: HevcStream(seed, leading=True, irap_share=0.2)),
}


_BEGINS = {"h264": (5,), "hevc": (16, 17, 18, 19, 20)}  # a sequence: IDR and BLA pictures


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("name", sorted(WRITTEN))
def test_flow_is_what_vectors_references_and_poc_say(tmp_path, name, seed):
    """Long-term references, uneven POC distances, several lists in a picture: everything a pan does not have."""
    from edge_attp.bitstream import CompressedVideo

    suffix, stream = WRITTEN[name]
    path = tmp_path / f"random.{suffix}"
    path.write_bytes(stream(seed).write(20))
    with CompressedVideo(str(path), residual=False) as video:
        pictures = list(video)
        poc_type = video.info().pic_order_cnt_type
    films = []
    for picture in pictures:
        if not films or picture.nal_unit_type in _BEGINS[video.codec]:
            films.append({})
        films[-1][picture.decode_index] = picture.poc
    for picture in pictures:
        expected = flow_of(picture, films, poc_type)
        assert np.allclose(picture.motion.flow(), expected, rtol=1e-5, atol=1e-4), picture


@pytest.mark.parametrize("group", ["B 3 pyramid", "HEVC B 4 pyramid"])
@pytest.mark.parametrize("container", ["mp4", "mkv", "ts"])
def test_flow_is_the_same_with_timestamps(clips, container, group):
    from edge_attp.bitstream import CompressedVideo

    raw, boxed = pan((3, 0), group), pan((3, 0), group, container=container)
    with CompressedVideo(str(clips.path(raw))) as one, CompressedVideo(
        str(clips.path(boxed))
    ) as other:
        flows = [(a.motion.flow(), b.motion.flow()) for a, b in zip(one, other)]
    assert len(flows) == raw.pictures
    for flow, same in flows:
        assert flow.tobytes() == same.tobytes()


@pytest.mark.parametrize("pair", [("P", "HEVC P"), ("B 3", "HEVC B 3")], ids=str)
def test_flow_of_both_codecs_is_the_same(clips, pair):
    """The same scene, the same types of pictures: block by block the same flow, wherever both codecs saw it."""
    from edge_attp.bitstream import CompressedVideo

    velocity = (3, -2)
    films = []
    for group in pair:
        with CompressedVideo(str(clips.path(pan(velocity, group))), residual=False) as video:
            pictures = sorted(video, key=lambda picture: picture.poc / picture.poc_step)
        known = []
        for picture in pictures:
            distances = [displacement(pictures, picture, i) for i in range(2)]
            used = distances[0][1] | distances[1][1]
            known.append(visible(picture, velocity, distances) & used)
        films.append(list(zip(pictures, known)))
    assert [len(film) for film in films] == [16, 16]
    compared = same = 0
    for (one, seen), (other, seen_too) in zip(*films):
        assert one.kind == other.kind
        both = seen & seen_too
        difference = np.abs(one.motion.flow() - other.motion.flow()).max(0)[both]
        compared += both.sum()
        same += (difference < 1e-5).sum()
    assert compared > 8000 and same > 0.9 * compared, (compared, same)


STILL = {
    name: Clip("still", 96, 80, 12, options=x264(preset="medium", qp=4, **GROUPS[name]))
    for name in ("P", "B 3 pyramid", "B 3 pyramid, CAVLC")
}
STILL.update(
    (name, HevcClip("still", 96, 80, 12, options=x265(qp=4, b_adapt=0, **GROUPS_HEVC[name])))
    for name in ("HEVC P", "HEVC B 4 pyramid")
)


@pytest.mark.parametrize("group", sorted(STILL))
def test_still_clip_has_zero_vectors_and_exactly_zero_residual_when_skipped(clips, group):
    from edge_attp.bitstream import CompressedVideo

    # A still scene costs an encoder nothing after the first picture, if that one is fine enough.
    with CompressedVideo(str(clips.path(STILL[group]))) as video:
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
