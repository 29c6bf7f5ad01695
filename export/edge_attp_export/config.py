"""The configuration of a training, read from TOML into frozen records; every key is checked.

Tables: [data] [model] [model.networks] [input] [train] [objective]. Each key is a field below, with its
default.
"""

from __future__ import annotations

import json
from dataclasses import MISSING, asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Dict, Mapping, Optional, Sequence, Tuple, Type

from edge_attp.engine.pack import REGION, VIEWS
from edge_attp.errors import UsageError
from edge_attp.strict import (
    BOOLEAN,
    COUNT,
    LOCATION,
    PATH,
    REQUIRED,
    TEXT,
    WHOLE,
    Document,
    Key,
    Kind,
    Table,
    choice,
    converted,
    flat,
    list_of,
    number,
    optional,
    parse_toml_value,
    read_toml,
    whole,
)

from .architecture import (
    ALIGNMENTS,
    MODALITIES,
    MOTION_STEPS,
    NETWORKS,
    REDUCTION,
    RESIDUAL_STEPS,
    Architecture,
)
from .b_frames import B_FRAMES, FRAME_TYPES
from .backbones import NAMES
from .imagenet import IMAGENET
from .input_spec import default_input

FLOWS = ("vectors", "optical")
PRECISIONS = ("auto", "off", "fp16", "bf16")
STEPPED, LOGISTIC = HEADS = ("steps", "logistic")

FILE_OR_FOLDER = converted(PATH, Path)
SIZE = list_of(
    whole(REDUCTION, 4096), f"[width, height], whole numbers from {REDUCTION} to 4096", 2, 2
)
WEIGHTS: Kind[str] = Kind(
    f'"{IMAGENET}", a URL or a path',
    lambda value, folder: IMAGENET if value == IMAGENET else LOCATION.read(value, folder),
    is_text=True,
)
CLASSES = list_of(TEXT, "a list of classes", 0)
SCALES = list_of(number(0.1, 4), "a list of numbers from 0.1 to 4")


def key(kind: Kind[object], default: Any = MISSING) -> Any:
    """A field whose values are of this kind."""
    return field(
        default=default, metadata={"key": Key(kind, REQUIRED if default is MISSING else default)}
    )


def keys(table: Table) -> Any:
    """A field that is a table of its own."""
    return field(default_factory=dict, metadata={"key": table})


@dataclass(frozen=True)
class Data:
    """The training data.

    prepared: folder that `prepare` wrote. split: its number. validation: share of the training groups
    that is held out if the set names no validation clips. frame_types: pictures that are used. flow: what
    the motion network sees; "optical" trains a teacher, LiteNet_OF. view: the whole picture, or the "region" that
    moves. classes: labels of the set, renamed or merged, such as "fight=push+kick"; [] for its own.
    """

    prepared: Path = key(FILE_OR_FOLDER)
    split: str = key(TEXT, "1")
    validation: float = key(number(0, 0.5), 0.15)
    frame_types: str = key(choice(*FRAME_TYPES), "I+P+B")
    b_frames: str = key(choice(*B_FRAMES), "correct")
    flow: str = key(choice(*FLOWS), "vectors")
    view: str = key(choice(*VIEWS), VIEWS[0])
    classes: Tuple[str, ...] = key(CLASSES, ())


@dataclass(frozen=True)
class Model:
    """The model: the fields of Architecture, and where weights come from.

    alignment, motion_input, residual_input: "" stands for the default of the modalities. motion_size: for the
    motion_input "enlarged", [width, height]. flow_limit, energy_limit: of what M sees, in hundredths of the picture or
    region and in units of 8 sample values. weights: checkpoint of the backbone, for every
    network: a file, a URL, or "imagenet" for the published one; weights_epsilon: of the batch
    normalisation of torchvision's networks, 1e-3 if the file comes from TensorFlow. networks: for "I",
    "MV", "R" and "M", the training checkpoint from which the network of that name is taken.
    """

    backbone: str = key(choice(*NAMES), "efficientnet_b1")
    width: float = key(number(0.1, 4), 1.0)
    factors: int = key(COUNT, 5)
    projections: int = key(COUNT, 200)
    modalities: str = key(choice(*MODALITIES), "ATTP")
    alignment: str = key(optional(choice(*ALIGNMENTS), ""), "")
    sketch: int = key(COUNT, 8000)
    motion_input: str = key(optional(choice(*MOTION_STEPS), ""), "")
    residual_input: str = key(optional(choice(*RESIDUAL_STEPS), ""), "")
    motion_size: Tuple[int, int] = key(SIZE, (96, 96))
    flow_limit: float = key(number(above=0, high=1000), 8.0)
    energy_limit: float = key(number(above=0, high=1000), 4.0)
    weights: Optional[str] = key(optional(WEIGHTS), None)
    weights_epsilon: float = key(number(1e-8, 1e-1), 1e-5)
    networks: Dict[str, Path] = keys(dict.fromkeys(NETWORKS, Key(optional(FILE_OR_FOLDER), None)))


