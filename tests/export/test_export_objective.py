"""Feature alignment and the total loss: eq. (8)-(10) by NumPy, gradients where they belong, a frozen teacher."""

import numpy as np
import pytest
import small_models
import torch

from edge_attp.errors import UsageError
from edge_attp_export.attp import ATTP, Inputs
from edge_attp_export.objective import Objective, distillation_loss

pytestmark = pytest.mark.needs_torch


def log_softmax(scores):
    shifted = scores.astype(np.float64) - scores.max(axis=1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))


def features(objective, inputs, optical_flow):
    """Student's and teacher's (map, scores after the FC layer), as NumPy arrays in float64."""
    with torch.no_grad():
        pairs = (
            (objective.model.litenet_mv, objective.fc, inputs.flow),
            (objective.teacher.litenet_mv, objective.teacher.classifiers["MV"], optical_flow),
        )
        for net, fc, picture in pairs:
            x = net(picture).numpy().astype(np.float64)
            weight, bias = (parameter.numpy() for parameter in (fc.weight, fc.bias))
            yield x, x.mean(axis=2) @ weight.T + bias


@pytest.mark.parametrize("modalities", ["MV", "I+MV+R", "BP", "TP", "ATTP"])
@pytest.mark.parametrize("alignment", ["after-fc", "distillation", "ours"])
def test_losses_are_the_papers(modalities, alignment):
    shape = small_models.architecture(modalities, alignment)
    objective = small_models.objective(shape, weight=0.5, temperature=3.0).eval()
    inputs, labels, optical_flow = small_models.batch()
    with torch.no_grad():
        losses = objective(inputs, labels, optical_flow)
        parts = objective.model.outputs(inputs).parts.numpy()
    (map_mv, fc_mv), (map_of, fc_of) = features(objective, inputs, optical_flow)
    rows = np.arange(len(labels))
    crossed = sum(-log_softmax(part)[rows, labels.numpy()].mean() for part in parts)
    after = ((fc_mv - fc_of) ** 2).mean()
    teacher, student = log_softmax(fc_of / 3), log_softmax(fc_mv / 3)
    expected = {
        "after-fc": after,
        "ours": ((map_mv - map_of) ** 2).mean() + after,
        "distillation": 9 * (np.exp(teacher) * (teacher - student)).sum(axis=1).mean(),
    }[alignment]
    assert expected > 0
    np.testing.assert_allclose(losses.classification, crossed, rtol=1e-4)
    np.testing.assert_allclose(losses.alignment, expected, rtol=1e-3, atol=1e-6)
    np.testing.assert_allclose(losses.total, crossed + 0.5 * expected, rtol=1e-4)
    np.testing.assert_allclose(losses.scores, parts.sum(axis=0), rtol=1e-5)


def test_without_alignment_the_loss_is_the_cross_entropy():
    objective = small_models.objective(small_models.architecture("TTP"))
    inputs, labels, _ = small_models.batch()
    losses = objective(inputs, labels)
    assert losses.alignment == 0 and losses.total == losses.classification
    assert {name.split(".")[0] for name in objective.state_dict()} == {"model"}


@pytest.mark.parametrize("alignment", ["after-fc", "distillation", "ours"])
def test_alignment_reaches_the_motion_network_and_nothing_else(alignment):
    objective = small_models.objective(small_models.architecture("ATTP", alignment)).train()
    objective(*small_models.batch()).alignment.backward()
    touched = {
        name.split(".")[1] if name.startswith("model.") else name.split(".")[0]
        for name, parameter in objective.named_parameters()
        if parameter.grad is not None and parameter.grad.any()
    }
    assert touched == {"litenet_mv", "fc"}
    stem = objective.model.litenet_mv.features[0][0].weight.grad
    assert stem.any() and torch.isfinite(stem).all()


def test_total_loss_reaches_every_parameter_but_the_teachers():
    objective = small_models.objective(small_models.architecture()).train()
    objective(*small_models.batch()).total.backward()
    for name, parameter in objective.named_parameters():
        teacher = name.startswith("teacher.")
        assert parameter.requires_grad is not teacher, name
        assert (parameter.grad is None) is teacher, name


def test_training_leaves_the_teacher_as_it_came():
    objective = small_models.objective(small_models.architecture()).train()
    before = {key: value.clone() for key, value in objective.teacher.state_dict().items()}
    parameters = [p for p in objective.parameters() if p.requires_grad]
    optimiser = torch.optim.SGD(parameters, lr=0.1)
    objective(*small_models.batch()).total.backward()
    optimiser.step()
    assert objective.model.training and not objective.teacher.training
    for key, value in objective.teacher.state_dict().items():
        assert torch.equal(value, before[key]), key


def test_student_that_equals_its_teacher_is_aligned():
    shape = small_models.architecture("MV", "ours")
    objective = small_models.objective(shape).eval()
    objective.model.load_state_dict(objective.teacher.state_dict())
    inputs, labels, _ = small_models.batch()
    assert objective(inputs, labels, inputs.flow).alignment == 0


def test_classifier_of_the_model_is_its_fc_layer():
    objective = small_models.objective(small_models.architecture("MV", "after-fc"))
    assert objective.fc is objective.model.classifiers["MV"]


def test_deployed_weights_are_those_without_alignment():
    """ATTP and TTP differ only in training."""
    aligned, plain = (ATTP(small_models.architecture(name)) for name in ("ATTP", "TTP"))
    assert aligned.state_dict().keys() == plain.state_dict().keys()


def test_softened_probabilities_alone_are_compared():
    scores = torch.tensor([[1.0, 2.0, 4.0]])
    assert distillation_loss(scores + 5, scores, 4.0).item() == pytest.approx(0, abs=1e-6)
    assert distillation_loss(-scores, scores, 4.0).item() > 0.5


@pytest.mark.parametrize(
    ("alignment", "teacher", "message"),
    [
        ("ours", None, "alignment 'ours' of MV needs a teacher"),
        ("none", small_models.architecture("MV"), "alignment 'none' of MV needs no teacher"),
        ("ours", small_models.architecture("TTP"), "modalities 'TTP' instead of 'MV'"),
        ("ours", small_models.architecture("MV", width=0.2), "width 0.2 instead of 0.1"),
    ],
    ids=str,
)
def test_teacher_that_does_not_fit_is_named(alignment, teacher, message):
    model = ATTP(small_models.architecture("MV", alignment))
    with pytest.raises(UsageError, match=message):
        Objective(model, teacher and ATTP(teacher))


def test_missing_optical_flow_is_named():
    objective = small_models.objective(small_models.architecture("MV", "ours"))
    inputs, labels, _ = small_models.batch()
    with pytest.raises(ValueError, match="alignment 'ours' needs optical flow"):
        objective(Inputs(flow=inputs.flow), labels)
