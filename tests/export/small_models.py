"""Models small enough to train within a test, and batches for them."""

import torch

from edge_attp_export.architecture import Architecture
from edge_attp_export.attp import ATTP, Inputs
from edge_attp_export.initialise import calibrate
from edge_attp_export.objective import Objective

torch.set_num_threads(1)  # for layers this small, threads cost more than they save
SIDE, BATCH, CLASSES = 64, 6, 3


def architecture(modalities="ATTP", alignment="", **fields):
    """A very narrow MobileNetV2."""
    small = {"width": 0.1, "factors": 2, "projections": 8, "sketch": 64, "motion_size": (64, 64)}
    fields = dict(small, **fields)
    return Architecture(
        "mobilenet_v2", CLASSES, modalities=modalities, alignment=alignment, **fields
    )


def batch(seed=0, shape=None):
    """Inputs of an architecture, by default ATTP, labels and optical flow."""
    random = torch.Generator().manual_seed(seed)
    channels = {"I": 3, "MV": 2, "R": 3} if shape is None else dict(shape.channels)
    if shape is not None and shape.has_speed:
        channels["MV"] = 4
    steps = dict.fromkeys(channels, 1) if shape is None else shape.steps
    pictures = []
    for name in ("I", "I", "MV", "R", "MV"):
        side = SIDE // steps[name]
        pictures.append(torch.randn(BATCH, channels[name], side, side, generator=random))
    return Inputs(*pictures[:4]), torch.arange(BATCH) % CLASSES, pictures[4]


def model(shape, seed=0):
    """A seeded model in evaluation mode, with normalisation fitted to batch()."""
    torch.manual_seed(seed)
    fresh = ATTP(shape)
    for _, net in fresh.networks():
        calibrate(net, torch.randn(BATCH, net.in_channels, SIDE, SIDE))
    return fresh.eval()


def objective(shape, seed=0, **options):
    """The training objective of a seeded model, with a seeded teacher if it needs one."""
    teacher = None if shape.alignment == "none" else model(architecture("MV"), seed + 1)
    return Objective(model(shape, seed), teacher, **options)
