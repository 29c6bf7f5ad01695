"""One clip in the cache: the parser's output, lossless and compact, read through a memory map.

A file holds the magic, the length of its header (u32, little endian), the header (JSON) and the
records that the header refers to: key pictures as PNG, everything else as arrays compressed by zlib.
The vectors of a picture are stored in two readings, `flow` and `as_p` (see `b_frames`), and with the square that
the region view looks at (see `windows`).
"""

from __future__ import annotations

import json
import mmap
import struct
import zlib
from pathlib import Path
from typing import Any, Dict, Iterable, List, Mapping, NamedTuple, Optional, Sequence, Tuple

import cv2
import numpy as np

from edge_attp.errors import CorruptStream, UsageError

from ..files import replacing
from .windows import Moment, Square, middle

MAGIC = b"ATTPCLIP"
VERSION = 2
SUFFIX = ".clip"
_FIXED = struct.Struct("<8sI")


class Planes(NamedTuple):
    """A coded residual as `edge_attp.tensors.fill_residual` takes it: int16 planes, 4:2:0."""

    y: np.ndarray
    u: np.ndarray
    v: np.ndarray


class Sample(NamedTuple):
    """One P or B picture to write.

    kind: "P" or "B". gop: counted from 0, like key pictures. flow, as_p: float32 (2, H4, W4), pixels
    per picture interval. optical_flow: the same for dense flow, stored in 16 bits, or None. moment: None stands
    for the middle of the picture.
    """

    kind: str
    gop: int
    decode_index: int
    flow: np.ndarray
    as_p: np.ndarray
    residual: Planes
    optical_flow: Optional[np.ndarray]
    moment: Optional[Moment] = None


class Entry(NamedTuple):
    """The header's entry for a P or B picture."""

    kind: str
    gop: int
    decode_index: int


def write_clip(
    path: Path,
    keys: Sequence[np.ndarray],
    samples: Iterable[Sample],
    bit_depth: int,
    source: Optional[Mapping[str, Any]] = None,
) -> int:
    """Write a clip atomically; return its size in bytes.

    keys: RGB uint8 (H, W, 3), one per GOP. source: facts about the video it was transcoded from.
    """
    if not keys:
        raise ValueError(f"{path}: a clip needs a key picture")
    records = _Records()
    height, width = keys[0].shape[:2]
    header: Dict[str, Any] = {
        "version": VERSION,
        "width": width,
        "height": height,
        "bit_depth": bit_depth,
        "source": dict(source or {}),
        "keys": [records.add_image(key) for key in keys],
        "pictures": [_describe(sample, records) for sample in samples],
    }
    text = json.dumps(header, separators=(",", ":")).encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as part, open(part, "wb") as file:
        file.write(_FIXED.pack(MAGIC, len(text)) + text)
        file.writelines(records.parts)
    return path.stat().st_size


def _describe(sample: Sample, records: _Records) -> Dict[str, Any]:
    planes = np.concatenate([plane.ravel() for plane in sample.residual])
    optical = sample.optical_flow
    return {
        "kind": sample.kind,
        "gop": sample.gop,
        "decode_index": sample.decode_index,
        "flow": records.add_array(sample.flow.astype(np.float32)),
        "as_p": records.add_array(sample.as_p.astype(np.float32)),
        "residual": records.add_array(_narrowed(planes)),
        "optical_flow": None if optical is None else records.add_array(optical.astype(np.float16)),
        "moment": None if sample.moment is None else [*sample.moment.square, sample.moment.is_idle],
    }


def _narrowed(planes: np.ndarray) -> np.ndarray:
    """int8 if every value fits, which is nearly always."""
    fits = planes.min() >= -128 and planes.max() <= 127
    return planes.astype(np.int8 if fits else np.int16)


class _Records:
    """Collects records; each method returns the header's entry: [offset, length, type]."""

    def __init__(self) -> None:
        self.parts: List[bytes] = []
        self._offset = 0

    def add_image(self, rgb: np.ndarray) -> List[Any]:
        done, data = cv2.imencode(".png", rgb[..., ::-1], [cv2.IMWRITE_PNG_COMPRESSION, 1])
        assert done
        return self._add(data.tobytes(), "png")

    def add_array(self, values: np.ndarray) -> List[Any]:
        return self._add(zlib.compress(values.tobytes(), 1), values.dtype.str)

    def _add(self, data: bytes, kind: str) -> List[Any]:
        self.parts.append(data)
        self._offset += len(data)
        return [self._offset - len(data), len(data), kind]


