"""Evaluates a trained model on the clips of a prepared set."""

from __future__ import annotations

from typing import Any, Dict, List, NamedTuple, Optional, Sequence

import numpy as np

from edge_attp.engine.pack import WHOLE

from ..attp import ATTP
from ..checkpoints import Checkpoint, build
from ..data.division import divide
from ..data.loader import ClipSamples, Sampling, make_loader
from ..data.prepared import ClipEntry, Prepared
from ..data.transcode import RATE
from ..picture_answers import ClipPictures, PictureAnswers, joined
from ..significance import area_under_roc
from .processes import Processes
from .scoring import Autocast, ClipScores, clip_scores, confusion, in_fast_layout
from .setup import needs

PARTS = ("train", "val", "test")


class Protocol(NamedTuple):
    """The clips and pictures to evaluate. gops, pictures: evenly spread; 0: all."""

    split: str = "1"
    part: str = "test"
    validation: float = 0.0
    seed: int = 0
    frame_types: str = "I+P+B"
    b_frames: str = "correct"
    flow: str = "vectors"
    gops: int = 0
    pictures: int = 1
    view: str = WHOLE


def protocol_of(checkpoint: Checkpoint) -> Protocol:
    """The protocol of the training that made the checkpoint."""
    said: Dict[str, Any] = checkpoint.training
    return Protocol(**{name: said[name] for name in Protocol._fields if name in said})


def part_of(prepared: Prepared, protocol: Protocol) -> List[ClipEntry]:
    """The clips of a part of the split."""
    division = divide(prepared, protocol.split, protocol.validation, protocol.seed)
    found: List[ClipEntry] = getattr(division, protocol.part)
    return found


def evaluated_samples(
    checkpoint: Checkpoint,
    prepared: Prepared,
    entries: Sequence[ClipEntry],
    protocol: Protocol,
    as_device: bool = False,
) -> ClipSamples:
    """What an evaluation reads. as_device: late fusions see the key pictures of both GOPs, whatever the modalities."""
    shape = checkpoint.architecture
    both = as_device or shape.evaluates_both
    reads = needs(shape, protocol.flow, both)._replace(optical_flow=False)
    even = Sampling(
        protocol.frame_types,
        protocol.b_frames,
        gops=protocol.gops,
        pictures=protocol.pictures,
        view=protocol.view,
    )
    return ClipSamples(prepared, entries, checkpoint.input, reads, even, training=False)


def evaluate(
    checkpoint: Checkpoint,
    samples: ClipSamples,
    where: Processes,
    autocast: Autocast,
    clips: int = 8,
    workers: int = 2,
    model: Optional[ATTP] = None,
) -> ClipScores:
    """Scores of every clip."""
    loader, _ = make_loader(samples, clips, workers, False, where.rank, where.world)
    model = in_fast_layout((model or build(checkpoint)).to(where.device))
    return clip_scores(model, loader, where, autocast)


def picture_answers(scores: ClipScores, samples: ClipSamples) -> PictureAnswers:
    """What was said of each picture of `samples`, which gave these scores. Times are those of decoding order."""
    clips = []
    for number, logits in zip(scores.numbers, scores.pictures):
        gops, decode_indices, is_idle = map(np.array, zip(*samples.moments(int(number))))
        times_s = (decode_indices / RATE).astype(np.float32)
        clips.append(ClipPictures(gops, times_s, is_idle, logits.astype(np.float32)))
    return joined([samples.entries[number].name for number in scores.numbers], [clips])


def metrics(scores: ClipScores, samples: ClipSamples, labels: Sequence[str]) -> Dict[str, Any]:
    """Video-level top-1 by the paper's protocol (section 4.1), also by class, and skipped clips; for two classes,
    also the area under the ROC curve."""
    counts = confusion(scores, len(labels))
    shown = counts.sum(1)
    result = {
        "clips": len(scores.labels),
        "left_out": samples.skipped,
        "top1": scores.top1,
        "loss": scores.loss,
        "top1_of_class": {
            label: float(counts[number, number] / shown[number])
            for number, label in enumerate(labels)
            if shown[number]
        },
        "confusion": counts.tolist(),
    }
    if len(labels) == 2 and shown.all():
        margin = scores.logits[:, 1] - scores.logits[:, 0]
        result["area_under_roc"] = area_under_roc(margin, scores.labels == 1)
    return result
