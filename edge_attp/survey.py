"""Statistics of a stream's pictures: kinds, GOPs, modes, coding tree, motion, references, residual.

Give pictures to a Survey, then ask it for its summary. It keeps counts and histograms but no pictures,
so its size does not grow with the stream. `edge-attp inspect` prints its summary.
"""

from collections import Counter
from typing import Dict, List, Tuple

import numpy as np

from edge_attp.bitstream import MODE_INTER, MODE_INTRA, MODE_MISSING, MODE_PCM, MODE_SKIP, Picture
from edge_attp.types import CodingCounts

__all__ = ["Survey", "compress_pattern"]

MODES = (
    ("intra", MODE_INTRA),
    ("inter", MODE_INTER),
    ("skip", MODE_SKIP),
    ("pcm", MODE_PCM),
    ("missing", MODE_MISSING),
)
SPEED_BIN = 1.0 / 16  # px per picture: the histogram's resolution
SPEED_BINS = 16 * 256  # faster blocks count as 256 px per picture
KEPT_POCS = 1024  # reference distances are known for pictures this far back
LONGEST_PATTERN = 1024  # pictures of a GOP that count for its pattern
CODING_UNITS = (8, 16, 32, 64)  # luma samples
LUMA_TRANSFORMS = (4, 8, 16, 32)


class Survey:
    """Statistics of pictures, which are added in decoding order. Not thread-safe.

    >>> from edge_attp.bitstream import CompressedVideo
    >>> survey = Survey()
    >>> with CompressedVideo("examples/demo.mp4") as video:
    ...     for picture in video:
    ...         survey.add_picture(picture)
    >>> survey.summary()["kinds"]
    {'I': 3, 'P': 49, 'B': 98}
    """

    def __init__(self) -> None:
        self.pictures = 0
        self.damaged = 0
        self.first_damage = ""
        self._kinds: Dict[str, _Kind] = {kind: _Kind() for kind in "IPB"}
        self._nal_units: "Counter[str]" = Counter()
        self._sub_layers: "Counter[int]" = Counter()
        self._gops = _Gops()
        self._speeds = np.zeros(SPEED_BINS + 1, np.int64)
        self._speed_sum = 0.0
        self._pocs: Dict[int, int] = {}
        self._distances: "Counter[float]" = Counter()

    def add_picture(self, picture: Picture) -> None:
        self.pictures += 1
        if picture.integrity != "ok":
            self.damaged += 1
            self.first_damage = (
                self.first_damage or f"picture {picture.decode_index}: {picture.damage}"
            )
        self._nal_units[picture.nal_unit_name] += 1
        self._sub_layers[picture.temporal_id] += 1
        self._gops.add_picture(picture)
        self._kinds[picture.kind].add_picture(picture)
        self._pocs[picture.decode_index] = picture.poc
        self._pocs.pop(picture.decode_index - KEPT_POCS, None)
        if picture.kind != "I":
            self._add_motion(picture)

    def summary(self) -> Dict[str, object]:
        """The statistics as numbers, strings, lists and dictionaries, fit for JSON.

        Shares are 0 to 1, speeds are in luma samples per picture interval, residuals in sample values, and
        distances in picture intervals of display order (negative if the reference is shown later).
        "coding" exists for HEVC: by side in luma samples, the coding units' share of the area, and the luma
        transform blocks' share of the coded area; of the inter prediction units, the shares that are merged
        and that use both lists.
        """
        kinds = {name: kind for name, kind in self._kinds.items() if kind.pictures}
        return {
            "pictures": self.pictures,
            "kinds": {name: kind.pictures for name, kind in self._kinds.items()},
            "nal_units": dict(self._nal_units.most_common()),
            "sub_layers": [
                self._sub_layers[layer] for layer in range(max(self._sub_layers or [0]) + 1)
            ],
            "gop": self._gops.summary(),
            "blocks": {name: kind.block_shares() for name, kind in kinds.items()},
            "coding": {
                name: kind.coding.shares() for name, kind in kinds.items() if kind.coding.pictures
            },
            "motion": self._motion_summary(),
            "reference_distances": self._distance_shares(),
            "residual": {name: kind.residual() for name, kind in kinds.items()},
            "integrity": {
                "ok": self.pictures - self.damaged,
                "damaged": self.damaged,
                "first_damage": self.first_damage,
            },
        }

    def _add_motion(self, picture: Picture) -> None:
        reference = picture.motion.reference
        used = (reference >= 0).any(axis=0)
        flow = picture.motion.flow()
        speed = np.hypot(flow[0][used], flow[1][used])
        bins = np.minimum(np.rint(speed / SPEED_BIN), SPEED_BINS).astype(np.int64)
        self._speeds += np.bincount(bins, minlength=SPEED_BINS + 1)
        self._speed_sum += float(speed.sum(dtype=np.float64))
        for plane in reference:
            self._add_distances(plane[plane >= 0], picture)

    def _add_distances(self, references: np.ndarray, picture: Picture) -> None:
        if not references.size:
            return
        first = int(references.min())
        for index, blocks in enumerate(np.bincount(references - first)):
            if blocks and first + index in self._pocs:
                distance = (picture.poc - self._pocs[first + index]) / float(picture.poc_step)
                self._distances[distance] += int(blocks)

    def _motion_summary(self) -> Dict[str, object]:
        blocks = int(self._speeds.sum())
        return {
            "blocks": blocks,
            "mean_px": self._speed_sum / blocks if blocks else 0.0,
            "median_px": self._percentile(0.5),
            "p95_px": self._percentile(0.95),
        }

    def _percentile(self, share: float) -> float:
        cumulative = np.cumsum(self._speeds)
        return float(np.searchsorted(cumulative, share * cumulative[-1])) * SPEED_BIN

    def _distance_shares(self) -> List[Dict[str, float]]:
        total = float(sum(self._distances.values()))
        return [
            {"pictures": distance, "share": blocks / total}
            for distance, blocks in self._distances.most_common()
        ]