@dataclass(frozen=True)
class Input:
    """How a picture enters the networks. Sizes are (width, height) in pixels.

    scales: sides of the random crop relative to `crop`, in the resized picture or region; those of a region may
    exceed it. region_scale, region_least: the window of a region is enlarged so many times, and to so large a share of
    the picture's shorter side at least. memory: M and S see means over about so many pictures; 0: one picture.
    speed_memory: those of the speed, which S sees; 0: as many as memory. shift: how far the crop of a region is
    displaced, at most, as a share of its side. flip: mirror half of the samples.
    """

    resize: Tuple[int, int] = key(SIZE, (340, 256))
    crop: Tuple[int, int] = key(SIZE, (224, 224))
    scales: Tuple[float, ...] = key(SCALES, (1.0, 0.875, 0.75))
    shift: float = key(number(0, 0.5), 0.1)
    flip: bool = key(BOOLEAN, True)
    memory: float = key(number(0, 1000), 0.0)
    speed_memory: float = key(number(0, 1000), 0.0)
    region_scale: float = key(number(1, 10), 1.0)
    region_least: float = key(number(0, 1), 0.0)


@dataclass(frozen=True)
class Train:
    """The training itself.

    clips: per batch and process. segments: GOPs drawn from each clip (TSN). backbone_factor: learning
    rate of pretrained parts relative to learning_rate. freeze: train only the fusion of the networks, on
    features that are computed once, for `views` draws of each clip. head: how it is then trained, by "steps", or at
    once by "logistic" regression with L2 of this strength on the means of clips, over the pictures that evaluation
    takes; balanced: there each class counts as much, however many clips it has. patience: stop after this many epochs
    without a better validation; 0: never. evaluate_gops: GOPs of a clip in validation, evenly spread;
    0: all. evaluate_pictures: P and B pictures of each of these GOPs; 0: all.
    """

    epochs: int = key(WHOLE, 60)
    clips: int = key(COUNT, 16)
    segments: int = key(COUNT, 3)
    learning_rate: float = key(number(1e-9, 10), 1e-3)
    backbone_factor: float = key(number(0, 1), 0.1)
    weight_decay: float = key(number(0, 1), 1e-4)
    warmup_epochs: float = key(number(0, 1000), 1.0)
    dropout: float = key(number(0, 0.95), 0.0)
    label_smoothing: float = key(number(0, 0.95), 0.0)
    freeze: bool = key(BOOLEAN, False)
    views: int = key(COUNT, 4)
    head: str = key(choice(*HEADS), STEPPED)
    strength: float = key(number(1e-6, 1e6), 0.1)
    balanced: bool = key(BOOLEAN, False)
    patience: int = key(WHOLE, 0)
    seed: int = key(whole(0, 2**32 - 1), 0)
    amp: str = key(choice(*PRECISIONS), "auto")
    workers: int = key(whole(0, 256), 2)
    evaluate_gops: int = key(WHOLE, 0)
    evaluate_pictures: int = key(WHOLE, 1)


@dataclass(frozen=True)
class Objective:
    """Eq. (10). weight: lambda. temperature: of distillation. teacher: checkpoint of LiteNet_OF."""

    weight: float = key(number(0, 1000000), 1.0)
    temperature: float = key(number(0.01, 1000), 4.0)
    teacher: Optional[Path] = key(optional(FILE_OR_FOLDER), None)


@dataclass(frozen=True)
class Config:
    """The whole configuration. source: the file it was read from."""

    data: Data
    model: Model
    input: Input
    train: Train
    objective: Objective
    source: Path

    def architecture(self, classes: int) -> Architecture:
        """The architecture for this number of classes."""
        model = self.model
        return Architecture(
            model.backbone,
            classes,
            model.width,
            model.factors,
            model.projections,
            model.modalities,
            model.alignment,
            model.sketch,
            model.motion_input,
            model.residual_input,
            model.motion_size,
            model.flow_limit,
            model.energy_limit,
        )

    def to_dict(self) -> Dict[str, Any]:
        """The tables as JSON values, without `source`; `from_dict` reads them."""
        content = asdict(self)
        del content["source"]
        return dict(json.loads(json.dumps(content, default=str)))


RECORDS: Dict[str, Type[Any]] = {
    "data": Data,
    "model": Model,
    "input": Input,
    "train": Train,
    "objective": Objective,
}
TABLES: Table = {
    name: {one.name: one.metadata["key"] for one in fields(record)}
    for name, record in RECORDS.items()
}


