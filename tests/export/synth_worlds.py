"""Small worlds for the tests of the synthetic set: quick to draw, and still if a test needs it."""

import numpy as np

from edge_attp_export.synth import attributes, backgrounds, scene
from edge_attp_export.synth.classes import LABELS

PICTURES = 8


def traits(label, index=0, **changes):
    """The seed and traits of world `index` of the label's action, with changes."""
    seed = attributes.clip_seed(0, LABELS[label].action, index)
    return seed, attributes.draw(seed)._replace(**changes)


def still(label, index=0, **changes):
    """The same without camera motion, distractors and grain."""
    calm = {"pan": 0.0, "tilt": 0.0, "zoom": 0.0, "roll": 0.0, "shake": 0.0, "noise": 0.0}
    calm.update(ball=False, second_walker=False)
    calm.update(changes)
    return traits(label, index, **calm)


def pictures(label, world, count=PICTURES):
    """Pictures of a class in this world (seed, traits), uint8 (count, H, W, 3)."""
    seed, drawn = world
    return np.stack(list(scene.render(label, drawn, seed, background(seed), count)))


def background(seed):
    """A smooth texture: drawn backgrounds are not the subject of most tests."""
    random = np.random.default_rng(seed)
    coarse = random.integers(40, 216, (backgrounds.ROWS // 16, backgrounds.COLUMNS // 16, 3))
    fine = np.repeat(np.repeat(coarse, 16, axis=0), 16, axis=1).astype(np.uint8)
    assert fine.shape == (backgrounds.ROWS, backgrounds.COLUMNS // 16 * 16, 3)
    return fine
