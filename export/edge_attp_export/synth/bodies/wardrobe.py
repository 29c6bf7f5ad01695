"""Bodies of random people, from the parametric model `anny`: made once for a set, then read by every process."""

from __future__ import annotations

import contextlib
import functools
import importlib
import io
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Tuple

import numpy as np

from edge_attp.errors import MissingExtra, UsageError

from ...files import replacing
from ..attributes import stream
from .anatomy import BONE, BONES, PARENTS, Body, Skin

BODIES = 48  # of a set
_TOPOLOGY = "notoes_collapse10pc"  # 1229 vertices: enough for a person as high as the picture
_CHILDREN = 0.1
_ADULT_M, _CHILD_M = (1.48, 1.98), (1.05, 1.45)

# Bones of the model's small rig by ours; a bone that is not here moves with its nearest parent that is.
_RIG = {
    "pelvis": "pelvis",
    "spine_01": "spine1",
    "spine_02": "spine2",
    "spine_03": "spine3",
    "neck_01": "neck",
    "head": "head",
}
for _theirs, _ours in (
    ("clavicle", "clavicle"),
    ("upperarm", "upperarm"),
    ("lowerarm", "forearm"),
    ("hand", "hand"),
    ("thigh", "thigh"),
    ("calf", "shin"),
    ("foot", "foot"),
    ("ball", "toes"),
):
    _RIG.update({f"{_theirs}_{side}": _ours + side.upper() for side in "lr"})
_KNUCKLES = ("middle_01_l", "middle_01_r")


class Wardrobe(NamedTuple):
    """The people of a set."""

    skin: Skin
    bodies: Tuple[Body, ...]


def make(path: Path, seed: int) -> None:
    """Write the bodies of a set into an npz file, unless it is there.

    Raises MissingExtra without the package `anny`, OSError if the file cannot be written.
    """
    if path.exists():
        return
    model = _model()
    random = stream(seed, "bodies")
    bones, weights = _weights(model)
    drawn = [_body(model, random) for _ in range(BODIES)]
    with replacing(path) as part, part.open("wb") as file:
        np.savez(
            file,
            faces=np.asarray(model.faces.tolist(), np.int32),
            bones=bones,
            weights=weights,
            vertices=np.stack([body.vertices for body in drawn]),
            heads=np.stack([body.heads for body in drawn]),
            hands=np.stack([body.hands for body in drawn]),
        )


@functools.lru_cache(maxsize=2)
def read(path: Path) -> Wardrobe:
    """Read the bodies of a set. Raises UsageError."""
    try:
        with np.load(path, allow_pickle=False) as content:
            skin = Skin(content["faces"], content["bones"], content["weights"])
            parts = (content["vertices"], content["heads"], content["hands"])
    except (OSError, KeyError, ValueError) as error:
        raise UsageError(f"{path}: is not a file of bodies ({error}); delete it") from error
    return Wardrobe(skin, tuple(Body(*each) for each in zip(*parts)))


def _model() -> Any:
    """Load the model, which takes minutes when it is used for the first time."""
    try:
        # Both talk on stdout when they are imported.
        with contextlib.redirect_stdout(io.StringIO()):
            importlib.import_module("warp").config.quiet = True
            anny = importlib.import_module("anny")
            data = importlib.import_module("anny.models.model_data")
            return anny.Anny(
                rig=data.RigConfig("game_engine", bone_orientation="blender"),
                topology=data.TopologyConfig(_TOPOLOGY),
                skinning_method="lbs",
            )
    except ImportError as error:
        raise MissingExtra(
            f"bodies need the package anny, which cannot be imported ({error}): "
            "pip install 'edge-attp-export[bodies]'"
        ) from None


def _weights(model: Any) -> Tuple[np.ndarray, np.ndarray]:
    """The four bones of ours that move each vertex most, and their weights."""
    names, parents = list(model.bone_labels), list(model.bone_parents)
    ours: List[int] = []
    for name, parent in zip(names, parents):
        ours.append(BONE[_RIG[name]] if name in _RIG else ours[parent] if parent >= 0 else 0)
    indices = model.vertex_bone_indices.numpy()
    theirs = model.vertex_bone_weights.numpy()
    dense = np.zeros((len(indices), len(BONES)))
    for column in range(indices.shape[1]):
        np.add.at(
            dense,
            (np.arange(len(indices)), np.array(ours)[indices[:, column]]),
            theirs[:, column],
        )
    bones = np.argsort(-dense, axis=1, kind="stable")[:, :4]
    weights = np.take_along_axis(dense, bones, axis=1)
    return bones.astype(np.uint8), (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)


def _body(model: Any, random: np.random.Generator) -> Body:
    """Draw people until one has a usual height."""
    child = random.random() < _CHILDREN
    low, high = _CHILD_M if child else _ADULT_M
    while True:
        body = _rest(model, _phenotype(random, child))
        if low <= body.height <= high:
            return body


def _phenotype(random: np.random.Generator, child: bool) -> Dict[str, float]:
    woman = random.random() < 0.5
    return {
        "gender": random.uniform(0.85, 1.0) if woman else random.uniform(0.0, 0.15),
        "age": random.uniform(0.3, 0.45) if child else random.uniform(0.55, 1.0),
        "muscle": random.uniform(0.3, 0.75),
        "weight": random.uniform(0.25, 0.85),
        "height": random.uniform(0.2, 0.65),
        "proportions": random.uniform(0.3, 1.0),
    }


def _rest(model: Any, phenotype: Dict[str, float]) -> Body:
    coefficients = model.get_phenotype_blendshape_coefficients(**phenotype)
    rest = model.get_rest_model(coefficients)
    vertices = _upright(rest["rest_vertices"])
    heads = _upright(rest["rest_bone_heads"])
    floor = np.array([0.0, vertices[:, 1].min(), 0.0], np.float32)
    names = list(model.bone_labels)
    theirs = {ours: names.index(name) for name, ours in _RIG.items()}
    return Body(
        vertices - floor,
        np.stack([heads[theirs[bone]] for bone in PARENTS]) - floor,
        np.stack([heads[names.index(knuckle)] for knuckle in _KNUCKLES]) - floor,
    )


def _upright(points: Any) -> np.ndarray:
    """The model's z is up and it looks along -y; ours: y, and along +z."""
    x, y, z = np.moveaxis(points[0].detach().numpy(), -1, 0)
    return np.stack([x, z, -y], axis=-1).astype(np.float32)
