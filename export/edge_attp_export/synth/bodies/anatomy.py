"""The skeleton that all bodies share: its bones, and which captured joints each follows."""

from __future__ import annotations

from typing import Dict, NamedTuple, Tuple

import numpy as np

# Parents come first. L is the body's own left, which is +x at rest; it looks along +z, and y is up.
PARENTS: Dict[str, str] = {
    "pelvis": "",
    "spine1": "pelvis",
    "spine2": "spine1",
    "spine3": "spine2",
    "neck": "spine3",
    "head": "neck",
}
for _side in "LR":
    PARENTS.update(
        {
            "clavicle" + _side: "spine3",
            "upperarm" + _side: "clavicle" + _side,
            "forearm" + _side: "upperarm" + _side,
            "hand" + _side: "forearm" + _side,
            "thigh" + _side: "pelvis",
            "shin" + _side: "thigh" + _side,
            "foot" + _side: "shin" + _side,
            "toes" + _side: "foot" + _side,
        }
    )
BONES: Tuple[str, ...] = tuple(PARENTS)
BONE = {name: place for place, name in enumerate(BONES)}


class Skin(NamedTuple):
    """What all bodies share. bones, weights: the four bones that move a vertex, and by how much (sum 1)."""

    faces: np.ndarray  # int32 (faces, 3)
    bones: np.ndarray  # uint8 (vertices, 4)
    weights: np.ndarray  # float32 (vertices, 4)


class Body(NamedTuple):
    """A person at rest, arms half raised, feet on y = 0. Metres."""

    vertices: np.ndarray  # float32 (vertices, 3)
    heads: np.ndarray  # float32 (bones, 3): where each bone begins, in the order of BONES
    hands: np.ndarray  # float32 (2, 3): the knuckles, left and right

    @property
    def height(self) -> float:
        """Metres."""
        return float(np.ptp(self.vertices[:, 1]))
