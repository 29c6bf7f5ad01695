"""Checkpoints: the file that training writes and export reads, and backbones from elsewhere.

A checkpoint is one file that describes a model completely: a dictionary of plain tensors, texts and
numbers, which `torch.load(weights_only=True)` reads without running any code.
"""

from __future__ import annotations

import json
import pickle
from dataclasses import asdict
from pathlib import Path, PurePosixPath
from typing import Any, Callable, Dict, NamedTuple, Tuple, TypeVar, Union
from urllib.parse import urlsplit

import torch

from edge_attp.engine.pack import WHOLE, InputSpec, read_input
from edge_attp.errors import ModelError, UsageError

from .architecture import Architecture
from .attp import ATTP
from .backbones import is_lite
from .backbones.efficientnet_lite import PUBLISHED_STEM, from_published
from .files import replacing
from .imagenet import IMAGENET, imagenet_weights
from .input_spec import as_json, map_positions
from .litenet import StateDict, load_exactly

FORMAT = "edge-attp checkpoint"
VERSION = 1
NORM_EPSILON = 1e-5
T = TypeVar("T")


class Checkpoint(NamedTuple):
    """A model and its history.

    state: of ATTP, without teacher and objective. training, accuracy: anything JSON can express, may be
    empty; both go to model.json and, under the names that `model_card` knows, to the card.
    """

    architecture: Architecture
    labels: Tuple[str, ...]
    input: InputSpec
    state: StateDict
    training: Dict[str, Any]
    accuracy: Dict[str, Any]

    @property
    def view(self) -> str:
        """What the networks were trained on, as model.json says it."""
        return str(self.training.get("view", WHOLE))


