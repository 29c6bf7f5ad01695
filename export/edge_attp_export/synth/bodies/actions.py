"""The classes of the set: general actions, and what captures of them are labelled."""

from __future__ import annotations

from typing import Dict, Sequence, Tuple

from .captures import Capture

# This order numbers the classes. Strikes and swords are left out: too few were captured, by one person, and with
# them among the classes this would look like a set of fights. They still occur as motion of people in the rear.
ACTIONS: Dict[str, Tuple[str, ...]] = {
    "walk": ("walk",),
    "run": ("run", "jog"),
    "sneak": ("sneak",),
    "jump": ("jump", "hop"),
    "kick": ("kick",),
    "throw": ("throw",),
    "squat": ("squat",),
    "lie down": ("lieDown",),
    "put down": ("depositFloor",),
    "reach up": ("grabHigh",),
    "rotate arms": ("rotateArms",),
    "elbow to knee": ("elbowToKnee",),
    "dance": ("dance",),
    "dribble": ("basketball",),
    "signal": ("signal", "direct traffic"),
}
_ACTION_OF = {label: action for action, labels in ACTIONS.items() for label in labels}


def action_of(capture: Capture) -> str:
    """Return the class of a capture, "" if it has none."""
    return _ACTION_OF.get(capture.label, "")


def present(captures: Sequence[Capture]) -> Tuple[str, ...]:
    """Return the classes that these captures have, in their order."""
    there = {action_of(capture) for capture in captures}
    return tuple(action for action in ACTIONS if action in there)
