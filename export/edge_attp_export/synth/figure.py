"""The figure: a skeleton, its poses, and its clothes.

Angles: 0 hangs down, positive swings towards the side it faces. Lengths are relative to its height.
"""

from __future__ import annotations

from typing import NamedTuple, Tuple

import numpy as np

from .attributes import Attributes, Colour
from .pen import DARK, PALE, Pen, mix

THIGH, SHIN, TORSO, UPPER_ARM, FOREARM = 0.245, 0.24, 0.30, 0.165, 0.15
STRIDE = 0.85  # distance of a full cycle of both legs


class Pose(NamedTuple):
    """Joint angles; in pairs, the near limb first. `frontal`: seen from the front, not in profile."""

    lean: float
    thighs: Tuple[float, float]
    knees: Tuple[float, float]
    shoulders: Tuple[float, float]
    elbows: Tuple[float, float]
    frontal: bool = False


def walking(phase: float) -> Pose:
    """A step; the phase advances by 2 pi per cycle."""
    swing, lift = np.sin(phase), np.cos(phase)
    return Pose(
        lean=0.06,
        thighs=(0.46 * swing, -0.46 * swing),
        knees=(0.1 + 0.7 * max(0.0, lift), 0.1 + 0.7 * max(0.0, -lift)),
        shoulders=(-0.5 * swing, 0.5 * swing),
        elbows=(0.35, 0.35),
    )


def crouching(share: float) -> Pose:
    """From upright (0) to a squat (1)."""
    return Pose(
        lean=0.03 + 0.55 * share,
        thighs=(0.04 + 1.35 * share, -0.04 + 1.28 * share),
        knees=(0.04 + 2.45 * share, 0.04 + 2.4 * share),
        shoulders=(0.1 + 1.0 * share, 0.05 + 0.9 * share),
        elbows=(0.2 + 0.5 * share, 0.2 + 0.5 * share),
    )


def waving(phase: float, arms: int, width: float) -> Pose:
    """Seen from the front. arms: 0, one waves; 1, the other; 2, both."""
    beat = np.sin(phase)
    up = (arms != 1, arms != 0)
    return Pose(
        lean=0.02 * beat,
        thighs=(0.1, -0.1),
        knees=(0.0, 0.0),
        shoulders=(
            (2.2 + 0.3 * beat) if up[0] else 0.22,
            (-2.2 + 0.3 * beat) if up[1] else -0.22,
        ),
        elbows=(
            0.6 + width * beat if up[0] else 0.1,
            -0.6 + width * beat if up[1] else -0.1,
        ),
        frontal=True,
    )


