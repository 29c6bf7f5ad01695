"""Skinned characters from glTF files (.glb): their surface, their bones, and the actions that they bring along.

Only what such a character needs is read: one skinned mesh, colours of materials, and actions of linear steps. For
draw_street.py. Needs NumPy and edge_attp_export.
"""

import json
import struct
from pathlib import Path
from typing import Dict, List, NamedTuple, Tuple

import numpy as np

from edge_attp_export.synth.bodies.meshes import Mesh

_TYPES = {5121: np.uint8, 5123: np.uint16, 5125: np.uint32, 5126: np.float32}
_WIDTHS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT4": 16}


class Pose(NamedTuple):
    """The bones relative to their parents: float64 (nodes, 3), (nodes, 4) quaternions x y z w, (nodes, 3)."""

    shift: np.ndarray
    turn: np.ndarray
    scale: np.ndarray


class Action(NamedTuple):
    """Poses at times: (samples,), and a pose whose arrays begin with the samples."""

    times: np.ndarray
    poses: Pose

    @property
    def seconds(self) -> float:
        return float(self.times[-1] - self.times[0])

    def at(self, seconds: float, loops: bool = True) -> Pose:
        """The pose at a time after the beginning; it starts again at the end, or stays there."""
        if loops:
            seconds = seconds % self.seconds
        time = self.times[0] + np.clip(seconds, 0.0, self.seconds)
        below = int(np.clip(np.searchsorted(self.times, time) - 1, 0, len(self.times) - 2))
        share = (time - self.times[below]) / (self.times[below + 1] - self.times[below])
        first = Pose(*(each[below] for each in self.poses))
        return mixed(first, Pose(*(each[below + 1] for each in self.poses)), float(share))


class Character(NamedTuple):
    """parents: of the nodes, -1 for none; every parent comes before its children in `order`."""

    mesh: Mesh
    names: List[str]
    parents: List[int]
    order: List[int]
    joints: List[int]  # the nodes that the mesh's bones are
    inverse: np.ndarray  # float64 (joints, 4, 4): from the mesh to a bone at rest
    rest: Pose
    actions: Dict[str, Action]

    def node(self, name: str) -> int:
        return self.names.index(name)

    def globals(self, pose: Pose) -> np.ndarray:
        """Where the nodes are: float64 (nodes, 4, 4)."""
        local = _matrices(pose)
        found = local.copy()
        for node in self.order:
            if self.parents[node] >= 0:
                found[node] = found[self.parents[node]] @ local[node]
        return found

    def bones(self, places: np.ndarray) -> np.ndarray:
        """What the renderer takes, for nodes at these places: float64 (joints, 3, 4)."""
        return (places[self.joints] @ self.inverse)[:, :3]


def mixed(one: Pose, other: Pose, share: float) -> Pose:
    """The pose at this share of the way from one to the other."""
    sign = np.where(np.sum(one.turn * other.turn, axis=-1, keepdims=True) < 0, -1.0, 1.0)
    turn = one.turn * (1 - share) + sign * other.turn * share
    return Pose(
        one.shift * (1 - share) + other.shift * share,
        turn / np.linalg.norm(turn, axis=-1, keepdims=True),
        one.scale * (1 - share) + other.scale * share,
    )


def read(path: Path) -> Character:
    """Read a character."""
    content = path.read_bytes()
    length = struct.unpack("<I", content[12:16])[0]
    document = json.loads(content[20 : 20 + length])
    file = _File(document, content[28 + length :])
    nodes = document["nodes"]
    parents = [-1] * len(nodes)
    for number, node in enumerate(nodes):
        for child in node.get("children", []):
            parents[child] = number
    order = sorted(range(len(nodes)), key=lambda node: _depth(node, parents))
    skin = document["skins"][0]
    inverse = file.array(skin["inverseBindMatrices"]).reshape(-1, 4, 4).transpose(0, 2, 1)
    rest = Pose(
        np.array([node.get("translation", (0, 0, 0)) for node in nodes], float),
        np.array([node.get("rotation", (0, 0, 0, 1)) for node in nodes], float),
        np.array([node.get("scale", (1, 1, 1)) for node in nodes], float),
    )
    actions = {
        action["name"].split("|")[-1]: file.action(action, rest)
        for action in document["animations"]
    }
    names = [node.get("name", "") for node in nodes]
    mesh = file.mesh(next(node["mesh"] for node in nodes if "mesh" in node))
    joints, inverse = list(skin["joints"]), inverse.astype(float)
    return Character(mesh, names, parents, order, joints, inverse, rest, actions)


