"""Every row of the paper's ablations can be constructed, computes what it should, and learns."""

import pytest
import small_models
import torch

from edge_attp.errors import UsageError
from edge_attp_export.architecture import MODALITIES, Architecture, alignments
from edge_attp_export.attp import Inputs
from edge_attp_export.temporal import temporal_offset

pytestmark = pytest.mark.needs_torch

OPTIONS = [(row, alignment) for row in MODALITIES for alignment in alignments(row)]
USED = {"I": {"rgb"}, "MV": {"flow"}, "R": {"residual"}, "M": {"flow", "residual"}}
USED["S"] = USED["M+S"] = USED["M"]
TEMPORAL, LATE = ("TTP", "ATTP"), ("I+MV+R", "I+M", "I+M+S")


def evaluated(modalities, seed=0):
    return small_models.model(small_models.architecture(modalities), seed)


def used(modalities):
    """Fields of Inputs that a model uses."""
    fields = USED.get(modalities, {"rgb", "flow", "residual"})
    return fields | {"neighbour"} if modalities in TEMPORAL else fields


def batch_of(model, seed=0):
    return small_models.batch(seed, model.architecture)[0]


def test_options_are_those_of_table_3_and_figure_4_and_early_fusion():
    assert MODALITIES == (
        "I",
        "MV",
        "R",
        "I+MV+R",
        "BP",
        "TP",
        "TTP",
        "ATTP",
        "M",
        "S",
        "I+M",
        "M+S",
        "I+M+S",
    )
    assert alignments("MV") == ("none", "after-fc", "distillation", "ours")
    assert Architecture("mobilenet_v2", 2).alignment == "ours"
    assert Architecture("mobilenet_v2", 2, modalities="MV").alignment == "none"


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"backbone": "resnet"}, "backbone 'resnet': choose one of efficientnet_b1"),
        ({"modalities": "RGB"}, r"modalities 'RGB': choose one of I, MV, R, I\+MV\+R, BP, TP"),
        ({"alignment": "all"}, "alignment of ATTP 'all': choose one of ours, after-fc"),
        ({"alignment": "none"}, "alignment of ATTP 'none': choose one of ours"),
        ({"modalities": "I", "alignment": "ours"}, "alignment of I 'ours': choose one of none"),
        ({"classes": 1}, "classes 1: expected a whole number, 2 or more"),
        ({"factors": 0}, "factors 0: expected a whole number, 1 or more"),
        ({"projections": 2.5}, "projections 2.5: expected a whole number"),
        ({"sketch": -1}, "sketch -1: expected a whole number"),
        (
            {"motion_input": "half"},
            "motion_input of ATTP 'half': choose one of full, grid, enlarged",
        ),
        (
            {"modalities": "M", "motion_input": "full"},
            "motion_input of M 'full': choose one of enlarged, grid",
        ),
        (
            {"modalities": "I+M", "residual_input": "grid"},
            r"residual_input of I\+M 'grid': choose one of energy",
        ),
        ({"motion_size": (96, 100)}, r"motion_size \[96, 100\]: use multiples of 32"),
    ],
    ids=str,
)
def test_what_cannot_be_is_named(fields, message):
    with pytest.raises(UsageError, match=message):
        Architecture(**dict({"backbone": "mobilenet_v2", "classes": 2}, **fields))


@pytest.mark.parametrize("modalities", MODALITIES)
def test_scores_depend_on_exactly_the_inputs_of_the_row(modalities):
    model = evaluated(modalities)
    inputs, other = batch_of(model), batch_of(model, seed=1)
    if modalities in LATE:  # see below
        inputs = inputs._replace(neighbour=None)
    with torch.no_grad():
        scores = model(*inputs)
        assert scores.shape == (small_models.BATCH, small_models.CLASSES)
        changed = {
            field
            for field in Inputs._fields
            if getattr(inputs, field) is not None
            and not torch.equal(model(*inputs._replace(**{field: getattr(other, field)})), scores)
        }
        assert changed == used(modalities)
        only = {field: getattr(inputs, field) for field in used(modalities)}
        torch.testing.assert_close(model(**only), scores)
    for field in used(modalities):
        with pytest.raises(ValueError, match=f"^{modalities.replace('+', '.')} needs"):
            model(*inputs._replace(**{field: None}))


@pytest.mark.parametrize("modalities", LATE)
def test_late_fusion_is_the_sum_of_the_single_models(modalities):
    late = evaluated(modalities)
    weights = late.state_dict()
    inputs = batch_of(late)._replace(neighbour=None)
    total = torch.zeros(small_models.BATCH, small_models.CLASSES)
    with torch.no_grad():
        for name in modalities.split("+"):
            single = evaluated(name, seed=9)
            single.load_state_dict({key: weights[key] for key in single.state_dict()})
            total += single(*inputs)
        torch.testing.assert_close(late(*inputs), total)


@pytest.mark.parametrize("modalities", LATE)
def test_late_fusion_takes_the_mean_of_the_scores_of_two_key_pictures(modalities):
    """At once, and as a device does it: half the scores of each are added."""
    model = evaluated(modalities)
    inputs = batch_of(model)
    with torch.no_grad():
        alone = [
            model(*inputs._replace(rgb=rgb, neighbour=None))
            for rgb in (inputs.rgb, inputs.neighbour)
        ]
        assert not torch.allclose(*alone, atol=1e-2)
        torch.testing.assert_close(model(*inputs), sum(alone) / 2)
        halves = sum(map(model.appearance, inputs[:2]))
        assert halves.shape == (small_models.BATCH, small_models.CLASSES, 1)
        graphs = model.motion(inputs.flow, inputs.residual, halves)
        torch.testing.assert_close(graphs, sum(alone) / 2)


