"""What models said of each picture of clips that they had not seen: the file beside the results of a cross-validation.

Results hold one answer per clip. Events follow single pictures, so what a threshold does to held-out clips can only be
told from these. A picture takes a few bytes: logits are stored in 16 bits.
"""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import List, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from edge_attp.errors import UsageError
from edge_attp.recognition import VideoMean

from .files import replacing

SUFFIX = ".pictures.npz"


class ClipPictures(NamedTuple):
    """The pictures of a clip that were scored, in order.

    gops: int (P), numbers of their GOPs. times_s: float32 (P), from the clip's beginning. is_idle: bool (P), nothing
    moves in it, so that a device would not score it. logits: float32 (P, C).
    """

    gops: np.ndarray
    times_s: np.ndarray
    is_idle: np.ndarray
    logits: np.ndarray

    def verdict(self) -> Optional[np.ndarray]:
        """The logits of the clip as the runtime takes them, float (C); None if nothing moves in it."""
        mean = VideoMean()
        for gop, is_idle, logits in zip(self.gops.tolist(), self.is_idle, self.logits):
            if not is_idle:
                mean.add_logits(gop, logits.astype(float))
        return mean.logits()


class PictureAnswers(NamedTuple):
    """names: of the clips, N. counts: int (S, N), how many pictures each clip has for each seed. pictures: those of all
    clips, seed by seed."""

    names: Tuple[str, ...]
    counts: np.ndarray
    pictures: ClipPictures

    def check(self, names: Sequence[str], seeds: int) -> None:
        """Raise UsageError unless they are of these clips, in this order, and of so many seeds."""
        if self.names != tuple(names) or len(self.counts) != seeds:
            raise UsageError("the answers for single pictures belong to other results")

    def clips(self) -> List[List[ClipPictures]]:
        """The pictures of each clip, for each seed."""
        ends = np.cumsum(self.counts.ravel())[:-1]
        parts = zip(*(np.split(values, ends) for values in self.pictures))
        each = [ClipPictures(*part) for part in parts]
        seeds, clips = self.counts.shape
        return [each[seed * clips : (seed + 1) * clips] for seed in range(seeds)]


def joined(names: Sequence[str], clips: Sequence[Sequence[ClipPictures]]) -> PictureAnswers:
    """Answers made of the pictures of each clip, for each seed."""
    counts = np.array([[len(clip.times_s) for clip in seed] for seed in clips])
    flat = [clip for seed in clips for clip in seed]
    pictures = ClipPictures(*(np.concatenate(values) for values in zip(*flat)))
    return PictureAnswers(tuple(names), counts, pictures)


def beside(results: Path) -> Path:
    """Where the answers that belong to a file of results are."""
    return results.with_name(results.stem + SUFFIX)


def write_answers(path: Path, answers: PictureAnswers) -> None:
    """Write the file atomically. Raises OSError."""
    pictures = answers.pictures
    with replacing(path) as part, part.open("wb") as file:
        np.savez_compressed(
            file,
            names=np.array(answers.names),
            counts=answers.counts,
            gops=pictures.gops.astype(np.int32),
            times_s=pictures.times_s.astype(np.float32),
            is_idle=pictures.is_idle,
            logits=pictures.logits.astype(np.float16),
        )


def read_answers(path: Path) -> Optional[PictureAnswers]:
    """Read what write_answers() wrote; None if there is no such file. Raises UsageError with file and reason."""
    try:
        with np.load(path) as content:
            stored = (content[name] for name in ClipPictures._fields)
            pictures = ClipPictures(*stored)
            pictures = pictures._replace(logits=pictures.logits.astype(np.float32))
            return PictureAnswers(tuple(content["names"].tolist()), content["counts"], pictures)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from error
    except (ValueError, KeyError, zipfile.BadZipFile) as error:
        raise UsageError(f"{path}: holds no answers for pictures ({error})") from error
