"""Network inputs from real videos, read as on a device, for parity checks and calibration."""

from __future__ import annotations

from pathlib import Path
from typing import List, NamedTuple, Sequence, Tuple

import numpy as np

from edge_attp.bitstream import CompressedVideo, Picture
from edge_attp.engine.pack import InputSpec
from edge_attp.errors import UsageError

from .network_inputs import flow_input, residual_input, rgb_input
from .temporal import temporal_offset

SEED = 0  # the same pictures every time
FEWEST = 16


class Samples(NamedTuple):
    """P and B pictures and the key pictures they are scored with; float32, normalised.

    keys (G, 3, H, W), flow (N, 2, H, W), residual (N, 3, H, W); here and neighbour (N) are
    indices of the key pictures I_t and I_{t+dt} of eq. (7).
    """

    keys: np.ndarray
    flow: np.ndarray
    residual: np.ndarray
    here: np.ndarray
    neighbour: np.ndarray


def read_samples(videos: Sequence[Path], spec: InputSpec, count: int) -> Samples:
    """About `count` pictures in all, drawn at random from the beginning of each video.

    Raises UsageError if there are fewer than 16, and the errors of CompressedVideo.
    """
    each = -(-count // len(videos))
    found: List[Samples] = []
    for video in videos:
        offset = sum(len(samples.keys) for samples in found)
        found += _read(video, spec, each, offset)
    pictures = sum(len(samples.flow) for samples in found)
    if pictures < FEWEST:
        names = ", ".join(str(video) for video in videos)
        raise UsageError(
            f"{names}: {pictures} P and B pictures, but {FEWEST} are needed: add videos"
        )
    return Samples(*(np.concatenate(arrays) for arrays in zip(*found)))


def _read(path: Path, spec: InputSpec, count: int, offset: int) -> List[Samples]:
    """Up to `count` pictures of a video, drawn GOP by GOP, as one entry; no entry if there are none."""
    keys: List[np.ndarray] = []
    pictures: List[Tuple[int, np.ndarray, np.ndarray]] = []
    with CompressedVideo(str(path), transcode=True, oriented=True) as video:
        for picture in video.sample(per_gop=count, seed=SEED, keys=True):
            if picture.is_random_access:
                keys.append(rgb_input(video.decode_key(picture), spec, spec.resize))
                if len(pictures) >= count:
                    break
            elif keys and picture.integrity == "ok":
                pictures.append((len(keys) - 1, *_motion(picture, spec, video.bit_depth)))
    if not pictures:
        return []
    gops, flow, residual = zip(*pictures)
    here = np.array(gops)
    offsets = np.array([temporal_offset(gop, len(keys)) for gop in gops])
    return [
        Samples(
            np.stack(keys),
            np.stack(flow),
            np.stack(residual),
            here + offset,
            here + offsets + offset,
        )
    ]


def _motion(picture: Picture, spec: InputSpec, bit_depth: int) -> Tuple[np.ndarray, np.ndarray]:
    height, width = picture.shape
    flow = flow_input(picture.motion.flow(), (width, height), spec, spec.resize)
    return flow, residual_input(picture.residual, spec, spec.resize, bit_depth)
