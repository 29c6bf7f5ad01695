"""Network inputs from real videos, read as on a device, for parity checks and calibration."""

from __future__ import annotations

from pathlib import Path
from typing import List, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from edge_attp.bitstream import CompressedVideo, Picture
from edge_attp.engine.pack import InputSpec
from edge_attp.errors import UsageError
from edge_attp.tensors import MotionMemory

from .network_inputs import flow_input, memory_inputs, residual_input, rgb_input
from .temporal import temporal_offset

SEED = 0  # the same pictures every time
FEWEST = 16
ALL = 1 << 30  # pictures of a GOP, for means over pictures
ONE_IN = 5  # of these is taken


class Samples(NamedTuple):
    """P and B pictures and the key pictures they are scored with; float32, normalised.

    keys (G, 3, H, W), flow (N, 2, H, W), residual (N, 3 or 1, H, W); here and neighbour (N) are
    indices of the key pictures I_t and I_{t+dt} of eq. (7). Without key pictures, keys is (G, 0).
    """

    keys: np.ndarray
    flow: np.ndarray
    residual: np.ndarray
    here: np.ndarray
    neighbour: np.ndarray


def read_samples(
    videos: Sequence[Path], spec: InputSpec, count: int, with_keys: bool = True
) -> Samples:
    """About `count` pictures in all, drawn at random from the beginning of each video. with_keys: decode the key
    pictures, too.

    Raises UsageError if there are fewer than 16, and the errors of CompressedVideo.
    """
    each = -(-count // len(videos))
    found: List[Samples] = []
    for video in videos:
        offset = sum(len(samples.keys) for samples in found)
        found += _read(video, spec, each, offset, with_keys)
    pictures = sum(len(samples.flow) for samples in found)
    if pictures < FEWEST:
        names = ", ".join(str(video) for video in videos)
        raise UsageError(
            f"{names}: {pictures} P and B pictures, but {FEWEST} are needed: add videos"
        )
    return Samples(*(np.concatenate(arrays) for arrays in zip(*found)))


def _read(path: Path, spec: InputSpec, count: int, offset: int, with_keys: bool) -> List[Samples]:
    """Up to `count` pictures of a video, drawn GOP by GOP, as one entry; no entry if there are none."""
    keys: List[np.ndarray] = []
    pictures: List[Tuple[int, np.ndarray, np.ndarray]] = []
    with CompressedVideo(str(path), transcode=True, oriented=True) as video:
        memory = MotionMemory(spec.memory, spec.speed_memory) if spec.memory else None
        each = ALL if memory else count
        for number, picture in enumerate(video.sample(per_gop=each, seed=SEED, keys=True)):
            if memory and not picture.is_random_access:
                assert picture.residual is not None
                memory.add_picture(picture.motion.flow(), picture.residual.y, video.bit_depth)
                if number % ONE_IN:
                    continue
            if picture.is_random_access:
                keys.append(_key(video, picture, spec) if with_keys else np.empty(0, np.float32))
                if len(pictures) >= count:
                    break
            elif keys and picture.integrity == "ok":
                pictures.append((len(keys) - 1, *_motion(picture, spec, video.bit_depth, memory)))
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


def _key(video: CompressedVideo, picture: Picture, spec: InputSpec) -> np.ndarray:
    return rgb_input(video.decode_key(picture), spec, spec.resize)


def _motion(
    picture: Picture, spec: InputSpec, bit_depth: int, memory: Optional[MotionMemory]
) -> Tuple[np.ndarray, np.ndarray]:
    height, width = picture.shape
    if memory is not None:
        return memory_inputs(memory.planes, (width, height), spec, spec.resize)
    flow = flow_input(picture.motion.flow(), (width, height), spec, spec.resize)
    return flow, residual_input(picture.residual, spec, spec.resize, bit_depth)
