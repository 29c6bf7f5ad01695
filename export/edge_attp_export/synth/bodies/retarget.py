"""Captured joints as rotations of a body's bones, and its way over the ground.

Joints say where a bone points but not how it is turned about itself. Knees and elbows say that while they are bent:
they are hinges. A stretched limb keeps the turn it had, moved along with it, both from the past and from the future.
That no hinge flips is checked afterwards (`fastest_turn`).
"""

from __future__ import annotations

from typing import Dict, NamedTuple

import numpy as np

from .anatomy import BONE, BONES, PARENTS, Body, Skin
from .captures import AT
from .motion import RATE, hips
from .rotations import about, angle, between, frame, shortest, unit

UP, AHEAD, LEFT = np.eye(3)[1], np.eye(3)[2], np.eye(3)[0]
_BENT = (0.25, 0.6)  # sine of a hinge's angle: below, it says nothing; above, all
_FOLLOW = 0.4  # how fast a hinge's axis follows a full measurement, a sample
_PULL = 0.03  # how fast a stretched limb returns to the usual turn, a sample
_LIFTED = (0.03, 0.09)  # m above the floor: on it, and in the air
_STILL = (0.25, 0.7)  # m/s: a foot that stands, and one that goes
# How far the surface is below each joint, m.
_FLESH = {"toe": 0.02, "ankle": 0.08, "fin": 0.02, "wr": 0.03, "el": 0.04, "knee": 0.06}
_FLESH.update({"hip": 0.1, "spine": 0.1, "sh": 0.08, "neck": 0.06, "head": 0.1})


class Moves(NamedTuple):
    """A body in motion, RATE samples a second. The floor is y = 0."""

    rotations: np.ndarray  # float64 (samples, bones, 3, 3), of the bones at rest
    heads: np.ndarray  # float64 (samples, bones, 3)

    def matrices(self, body: Body) -> np.ndarray:
        """Return what takes vertices at rest to where they are: float64 (samples, bones, 3, 4)."""
        shift = self.heads - np.einsum("tbij,bj->tbi", self.rotations, body.heads)
        return np.concatenate([self.rotations, shift[..., None]], axis=-1)


def retarget(joints: np.ndarray, body: Body, skin: Skin) -> Moves:
    """Let a body do what joints, float (samples, joints, 3) in metres, y up, did."""
    rotations = _rotations(joints, body)
    heads = _chained(rotations, body)
    scale = _leg(body) / _captured_leg(joints)
    way = hips(joints) * (scale, 0.0, scale)
    way -= _slip(joints, rotations, heads + way[:, None], body)
    low = _lowest(Moves(rotations, heads), body, skin)
    way[:, 1] = scale * _clearance(joints) - low
    return Moves(rotations, heads + way[:, None])


def fastest_turn(moves: Moves, interval_s: float) -> float:
    """Return the largest turn of a bone within an interval, in degrees."""
    step = max(round(interval_s * RATE), 1)
    turns = angle(moves.rotations[step:], moves.rotations[:-step])
    return float(np.degrees(turns.max()))


def posed(matrices: np.ndarray, body: Body, skin: Skin, chosen: np.ndarray) -> np.ndarray:
    """Return where some vertices are: (samples, chosen, 3)."""
    rest = np.concatenate([body.vertices[chosen], np.ones((len(chosen), 1))], axis=1)
    moved = np.zeros((len(matrices), len(chosen), 3))
    for column in range(skin.bones.shape[1]):
        each = matrices[:, skin.bones[chosen, column]]
        moved += skin.weights[chosen, column, None] * np.einsum("tvij,vj->tvi", each, rest)
    return moved


# Rotations. -------------------------------------------------------------------------------


def _rotations(joints: np.ndarray, body: Body) -> np.ndarray:
    at = {name: joints[:, place] for name, place in AT.items()}
    turned: Dict[str, np.ndarray] = {}
    trunk = at["neck"] - hips(joints)
    pelvis = frame(at["hipL"] - at["hipR"], at["spine"] - hips(joints) + 0.5 * unit(trunk))
    chest = frame(at["shL"] - at["shR"], at["neck"] - at["spine"])
    # At rest both are upright and look ahead.
    rest = frame(LEFT, UP)
    turned["pelvis"], turned["spine3"] = pelvis @ rest.T, chest @ rest.T
    turned["spine1"] = between(turned["pelvis"], turned["spine3"], 1 / 3)
    turned["spine2"] = between(turned["pelvis"], turned["spine3"], 2 / 3)
    _turn_head(turned, at, body)
    for side in "LR":
        turned["clavicle" + side] = turned["spine3"]
        _turn_arm(turned, at, body, side)
        _turn_leg(turned, at, body, side)
    return np.stack([turned[bone] for bone in BONES], axis=1)


