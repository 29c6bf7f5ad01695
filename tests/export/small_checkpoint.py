"""A checkpoint as training writes it, small enough to export within a test, and a clip for it."""

import small_models

from edge_attp_export.checkpoints import Checkpoint, save_checkpoint
from edge_attp_export.input_spec import default_input
from rigs import media

LABELS = ("open", "close", "wave")
TRAINING = {"data": "drawn", "settings": {"epochs": 3, "crop": [64, 64]}, "seed": 1}
ACCURACY = {"top1": 0.75, "spread": 0.03}
CLIP = media.Clip(pictures=30, options=media.x264(bframes=2, keyint=12, scenecut=0, crf=24))


def checkpoint(modalities="ATTP", seed=0):
    model = small_models.model(small_models.architecture(modalities), seed)
    spec = default_input(model.architecture, (96, 80), (small_models.SIDE, small_models.SIDE))
    return Checkpoint(
        model.architecture, LABELS, spec, model.state_dict(), dict(TRAINING), dict(ACCURACY)
    )


def saved(folder, modalities="ATTP", **fields):
    """Path of a checkpoint file; `fields` replace those of the record."""
    path = folder / f"{modalities}.pt"
    save_checkpoint(path, checkpoint(modalities)._replace(**fields))
    return path
