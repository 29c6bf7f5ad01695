"""Two seconds of a capture: chosen where something moves, lengthened if it is short, played at another speed."""

from __future__ import annotations

from typing import Optional, Tuple

import numpy as np

from .captures import AT, JOINTS, Capture

RATE = 50  # samples a second of all motion here
_SEAM_S = 0.24  # over which a repetition is blended into the one before
_LIVELY = 0.6  # of the liveliest part's speed: parts slower than that are not chosen
_STEP_S = 0.1

_SIDES = {name: name[:-1] + {"L": "R", "R": "L"}[name[-1]] for name in JOINTS if name[-1] in "LR"}
_MIRRORED = [AT[_SIDES.get(name, name)] for name in JOINTS]


def excerpt(
    capture: Capture, seconds: float, speed: float, mirrored: bool, random: np.random.Generator
) -> np.ndarray:
    """Choose a part of a capture: joints in metres, y up, float64 (samples, joints, 3), RATE samples a second.

    speed: over that of the capture. At half time the hips are above the origin. The part is a lively one: of a
    capture in which someone walks to a place and lies down, it is seldom the lying.
    """
    whole = _resampled(capture.positions(), capture.rate * speed)
    if mirrored:
        whole = whole[:, _MIRRORED] * (-1.0, 1.0, 1.0)
    samples = round(seconds * RATE) + 1
    while len(whole) < samples:
        whole = _repeated(whole)
    starts = np.arange(0, len(whole) - samples + 1, round(_STEP_S * RATE))
    energy = np.array([_energy(whole[start : start + samples]) for start in starts])
    lively = starts[energy >= _LIVELY * energy.max()]
    start = int(random.choice(lively))
    part: np.ndarray = whole[start : start + samples].copy()
    part[:, :, ::2] -= hips(part)[samples // 2, ::2]
    return part


def hips(joints: np.ndarray) -> np.ndarray:
    """Return the point between the hips: (samples, 3)."""
    return np.asarray((joints[:, AT["hipL"]] + joints[:, AT["hipR"]]) / 2)


def heading(joints: np.ndarray, sample: int) -> float:
    """Return where a person looks, as the angle from +z towards +x, in radians."""
    across = joints[sample, AT["hipL"]] - joints[sample, AT["hipR"]]
    return float(np.arctan2(-across[2], across[0]))


def turned(joints: np.ndarray, angle: float) -> np.ndarray:
    """Turn all joints about the vertical axis, from +z towards +x."""
    return np.asarray(joints @ vertical(angle).T)


def vertical(angle: float) -> np.ndarray:
    """Return the rotation about the vertical axis that takes +z towards +x: (3, 3)."""
    cosine, sine = np.cos(angle), np.sin(angle)
    return np.array([[cosine, 0.0, sine], [0.0, 1.0, 0.0], [-sine, 0.0, cosine]])


def _resampled(positions: np.ndarray, rate: float) -> np.ndarray:
    """Positions at this rate, at RATE: (samples, joints, 3)."""
    times = np.arange(0, len(positions) - 1 + 1e-6, rate / RATE)
    below = np.minimum(times.astype(int), max(len(positions) - 2, 0))
    above = np.minimum(below + 1, len(positions) - 1)
    share = (times - below)[:, None, None]
    return np.asarray(positions[below] * (1 - share) + positions[above] * share)


def _repeated(whole: np.ndarray) -> np.ndarray:
    """Append a copy that goes on where and whither this one is, from one pose to the most similar one."""
    end, start = _alike(whole)
    seam = min(round(_SEAM_S * RATE), len(whole) - 1 - end + start, (end - start) // 2)
    # The blend ends at `start` of the copy at the earliest, and begins at `end` at the latest.
    before = min(seam, start)
    end, start = end - before, start - before
    seam = min(seam, len(whole) - 1 - end)
    copy = turned(whole, heading(whole, end) - heading(whole, start))
    copy[:, :, ::2] += hips(whole)[end, ::2] - hips(copy)[start, ::2]
    share = np.linspace(0.0, 1.0, seam + 1)[:, None, None]
    share = share * share * (3 - 2 * share)
    first, second = whole[end : end + seam + 1], copy[start : start + seam + 1]
    return np.concatenate(
        [whole[:end], first * (1 - share) + second * share, copy[start + seam + 1 :]]
    )


def _alike(whole: np.ndarray) -> Tuple[int, int]:
    """Return the samples of the most similar poses and speeds, one late and one early, far from each other."""
    local = np.stack(
        [turned(whole[i] - hips(whole)[i], -heading(whole, i)) for i in range(len(whole))]
    )
    speed = np.gradient(local, axis=0) * (RATE * _SEAM_S / 2)
    signs = np.concatenate([local, speed], axis=1).reshape(len(whole), -1)
    half = len(whole) // 2
    late, early = np.arange(half, len(whole)), np.arange(0, half)
    apart = np.linalg.norm(signs[late][:, None] - signs[early][None], axis=2)
    apart[late[:, None] - early[None] < half] = np.inf
    place = np.unravel_index(int(np.argmin(apart)), apart.shape)
    return int(late[place[0]]), int(early[place[1]])


def _energy(part: np.ndarray) -> float:
    """Mean speed of the joints, with half that of the whole body's way: m/s."""
    middle = hips(part)
    limbs = np.linalg.norm(np.diff(part - middle[:, None], axis=0), axis=2).mean()
    way: Optional[float] = np.linalg.norm(np.diff(middle, axis=0), axis=1).mean()
    return float((limbs + 0.5 * (way or 0.0)) * RATE)