def _turn_head(turned: Dict[str, np.ndarray], at: Dict[str, np.ndarray], body: Body) -> None:
    """The neck leans where the head is; the head keeps half of that."""
    rest = body.heads[BONE["head"]] - body.heads[BONE["neck"]]
    carried = np.einsum("tij,j->ti", turned["spine3"], rest)
    lean = shortest(carried, at["head"] - at["neck"])
    turned["neck"] = lean @ turned["spine3"]
    turned["head"] = between(turned["spine3"], turned["neck"], 0.5)


def _turn_arm(
    turned: Dict[str, np.ndarray], at: Dict[str, np.ndarray], body: Body, side: str
) -> None:
    upper, fore = at["el" + side] - at["sh" + side], at["wr" + side] - at["el" + side]
    rest_upper, rest_fore = _rest(body, "upperarm" + side), _rest(body, "forearm" + side)
    # An arm that hangs bends ahead; raised, it bends as if it had been swung up the shortest way.
    chest = turned["spine3"]
    local = np.einsum("tji,tj->ti", chest, unit(upper))
    usual = np.einsum(
        "tij,tj->ti", chest @ shortest(-UP, local), np.broadcast_to(-LEFT, local.shape)
    )
    axis = _hinge(upper, fore, usual, (1 - local[:, 1]) / 2)
    rest_axis = np.cross(rest_upper, rest_fore)
    turned["upperarm" + side] = frame(upper, axis) @ frame(rest_upper, rest_axis).T
    turned["forearm" + side] = frame(fore, axis) @ frame(rest_fore, rest_axis).T
    rest_hand = body.hands["LR".index(side)] - body.heads[BONE["hand" + side]]
    hand = at["fin" + side] - at["wr" + side]
    carried = np.einsum("tij,j->ti", turned["forearm" + side], rest_hand)
    turned["hand" + side] = shortest(carried, hand) @ turned["forearm" + side]


def _turn_leg(
    turned: Dict[str, np.ndarray], at: Dict[str, np.ndarray], body: Body, side: str
) -> None:
    thigh, shin = at["knee" + side] - at["hip" + side], at["ankle" + side] - at["knee" + side]
    local = np.einsum("tji,tj->ti", turned["pelvis"], unit(thigh))
    swing = turned["pelvis"] @ shortest(-UP, local)
    usual = np.einsum("tij,j->ti", swing, LEFT)
    axis = _hinge(thigh, shin, usual, (1 - local[:, 1]) / 2)
    turned["thigh" + side] = frame(thigh, axis) @ frame(_rest(body, "thigh" + side), LEFT).T
    turned["shin" + side] = frame(shin, axis) @ frame(_rest(body, "shin" + side), LEFT).T
    foot, rest = at["toe" + side] - at["ankle" + side], _rest(body, "foot" + side)
    foot = _levelled(foot, rest, axis, at["toe" + side][:, 1])
    turned["foot" + side] = frame(foot, axis) @ frame(rest, LEFT).T
    turned["toes" + side] = turned["foot" + side]


def _rest(body: Body, bone: str) -> np.ndarray:
    """Where a bone with one child points at rest."""
    child = next(name for name, parent in PARENTS.items() if parent == bone)
    return np.asarray(body.heads[BONE[child]] - body.heads[BONE[bone]], np.float64)


def _hinge(
    before: np.ndarray, after: np.ndarray, usual: np.ndarray, faith: np.ndarray
) -> np.ndarray:
    """Return the axis about which a limb is bent, steady also while it is stretched: (samples, 3).

    usual: an axis that is plausible if nothing else is known, as far as `faith` (0 to 1) goes.
    """
    cross = np.cross(unit(before), unit(after))
    sine = np.linalg.norm(cross, axis=1)
    sure = _smooth(sine, *_BENT)
    directions = unit(before)
    measured = np.where(sure[:, None] > 0, unit(cross), usual)
    back = slice(None, None, -1)
    forwards = _carried(directions, measured, sure, usual, faith)
    backwards = _carried(directions[back], measured[back], sure[back], usual[back], faith[back])
    return unit(forwards + backwards[back])


def _carried(
    directions: np.ndarray,
    measured: np.ndarray,
    sure: np.ndarray,
    usual: np.ndarray,
    faith: np.ndarray,
) -> np.ndarray:
    """The axis as the past knows it, each sample's length saying how sure it is."""
    steps = shortest(directions[:-1], directions[1:])
    axis = unit(sure[0] * measured[0] + (1 - sure[0]) * usual[0])
    known = sure[0]
    found = [axis * (0.05 + known)]
    for step in range(1, len(directions)):
        axis = steps[step - 1] @ axis
        gain, pull = _FOLLOW * sure[step], _PULL * faith[step] * (1 - sure[step])
        axis = axis + gain * (measured[step] - axis) + pull * (usual[step] - axis)
        axis = unit(axis - (axis @ directions[step]) * directions[step])
        known = max(known * 0.97, sure[step])
        found.append(axis * (0.05 + known))
    return np.array(found)


