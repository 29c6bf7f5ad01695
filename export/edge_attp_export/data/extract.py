"""From a transcoded video to its file in the cache: motion, residuals, windows and optical flow."""

from __future__ import annotations

import zlib
from itertools import tee
from pathlib import Path
from typing import Any, Dict, Iterator, List, Mapping, NamedTuple, Optional, Set, Tuple

import av
import numpy as np

from edge_attp.bitstream import CompressedVideo, Picture
from edge_attp.errors import CorruptStream

from ..b_frames import network_flow
from ..optical_flow import on_motion_grid, optical_flow
from .cache import Planes, Sample, write_clip
from .windows import Moment, find_moments

ALL = 0
_MOST_PICTURES = 2**31  # of a GOP
# Optical flow is rounded to 1/32 pixel, an eighth of the vectors' unit, for a third of the bytes. Its
# own error is many times larger.
_STEPS = 32


class Extraction(NamedTuple):
    """Contents of the cache. optical_flow: its method, or None. per_gop: P and B pictures, or ALL."""

    optical_flow: Optional[str] = "dis"
    per_gop: int = ALL


class Extracted(NamedTuple):
    """`pictures`: number of P and B pictures."""

    pictures: int
    size_bytes: int


def extract(
    video: Path,
    target: Path,
    extraction: Extraction,
    name: str,
    source: Optional[Mapping[str, Any]] = None,
) -> Extracted:
    """Write `target`, a clip of the cache. `name` seeds the draw of --per-gop. source: see write_clip().

    Raises CorruptStream if the video is damaged, which transcoded copies never are.
    """
    # Two passes: the file begins with the key pictures, and a clip may not fit into memory.
    seed = zlib.crc32(name.encode())
    drawn = extraction.per_gop or _MOST_PICTURES
    with CompressedVideo(str(video), residual=True) as parsed:
        keys: List[np.ndarray] = []
        wanted: Set[Optional[int]] = set()
        for picture in parsed.sample(per_gop=drawn, seed=seed, keys=True):
            if picture.is_random_access:
                keys.append(parsed.decode_key(picture))
            else:
                wanted.add(picture.pts)
        flows = _optical_flows(video, wanted, extraction.optical_flow)
        moments = find_moments(video)
        pictures = parsed.sample(per_gop=drawn, seed=seed, keys=True)
        samples = _samples(pictures, flows, moments, video)
        size_bytes = write_clip(target, keys, samples, parsed.bit_depth, source)
    return Extracted(len(wanted), size_bytes)


def _samples(
    pictures: Iterator[Picture],
    flows: Optional[Dict[Any, np.ndarray]],
    moments: Mapping[int, Moment],
    video: Path,
) -> Iterator[Sample]:
    gop = -1
    for picture in pictures:
        if picture.integrity != "ok":
            raise CorruptStream(f"{video}: picture {picture.decode_index} is damaged")
        if picture.is_random_access:
            gop += 1
            continue
        yield Sample(
            picture.kind,
            gop,
            picture.decode_index,
            _flow(picture, "correct"),
            _flow(picture, "as-p"),
            _residual(picture),
            None if flows is None else flows[picture.pts],
            moments[picture.decode_index],
        )


def _flow(picture: Picture, b_frames: str) -> np.ndarray:
    flow = network_flow(picture, b_frames)
    assert flow is not None  # None would be an ignored B picture
    return flow


def _residual(picture: Picture) -> Planes:
    residual = picture.residual
    assert residual is not None  # the video was opened with residuals
    return Planes(residual.y, residual.u, residual.v)


def _optical_flows(
    video: Path, wanted: Set[Optional[int]], method: Optional[str]
) -> Optional[Dict[Any, np.ndarray]]:
    """Flow from the picture shown before, on the vectors' grid, by time stamp. None without a method.

    GOPs are closed, so a key picture is shown first and every P or B picture has one before it.
    """
    if method is None:
        return None
    flows = {}
    before, after = tee(_shown(video))
    next(after)
    for (_, previous), (pts, current) in zip(before, after):
        if pts in wanted:
            flow = on_motion_grid(optical_flow(previous, current, method))
            flows[pts] = (np.rint(flow * _STEPS) / _STEPS).astype(np.float16)
    return flows


def _shown(video: Path) -> Iterator[Tuple[Any, np.ndarray]]:
    """Time stamp and luma, uint8 (H, W), in display order."""
    with av.open(str(video)) as container:
        container.streams.video[0].thread_type = "NONE"  # one thread per process is enough
        for frame in container.decode(video=0):
            yield frame.pts, frame.to_ndarray()[: frame.height]  # yuv420p stores luma first
