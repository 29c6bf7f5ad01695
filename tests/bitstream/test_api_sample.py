"""GOP-sparse reading: what is drawn, and that it equals the full parse."""

import io

import handmade
import pytest

from edge_attp.bitstream import CompressedVideo, UnsupportedStream


def content(picture):
    motion, residual = picture.motion, picture.residual
    arrays = (motion.mv, motion.reference, motion.mode, motion.flow())
    planes = (residual.y, residual.u, residual.v)
    weights = motion.weights
    extra = () if weights is None else (weights.weight.tobytes(), weights.offset.tobytes())
    facts = (picture.kind, picture.poc, picture.integrity, picture.macroblocks)
    return facts + tuple(array.tobytes() for array in arrays + planes) + extra


def sampled(source, **arguments):
    with CompressedVideo(source) as video:
        return {p.decode_index: content(p) for p in video.sample(**arguments)}


def gops_of(video):
    """decode_index of the P and B pictures of each GOP."""
    gops = [[]]
    for picture in video:
        if picture.is_random_access:
            gops.append([])
        elif picture.kind != "I":
            gops[-1].append(picture.decode_index)
    return [gop for gop in gops if gop]


@pytest.mark.parametrize("per_gop", (1, 2, 5))
def test_each_gop_gives_its_share(per_gop):
    data = handmade.stream(gops=6, gop=5)
    with CompressedVideo(io.BytesIO(data)) as video:
        indices = [p.decode_index for p in video.sample(per_gop, seed=3)]
    assert indices == sorted(indices)
    counts = [sum(5 * gop < index < 5 * gop + 5 for index in indices) for gop in range(6)]
    assert counts == [min(per_gop, 4)] * 6


def test_the_seed_decides():
    data = handmade.stream(gops=8, gop=9)

    def draw(seed):
        with CompressedVideo(io.BytesIO(data)) as video:
            return [p.decode_index for p in video.sample(seed=seed)]

    assert draw(1) == draw(1)
    assert len({tuple(draw(seed)) for seed in range(6)}) > 1


def test_samples_before_and_after_iterating():
    with CompressedVideo(io.BytesIO(handmade.stream(gops=3))) as video:
        assert len(list(video.sample(seed=0))) == 3
        assert len(list(video)) == 12
        assert len(list(video.sample(seed=0))) == 3


def test_keys_come_before_the_pictures_of_their_gop():
    with CompressedVideo(io.BytesIO(handmade.stream(gops=3, gop=4))) as video:
        pictures = list(video.sample(seed=0, keys=True))
        assert "".join(p.kind for p in pictures) == "IPIPIP"
        assert [p.decode_index for p in pictures[::2]] == [0, 4, 8]
        assert pictures[0].residual.y.any(), "parsed when asked for"


def test_an_unparsed_key_of_a_closed_video_says_so():
    with CompressedVideo(io.BytesIO(handmade.stream(gops=3, gop=4))) as video:
        key = next(video.sample(seed=0, keys=True))
    with pytest.raises(ValueError, match="closed"):
        key.motion  # noqa: B018


def test_nothing_drawn_is_lost_when_the_stream_ends_in_an_error():
    units = [handmade.sps(frame_mbs_only=0), handmade.pps()]
    units.append(handmade.idr(handmade.picture_samples(2, 4)))
    data = handmade.stream(gops=2, gop=4) + handmade.annex_b(units)
    seen = []
    with CompressedVideo(io.BytesIO(data)) as video:
        with pytest.raises(UnsupportedStream):
            for picture in video.sample(seed=0):
                seen.append(picture.decode_index)
    assert len(seen) == 2


def test_at_least_one_picture():
    with CompressedVideo(io.BytesIO(handmade.stream())) as video:
        with pytest.raises(ValueError, match="per_gop"):
            list(video.sample(per_gop=0))


def test_damage_is_marked():
    units = handmade.stream(gops=1, gop=4).split(handmade.START)[1:]
    broken = [unit[: len(unit) // 2] if unit[0] == 0x61 else unit for unit in units]
    with CompressedVideo(io.BytesIO(handmade.annex_b(broken))) as video:
        pictures = list(video.sample(per_gop=3, seed=0))
    assert pictures
    assert any(picture.integrity == "damaged" for picture in pictures)


ENCODINGS = {
    "temporal direct": dict(direct="temporal", bframes=3, b_pyramid="normal", keyint=10, ref=3),
    "spatial direct": dict(direct="spatial", bframes=3, b_pyramid="strict", keyint=10),
    "open GOP": dict(open_gop=1, bframes=3, keyint=10, direct="temporal"),
    "weighted": dict(weightp=2, weightb=1, bframes=2, keyint=10),
    "no B": dict(bframes=0, keyint=10, cabac=0),
}


@pytest.mark.parametrize("name", sorted(ENCODINGS))
@pytest.mark.parametrize("container", ("264", "mp4"))
def test_sampled_pictures_equal_those_of_the_full_parse(clips, name, container):
    pytest.importorskip("av")
    from support import media

    options = media.x264(**ENCODINGS[name])
    clip = media.Clip("fade", 96, 80, 40, options=options, container=container)
    path = clips.path(clip)
    with CompressedVideo(path) as video:
        gops = gops_of(video)
        full = {picture.decode_index: content(picture) for picture in video}
    everything = sampled(path, per_gop=1000, seed=0)
    assert sorted(everything) == [index for gop in gops for index in gop]
    for index, found in everything.items():
        assert found == full[index], "picture {}".format(index)
    for seed in range(4):
        drawn = sampled(path, per_gop=1, seed=seed)
        assert len(drawn) == len(gops)
        for index, found in drawn.items():
            assert found == full[index], "picture {}".format(index)


def test_keys_of_samples_can_be_decoded(clips):
    pytest.importorskip("av")
    from support import media

    clip = media.Clip("moving", 96, 80, 30, options=media.x264(keyint=10), container="mp4")
    with CompressedVideo(clips.path(clip)) as video:
        for picture in video.sample(keys=True, seed=0):
            if picture.is_random_access:
                assert video.decode_key(picture).shape == (80, 96, 3)