def _levelled(
    foot: np.ndarray, rest: np.ndarray, axis: np.ndarray, height: np.ndarray
) -> np.ndarray:
    """Tilt a foot about the knee's axis so that it is as level as the body's own while it is on the floor."""
    stands = height <= np.percentile(height, 30)
    slope = np.arcsin(np.clip(unit(foot)[:, 1], -1, 1))
    raised = np.arcsin(unit(rest)[1]) - np.median(slope[stands])
    tilt = about(-axis, np.full(len(axis), raised))
    return np.asarray(np.einsum("tij,tj->ti", tilt, foot))


# Places. ----------------------------------------------------------------------------------


def _chained(rotations: np.ndarray, body: Body) -> np.ndarray:
    """Where the bones begin, relative to the point between the hips: (samples, bones, 3)."""
    heads = np.zeros(rotations.shape[:2] + (3,))
    for bone, parent in PARENTS.items():
        if parent:
            offset = body.heads[BONE[bone]] - body.heads[BONE[parent]]
            carried = np.einsum("tij,j->ti", rotations[:, BONE[parent]], offset)
            heads[:, BONE[bone]] = heads[:, BONE[parent]] + carried
    middle = (heads[:, BONE["thighL"]] + heads[:, BONE["thighR"]]) / 2
    return np.asarray(heads - middle[:, None])


def _leg(body: Body) -> float:
    parts = (("thighL", "shinL"), ("shinL", "footL"))
    return sum(float(np.linalg.norm(body.heads[BONE[b]] - body.heads[BONE[a]])) for a, b in parts)


def _captured_leg(joints: np.ndarray) -> float:
    parts = (("hipL", "kneeL"), ("kneeL", "ankleL"))
    return sum(
        float(np.median(np.linalg.norm(joints[:, AT[b]] - joints[:, AT[a]], axis=1)))
        for a, b in parts
    )


def _clearance(joints: np.ndarray) -> np.ndarray:
    """How high the lowest point is above the floor: (samples,) metres, 0 while something touches it."""
    flesh = np.array([_FLESH[name.rstrip("LR")] for name in AT])
    lowest = (joints[:, :, 1] - flesh).min(axis=1)
    height = np.maximum(lowest - np.percentile(lowest, 10), 0.0)
    return np.asarray(height * _smooth(height, *_LIFTED))


def _lowest(moves: Moves, body: Body, skin: Skin) -> np.ndarray:
    feet = [BONE[bone + side] for bone in ("foot", "toes") for side in "LR"]
    chosen = np.isin(skin.bones[:, 0], feet)
    chosen[::7] = True
    points = posed(moves.matrices(body), body, skin, np.flatnonzero(chosen))
    return np.asarray(points[:, :, 1].min(axis=1))


def _slip(joints: np.ndarray, rotations: np.ndarray, heads: np.ndarray, body: Body) -> np.ndarray:
    """How far the feet that stand have slid since the first sample: (samples, 3)."""
    weight, moved = [], []
    low = np.minimum(joints[:, AT["toeL"], 1], joints[:, AT["toeR"], 1])
    floor = np.percentile(low, 10)
    for side in "LR":
        for joint, bone in (("ankle", "foot"), ("toe", "toes")):
            captured = joints[:, AT[joint + side]]
            speed = np.linalg.norm(np.diff(captured, axis=0), axis=1) * RATE
            height = joints[1:, AT["toe" + side], 1] - floor
            stands = (1 - _smooth(speed, *_STILL)) * (1 - _smooth(height, 0.03, 0.1))
            weight.append(stands)
            moved.append(np.diff(heads[:, BONE[bone + side]], axis=0))
    total = np.sum(weight, axis=0)
    slid = np.einsum("kt,kti->ti", np.array(weight), np.array(moved))
    slid /= np.maximum(total, 0.5)[:, None]
    slid[:, 1] = 0.0
    return np.concatenate([np.zeros((1, 3)), np.cumsum(slid, axis=0)])


def _smooth(value: np.ndarray, start: float, end: float) -> np.ndarray:
    """0 up to `start`, 1 from `end`, smooth in between."""
    share = np.clip((value - start) / (end - start), 0.0, 1.0)
    return np.asarray(share * share * (3 - 2 * share))
