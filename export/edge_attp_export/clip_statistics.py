"""Statistics of a clip of a prepared set, without any network: motion, residual, and what containers tell."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Tuple

import numpy as np

from edge_attp.bitstream import CompressedVideo

from .data.cache import Clip, Planes
from .data.windows import Square

DIRECTIONS = 8
MOVING_PX = 0.25  # a block that moves less per picture interval counts as still
PERCENTILES = (50, 75, 90, 99)
KINDS = ("I", "P", "B")
CELLS = 3  # rows and columns in which motion is told apart
THIRDS = 3
PERCENT = 100.0
BLOCK = 4


class Statistics(NamedTuple):
    """Each float64 (F).

    motion, residual: of whole pictures. whole, region: motion and residual by place and time, in percent of the
    picture's shorter side or of the region's. types: number of pictures of each kind, seconds. Sizes are logarithms
    of bytes; key_sizes: mean key picture; sizes: file, mean P picture, mean B picture. source: what the container of
    the source said, see `source_facts`.
    """

    motion: np.ndarray
    residual: np.ndarray
    whole: np.ndarray
    region: np.ndarray
    types: np.ndarray
    key_sizes: np.ndarray
    sizes: np.ndarray
    source: Dict[str, Any]


def statistics(paths: Tuple[str, Path, Path]) -> Tuple[str, Statistics]:
    """Name and statistics of a clip. paths: its name, its file in the cache, its video."""
    name, cached, video = paths
    clip = Clip(cached)
    return name, Statistics(*_of_clip(clip), *_of_container(video), clip.source)


def _of_clip(clip: Clip) -> Tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    motion: Dict[int, List[np.ndarray]] = {}
    residual: Dict[int, List[np.ndarray]] = {}
    whole: List[np.ndarray] = []
    region: List[np.ndarray] = []
    for index, entry in enumerate(clip.pictures):
        flow, planes = clip.flow(index), clip.residual(index)
        motion.setdefault(entry.gop, []).append(of_flow(flow))
        residual.setdefault(entry.gop, []).append(of_residual(planes))
        own = flow - np.median(flow, (1, 2), keepdims=True)  # the camera's motion goes
        texture = np.abs(planes.y.astype(np.float32))
        square = clip.moment(index).square
        whole.append(_by_place(own, texture, min(clip.width, clip.height)))
        region.append(_by_place(*_inside(own, texture, square), square.side))
    return (
        _over_gops(motion, 2 + len(PERCENTILES) + 3 + DIRECTIONS),
        _over_gops(residual, 5),
        _over_time(whole),
        _over_time(region),
    )


def _inside(flow: np.ndarray, texture: np.ndarray, square: Square) -> Tuple[np.ndarray, np.ndarray]:
    x, y, side = square
    x4, y4, side4 = (value // BLOCK for value in square)
    return flow[:, y4 : y4 + side4, x4 : x4 + side4], texture[y : y + side, x : x + side]


def _over_gops(pictures: Dict[int, List[np.ndarray]], size: int) -> np.ndarray:
    """Means over the GOPs of a clip, and deviations between GOPs."""
    if not pictures:  # a clip of key pictures only
        return np.zeros(2 * size)
    gops = np.array([np.mean(rows, 0) for rows in pictures.values()])
    return np.concatenate([gops.mean(0), gops.std(0)])


def _by_place(flow: np.ndarray, texture: np.ndarray, side_px: int) -> np.ndarray:
    """For each of 3x3 cells, the mean length of its flow in each direction, in percent of `side_px`, and the mean
    magnitude of its luma residual."""
    cell = _cells(flow.shape[1], flow.shape[2])
    length = np.hypot(flow[0], flow[1]) * (PERCENT / side_px)
    angle = np.arctan2(flow[1], flow[0]) / (2 * np.pi) * DIRECTIONS
    sector = np.rint(angle).astype(int) % DIRECTIONS
    place = (cell * DIRECTIONS + sector).ravel()
    sums = np.bincount(place, length.ravel(), CELLS * CELLS * DIRECTIONS)
    blocks = np.bincount(cell.ravel(), minlength=CELLS * CELLS)
    energy = np.bincount(_cells(*texture.shape).ravel(), texture.ravel(), CELLS * CELLS)
    samples = texture.size / CELLS**2
    return np.concatenate([sums / np.repeat(np.maximum(blocks, 1), DIRECTIONS), energy / samples])


def _cells(height: int, width: int) -> np.ndarray:
    rows, columns = (np.arange(length) * CELLS // length for length in (height, width))
    return np.asarray(rows[:, None] * CELLS + columns)


def _over_time(pictures: List[np.ndarray]) -> np.ndarray:
    """Mean and deviation over a clip, and the mean of each third of it."""
    size = CELLS * CELLS * (DIRECTIONS + 1)
    if len(pictures) < THIRDS:
        return np.zeros((2 + THIRDS) * size)
    rows = np.array(pictures)
    thirds = [part.mean(0) for part in np.array_split(rows, THIRDS)]
    return np.concatenate([rows.mean(0), rows.std(0), *thirds])


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
    """types, key_sizes and sizes, which need no block to be parsed."""
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


def of_source(facts: Dict[str, Any]) -> np.ndarray:
    """Size, aspect, rate, pictures, seconds, file size and bit rate of a source; zeros if nothing is known."""
    if not facts:
        return np.zeros(8)
    width, height, rate = facts["width"], facts["height"], facts["rate"] or 25.0
    seconds = facts["pictures"] / rate
    size = np.log1p(facts["size_bytes"])
    rest = [rate, facts["pictures"], seconds, size, size - np.log(max(seconds, 1e-3))]
    return np.array([width, height, width / height, *rest])


def of_encoder(facts: Dict[str, Any]) -> np.ndarray:
    """Decisions of a source's encoder: reordering, pictures per key picture, bytes of key and other pictures."""
    if not facts:
        return np.zeros(4)
    others = max(facts["pictures"] - facts["key_pictures"], 1)
    keys = max(facts["key_pictures"], 1)
    sizes = [facts["key_bytes"] / keys, (facts["size_bytes"] - facts["key_bytes"]) / others]
    return np.array(
        [facts["b_pictures"], facts["pictures"] / keys, *np.log1p(np.maximum(sizes, 0))]
    )