def test_early_fusion_sees_three_planes_within_their_limits():
    """Flow times its limit, energy up to its own, both on the grid, enlarged as pictures are."""
    model = evaluated("M")
    seen = []
    model.litenet_m.features[0].register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    inputs = batch_of(model)
    flow = inputs.flow.clamp(-1, 1)
    with torch.no_grad():
        model(flow=flow, residual=inputs.residual * 5)
    (picture,) = seen
    planes = torch.cat([8 * flow, (5 * inputs.residual).clamp(0, 4)], 1)
    assert planes.shape[2:] == (16, 16) and picture.shape[2:] == (64, 64)
    assert planes[:, 2].max() == 4 and planes[:, 2].min() == 0
    expected = torch.nn.functional.interpolate(planes, (64, 64), mode="bilinear")
    torch.testing.assert_close(picture, expected)


@pytest.mark.parametrize("modalities", TEMPORAL)
def test_temporal_models_add_the_pooling_of_the_neighbour(modalities):
    """Eq. (7) before root and norm: f_TP(t, 0) + f_TP(t, dt), computed apart; and the two graphs' way."""
    model, plain = evaluated(modalities), evaluated("TP")
    inputs, _, _ = small_models.batch()
    with torch.no_grad():
        vy, wz = plain.pooling.v(plain.litenet_mv(inputs.flow)), plain.litenet_r(inputs.residual)
        wz = plain.pooling.w(wz)
        ux = [plain.appearance(picture) for picture in (inputs.rgb, inputs.neighbour)]
        pooled = sum(plain.pooling.pool(x, vy, wz) for x in ux)
        rooted = pooled.sign() * pooled.abs().sqrt()
        expected = rooted / rooted.norm(dim=1, keepdim=True) @ plain.pooling.p
        torch.testing.assert_close(model(*inputs), expected, rtol=1e-3, atol=1e-4)
        graphs = model.motion(inputs.flow, inputs.residual, sum(map(model.appearance, inputs[:2])))
        torch.testing.assert_close(graphs, expected, rtol=1e-3, atol=1e-4)
        alone = model(*inputs._replace(neighbour=inputs.rgb))
        torch.testing.assert_close(alone, plain(*inputs), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(("modalities", "alignment"), OPTIONS)
def test_every_option_learns_a_tiny_batch(modalities, alignment):
    shape = small_models.architecture(modalities, alignment)
    objective = small_models.objective(shape).train()
    batch = small_models.batch(shape=shape)
    optimiser = torch.optim.Adam([p for p in objective.parameters() if p.requires_grad], lr=2e-3)
    losses = []
    for _ in range(6):
        optimiser.zero_grad()
        loss = objective(*batch).total
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < 0.8 * losses[0], losses


@pytest.mark.parametrize(
    ("modalities", "alignment"),
    [("I+MV+R", "none"), ("BP", "after-fc"), ("MV", "distillation"), ("ATTP", "ours")],
)
def test_mixed_precision_trains_and_stays_close(modalities, alignment):
    objective = small_models.objective(small_models.architecture(modalities, alignment)).train()
    exact = objective(*small_models.batch()).total
    with torch.autocast("cpu", torch.bfloat16):
        mixed = objective(*small_models.batch()).total
    mixed.backward()
    assert mixed.item() == pytest.approx(exact.item(), rel=0.2)
    assert all(torch.isfinite(p.grad).all() for p in objective.parameters() if p.requires_grad)


@pytest.mark.parametrize("modalities", ["BP", "ATTP"])
def test_seed_decides_weights_and_training(modalities):
    def trained(seed):
        objective = small_models.objective(small_models.architecture(modalities), seed).train()
        parameters = [p for p in objective.parameters() if p.requires_grad]
        optimiser = torch.optim.SGD(parameters, lr=0.1)
        for _ in range(2):
            optimiser.zero_grad()
            objective(*small_models.batch()).total.backward()
            optimiser.step()
        return torch.cat([p.detach().flatten() for p in objective.model.parameters()])

    first = trained(5)
    assert torch.equal(first, trained(5))
    assert not torch.equal(first, trained(6))


def test_offset_is_fixed_in_test():
    assert [temporal_offset(gop, 4) for gop in range(4)] == [1, -1, -1, -1]
    assert temporal_offset(0, 1) == 0


def test_offset_is_drawn_in_training_and_stays_inside_the_video():
    def draws(seed):
        random = torch.Generator().manual_seed(seed)
        return [temporal_offset(3, 9, random) for _ in range(200)]

    assert set(draws(0)) == {-1, 1}
    assert abs(sum(draws(0))) < 60  # 200 fair draws: standard deviation 14
    assert draws(0) == draws(0) != draws(1)
    random = torch.Generator().manual_seed(0)
    assert {temporal_offset(0, 3, random) for _ in range(20)} == {1}
    assert {temporal_offset(2, 3, random) for _ in range(20)} == {-1}
    assert temporal_offset(0, 1, random) == 0


@pytest.mark.parametrize("gop", [-1, 2])
def test_offset_outside_the_video_is_an_error(gop):
    with pytest.raises(ValueError, match=f"GOP {gop} of a video of 2"):
        temporal_offset(gop, 2)