def save_checkpoint(path: Path, checkpoint: Checkpoint) -> None:
    """Write the file atomically. Raises TypeError for a value that JSON cannot express."""
    content = {
        "format": FORMAT,
        "version": VERSION,
        "architecture": asdict(checkpoint.architecture),
        "labels": list(checkpoint.labels),
        "input": as_json(checkpoint.input),
        "state": {key: value.detach().cpu() for key, value in checkpoint.state.items()},
        "training": json.loads(json.dumps(checkpoint.training)),
        "accuracy": json.loads(json.dumps(checkpoint.accuracy)),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as part:
        torch.save(content, part)


def read_checkpoint(path: Path) -> Checkpoint:
    """Read and check a file of save_checkpoint(). Raises ModelError with file and reason."""
    content = _read(path)
    if content.get("format") != FORMAT:
        raise ModelError(f"{path}: {_what_else(content)}")
    if content.get("version") != VERSION:
        found = content.get("version")
        raise ModelError(f"{path}: checkpoint version {found!r}; this program reads {VERSION}")
    fields = _Fields(path, content)
    checkpoint = Checkpoint(
        fields.take("architecture", dict, lambda values: Architecture(**values)),
        fields.take("labels", list, _labels),
        fields.take("input", dict, lambda values: read_input(str(path), values)),
        fields.take("state", dict, _state),
        fields.take("training", dict, dict),
        fields.take("accuracy", dict, dict),
    )
    _check(path, checkpoint)
    return checkpoint


def build(checkpoint: Checkpoint) -> ATTP:
    """The model, in evaluation mode. Raises ModelError if the weights belong to another model."""
    model = ATTP(checkpoint.architecture)
    load_exactly(model, checkpoint.state)
    return model.eval()


def load_backbones(model: ATTP, source: Union[str, Path], epsilon: float = NORM_EPSILON) -> None:
    """Load a backbone into every network of `model`; first layers are fitted to their channels.

    source: a state dictionary with torchvision's names (`features.0.0.weight`) or, for the Lite
    networks, the published ones (`_conv_stem.weight`), as a file, or as a URL, which is downloaded once
    into PyTorch's hub folder; "imagenet" stands for the published weights (see `imagenet_weights`).
    epsilon: of the batch normalisation it was trained with, 1e-3 for weights from TensorFlow, 1e-5
    (PyTorch's) for all others; it matters, because hundreds of channels of MobileNetV2 have a variance
    below 1e-3. The Lite networks have TensorFlow's and ignore it. Pooling and classifiers stay
    unchanged. Raises ModelError with file and reason.
    """
    location = str(source)
    if location == IMAGENET:
        location = imagenet_weights(model.architecture.backbone)
    path = _fetched(location) if "://" in location else Path(location)
    state = _read(path)
    if PUBLISHED_STEM in state:
        state = from_published(state)
    if not any(key.startswith("features.") for key in state):
        raise ModelError(
            f"{path}: not a backbone: torchvision's parameters (features.*) are missing"
        )
    try:
        state = _state(state)
        if not is_lite(model.architecture.backbone):
            state = _with_epsilon(state, epsilon)
        for _, net in model.networks():
            net.load_backbone(state)
    except (ModelError, ValueError) as error:
        raise ModelError(f"{path}: {error}") from error


def _with_epsilon(state: StateDict, epsilon: float) -> StateDict:
    """The same network for PyTorch's epsilon.

    It adjusts the gains, not the variances, because training measures the variances anew.
    """
    fitted = dict(state)
    for key, variance in state.items():
        gain = key.replace("running_var", "weight")
        if gain != key and gain in state:
            ratio = (variance + NORM_EPSILON) / (variance + epsilon)
            fitted[gain] = state[gain] * torch.sqrt(ratio)
    return fitted


class _Fields:
    """Reads the values of a checkpoint."""

    def __init__(self, path: Path, content: Dict[str, Any]) -> None:
        self._path = path
        self._content = content

    def take(self, name: str, kind: type, convert: Callable[[Any], T]) -> T:
        """The converted value. Raises ModelError if it is missing, of another type or invalid."""
        if name not in self._content:
            raise ModelError(f"{self._path}: '{name}' is missing from the checkpoint")
        value = self._content[name]
        if not isinstance(value, kind):
            raise ModelError(f"{self._path}: '{name}' is not a {kind.__name__}")
        try:
            return convert(value)
        except (TypeError, ValueError, UsageError) as error:
            raise ModelError(f"{self._path}: '{name}': {error}") from error


def _labels(values: Any) -> Tuple[str, ...]:
    if not all(isinstance(value, str) and value.strip() for value in values):
        raise ValueError("a label is empty or not a string")
    twice = [value for index, value in enumerate(values) if value in values[:index]]
    if twice:
        raise ValueError(f"the label '{twice[0]}' occurs twice")
    return tuple(values)


def _state(values: Any) -> StateDict:
    for key, value in values.items():
        if not torch.is_tensor(value):
            raise ValueError(f"not a state dictionary: {key} is not a tensor")
    return dict(values)


def _check(path: Path, checkpoint: Checkpoint) -> None:
    """Raise ModelError if the parts do not match."""
    labels, classes = len(checkpoint.labels), checkpoint.architecture.classes
    if labels != classes:
        raise ModelError(f"{path}: {labels} labels for a model of {classes} classes")
    try:
        spec, steps = checkpoint.input, checkpoint.architecture.steps
        map_positions(checkpoint.architecture, spec.crop)
        channels, there = checkpoint.architecture.channels["R"], len(spec.residual.mean)
        if channels != there:
            raise ModelError(f"the input of R has {there} channels, its network {channels}")
        for name, step in (("MV", spec.flow_step), ("R", spec.residual_step)):
            if step != steps[name]:
                raise ModelError(f"the input of {name} has step {step}, its network {steps[name]}")
        build(checkpoint)
    except (ModelError, UsageError) as error:
        raise ModelError(f"{path}: {error}") from error


def _what_else(content: Dict[str, Any]) -> str:
    if any(str(key).startswith("features.") for key in content):
        return "a backbone without the rest of the model: pass it with --backbone-weights"
    return "not a checkpoint of edge-attp-export train: 'format' is missing"


def _fetched(url: str) -> Path:
    folder = Path(torch.hub.get_dir()) / "checkpoints"
    path = folder / PurePosixPath(urlsplit(url).path).name
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            torch.hub.download_url_to_file(url, str(path))
    except (OSError, ValueError) as error:
        raise ModelError(f"{url}: cannot be downloaded: {error}") from error
    return path


def _read(path: Path) -> Dict[str, Any]:
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise ModelError(f"{path}: {error.strerror}") from error
    except (pickle.UnpicklingError, RuntimeError, EOFError) as error:
        raise ModelError(f"{path}: not a PyTorch checkpoint of plain tensors") from error
    if not isinstance(content, dict):
        raise ModelError(f"{path}: holds a {type(content).__name__}, not a dictionary")
    return content
