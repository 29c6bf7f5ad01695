"""Statistics of a clip of a prepared set, without any network: motion, residual, container."""

from __future__ import annotations

from pathlib import Path
from typing import Dict, List, NamedTuple, Tuple

import numpy as np

from edge_attp.bitstream import CompressedVideo

from .data.cache import Clip, Planes

DIRECTIONS = 8
MOVING_PX = 0.25  # a block that moves less per picture interval counts as still
PERCENTILES = (50, 75, 90, 99)
KINDS = ("I", "P", "B")


class Statistics(NamedTuple):
    """Each float64 (F). types: number of pictures of each kind, seconds. Sizes are logarithms of bytes.

    key_sizes: mean key picture. sizes: file, mean P picture, mean B picture.
    """

    motion: np.ndarray
    residual: np.ndarray
    types: np.ndarray
    key_sizes: np.ndarray
    sizes: np.ndarray


def statistics(paths: Tuple[str, Path, Path]) -> Tuple[str, Statistics]:
    """Name and statistics of a clip. paths: its name, its file in the cache, its video."""
    name, cached, video = paths
    return name, Statistics(*_of_clip(Clip(cached)), *_of_container(video))


def _of_clip(clip: Clip) -> Tuple[np.ndarray, np.ndarray]:
    """Means over the GOPs of a clip, and deviations between GOPs."""
    motion: Dict[int, List[np.ndarray]] = {}
    residual: Dict[int, List[np.ndarray]] = {}
    for index, entry in enumerate(clip.pictures):
        motion.setdefault(entry.gop, []).append(of_flow(clip.flow(index)))
        residual.setdefault(entry.gop, []).append(of_residual(clip.residual(index)))
    return _over_gops(motion, 2 + len(PERCENTILES) + 3 + DIRECTIONS), _over_gops(residual, 5)


def _over_gops(pictures: Dict[int, List[np.ndarray]], size: int) -> np.ndarray:
    if not pictures:  # a clip of key pictures only
        return np.zeros(2 * size)
    gops = np.array([np.mean(rows, 0) for rows in pictures.values()])
    return np.concatenate([gops.mean(0), gops.std(0)])


def of_flow(flow: np.ndarray) -> np.ndarray:
    """Features of a picture's flow (2, H4, W4): logarithms of mean, deviation and percentiles of its
    length, the share of moving blocks, the mean vector, and the share of the moving blocks' length in
    each of eight directions, clockwise from the right."""
    length = np.hypot(flow[0], flow[1])
    lengths = [length.mean(), length.std(), *np.percentile(length, PERCENTILES)]
    moving = length > MOVING_PX
    angle = np.arctan2(flow[1][moving], flow[0][moving]) / (2 * np.pi) * DIRECTIONS
    sector = np.rint(angle).astype(int) % DIRECTIONS
    directions = np.bincount(sector, length[moving], DIRECTIONS)
    return np.concatenate(
        [
            np.log1p(lengths),
            [moving.mean(), flow[0].mean(), flow[1].mean()],
            directions / max(directions.sum(), 1e-9),
        ]
    )


def of_residual(residual: Planes) -> np.ndarray:
    """Features of a picture's residual: share of non-zero luma samples, and logarithms of the mean
    magnitude of each plane and of the deviation of luma."""
    y, u, v = (plane.astype(np.float32) for plane in residual)
    energy = np.log1p([np.abs(y).mean(), np.abs(u).mean(), np.abs(v).mean(), y.std()])
    return np.concatenate([[(y != 0).mean()], energy])


def _of_container(video: Path) -> Tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The last three fields of Statistics, which need no block to be parsed."""
    packets: Dict[str, List[int]] = {kind: [] for kind in KINDS}
    with CompressedVideo(str(video), residual=False) as parsed:
        for picture in parsed:
            packets[picture.kind].append(picture.packet_bytes)
        rate = parsed.frame_rate
    counts = [len(packets[kind]) for kind in KINDS]
    key, *means = [float(np.mean(packets[kind] or [0])) for kind in KINDS]
    return (
        np.array([*counts, sum(counts) / float(rate or 1)]),
        np.log1p([key]),
        np.log1p([video.stat().st_size, *means]),
    )
