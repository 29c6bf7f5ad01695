"""The region view: squares from the finder, causal and held; crops about them; classes and padded copies."""

from pathlib import Path

import numpy as np
import pytest
import small_models
import small_sets
import torch
from data_sets import film

from edge_attp.bitstream import CompressedVideo
from edge_attp.errors import UsageError
from edge_attp.regions import RegionFinder
from edge_attp.tensors import fill_flow, fill_residual, fill_rgb
from edge_attp_export.attp import Inputs
from edge_attp_export.data import crops
from edge_attp_export.data.cache import Clip, Sample, write_clip
from edge_attp_export.data.classes import with_classes
from edge_attp_export.data.extract import Extraction, extract
from edge_attp_export.data.loader import ClipSamples, Needs, Sampling
from edge_attp_export.data.prepared import ClipEntry, Prepared
from edge_attp_export.data.source_facts import source_facts
from edge_attp_export.data.transcode import Encoder, frames, transcode
from edge_attp_export.data.windows import Moment, Square, find_moments, held, middle
from edge_attp_export.input_spec import default_input
from edge_attp_export.video_samples import read_samples

pytestmark = [pytest.mark.needs_av, pytest.mark.needs_cv2, pytest.mark.needs_torch]

SIZE = 200, 120
SQUARE = Square(40, 24, 64)


def test_the_last_square_stays_and_the_first_counts_from_the_beginning():
    one, two = Square(0, 0, 16), Square(8, 8, 32)
    assert held([None, one, None, two, None], SIZE) == [one, one, one, two, two]
    assert held([None, None], SIZE) == [middle(SIZE)] * 2 == [Square(40, 0, 120)] * 2


def test_squares_are_those_that_a_device_finds(tmp_path):
    copy = tmp_path / "a.mp4"
    transcode(
        film(tmp_path / "a.mkv", "moving", 30, size=SIZE), copy, Encoder(width=200, height=120)
    )
    moments = find_moments(copy)
    with CompressedVideo(str(copy)) as video:
        finder = RegionFinder(*SIZE, video.bit_depth, video.frame_rate)
        seen = 0
        for picture in video:
            regions = finder.add_picture(picture).regions
            if picture.is_random_access:
                continue
            moment = moments[picture.decode_index]
            assert moment.is_idle == (not regions)
            if regions:
                region = regions[0]
                assert moment.square == (region.x_px, region.y_px, region.side_px)
                seen += 1
    assert seen > 10
    facts = source_facts(tmp_path / "a.mkv")
    extract(copy, tmp_path / "a.clip", Extraction(None), "a", facts)
    clip = Clip(tmp_path / "a.clip")
    assert [clip.moment(n) for n in range(len(clip.pictures))] == [
        moments[entry.decode_index] for entry in clip.pictures
    ]
    assert clip.source == facts and facts["width"] == 200 and facts["pictures"] == 30