class Clip:
    """A clip of the cache. Every method reads its record anew; only the memory map is kept.

    Attributes: `path`, `width`, `height` in luma samples, `bit_depth`, `gops` (key pictures), `pictures`
    (an Entry for each P and B picture, in decoding order), `source` (facts about the source). Opening
    raises UsageError for a file that is not a clip of this version; a record that cannot be read raises
    CorruptStream.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            with open(path, "rb") as file:
                self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except (OSError, ValueError) as error:
            raise UsageError(f"{path}: cannot be read: {error}; run prepare again") from error
        header = self._header()
        self.width: int = header["width"]
        self.height: int = header["height"]
        self.bit_depth: int = header["bit_depth"]
        self.source: Dict[str, Any] = header["source"]
        self._keys = header["keys"]
        self._records = header["pictures"]
        self.gops = len(self._keys)
        self.pictures = [
            Entry(entry["kind"], entry["gop"], entry["decode_index"]) for entry in self._records
        ]

    def _header(self) -> Dict[str, Any]:
        if len(self._map) < _FIXED.size:
            raise self._wrong()
        magic, length = _FIXED.unpack_from(self._map)
        self._begin = _FIXED.size + length
        try:
            header = json.loads(self._map[_FIXED.size : self._begin])
        except ValueError:
            raise self._wrong() from None
        if magic != MAGIC or header.get("version") != VERSION:
            raise self._wrong()
        return dict(header)

    def _wrong(self) -> UsageError:
        return UsageError(f"{self.path}: not a clip of format {VERSION}; run prepare --force")

    def key(self, gop: int) -> np.ndarray:
        """Key picture of a GOP: RGB uint8 (H, W, 3)."""
        data = np.frombuffer(self._record(self._keys[gop]), np.uint8)
        bgr = cv2.imdecode(data, cv2.IMREAD_COLOR)
        if bgr is None:
            raise CorruptStream(f"{self.path}: key picture {gop} cannot be read")
        return np.ascontiguousarray(bgr[..., ::-1])

    def moment(self, index: int) -> Moment:
        """What the region view looks at in a picture."""
        stored = self._records[index]["moment"]
        if stored is None:
            return Moment(middle((self.width, self.height)), False)
        return Moment(Square(*stored[:3]), bool(stored[3]))

    def flow(self, index: int, as_p: bool = False) -> np.ndarray:
        """Motion of a picture, float32 (2, H4, W4), pixels per picture interval."""
        return self._array(index, "as_p" if as_p else "flow").reshape(self._grid)

    def optical_flow(self, index: int) -> np.ndarray:
        """Dense flow on the same grid, float32 (2, H4, W4). UsageError if there is none."""
        if self._records[index]["optical_flow"] is None:
            raise UsageError(f"{self.path}: has no optical flow; run prepare --optical-flow dis")
        return self._array(index, "optical_flow").astype(np.float32).reshape(self._grid)

    def residual(self, index: int) -> Planes:
        """Coded residual of a picture, int16."""
        values = self._array(index, "residual").astype(np.int16)
        height, width = self.height, self.width
        chroma = (height + 1) // 2, (width + 1) // 2
        luma_size, size = height * width, chroma[0] * chroma[1]
        y, u, v = np.split(values, [luma_size, luma_size + size])
        return Planes(y.reshape(height, width), u.reshape(chroma), v.reshape(chroma))

    def luma(self, index: int) -> np.ndarray:
        """Luma of the coded residual of a picture as it is stored, int8 or int16 (H, W)."""
        record = self._records[index]["residual"]
        dtype = np.dtype(record[2])
        size = self.height * self.width * dtype.itemsize
        try:
            # Chroma follows, and is not even decompressed.
            data = zlib.decompressobj().decompress(self._record(record), size)
            return np.frombuffer(data, dtype).reshape(self.height, self.width)
        except (zlib.error, ValueError) as error:
            raise CorruptStream(f"{self.path}: residual of picture {index}: {error}") from error

    @property
    def _grid(self) -> Tuple[int, int, int]:
        return 2, (self.height + 3) // 4, (self.width + 3) // 4

    def _array(self, index: int, name: str) -> np.ndarray:
        record = self._records[index][name]
        try:
            return np.frombuffer(zlib.decompress(self._record(record)), record[2])
        except (zlib.error, ValueError) as error:
            raise CorruptStream(f"{self.path}: {name} of picture {index}: {error}") from error

    def _record(self, record: Sequence[Any]) -> bytes:
        offset, length = self._begin + record[0], record[1]
        return self._map[offset : offset + length]
