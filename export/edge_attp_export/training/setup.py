"""From a configuration to data, model, objective and optimiser."""

from __future__ import annotations

from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Sequence, Tuple

import torch
from torch import nn

from edge_attp.engine.pack import InputSpec
from edge_attp.errors import UsageError

from ..architecture import Architecture
from ..attp import ATTP
from ..checkpoints import Checkpoint, build, load_backbones, read_checkpoint
from ..config import Config
from ..data.classes import with_classes
from ..data.division import Division, divide
from ..data.loader import ClipSamples, Needs, Sampling
from ..data.prepared import ClipEntry, Prepared, load_prepared
from ..input_spec import default_input
from ..objective import Objective

TEACHER_NEEDS = "a teacher is a training checkpoint of modalities MV with data.flow 'optical'"


class Sets(NamedTuple):
    """val and test are None if the set has none."""

    prepared: Prepared
    division: Division
    train: ClipSamples
    val: Optional[ClipSamples]
    test: Optional[ClipSamples]


def input_spec(config: Config) -> InputSpec:
    given, shape = config.input, config.architecture(classes=2)
    return default_input(shape, given.resize, given.crop)._replace(
        memory=given.memory,
        speed_memory=(given.speed_memory or given.memory) if shape.has_speed else 0.0,
        region_scale=given.region_scale,
        region_least=given.region_least,
    )


def needs(shape: Architecture, flow: str = "vectors", both: bool = False) -> Needs:
    """The parts of a sample that a model reads. both: late fusions get the I pictures of both GOPs."""
    fields = {"I": ["rgb"], "MV": ["flow"], "R": ["residual"], "M": ["flow", "residual"]}
    fields["S"] = fields["M"]
    inputs = list(dict.fromkeys(field for name in shape.networks for field in fields[name]))
    if shape.is_temporal or (both and shape.is_late):
        inputs.append("neighbour")
    return Needs(tuple(inputs), flow, shape.alignment != "none")


def sets(config: Config) -> Sets:
    """Open the prepared set and divide it. Raises UsageError if something is missing."""
    prepared = with_classes(load_prepared(config.data.prepared), config.data.classes)
    division = divide(prepared, config.data.split, config.data.validation, config.train.seed)
    shape = config.architecture(len(prepared.labels))
    spec, data, train = input_spec(config), config.data, config.train
    drawn = Sampling(
        data.frame_types,
        data.b_frames,
        segments=train.segments,
        scales=config.input.scales,
        flip=config.input.flip,
        view=data.view,
        shift=config.input.shift,
    )
    reads = needs(shape, data.flow)

    def evaluated(entries: List[ClipEntry]) -> Optional[ClipSamples]:
        return _evaluated(config, prepared, entries) if entries else None

    return Sets(
        prepared,
        division,
        ClipSamples(prepared, division.train, spec, reads, drawn, True, train.seed),
        evaluated(division.val),
        evaluated(division.test),
    )


def still_samples(config: Config, found: Sets) -> Iterator[ClipSamples]:
    """The training clips as evaluation sees them and, if samples may be mirrored, in the mirror."""
    for mirrored in (False, True) if config.input.flip else (False,):
        yield _evaluated(config, found.prepared, found.division.train, mirrored)


def _evaluated(
    config: Config, prepared: Prepared, entries: Sequence[ClipEntry], mirrored: bool = False
) -> ClipSamples:
    data, train = config.data, config.train
    shape = config.architecture(len(prepared.labels))
    reads = needs(shape, data.flow, shape.evaluates_both)._replace(optical_flow=False)
    even = Sampling(
        data.frame_types,
        data.b_frames,
        gops=train.evaluate_gops,
        pictures=train.evaluate_pictures,
        view=data.view,
        mirrored=mirrored,
    )
    return ClipSamples(prepared, entries, input_spec(config), reads, even, False)


def fresh_model(config: Config, labels: Tuple[str, ...]) -> ATTP:
    """A seeded model, with the weights named in the configuration."""
    torch.manual_seed(config.train.seed)
    model = ATTP(config.architecture(len(labels)))
    model.dropout.p = config.train.dropout
    if config.model.weights:
        load_backbones(model, config.model.weights, config.model.weights_epsilon)
    for name, path in config.model.networks.items():
        _take_over(model, labels, name, read_checkpoint(path), str(path))
    return model


def _take_over(
    model: ATTP, labels: Tuple[str, ...], name: str, checkpoint: Checkpoint, source: str
) -> None:
    """Copy the network `name` of another training, and its classifier if both have the same classes."""
    networks = dict(model.networks())
    other = build(checkpoint)
    theirs = dict(other.networks())
    for holder, found in (("this model", networks), (source, theirs)):
        if name not in found:
            raise UsageError(f"model.networks.{name}: {holder} has no network {name}")
    if networks[name].enlarged != theirs[name].enlarged:
        raise UsageError(
            f"model.networks.{name}: motion_input and motion_size must be those of {source}"
        )
    if networks[name].step != theirs[name].step:
        raise UsageError(
            f"model.networks.{name}: {source} sees one sample in {theirs[name].step}, this model one in "
            f"{networks[name].step}: motion_input and residual_input must be the same"
        )
    try:
        networks[name].load_state_dict(theirs[name].state_dict())
    except RuntimeError as error:
        raise UsageError(f"model.networks.{name}: {source} has another backbone") from error
    both = model.architecture.has_classifiers and other.architecture.has_classifiers
    if both and checkpoint.labels == labels:
        model.classifiers[name].load_state_dict(other.classifiers[name].state_dict())


def objective(config: Config, model: ATTP) -> Objective:
    """The training loss, with its teacher."""
    options = config.objective
    teacher = None
    if options.teacher is not None:
        checkpoint = read_checkpoint(options.teacher)
        if checkpoint.training.get("flow") != "optical":
            raise UsageError(f"{options.teacher}: {TEACHER_NEEDS}")
        if checkpoint.architecture.motion_input != model.architecture.motion_input:
            raise UsageError(
                f"{options.teacher}: its motion_input is '{checkpoint.architecture.motion_input}', that "
                f"of the model '{model.architecture.motion_input}'"
            )
        teacher = build(checkpoint)
    return Objective(
        model,
        teacher,
        options.weight,
        options.temperature,
        config.train.label_smoothing,
        aligns=not config.train.freeze,
    )


def optimiser(config: Config, trained: Objective) -> torch.optim.Optimizer:
    """AdamW; pretrained networks learn more slowly, and norms and biases do not decay."""
    slow = {
        id(parameter)
        for name, net in trained.model.networks()
        if config.model.weights or name in config.model.networks
        for parameter in net.parameters()
    }
    groups: Dict[Tuple[bool, bool], List[nn.Parameter]] = {}
    for parameter in trained.parameters():
        if parameter.requires_grad:
            key = id(parameter) in slow, parameter.ndim > 1
            groups.setdefault(key, []).append(parameter)
    return torch.optim.AdamW(list(_groups(config, groups)))


def _groups(
    config: Config, groups: Dict[Tuple[bool, bool], List[nn.Parameter]]
) -> Iterator[Dict[str, Any]]:
    train = config.train
    for (is_slow, decays), parameters in groups.items():
        factor = train.backbone_factor if is_slow else 1.0
        yield {
            "params": parameters,
            "lr": train.learning_rate * factor,
            "weight_decay": train.weight_decay if decays else 0.0,
        }