@pytest.fixture
def prepared(tmp_path):
    """A clip of noise that is looked at through SQUARE."""
    random = np.random.RandomState(0)
    width, height = SIZE
    made = Prepared(tmp_path, ("a", "b"), {}, (ClipEntry("one", "a", {}, "one"),), {}, None)
    shapes = (height, width), (height // 2, width // 2), (height // 2, width // 2)
    planes = [random.randint(-99, 99, shape).astype(np.int16) for shape in shapes]
    flow = random.standard_normal((2, height // 4, width // 4)).astype(np.float32)
    keys = [random.randint(0, 256, (height, width, 3)).astype(np.uint8)]
    residual = small_sets.Planes(*planes)
    write_clip(
        made.cached("one"),
        keys,
        [
            Sample("P", 0, index, flow, flow, residual, None, Moment(SQUARE, is_idle))
            for index, is_idle in ((1, False), (4, True))
        ],
        8,
    )
    return made


@pytest.mark.parametrize("view, knows", [("region", True), ("whole", False)])
def test_idle_pictures_are_known_where_only_a_region_is_seen(prepared, view, knows):
    spec = default_input(small_models.architecture(), (72, 72), (64, 64))
    samples = ClipSamples(
        prepared, prepared.clips, spec, Needs(Inputs._fields), Sampling(view=view), False
    )
    assert samples.moments(0) == [(0, 1, False), (0, 4, knows)]
    first = ClipSamples(
        prepared, prepared.clips, spec, Needs(("rgb",)), Sampling("I", view=view), False
    )
    assert first.moments(0) == [(0, 1, False)]


def test_evaluation_sees_what_a_device_cuts_out(prepared):
    spec = default_input(small_models.architecture(), (72, 72), (64, 64))
    samples = ClipSamples(
        prepared, prepared.clips, spec, Needs(Inputs._fields), Sampling(view="region"), False
    )
    given = samples[0, 0].pictures
    clip = prepared.clip("one")
    x, y, side = SQUARE
    rows, columns = slice(y, y + side), slice(x, x + side)
    wanted = {name: np.empty((n, 64, 64), np.float32) for name, n in zip("kfr", (3, 2, 3))}
    fill_rgb(clip.key(0)[rows, columns], wanted["k"], spec.resize, spec.rgb.mean, spec.rgb.std)
    flow = clip.flow(0)[:, y // 4 : (y + side) // 4, x // 4 : (x + side) // 4]
    fill_flow(flow, (side, side), wanted["f"], spec.resize, spec.flow_scale)
    y_plane, u, v = clip.residual(0)
    half = slice(y // 2, (y + side) // 2), slice(x // 2, (x + side) // 2)
    cut = small_sets.Planes(y_plane[rows, columns], u[half], v[half])
    fill_residual(cut, wanted["r"], spec.resize, spec.residual.mean, spec.residual.std, 8)
    for name, tensor in (("k", given.rgb), ("f", given.flow), ("r", given.residual)):
        np.testing.assert_array_equal(tensor[0].numpy(), wanted[name])


def test_crops_in_training_stay_about_the_square_and_inside_the_picture():
    jitter = crops.Jitter((0.75, 1.0, 1.3), 0.2, True)
    random = torch.Generator().manual_seed(0)
    windows = [
        crops.draw_around(SQUARE, SIZE, (72, 72), (64, 64), jitter, random) for _ in range(300)
    ]
    assert {window.width for window in windows} == {44, 56, 72}
    assert {window.mirrored for window in windows} == {False, True}
    for x, y, width, height, _ in windows:
        assert x >= 0 and y >= 0 and x + width <= SIZE[0] and y + height <= SIZE[1]
        assert x % 4 == y % 4 == width % 4 == height % 4 == 0
        assert abs(x + width / 2 - (SQUARE.x + 32)) <= 0.2 * 64 + 4
    corner = crops.draw_around(
        Square(136, 56, 64), SIZE, (64, 64), (64, 64), crops.Jitter((4.0,), 0.2, False), random
    )
    assert (corner.x, corner.y, corner.width, corner.height) == (0, 0, 200, 120)


def test_an_enlarged_crop_enlarges_its_motion(prepared):
    """Half the square as large as the input: everything moves twice as far."""
    spec = default_input(small_models.architecture(), (64, 64), (64, 64))
    mean = []
    for scale in (1.0, 0.5):
        sampling = Sampling(segments=1, scales=(scale,), view="region", shift=0.0)
        samples = ClipSamples(
            prepared,
            prepared.clips,
            spec._replace(flow_scale=1e-3),
            Needs(("flow",)),
            sampling,
            True,
        )
        mean.append(samples[0, 0].pictures.flow.abs().mean().item())
    assert 1.2 < mean[1] / mean[0] < 2.6


def test_clips_keep_their_shape_on_a_padded_canvas(tmp_path):
    source = film(tmp_path / "a.mkv", "moving", 3, size=(64, 96))
    padded = next(frames(source, 128, 96, "pad")).to_ndarray()
    plain = next(frames(source, 64, 96)).to_ndarray()
    luma, chroma = padded[:96], padded[96:].reshape(2, 48, 64)
    np.testing.assert_array_equal(luma[:, 32:96], plain[:96])
    np.testing.assert_array_equal(chroma[:, :, 16:48], plain[96:].reshape(2, 48, 32))
    assert (luma[:, :32] == luma[:, 32:33]).all() and (
        chroma[:, :, 48:] == chroma[:, :, 47:48]
    ).all()
    transcode(source, tmp_path / "b.mp4", Encoder(width=128, height=96, fit="pad"))


def test_classes_are_chosen_renamed_and_merged():
    entries = tuple(
        ClipEntry(str(n), label, {}, "g") for n, label in enumerate(("hug", "kick", "push"))
    )
    mirror = {"kick": "push", "hug": "kick"}
    made = Prepared(Path("set"), ("hug", "kick", "push"), mirror, entries, {}, None)
    found = with_classes(made, ["fight=kick+push"])
    assert found.labels == ("fight",) and [entry.label for entry in found.clips] == ["fight"] * 2
    assert found.mirror == {"fight": "fight"}
    assert with_classes(made, []) is made
    for classes, said in (
        (["kick", "fight=kick"], "label 'kick' belongs to 'kick'"),
        (["hug", "hug=kick"], "a name occurs twice"),
        (["punch"], "the set has no label 'punch'"),
    ):
        with pytest.raises(UsageError, match=said):
            with_classes(made, classes)


@pytest.mark.parametrize("modalities", ["I+M+S", "TTP"])
def test_samples_for_export_are_what_a_device_sees_of_regions(modalities, tmp_path):
    """The same pictures through the same windows as in evaluation, without those in which nothing moves."""
    made = Prepared(tmp_path, ("a", "b"), {}, (ClipEntry("one", "a", {}, "one"),), {}, None)
    copy = tmp_path / "a.mp4"
    film(tmp_path / "a.mkv", "moving", 120, size=SIZE)
    transcode(tmp_path / "a.mkv", copy, Encoder(width=200, height=120))
    extract(copy, made.cached("one"), Extraction(None), "one", source_facts(tmp_path / "a.mkv"))

    shape = small_models.architecture(modalities)
    spec = default_input(shape, (72, 72), (64, 64))._replace(region_scale=1.2, region_least=0.6)
    sampling = Sampling(view="region")
    seen = ClipSamples(made, made.clips, spec, Needs(Inputs._fields), sampling, False)
    moments = seen.moments(0)
    wanted = [n for n, (_, index, is_idle) in enumerate(moments) if not index % 5 and not is_idle]
    given = seen[0, 0].pictures

    found = read_samples([copy], spec, 200, view="region")
    assert len(found.flow) == len(wanted) < sum(not index % 5 for _, index, _ in moments)
    for tensor, arrays in (
        (given.flow, found.flow),
        (given.residual, found.residual),
        (given.rgb, found.keys[found.here]),
        (given.neighbour, found.keys[found.neighbour]),
    ):
        np.testing.assert_allclose(arrays, tensor[wanted].numpy(), atol=1e-5)
    few = read_samples([copy], spec, 16, False, "region")
    assert len(few.flow) == 16 and few.keys.shape[1:] == (0,)
    np.testing.assert_array_equal(few.flow, found.flow[:16])