class Figure:
    """A dressed figure of this height; `facing` -1 left, +1 right."""

    def __init__(self, traits: Attributes, height: float, facing: int) -> None:
        self._traits = traits
        self._h = height
        self._facing = facing

    def foot(self, pose: Pose) -> float:
        """Return the distance of the feet from the hip, towards the side it faces, in pixels."""
        ankles = [_ankle(thigh, knee)[0] for thigh, knee in zip(pose.thighs, pose.knees)]
        return float(np.mean(ankles)) * self._h

    def draw(self, pen: Pen, hip_x: float, ground: float, pose: Pose) -> None:
        """Draw the figure with its lower foot on the ground."""
        h = self._h
        legs = max(_ankle(thigh, knee)[1] for thigh, knee in zip(pose.thighs, pose.knees))
        hip = np.array([hip_x, ground - (legs + 0.025) * h])
        neck = self._reach(hip, np.pi - pose.lean, TORSO)
        reach = self.foot(pose) * self._facing
        pen.shadow((hip_x + reach, ground), 0.24 * h, 0.035 * h)
        for side in (1, 0):
            # In profile, the far limbs are in the shadow of the body.
            shade = 0.0 if pose.frontal or side == 0 else 0.3
            apart = np.array([(0.5 - side) * (0.09 if pose.frontal else 0.0) * h * self._facing, 0])
            self._leg(pen, hip + apart, pose.thighs[side], pose.knees[side], shade, pose.frontal)
            if side == 1 and not pose.frontal:
                self._arm(pen, neck, pose, side, shade)
        self._torso(pen, hip, neck, pose.frontal)
        self._head(pen, neck, pose)
        self._arm(pen, neck, pose, 0, 0.0)
        if pose.frontal:
            self._arm(pen, neck, pose, 1, 0.0)

    def _reach(self, start: np.ndarray, angle: float, length: float) -> np.ndarray:
        step = np.array([np.sin(angle) * self._facing, np.cos(angle)])
        return np.asarray(start + step * (length * self._h))

    def _leg(
        self, pen: Pen, hip: np.ndarray, thigh: float, knee: float, shade: float, frontal: bool
    ) -> None:
        h, cloth = self._h, mix(self._traits.trousers, DARK, shade)
        joint = self._reach(hip, thigh, THIGH)
        ankle = self._reach(joint, thigh - knee, SHIN)
        toe = np.array([(0.02 if frontal else 0.07) * h * self._facing, 0.012 * h])
        pen.capsule(ankle + toe * 0.1, ankle + toe, (0.026 * h, 0.02 * h), mix(DARK, PALE, 0.15))
        self._limb(pen, joint, ankle, (0.043, 0.03), cloth)
        self._limb(pen, hip, joint, (0.06, 0.045), cloth)

    def _arm(self, pen: Pen, neck: np.ndarray, pose: Pose, side: int, shade: float) -> None:
        h = self._h
        wide = (0.5 - side) * (0.2 if pose.frontal else 0.0) * h * self._facing
        shoulder = neck + np.array([wide, 0.045 * h])
        joint = self._reach(shoulder, pose.shoulders[side], UPPER_ARM)
        turn = pose.shoulders[side] + pose.elbows[side]
        wrist = self._reach(joint, turn, FOREARM)
        skin = mix(self._traits.skin, DARK, shade)
        self._limb(pen, joint, wrist, (0.036, 0.03), skin)
        self._limb(pen, shoulder, joint, (0.046, 0.04), mix(self._traits.shirt, DARK, shade + 0.12))
        hand = self._reach(wrist, turn, 0.04)
        pen.capsule(wrist, hand, (0.034 * h, 0.042 * h), skin)

    def _limb(
        self,
        pen: Pen,
        start: np.ndarray,
        end: np.ndarray,
        radii: Tuple[float, float],
        colour: Colour,
    ) -> None:
        """A limb, lit from the upper left."""
        first, second = (radius * self._h for radius in radii)
        pen.capsule(start, end, (first, second), mix(colour, DARK, 0.18))
        off = np.array([-0.28, -0.2])
        light = (first * 0.62, second * 0.62)
        pen.capsule(start + off * first, end + off * second, light, mix(colour, PALE, 0.08))

    def _torso(self, pen: Pen, hip: np.ndarray, neck: np.ndarray, frontal: bool) -> None:
        h, traits = self._h, self._traits
        wide = 1.35 if frontal else 1.0
        chest = neck + (hip - neck) * 0.2
        pen.capsule(hip, chest, (0.066 * h * wide, 0.078 * h * wide), traits.shirt)
        across = np.array([0.062 * h * wide, 0])
        for share in (0.3, 0.5, 0.7):  # stripes give a motion search something to match
            at = chest + (hip - chest) * share
            pen.line([at - across, at + across], 0.022 * h, traits.accent)
        pen.line([hip - across, hip + across], 0.03 * h, mix(traits.trousers, DARK, 0.3))

    def _head(self, pen: Pen, neck: np.ndarray, pose: Pose) -> None:
        h, traits = self._h, self._traits
        tilt = np.pi - pose.lean * 0.4
        pen.capsule(neck, self._reach(neck, tilt, 0.05), (0.03 * h, 0.03 * h), traits.skin)
        middle = self._reach(neck, tilt, 0.1)
        ahead = np.array([self._facing * h, 0.0])
        back = 0.0 if pose.frontal else 0.014
        pen.disc(middle - ahead * back - np.array([0, 0.012 * h]), 0.071 * h, traits.hair)
        pen.capsule(
            middle + ahead * back + np.array([0, -0.01 * h]),
            middle + ahead * back + np.array([0, 0.025 * h]),
            (0.052 * h, 0.044 * h),
            traits.skin,
        )
        for eye in (-0.022, 0.022) if pose.frontal else (0.045,):
            pen.disc(middle + ahead * eye, 0.009 * h, mix(DARK, PALE, 0.1))
        if not pose.frontal:
            pen.disc(middle + ahead * 0.066 + np.array([0, 0.015 * h]), 0.014 * h, traits.skin)


def _ankle(thigh: float, knee: float) -> Tuple[float, float]:
    """Return the place of the ankle relative to the hip: ahead and down."""
    return (
        THIGH * np.sin(thigh) + SHIN * np.sin(thigh - knee),
        THIGH * np.cos(thigh) + SHIN * np.cos(thigh - knee),
    )
