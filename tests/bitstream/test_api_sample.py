"""GOP-sparse reading: what is drawn, and that it equals the full parse."""

import io

import pytest

from edge_attp.bitstream import CompressedVideo, UnsupportedStream
from streamwriter.bits import START_CODE, annex_b


def content(picture):
    motion, residual = picture.motion, picture.residual
    arrays = (motion.mv, motion.reference, motion.mode, motion.flow())
    planes = (residual.y, residual.u, residual.v)
    weights = motion.weights
    extra = () if weights is None else (weights.weight.tobytes(), weights.offset.tobytes())
    facts = (picture.kind, picture.poc, picture.integrity, picture.mode_counts)
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
def test_each_gop_gives_its_share(written, per_gop):
    data = written.stream(gops=6, gop=5)
    with CompressedVideo(io.BytesIO(data)) as video:
        indices = [p.decode_index for p in video.sample(per_gop=per_gop, seed=3)]
    assert indices == sorted(indices)
    counts = [sum(5 * gop < index < 5 * gop + 5 for index in indices) for gop in range(6)]
    assert counts == [min(per_gop, 4)] * 6


def test_a_long_gop_counts_as_several(written):
    data = written.stream(gops=2, gop=9)  # 8 P pictures behind each key picture
    with CompressedVideo(io.BytesIO(data)) as video:
        pictures = list(video.sample(seed=3, keys=True, span=3))
    assert "".join(picture.kind for picture in pictures) == "IPPPIPPP"
    places = [picture.decode_index % 9 for picture in pictures]
    for gop in (places[:4], places[4:]):
        assert gop[0] == 0 and [(place - 1) // 3 for place in gop[1:]] == [0, 1, 2]


def test_the_seed_decides(written):
    data = written.stream(gops=8, gop=9)

    def draw(seed):
        with CompressedVideo(io.BytesIO(data)) as video:
            return [p.decode_index for p in video.sample(seed=seed)]

    assert draw(1) == draw(1)
    assert len({tuple(draw(seed)) for seed in range(6)}) > 1


def test_samples_before_and_after_iterating(written):
    with CompressedVideo(io.BytesIO(written.stream(gops=3))) as video:
        assert len(list(video.sample(seed=0))) == 3
        assert len(list(video)) == 12
        assert len(list(video.sample(seed=0))) == 3


def test_keys_come_before_the_pictures_of_their_gop(written):
    with CompressedVideo(io.BytesIO(written.stream(gops=3, gop=4))) as video:
        pictures = list(video.sample(seed=0, keys=True))
        assert "".join(p.kind for p in pictures) == "IPIPIP"
        assert [p.decode_index for p in pictures[::2]] == [0, 4, 8]
        assert pictures[0].residual.y.any(), "parsed when asked for"


def test_an_unparsed_key_of_a_closed_video_says_so(written):
    with CompressedVideo(io.BytesIO(written.stream(gops=3, gop=4))) as video:
        key = next(video.sample(seed=0, keys=True))
    with pytest.raises(ValueError, match="closed"):
        key.motion  # noqa: B018


def test_nothing_drawn_is_lost_when_the_stream_ends_in_an_error(written):
    data = written.stream(gops=2, gop=4) + written.refused()
    seen = []
    with CompressedVideo(io.BytesIO(data)) as video:
        with pytest.raises(UnsupportedStream):
            for picture in video.sample(seed=0):
                seen.append(picture.decode_index)
    assert len(seen) == 2


def test_at_least_one_picture(written):
    with CompressedVideo(io.BytesIO(written.stream())) as video:
        with pytest.raises(ValueError, match="per_gop"):
            list(video.sample(per_gop=0))
        with pytest.raises(ValueError, match="span"):
            list(video.sample(span=0))


def test_damage_is_marked(written):
    units = written.stream(gops=1, gop=4, columns=9, rows=9).split(START_CODE)[1:]
    p_slice = units[-1][0]
    broken = [unit[: len(unit) // 2] if unit[0] == p_slice else unit for unit in units]
    with CompressedVideo(io.BytesIO(annex_b(broken))) as video:
        pictures = list(video.sample(per_gop=3, seed=0))
    assert pictures
    assert any(picture.integrity == "damaged" for picture in pictures)


HEVC_ENCODINGS = {
    "temporal motion": dict(bframes=3, b_pyramid=1, keyint=10, ref=3, temporal_mvp=1),
    "open GOP": dict(open_gop=1, bframes=4, b_pyramid=1, keyint=10, min_keyint=10),
    "closed GOP": dict(open_gop=0, bframes=3, keyint=10, min_keyint=10),
    "weighted": dict(weightp=1, weightb=1, bframes=2, keyint=10),
    "no B": dict(bframes=0, keyint=10),
}
ENCODINGS = {
    "temporal direct": dict(direct="temporal", bframes=3, b_pyramid="normal", keyint=10, ref=3),
    "spatial direct": dict(direct="spatial", bframes=3, b_pyramid="strict", keyint=10),
    "open GOP": dict(open_gop=1, bframes=3, keyint=10, direct="temporal"),
    "weighted": dict(weightp=2, weightb=1, bframes=2, keyint=10),
    "no B": dict(bframes=0, keyint=10, cabac=0),
}


def fading(codec, name, container):
    from rigs import media

    if codec == "h264":
        return media.Clip(
            *("fade", 96, 80, 40), options=media.x264(**ENCODINGS[name]), container=container
        )
    options = media.x265(**HEVC_ENCODINGS[name])
    return media.Clip(*("fade", 96, 80, 40), codec="libx265", options=options, container=container)


@pytest.mark.needs_av
@pytest.mark.parametrize(
    "codec, name",
    [("h264", name) for name in sorted(ENCODINGS)]
    + [("hevc", name) for name in sorted(HEVC_ENCODINGS)],
)
@pytest.mark.parametrize("container", ("raw", "mp4"))
def test_sampled_pictures_equal_those_of_the_full_parse(clips, codec, name, container):
    raw = {"h264": "264", "hevc": "265"}[codec]
    path = clips.path(fading(codec, name, raw if container == "raw" else container))
    with CompressedVideo(path) as video:
        gops = gops_of(video)
        full = {picture.decode_index: content(picture) for picture in video}
    everything = sampled(path, per_gop=1000, seed=0)
    assert sorted(everything) == [index for gop in gops for index in gop]
    for index, found in everything.items():
        assert found == full[index], f"picture {index}"
    for seed in range(4):
        drawn = sampled(path, per_gop=1, seed=seed)
        assert len(drawn) == len(gops)
        for index, found in drawn.items():
            assert found == full[index], f"picture {index}"


@pytest.mark.needs_av
@pytest.mark.parametrize("codec", ("h264", "hevc"))
def test_keys_of_samples_can_be_decoded(clips, codec):
    with CompressedVideo(clips.path(fading(codec, "open GOP", "mp4"))) as video:
        for picture in video.sample(keys=True, seed=0):
            if picture.is_random_access:
                assert video.decode_key(picture).shape == (80, 96, 3)
