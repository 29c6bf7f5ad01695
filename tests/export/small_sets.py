"""Prepared sets small enough to train on within a test; only motion distinguishes the classes."""

import numpy as np

from edge_attp_export.data.cache import Planes, Sample, write_clip
from edge_attp_export.data.prepared import ClipEntry, Prepared, write_description

WIDTH, HEIGHT = 72, 68
GOPS, PICTURES = 3, 4  # P and B pictures of each GOP
LABELS = ("left", "right")
SPEED = {"left": -3.0, "right": 3.0}
KINDS = "PBBP"


def make(folder, train=8, val=4, test=4, optical_flow=True, seed=0):
    """Write and return a set of noise that moves left or right."""
    random = np.random.RandomState(seed)
    clips = []
    for label in LABELS:
        for number in range(train + val + test):
            part = "train" if number < train else "val" if number < train + val else "test"
            name = f"{label}/{number}"
            clips.append(ClipEntry(name, label, {"1": part}, name))
    prepared = Prepared(
        folder, LABELS, {"left": "right", "right": "left"}, tuple(clips), {"codec": "h264"}, "dis"
    )
    for entry in clips:
        samples = _samples(entry.label, random, optical_flow)
        keys = [random.randint(0, 256, (HEIGHT, WIDTH, 3)).astype(np.uint8) for _ in range(GOPS)]
        write_clip(prepared.cached(entry.name), keys, samples, 8)
    write_description(prepared)
    return prepared


def _samples(label, random, optical_flow):
    grid = 2, HEIGHT // 4, WIDTH // 4
    for gop in range(GOPS):
        for number in range(PICTURES):
            flow = random.standard_normal(grid).astype(np.float32)
            flow[0] += SPEED[label]
            yield Sample(
                KINDS[number],
                gop,
                gop * (PICTURES + 1) + number + 1,
                flow,
                flow * 2,
                residual(random),
                flow if optical_flow else None,
            )


def residual(random):
    """Noise with every value that fits into 8 bits."""
    shapes = (HEIGHT, WIDTH), (HEIGHT // 2, WIDTH // 2), (HEIGHT // 2, WIDTH // 2)
    return Planes(*(random.randint(-128, 128, shape).astype(np.int16) for shape in shapes))


def config(prepared, **tables):
    """A configuration that trains on such a set in a second or two."""
    content = {
        "data": {"prepared": str(prepared.folder)},
        "model": {
            "backbone": "mobilenet_v2",
            "width": 0.1,
            "factors": 2,
            "projections": 8,
            "modalities": "MV",
        },
        "input": {"resize": [72, 68], "crop": [64, 64], "scales": [1.0, 0.875]},
        "train": {"epochs": 3, "clips": 4, "segments": 2, "workers": 0, "learning_rate": 0.01},
        "objective": {},
    }
    for table, values in tables.items():
        content[table].update(values)
    return content
