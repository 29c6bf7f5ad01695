"""Network inputs from real videos, cut by the code of a device, for parity checks and calibration."""

from __future__ import annotations

from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import List, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from edge_attp.bitstream import CompressedVideo, Picture
from edge_attp.engine import Buffers, Graph
from edge_attp.engine.backend import zeros
from edge_attp.engine.pack import REGION, WHOLE, InputSpec
from edge_attp.errors import UsageError
from edge_attp.pipeline.networks import Pool
from edge_attp.pipeline.views import InputFiller, RegionViews, View, Viewer, WholeViews
from edge_attp.timing import Clock
from edge_attp.types import Region

from .temporal import temporal_offset

SEED = 0  # the same pictures every time
FEWEST = 16
ONE_IN = 5  # of these is taken where every picture must be parsed

Seen = Tuple[int, Optional[Region]]  # a GOP's key picture, and the part of it; None: all of it


class Samples(NamedTuple):
    """P and B pictures and the key pictures they are scored with; float32, normalised.

    keys (G, 3, H, W), flow (N, 2 or 4, H, W), residual (N, 3 or 1, H, W); here and neighbour (N) are
    indices of the key pictures I_t and I_{t+dt} of eq. (7). Where a region is seen, key pictures are cut
    from its window. Without key pictures, keys is (G, 0).
    """

    keys: np.ndarray
    flow: np.ndarray
    residual: np.ndarray
    here: np.ndarray
    neighbour: np.ndarray


def read_samples(
    videos: Sequence[Path],
    spec: InputSpec,
    count: int,
    with_keys: bool = True,
    view: str = WHOLE,
) -> Samples:
    """About `count` pictures in all, drawn from the beginning of each video. with_keys: decode the key pictures, too.
    view: what is seen, as in model.json; with "region", pictures in which nothing moves are passed over.

    Raises UsageError if there are fewer than 16, and the errors of CompressedVideo.
    """
    each = -(-count // len(videos))
    found: List[Samples] = []
    for video in videos:
        offset = sum(len(samples.keys) for samples in found)
        found += _read(video, spec, each, offset, with_keys, view)
    pictures = sum(len(samples.flow) for samples in found)
    if pictures < FEWEST:
        names = ", ".join(str(video) for video in videos)
        what = "P and B pictures in which something moves" if view == REGION else "P and B pictures"
        raise UsageError(f"{names}: {pictures} {what}, but {FEWEST} are needed: add videos")
    return Samples(*(np.concatenate(arrays) for arrays in zip(*found)))


def _read(
    path: Path, spec: InputSpec, count: int, offset: int, with_keys: bool, view: str
) -> List[Samples]:
    """Up to `count` pictures of a video as one entry; no entry if there are none. offset: of its key pictures."""
    with CompressedVideo(str(path), residual=True, transcode=True, oriented=True) as video:
        keys, drawn = _draw(video, spec, count, view)
        if not drawn:
            return []
        here = [(gop, shown.region) for gop, shown in drawn]
        neighbour = [(gop + temporal_offset(gop, len(keys)), region) for gop, region in here]
        # In this order no more than two decoded key pictures are needed at once.
        seen = dict.fromkeys(chain.from_iterable(zip(here, neighbour)))
        places = {one: offset + number for number, one in enumerate(seen)}
        appearances = [np.empty(0, np.float32)] * len(places)
        if with_keys:
            appearances = _appearances(video, spec, keys, list(places))
    return [
        Samples(
            np.stack(appearances),
            *(
                np.stack([_inputs(shown, name) for _, shown in drawn])
                for name in ("flow", "residual")
            ),
            *(np.array([places[one] for one in which]) for which in (here, neighbour)),
        )
    ]


def _draw(
    video: CompressedVideo, spec: InputSpec, count: int, view: str
) -> Tuple[List[Picture], List[Tuple[int, View]]]:
    """The key picture of each GOP, and up to `count` views of P and B pictures with the numbers of their GOPs. The key
    picture after them comes too: the first GOP is scored with it."""
    needs_all = view == REGION or spec.memory > 0
    pictures = iter(video) if needs_all else video.sample(per_gop=count, seed=SEED, keys=True)
    viewer = _viewer(video, spec, view)
    keys: List[Picture] = []
    drawn: List[Tuple[int, View]] = []
    for number, picture in enumerate(pictures):
        if picture.is_random_access:
            keys.append(picture)
            if len(drawn) >= count:
                break
        viewer.add_picture(picture)
        is_whole = picture.kind != "I" and picture.integrity == "ok" and picture.is_shown
        is_due = bool(keys) and len(drawn) < count and not (needs_all and number % ONE_IN)
        gop = len(keys) - 1
        drawn += [(gop, shown) for shown in viewer.cut_views(picture, gop, is_whole and is_due)]
    return keys, drawn


def _viewer(video: CompressedVideo, spec: InputSpec, view: str) -> Viewer:
    """What a device shows the networks of motion."""
    filler = _filler(video, spec, "motion")
    return RegionViews(filler, video, 1, Clock()) if view == REGION else WholeViews(filler, False)


def _appearances(
    video: CompressedVideo, spec: InputSpec, keys: Sequence[Picture], seen: Sequence[Seen]
) -> List[np.ndarray]:
    """What the network of appearance sees of these key pictures."""

    @lru_cache(2)
    def decoded(gop: int) -> np.ndarray:
        return video.decode_key(keys[gop])

    filler = _filler(video, spec, "appearance")
    return [filler.fill_appearance(decoded(gop), region).inputs["rgb"][0] for gop, region in seen]


def _filler(video: CompressedVideo, spec: InputSpec, graph: str) -> InputFiller:
    return InputFiller(spec, {graph: Pool(_Arrays(spec, graph))}, Clock(), video.bit_depth)


def _inputs(shown: View, name: str) -> np.ndarray:
    assert shown.motion is not None
    array: np.ndarray = shown.motion.inputs[name][0]
    return array


class _Arrays(Graph):
    """Stands in for a network where nothing but its inputs is wanted."""

    def __init__(self, spec: InputSpec, graph: str) -> None:
        self.inputs = spec.shapes(graph)

    def allocate_buffers(self) -> Buffers:
        return Buffers(zeros(self.inputs), {})