def _depth(node: int, parents: List[int]) -> int:
    return 0 if parents[node] < 0 else 1 + _depth(parents[node], parents)


class _File:
    def __init__(self, document: dict, binary: bytes) -> None:
        self._document = document
        self._binary = binary

    def array(self, number: int) -> np.ndarray:
        accessor = self._document["accessors"][number]
        view = self._document["bufferViews"][accessor["bufferView"]]
        kind, width = np.dtype(_TYPES[accessor["componentType"]]), _WIDTHS[accessor["type"]]
        start = view.get("byteOffset", 0) + accessor.get("byteOffset", 0)
        step = view.get("byteStride", width * kind.itemsize)
        shape, strides = (accessor["count"], width), (step, kind.itemsize)
        return np.ndarray(shape, kind, self._binary, start, strides).copy()

    def mesh(self, number: int) -> Mesh:
        """All parts of the mesh as one, each with the colour of its material."""
        parts: List[Tuple[np.ndarray, ...]] = []
        first = 0
        for part in self._document["meshes"][number]["primitives"]:
            at = part["attributes"]
            vertices = self.array(at["POSITION"])
            weights = self.array(at["WEIGHTS_0"]).astype(np.float32)
            weights /= weights.sum(axis=1, keepdims=True)
            colour = np.tile(self._colour(part["material"]), (len(vertices), 1))
            faces = self.array(part["indices"]).reshape(-1, 3).astype(np.int32) + first
            normals, bones = self.array(at["NORMAL"]), self.array(at["JOINTS_0"])
            parts.append((vertices, normals, bones, weights, colour.astype(np.float32), faces))
            first += len(vertices)
        return Mesh(*(np.concatenate(columns) for columns in zip(*parts)))

    def action(self, action: dict, rest: Pose) -> Action:
        """All channels at the times of the longest one."""
        times = max((self.array(s["input"])[:, 0] for s in action["samplers"]), key=len)
        poses = Pose(*(np.repeat(each[None], len(times), axis=0) for each in rest))
        columns = {"translation": poses.shift, "rotation": poses.turn, "scale": poses.scale}
        for channel in action["channels"]:
            sampler, target = action["samplers"][channel["sampler"]], channel["target"]
            given, values = self.array(sampler["input"])[:, 0], self.array(sampler["output"])
            if target["path"] == "rotation":
                # Neighbours on one side, so that what is between them is, too.
                flips = np.sign(np.sum(values[1:] * values[:-1], axis=1))
                values[1:] *= np.cumprod(np.where(flips < 0, -1, 1))[:, None]
            for part in range(values.shape[1]):
                column = columns[target["path"]]
                column[:, target["node"], part] = np.interp(times, given, values[:, part])
        poses.turn[:] /= np.linalg.norm(poses.turn, axis=-1, keepdims=True)
        return Action(times.astype(float), poses)

    def _colour(self, material: int) -> np.ndarray:
        look = self._document["materials"][material]["pbrMetallicRoughness"]
        linear = np.array(look.get("baseColorFactor", (1, 1, 1, 1))[:3])
        return linear ** (1 / 2.2)


def _matrices(pose: Pose) -> np.ndarray:
    """Quaternions, shifts and scales as float64 (nodes, 4, 4)."""
    x, y, z, w = np.moveaxis(pose.turn, -1, 0)
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
        [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
        [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
    ]
    found = np.zeros((*x.shape, 4, 4))
    found[..., :3, :3] = np.moveaxis(np.array(rows), (0, 1), (-2, -1)) * pose.scale[..., None, :]
    found[..., :3, 3] = pose.shift
    found[..., 3, 3] = 1.0
    return found
