"""The configuration of a training: TOML into frozen records, every key checked.

Tables: [data] [model] [model.networks] [input] [train] [objective]. Each key is a field below; one
that is not given takes the default there.
"""

from __future__ import annotations

import json
import sys
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Dict, Iterator, List, Mapping, Optional, Sequence, Tuple, Type

from edge_attp.errors import UsageError

from .architecture import ALIGNMENTS, MODALITIES, Architecture
from .b_frames import B_FRAMES, FRAME_TYPES
from .backbones import NAMES
from .input_spec import REDUCTION, default_input
from .records import (
    Given,
    build,
    choice,
    expected,
    flattened,
    keys,
    location,
    nearest,
    number,
    paths,
)

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

FLOWS = ("vectors", "optical")
PRECISIONS = ("auto", "off", "fp16", "bf16")
NETWORKS = ("I", "MV", "R")


@dataclass(frozen=True)
class Data:
    """What is learned from.

    prepared: folder that `prepare` wrote. split: its number. validation: share of the training groups
    that is held out where the set names no validation clips. frame_types: pictures that are looked
    at. flow: what the motion network looks at; "optical" trains a teacher, LiteNet_OF.
    """

    prepared: Path
    split: str = "1"
    validation: float = number(0.15, 0, 0.5)
    frame_types: str = choice("I+P+B", FRAME_TYPES)
    b_frames: str = choice("correct", B_FRAMES)
    flow: str = choice("vectors", FLOWS)


@dataclass(frozen=True)
class Model:
    """What is trained: the fields of Architecture, and where weights come from.

    alignment: "" is the first that the modalities have. weights: torchvision checkpoint of the
    backbone, for every network; weights_epsilon: of its normalisation, 1e-3 where it comes from
    TensorFlow. networks: training checkpoints, by "I", "MV", "R", whose network of that name is
    taken over.
    """

    backbone: str = choice("efficientnet_b1", NAMES)
    width: float = number(1.0, 0.1, 4)
    factors: int = number(5, 1)
    projections: int = number(200, 1)
    modalities: str = choice("ATTP", MODALITIES)
    alignment: str = choice("", ("", *ALIGNMENTS))
    sketch: int = number(8000, 1)
    weights: Optional[str] = location()
    weights_epsilon: float = number(1e-5, 1e-8, 1e-1)
    networks: Dict[str, Path] = paths(NETWORKS)


@dataclass(frozen=True)
class Input:
    """How a picture enters the networks. Sizes are (width, height) in pixels.

    scales: side of the random crop over the side of `crop`, in the resized picture. flip: mirror
    half of what is drawn.
    """

    resize: Tuple[int, int] = number((340, 256), REDUCTION, 4096)
    crop: Tuple[int, int] = number((224, 224), REDUCTION, 4096)
    scales: Tuple[float, ...] = number((1.0, 0.875, 0.75), 0.1, 4)
    flip: bool = True


@dataclass(frozen=True)
class Train:
    """How it is trained.

    clips: of a batch, in each process. segments: GOPs drawn from each clip (TSN). backbone_factor:
    learning rate of pretrained parts over learning_rate. freeze: the networks stay as they are; only
    what fuses them is trained, on features that are computed once, for `views` draws of each clip.
    patience: epochs without a better validation until it stops; 0: never. evaluate_gops: GOPs of a
    clip in validation, evenly spread; 0: all. evaluate_pictures: P and B pictures of each of them; 0: all.
    """

    epochs: int = number(60, 0)
    clips: int = number(16, 1)
    segments: int = number(3, 1)
    learning_rate: float = number(1e-3, 1e-9, 10)
    backbone_factor: float = number(0.1, 0, 1)
    weight_decay: float = number(1e-4, 0, 1)
    warmup_epochs: float = number(1.0, 0, 1000)
    dropout: float = number(0.0, 0, 0.95)
    label_smoothing: float = number(0.0, 0, 0.95)
    freeze: bool = False
    views: int = number(4, 1)
    patience: int = number(0, 0)
    seed: int = number(0, 0, 2**32 - 1)
    amp: str = choice("auto", PRECISIONS)
    workers: int = number(2, 0, 256)
    evaluate_gops: int = number(0, 0)
    evaluate_pictures: int = number(1, 0)


@dataclass(frozen=True)
class Objective:
    """Eq. (10). weight: lambda. temperature: of distillation. teacher: checkpoint of LiteNet_OF."""

    weight: float = number(1.0, 0, 1e6)
    temperature: float = number(4.0, 0.01, 1000)
    teacher: Optional[Path] = None


