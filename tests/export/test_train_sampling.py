"""Which pictures are used, and how crops and mirrors change them."""

import numpy as np
import pytest
import small_models
import small_sets
import torch

from edge_attp.tensors import fill_energy, fill_flow, fill_residual, fill_rgb
from edge_attp_export.attp import Inputs
from edge_attp_export.data import crops, loader, sampling
from edge_attp_export.data.cache import Clip, Entry
from edge_attp_export.data.division import divide
from edge_attp_export.data.loader import ClipSamples, Needs, Sampling, joined, make_loader
from edge_attp_export.input_spec import default_input
from edge_attp_export.network_inputs import energy_input

pytestmark = pytest.mark.needs_torch

EVERYTHING = Needs(Inputs._fields, optical_flow=True)
SPEC = default_input(small_models.architecture(), (72, 68), (64, 64))
FOUR = [Entry(kind, gop, 0) for gop in range(3) for kind in small_sets.KINDS]


def lot(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    return small_sets.make(tmp_path_factory.mktemp("small"))


def samples(prepared, training=False, needs=EVERYTHING, **options):
    entries = divide(prepared, "1", 0, 0).train
    return ClipSamples(prepared, entries, SPEC, needs, Sampling(**options), training)


@pytest.mark.parametrize(
    "frame_types, b_frames, kinds",
    [
        ("I+P+B", "correct", "PBBP"),
        ("I+P+B", "as-p", "PBBP"),
        ("I+P+B", "ignore", "PP"),
        ("I+P", "correct", "PP"),
        ("I+B", "correct", "BB"),
    ],
)
def test_candidates_are_of_the_kinds_asked_for(frame_types, b_frames, kinds):
    found = sampling.candidates(FOUR, 3, frame_types, b_frames)
    assert ["".join(FOUR[picture].kind for picture in gop) for gop in found] == [kinds] * 3


def test_i_pictures_alone_need_no_other():
    assert sampling.candidates([], 2, "I", "correct") == [[None], [None]]


def test_each_segment_gives_one_gop_and_every_gop_comes_up():
    found = [[index] for index in range(10)]
    draws = [sampling.draw(found, 5, lot(seed)) for seed in range(40)]
    assert all([view.gop // 2 for view in views] == [0, 1, 2, 3, 4] for views in draws)
    assert {view.gop for views in draws for view in views} == set(range(10))
    assert {view.neighbour - view.gop for views in draws for view in views} == {-1, 1}


def test_a_clip_of_fewer_gops_gives_some_twice_and_skips_empty_ones():
    views = sampling.draw([[], [4, 5], []], 3, lot())
    assert [view.gop for view in views] == [1, 1, 1]
    assert {view.picture for view in views} <= {4, 5}


def test_evaluation_takes_everything_or_even_parts():
    found = [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11]]
    views = sampling.evenly(found)
    assert [view.picture for view in views] == list(range(12))
    assert [view.neighbour for view in views[::4]] == [1, 0, 1]  # dt: +1 first, then -1
    assert [view.picture for view in sampling.evenly(found, 1, 2)] == [5, 7]


def test_windows_stay_inside_on_the_grid_of_the_vectors():
    for seed in range(200):
        window = crops.draw_window((72, 68), (72, 68), (64, 64), (1.0, 0.75), True, lot(seed))
        assert all(value % 4 == 0 for value in window[:4])
        assert window.x + window.width <= 72 and window.y + window.height <= 68
        assert window.width == window.height and window.width in (64, 48)


def test_a_mirrored_vector_changes_its_sign_and_place():
    flow = np.zeros((2, 4, 4), np.float32)
    flow[:, 1, 0] = 3, 5
    cut = crops.cut_flow(flow, crops.Window(0, 0, 16, 16, True))
    assert tuple(cut[:, 1, 3]) == (-3, 5) and np.count_nonzero(cut) == 2


def test_mirroring_the_arrays_mirrors_what_the_networks_see(prepared):
    clip = prepared.clip("left/0")
    plain, mirrored = (crops.Window(4, 0, 64, 64, flag) for flag in (False, True))
    seen = {}
    for window in (plain, mirrored):
        rgb, flow, residual = (np.empty((size, 64, 64), np.float32) for size in (3, 2, 3))
        fill_rgb(crops.cut_rgb(clip.key(0), window), rgb, (64, 64), *SPEC.rgb)
        fill_flow(crops.cut_flow(clip.flow(0), window), (64, 64), flow, (64, 64), 0.05)
        fill_residual(
            crops.cut_residual(clip.residual(0), window), residual, (64, 64), *SPEC.residual, 8
        )
        seen[window.mirrored] = rgb, flow, residual
    for before, after in zip(seen[False], seen[True]):
        expected = before[..., ::-1].copy()
        if len(before) == 2:
            expected[0] *= -1
        np.testing.assert_allclose(after, expected, atol=1e-6)


def test_an_enlarged_crop_enlarges_its_motion(prepared):
    flow = np.full((2, 17, 18), 2, np.float32)
    for side in (64, 32):
        out = np.empty((2, 64, 64), np.float32)
        cut = crops.cut_flow(flow, crops.Window(0, 0, side, side, False))
        fill_flow(cut, (side, side), out, (64, 64), 0.05)
        np.testing.assert_allclose(out, 2 * 64 / side * 0.05, rtol=1e-6)


def test_evaluation_sees_what_the_device_sees(prepared):
    clip = prepared.clip("left/0")
    batch = samples(prepared)[0, 0]
    rgb, flow, residual = (np.empty((size, 64, 64), np.float32) for size in (3, 2, 3))
    fill_rgb(clip.key(0), rgb, SPEC.resize, *SPEC.rgb)
    fill_flow(clip.flow(0), (72, 68), flow, SPEC.resize, SPEC.flow_scale)
    fill_residual(clip.residual(0), residual, SPEC.resize, *SPEC.residual, 8)
    for ours, theirs in ((batch.inputs.rgb, rgb), (batch.inputs.flow, flow)):
        np.testing.assert_array_equal(ours[0].numpy(), theirs)
    np.testing.assert_array_equal(batch.inputs.residual[0].numpy(), residual)


@pytest.mark.parametrize("training", [False, True])
def test_energy_is_made_of_the_luma_that_was_cut(prepared, training, monkeypatch):
    """Chroma is not even read."""
    shape = small_models.architecture("M")
    spec = default_input(shape, (72, 72), (64, 64))
    entries = divide(prepared, "1", 0, 0).train
    sampling = Sampling(segments=3, scales=(1.0, 0.875), flip=True)
    monkeypatch.setattr(Clip, "residual", None)
    read = ClipSamples(prepared, entries, spec, Needs(("flow", "residual")), sampling, training)
    cut = []
    monkeypatch.setattr(
        loader, "energy_input", lambda luma, *rest: cut.append(luma) or energy_input(luma, *rest)
    )
    given = read[0, 2].pictures
    assert given.residual.shape == (len(cut), 1, 16, 16) and given.flow.shape[2:] == (16, 16)
    side = 72 if not training else 64
    assert all(luma.dtype == np.int16 and max(luma.shape) <= side for luma in cut)
    for luma, found in zip(cut, given.residual):
        out = np.empty((1, 16, 16), np.float32)
        resize = (16, 16) if training else (18, 18)
        fill_energy(np.ascontiguousarray(luma), out, resize, 0.0, 8.0)
        np.testing.assert_array_equal(found.numpy(), out)


def test_stored_luma_is_that_of_the_residual(prepared):
    clip = prepared.clip("left/0")
    for index in range(3):
        np.testing.assert_array_equal(clip.luma(index), clip.residual(index).y)


def test_a_key_gives_the_same_draw_and_an_epoch_another(prepared):
    drawn = [samples(prepared, True, flip=True)[epoch, 3] for epoch in (0, 0, 1)]
    assert torch.equal(drawn[0].inputs.flow, drawn[1].inputs.flow)
    assert not torch.equal(drawn[0].inputs.flow, drawn[2].inputs.flow)


def test_labels_change_in_the_mirror_with_the_motion(prepared):
    labels = set()
    for epoch in range(12):
        batch = samples(prepared, True, flip=True)[epoch, 0]
        means = batch.inputs.flow[:, 0].mean((1, 2))
        assert ((means > 0).long() == batch.labels).all()
        labels.update(batch.labels.tolist())
    assert labels == {0, 1}


def test_only_what_is_needed_is_read(prepared):
    batch = samples(prepared, needs=Needs(("flow",), flow="optical"))[0, 0]
    assert batch.inputs.rgb is None and batch.inputs.residual is None
    assert batch.optical_flow is None and batch.inputs.flow.shape == (12, 2, 64, 64)


def test_b_pictures_can_be_read_as_p(prepared):
    right, wrong = (samples(prepared, b_frames=name)[0, 0] for name in ("correct", "as-p"))
    torch.testing.assert_close(wrong.inputs.flow, (2 * right.inputs.flow).clamp(-1, 1))


def test_clips_without_a_picture_to_look_at_are_named(prepared, tmp_path):
    made = small_sets.make(tmp_path, train=2, val=0, test=0)
    lonely = samples(made, frame_types="I+P")
    assert lonely.skipped == []
    small_sets.KINDS, kinds = "BBBB", small_sets.KINDS
    try:
        only_b = small_sets.make(tmp_path / "b", train=1, val=0, test=0)
    finally:
        small_sets.KINDS = kinds
    with pytest.raises(Exception, match="no clip has pictures of I.P"):
        samples(only_b, frame_types="I+P")


def test_processes_share_the_clips(prepared):
    shown = []
    for rank in range(2):
        loader, sampler = make_loader(samples(prepared), 2, 0, True, rank, 2)
        sampler.set_epoch(1)
        shown.append({int(clip) for batch in loader for clip in batch.clips})
    assert len(shown[0]) == len(shown[1]) == 8 and not shown[0] & shown[1]


def test_batches_are_joined_clip_by_clip(prepared):
    every = samples(prepared)
    batch = joined([every[0, 2], every[0, 5]])
    assert batch.clips.tolist() == [2] * 12 + [5] * 12
    assert batch.gops.tolist() == [0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2] * 2


def test_held_out_clips_leave_with_their_group(prepared):
    grouped = prepared._replace(
        clips=tuple(
            entry._replace(group=f"{entry.label}{number // 2}", splits={"1": "train"})
            for number, entry in enumerate(prepared.clips)
        )
    )
    division = divide(grouped, "1", 0.25, 0)
    groups = [{entry.group for entry in part} for part in (division.train, division.val)]
    assert groups[1] and not groups[0] & groups[1]
    assert {entry.label for entry in division.val} == {"left", "right"}
    with pytest.raises(
        Exception, match="split '2' has no training clips; the set has the splits 1"
    ):
        divide(prepared, "2", 0, 0)