class _Kind:
    """Statistics of all I, all P or all B pictures."""

    def __init__(self) -> None:
        self.pictures = 0
        self.coding = _Coding()
        self._modes = np.zeros(len(MODES), np.int64)
        self._samples = 0
        self._coded_samples = 0
        self._squares = 0.0

    def add_picture(self, picture: Picture) -> None:
        self.pictures += 1
        if picture.coding_counts is not None:
            self.coding.add_counts(picture.coding_counts)
        self._modes += np.bincount(picture.motion.mode.ravel(), minlength=len(MODES))
        if picture.residual is not None:
            luma = picture.residual.y
            self._samples += luma.size
            self._coded_samples += int(np.count_nonzero(luma))
            values = luma.astype(np.float32).ravel()
            self._squares += float(np.dot(values, values))

    def block_shares(self) -> Dict[str, float]:
        total = float(max(1, self._modes.sum()))
        return {name: float(self._modes[value] / total) for name, value in MODES}

    def residual(self) -> Dict[str, float]:
        samples = float(max(1, self._samples))
        return {
            "rms_luma": (self._squares / samples) ** 0.5,
            "nonzero_share": self._coded_samples / samples,
        }


class _Coding:
    """Statistics of coding, prediction and transform units."""

    def __init__(self) -> None:
        self.pictures = 0
        self._units = np.zeros(len(CODING_UNITS), np.int64)
        self._transforms = np.zeros(len(LUMA_TRANSFORMS), np.int64)
        self._predicted = self._merged = self._bi_predicted = 0

    def add_counts(self, counts: CodingCounts) -> None:
        self.pictures += 1
        self._units += np.array(counts.coding_units)
        self._transforms += np.array(counts.luma_transforms)
        self._predicted += counts.prediction_units
        self._merged += counts.merged
        self._bi_predicted += counts.bi_predicted

    def shares(self) -> Dict[str, object]:
        predicted = float(max(1, self._predicted))
        return {
            "coding_units": _area_shares(CODING_UNITS, self._units),
            "luma_transforms": _area_shares(LUMA_TRANSFORMS, self._transforms),
            "merged": self._merged / predicted,
            "bi_predicted": self._bi_predicted / predicted,
        }


def _area_shares(sides: Tuple[int, ...], counts: np.ndarray) -> Dict[str, float]:
    areas = counts * np.square(sides)
    total = float(max(1, areas.sum()))
    return {str(side): float(area / total) for side, area in zip(sides, areas)}


class _Gops:
    """Patterns of groups of pictures: each begins at a random-access picture."""

    def __init__(self) -> None:
        self._open: List[Tuple[int, str]] = []
        self._length = 0
        self._lengths: List[int] = []
        self._patterns: "Counter[str]" = Counter()

    def add_picture(self, picture: Picture) -> None:
        if picture.is_random_access:
            self._close()
        self._length += 1
        if len(self._open) < LONGEST_PATTERN:
            letter = picture.kind if picture.is_reference else picture.kind.lower()
            self._open.append((picture.poc, letter))

    def summary(self) -> Dict[str, object]:
        self._close()
        pattern, times = (self._patterns.most_common(1) or [("", 0)])[0]
        return {
            "count": len(self._lengths),
            "pattern": pattern,
            "pattern_count": times,
            "shortest": min(self._lengths or [0]),
            "longest": max(self._lengths or [0]),
        }

    def _close(self) -> None:
        if self._length:
            shown = "".join(letter for _, letter in sorted(self._open, key=lambda item: item[0]))
            self._patterns[compress_pattern(shown)] += 1
            self._lengths.append(self._length)
        self._open, self._length = [], 0


def compress_pattern(letters: str) -> str:
    """Letters of one GOP in display order, with runs of equal mini-GOPs written once.

    A mini-GOP is any number of B pictures and the I or P picture after them. Lower case means that no other
    picture refers to this one.

    >>> compress_pattern("IbBbPbBbPP")
    'I 2x[bBbP] P'
    """
    groups: List[Tuple[str, int]] = []
    start = 0
    for index, letter in enumerate(letters):
        if letter in "bB" and index + 1 < len(letters):
            continue
        group = letters[start : index + 1]
        start = index + 1
        if groups and groups[-1][0] == group:
            groups[-1] = group, groups[-1][1] + 1
        else:
            groups.append((group, 1))
    return " ".join(group if times == 1 else f"{times}x[{group}]" for group, times in groups)