@dataclass(frozen=True)
class Config:
    """All of it. source: the file that it was read from."""

    data: Data
    model: Model
    input: Input
    train: Train
    objective: Objective
    source: Path

    def architecture(self, classes: int) -> Architecture:
        """The model's shape for so many classes."""
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
        )

    def to_dict(self) -> Dict[str, Any]:
        """The tables as JSON has them, without `source`; `from_dict` reads them."""
        content = asdict(self)
        del content["source"]
        return dict(json.loads(json.dumps(content, default=str)))


_TABLES: Dict[str, Type[Any]] = {
    "data": Data,
    "model": Model,
    "input": Input,
    "train": Train,
    "objective": Objective,
}


def load_config(path: Path, overrides: Sequence[str] = ()) -> Config:
    """Read a TOML file. `overrides`, as "train.seed=3", take the place of what it says.

    Paths in the file are relative to its folder, those of overrides to the working directory.
    A key that needs not be given counts as not given when it is "". Raises UsageError naming file,
    table, key, value and what was expected.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from error
    except ValueError as error:  # not UTF-8, too
        raise UsageError(f"{path}: not TOML: {error}") from error
    return _config([*flattened(content, path), *map(_override, overrides)], path)


def from_dict(content: Mapping[str, Any], source: Path) -> Config:
    """Take what `to_dict` returned. source: the file that it was found in."""
    return _config(list(flattened(content, source)), source)


def _override(text: str) -> Given:
    key, equals, value = (part.strip() for part in text.partition("="))
    place, here, known = f"--set {text}", Path.cwd(), keys(_TABLES)
    if not equals or key not in known:
        advice = f"there is no such key; {nearest(key, known)}"
        raise UsageError(f"{place}: {advice if equals else 'write table.key=value'}")
    # A shell takes the quotes off, so text need not have any.
    if known[key].type in (str, Path) and value[:1] not in ("'", '"'):
        return Given(key, value, place, here)
    try:
        return Given(key, tomllib.loads(f"value = {value}")["value"], place, here)
    except ValueError as error:
        raise UsageError(f"{place}: expected {expected(known[key])}") from error


def _config(given: List[Given], source: Path) -> Config:
    config = Config(**build(_TABLES, given, source), source=source)
    with _told(f"{source}:"):
        _check_model(config)
        _check_data(config)
        _check_input(config.input)
    return config


@contextmanager
def _told(where: str) -> Iterator[None]:
    """Say in an error where its cause is."""
    try:
        yield
    except UsageError as error:
        raise UsageError(f"{where} {error}") from error


def _check_model(config: Config) -> None:
    """What Architecture says of it, and a teacher exactly where something is aligned."""
    with _told("[model]"):
        shape = config.architecture(classes=2)
    teacher = config.objective.teacher
    of = f"[model] alignment '{shape.alignment}' of modalities '{shape.modalities}'"
    aligns = shape.alignment != "none" and not config.train.freeze
    if config.train.freeze:
        of = "[train] freeze"
    if not aligns and teacher is not None:
        raise UsageError(f'{of} has no use for [objective] teacher = "{teacher}": leave it out')
    if aligns and teacher is None:
        raise UsageError(
            f"{of} needs [objective] teacher: the checkpoint of a model of modalities 'MV', trained "
            'with [data] flow = "optical"'
        )
    strange = [name for name in config.model.networks if name not in shape.networks]
    if strange:
        raise UsageError(
            f"[model.networks] {strange[0]}: modalities '{shape.modalities}' has the networks "
            + ", ".join(shape.networks)
        )


def _check_data(config: Config) -> None:
    """Pictures that are left out must not be the only ones that are looked at."""
    data, modalities = config.data, config.model.modalities
    if data.frame_types == "I" and modalities != "I":
        raise UsageError(
            f"[data] frame_types \"I\": modalities '{modalities}' needs P or B pictures; with I "
            'pictures alone, take [model] modalities = "I"'
        )
    if data.b_frames == "ignore" and "P" not in data.frame_types:
        raise UsageError(
            f'[data] b_frames "ignore" with frame_types "{data.frame_types}" leaves no picture: '
            "take I+P"
        )
    if data.flow == "optical" and modalities != "MV":
        raise UsageError(
            f'[data] flow "optical" is for a teacher, [model] modalities = "MV"; \'{modalities}\' '
            "looks at vectors"
        )


def _check_input(sizes: Input) -> None:
    """A crop fits the networks and, at each scale, the picture."""
    with _told("[input]"):
        default_input(sizes.resize, sizes.crop)
        for scale in sizes.scales:
            if any(round(c * scale) > r for c, r in zip(sizes.crop, sizes.resize)):
                raise UsageError(
                    f"scales: {scale:g} of crop {sizes.crop} is more than resize has, {sizes.resize}"
                )
