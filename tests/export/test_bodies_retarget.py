"""Bodies do what the joints did: limbs point the same way, feet stand on the floor, and hinges do not flip."""

import numpy as np
import pytest
from captured import body, reach, walker

from edge_attp_export.synth.bodies import motion, retarget, rotations
from edge_attp_export.synth.bodies.anatomy import BONE, BONES
from edge_attp_export.synth.bodies.captures import AT

pytestmark = pytest.mark.needs_torch

BODY, SKIN = body()
LIMBS = {
    "thigh": ("hip", "knee", "shin"),
    "shin": ("knee", "ankle", "foot"),
    "upperarm": ("sh", "el", "forearm"),
    "forearm": ("el", "wr", "hand"),
}


def at_rate(joints):
    """As excerpt gives them: 50 samples a second."""
    return joints[np.rint(np.arange(0, len(joints) - 1, 60 / motion.RATE)).astype(int)]


def degrees(one, other):
    return np.degrees(
        np.arccos(np.clip((rotations.unit(one) * rotations.unit(other)).sum(-1), -1, 1))
    )


@pytest.mark.parametrize("angle", (0.0, 2.1))
def test_limbs_point_where_the_joints_say(angle):
    joints = motion.turned(at_rate(walker()), angle)
    moves = retarget.retarget(joints, BODY, SKIN)
    for limb, (start, end, child) in LIMBS.items():
        for side in "LR":
            wanted = joints[:, AT[end + side]] - joints[:, AT[start + side]]
            found = moves.heads[:, BONE[child + side]] - moves.heads[:, BONE[limb + side]]
            assert degrees(wanted, found).max() < 0.1, limb + side


def test_the_trunk_looks_where_the_person_does():
    moves = retarget.retarget(motion.turned(at_rate(walker()), 1.0), BODY, SKIN)
    for bone in ("pelvis", "spine1", "spine3", "head"):
        ahead = moves.rotations[:, BONE[bone]] @ (0, 0, 1)
        assert degrees(ahead, np.array((np.sin(1.0), 0, np.cos(1.0)))).max() < 12, bone


def test_rotations_are_rotations_and_bones_keep_their_length():
    moves = retarget.retarget(at_rate(walker()), BODY, SKIN)
    products = moves.rotations @ np.swapaxes(moves.rotations, -1, -2)
    assert products == pytest.approx(np.broadcast_to(np.eye(3), products.shape), abs=1e-6)
    assert np.linalg.det(moves.rotations) == pytest.approx(
        np.ones(moves.rotations.shape[:2]), abs=1e-6
    )
    shin = moves.heads[:, BONE["footL"]] - moves.heads[:, BONE["shinL"]]
    rest = BODY.heads[BONE["footL"]] - BODY.heads[BONE["shinL"]]
    assert np.linalg.norm(shin, axis=1) == pytest.approx(np.linalg.norm(rest), rel=1e-5)


def test_who_walks_touches_the_floor_and_who_jumps_leaves_it():
    for lift, low, high in ((0.0, 0.0, 0.001), (0.35, 0.0, 0.4)):
        moves = retarget.retarget(at_rate(walker(lift=lift)), BODY, SKIN)
        everything = np.arange(len(BODY.vertices))
        lowest = retarget.posed(moves.matrices(BODY), BODY, SKIN, everything)[:, :, 1].min(axis=1)
        assert lowest.min() == pytest.approx(low, abs=0.06)
        assert lowest.max() < high + 0.06
        assert (lowest.max() > 0.2) == (lift > 0)


def test_a_foot_that_stands_does_not_slide_with_other_legs():
    """The joints' left foot is nailed to the floor while the hips go over it; this body has longer shins."""
    joints = at_rate(walker(90, speed=0.0))
    hip = np.linspace(-0.2, 0.2, len(joints))
    joints[:, :, 2] += hip[:, None]
    joints[:, AT["ankleL"]], joints[:, AT["toeL"]] = (0.1, 0.07, 0.0), (0.1, 0.01, 0.15)
    joints[:, AT["kneeL"], 2] = hip / 2 + 0.1
    long = BODY.heads.copy()
    low = [BONE[bone + side] for bone in ("foot", "toes") for side in "LR"]
    long[low, 1] -= 0.1
    tall = BODY._replace(heads=long, vertices=BODY.vertices - np.float32((0, 0.1, 0)))
    moves = retarget.retarget(joints, tall, SKIN)
    stands = moves.heads[:, BONE["footL"]]
    assert np.abs(stands[:, 2] - stands[0, 2]).max() < 0.02


def test_a_stretched_arm_that_circles_does_not_flip():
    joints = at_rate(walker(120, speed=0.0, arm=0.0))
    swing = np.linspace(0, 2 * np.pi, len(joints))
    for side in "LR":
        shoulder = joints[:, AT["sh" + side]]
        joints[:, AT["el" + side]] = reach(shoulder, swing, 0.28)
        joints[:, AT["wr" + side]] = reach(joints[:, AT["el" + side]], swing, 0.26)
        joints[:, AT["fin" + side]] = reach(joints[:, AT["wr" + side]], swing, 0.1)
    # A little noise, which decides the hinge of a straight limb if nothing else does.
    joints += np.random.default_rng(0).normal(0, 0.002, joints.shape)
    moves = retarget.retarget(joints, BODY, SKIN)
    turns = rotations.angle(moves.rotations[1:], moves.rotations[:-1])
    arms = [BONE[bone + side] for bone in ("upperarm", "forearm") for side in "LR"]
    assert np.degrees(turns[:, arms]).max() < 20


def test_a_fault_is_seen():
    joints = at_rate(walker())
    assert retarget.fastest_turn(retarget.retarget(joints, BODY, SKIN), 0.04) < 45
    joints[50:, [AT["hipL"], AT["hipR"]]] = joints[50:, [AT["hipR"], AT["hipL"]]]
    assert retarget.fastest_turn(retarget.retarget(joints, BODY, SKIN), 0.04) > 90


def test_the_skin_follows_the_bones():
    moves = retarget.retarget(at_rate(walker()), BODY, SKIN)
    chosen = np.flatnonzero(SKIN.bones[:, 0] == BONE["shinL"])
    points = retarget.posed(moves.matrices(BODY), BODY, SKIN, chosen)
    away = np.linalg.norm(points - moves.heads[:, None, BONE["shinL"]], axis=2)
    rest = np.linalg.norm(BODY.vertices[chosen] - BODY.heads[BONE["shinL"]], axis=1)
    assert away == pytest.approx(np.broadcast_to(rest, away.shape), abs=1e-5)
    assert len(BONES) == moves.rotations.shape[1]


def test_directions_become_rotations():
    random = np.random.default_rng(5)
    one, other = random.normal(size=(2, 20, 3))
    axes = rotations.frame(one, other)
    assert np.linalg.det(axes) == pytest.approx(np.ones(20))
    assert axes[..., 0] == pytest.approx(rotations.unit(one))
    turn = rotations.shortest(one, other)
    assert np.einsum("nij,nj->ni", turn, rotations.unit(one)) == pytest.approx(
        rotations.unit(other)
    )
    half = rotations.between(np.broadcast_to(np.eye(3), turn.shape), turn, 0.5)
    assert half @ half == pytest.approx(turn)
    assert rotations.angle(half, turn) == pytest.approx(rotations.angle(turn, np.eye(3)[None]) / 2)