def load_config(path: Path, overrides: Sequence[str] = ()) -> Config:
    """Read a TOML file. `overrides` such as "train.seed=3" replace its values.

    Paths in the file are relative to its folder, those in overrides to the working directory. For
    an optional key, "" means that it is not set. Raises UsageError with file, line, key, value and
    what was expected.
    """
    document = read_toml(str(path), UsageError)
    for text in overrides:
        _override(document, text)
    return _config(document, path)


def from_dict(content: Mapping[str, Any], source: Path) -> Config:
    """The Config that `to_dict` described. source: the file it was found in."""
    folder = str(source.absolute().parent)
    return _config(Document(str(source), content, UsageError, folder), source)


def _override(document: Document, text: str) -> None:
    """A shell strips quotes, so text needs none."""
    name, equals, value = (part.strip() for part in text.partition("="))
    if not equals:
        raise UsageError(f"--set {text}: expected table.key=value")
    known = dict(flat(TABLES)).get(name)
    is_bare = known is not None and known.kind.is_text and value[:1] not in ("'", '"')
    try:
        read = value if is_bare else parse_toml_value(value)
    except ValueError:
        read = value
    document.override_value(tuple(name.split(".")), read, "--set", str(Path.cwd()))


def _config(document: Document, source: Path) -> Config:
    values = document.read_table(TABLES)
    networks = values["model"]["networks"]
    values["model"]["networks"] = {name: path for name, path in networks.items() if path}
    records = {name: record(**values[name]) for name, record in RECORDS.items()}
    config = Config(**records, source=source)
    _check_model(document, config)
    _check_data(document, config)
    _check_input(document, config)
    return config


def _check_model(document: Document, config: Config) -> None:
    """Architecture must accept it, and it must have a teacher exactly if something is aligned."""
    try:
        shape = config.architecture(classes=2)
    except UsageError as error:
        field = str(error).split()[0]
        raise document.fault(("model", field), str(error)) from error
    teacher, at = config.objective.teacher, ("objective", "teacher")
    of = f"model.alignment '{shape.alignment}' of modalities '{shape.modalities}'"
    aligns = shape.alignment != "none" and not config.train.freeze
    if config.train.freeze:
        of = "train.freeze"
    if not aligns and teacher is not None:
        raise document.fault(at, f'{of} does not use "{teacher}": remove it')
    if aligns and teacher is None:
        raise document.fault(
            at,
            f"is missing; {of} needs the checkpoint of a model of modalities 'MV', trained with "
            'data.flow = "optical"',
        )
    if config.train.head == LOGISTIC and not (config.train.freeze and shape.has_classifiers):
        told = f'"{LOGISTIC}" needs freeze = true, and networks with classifiers of their own'
        raise document.fault(("train", "head"), told)
    for name in config.model.networks:
        if name not in shape.networks:
            there = ", ".join(shape.networks)
            told = f"modalities '{shape.modalities}' uses the networks {there}"
            raise document.fault(("model", "networks", name), told)


def _check_data(document: Document, config: Config) -> None:
    """The settings must leave some pictures to train on."""
    data, modalities = config.data, config.model.modalities
    if data.frame_types == "I" and modalities != "I":
        raise document.fault(
            ("data", "frame_types"),
            f"modalities '{modalities}' needs P or B pictures; for I pictures alone, set "
            'model.modalities = "I"',
        )
    if data.b_frames == "ignore" and "P" not in data.frame_types:
        raise document.fault(
            ("data", "b_frames"),
            f'"ignore" with frame_types "{data.frame_types}" leaves no picture: use "I+P"',
        )
    if data.flow == "optical" and modalities != "MV":
        raise document.fault(
            ("data", "flow"),
            f'"optical" is for a teacher, model.modalities = "MV"; \'{modalities}\' uses vectors',
        )


def _check_input(document: Document, config: Config) -> None:
    """The crop must fit the networks and, at each scale, the picture; beside a region there is more of it."""
    sizes = config.input
    try:
        default_input(config.architecture(classes=2), sizes.resize, sizes.crop)
    except UsageError as error:
        raise document.fault(("input", "crop"), str(error)) from error
    shape = config.architecture(classes=2)
    if sizes.memory and not shape.is_early:
        raise document.fault(("input", "memory"), "needs the network M or S")
    if sizes.speed_memory and not shape.has_speed:
        raise document.fault(("input", "speed_memory"), "needs the network S")
    if shape.has_speed and not sizes.memory:
        raise document.fault(("input", "memory"), f"modalities '{shape.modalities}' need it")
    if config.data.view == REGION:
        return
    for index, scale in enumerate(sizes.scales):
        if any(round(c * scale) > r for c, r in zip(sizes.crop, sizes.resize)):
            told = f"{scale:g} of crop {sizes.crop} does not fit into resize {sizes.resize}"
            raise document.fault(("input", "scales", index), told)
