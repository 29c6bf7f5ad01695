"""Damages streams reproducibly, and reads files in a separate process with limits on time and memory."""

import json
import os
import resource
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple, Tuple

import numpy as np

from rigs.media import Clip, HevcClip, x264, x265
from streamwriter.bits import annex_b
from truth import digest, headers_hevc, nal

# Of address space; FFmpeg and NumPy take a good part of it before anything is read.
MEMORY_BYTES = 3 << 30
# Four GOPs of six pictures each, in which every kind of slice occurs.
COMMON = {"keyint": 6, "min_keyint": 6, "scenecut": 0, "bframes": 2, "b_adapt": 0}
CLOSED = dict(COMMON, open_gop=0)
CLIPS = {
    "CABAC": Clip(pictures=24, width=64, height=48, options=x264(ref=3, **COMMON)),
    "CAVLC": Clip(pictures=24, width=64, height=48, options=x264(cabac=0, ref=3, **COMMON)),
    "CABAC slices": Clip(
        "cuts", 64, 64, 24, options=x264(slices=3, direct="temporal", ref=4, **COMMON)
    ),
    "CAVLC weights": Clip(
        "fade", 64, 64, 24, options=x264(cabac=0, weightp=2, slices=2, ref=4, **COMMON)
    ),
    "HEVC": HevcClip(pictures=24, width=72, height=48, options=x265(ref=3, **CLOSED)),
    "HEVC slices": HevcClip(
        "cuts", 64, 64, 24, options=x265(ctu=16, slices=3, wpp=1, amp=1, rect=1, rd=4, **CLOSED)
    ),
    "HEVC weights": HevcClip(
        *("fade", 64, 64, 24),
        pix_fmt="yuv420p10le",
        options=x265(weightp=1, weightb=1, ctu=32, scaling_list="custom", tskip=1, rd=4, **CLOSED),
    ),
}


class Syntax(NamedTuple):
    """What tests must know to damage a stream. first_set: type of the NAL unit that begins a GOP of these clips."""

    suffix: str
    header_bytes: int
    first_set: int
    idr: Tuple[int, ...]

    def kind(self, unit):
        """nal_unit_type."""
        return headers_hevc.nal_unit_type(unit) if self.header_bytes == 2 else unit[0] & 31

    def is_slice(self, unit):
        """A coded slice, of an IDR picture or of another."""
        return self.kind(unit) < 32 if self.header_bytes == 2 else self.kind(unit) in (1, 5)

    def slices(self, units):
        """The places of coded slices."""
        return [k for k, unit in enumerate(units) if self.is_slice(unit)]

    def groups(self, units):
        """NAL units cut before each random-access picture's parameter sets: the first group is the first GOP."""
        starts = [k for k, unit in enumerate(units) if self.kind(unit) == self.first_set]
        return [units[start:end] for start, end in zip(starts, starts[1:] + [len(units)])]


H264 = Syntax(".264", 1, 7, (5,))
HEVC = Syntax(".265", 2, 32, (19, 20))


class Stream:
    """A raw stream to be damaged. units: its NAL units; slices: the places of coded slices among them."""

    _read = {}  # digests by stream: most tests damage the same few, and each reading takes a process

    def __init__(self, data, syntax, folder):
        self.data, self.syntax = data, syntax
        self.units = nal.annex_b_nal_units(data)
        self.slices = syntax.slices(self.units)
        self._folder = folder

    def read(self, streams):
        """Summaries of these streams, each given as bytes or as NAL units."""
        data = [part if isinstance(part, bytes) else annex_b(part) for part in streams]
        return read_streams(self._folder, data, self.syntax)

    def good(self):
        """Digests of its pictures, as they are without damage."""
        if self.data not in self._read:
            self._read[self.data] = good(self.read([self.units])[0])
        return self._read[self.data]

    def without(self, places):
        """Its NAL units but for those at these places."""
        return [unit for k, unit in enumerate(self.units) if k not in places]


def stream(clips, clip, folder):
    """The Stream of a clip."""
    syntax = HEVC if clip.codec == "libx265" else H264
    return Stream(clips.path(clip).read_bytes(), syntax, folder)


SCRIPT = Path(digest.__file__)


def _limit_memory():
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def read_all(paths, timeout_s=120):
    """Reads files one after the other. Returns their summaries (see digest.summary).

    A crash, a Python traceback or a timeout is an AssertionError that names the file.
    """
    environment = dict(
        os.environ,
        OPENBLAS_NUM_THREADS="1",
        PYTHONPATH=os.pathsep.join([str(SCRIPT.parent.parent.parent)] + sys.path),
    )
    process = subprocess.Popen(
        [sys.executable, str(SCRIPT)] + [str(path) for path in paths],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
        preexec_fn=_limit_memory,
    )
    try:
        out, err = process.communicate(timeout=timeout_s)
    except subprocess.TimeoutExpired:
        process.kill()
        out, err = process.communicate()
        raise AssertionError(f"no end within {timeout_s} s: {_last_file(out)}") from None
    assert process.returncode == 0, "exit status {} at {}: {}".format(
        process.returncode, _last_file(out), err.decode(errors="replace")[-2000:]
    )
    summaries = [json.loads(line) for line in out.decode().splitlines()[1::2]]
    assert len(summaries) == len(paths)
    for path, summary in zip(paths, summaries):
        _assert_decent(path, summary)
    return summaries


def _last_file(out):
    lines = [
        line for line in out.decode(errors="replace").splitlines() if line.startswith('{"file"')
    ]
    return lines[-1] if lines else "the start"


def _assert_decent(path, summary):
    """Damage says what it is, an error is one line for people, and threads change nothing."""
    assert summary.pop("same_with_threads"), f"{path}: other results with other threads"
    for _, integrity, damage, _ in summary["pictures"]:
        assert integrity in ("ok", "damaged"), path
        assert (integrity == "damaged") == bool(damage), (path, integrity, damage)
    if summary["error"]:
        name, message = summary["error"]
        assert name in ("SourceError", "UnsupportedStream", "CorruptStream"), (path, name, message)
        assert message and "\n" not in message, (path, message)


def flip_bits(data, count, random, first=0):
    """Flips `count` bits at random places from byte `first` on."""
    damaged = np.frombuffer(data, np.uint8).copy()
    for place in random.randint(8 * first, 8 * len(data), count):
        damaged[place // 8] ^= 128 >> (place % 8)
    return damaged.tobytes()


def write(folder, name, data):
    """A file with these bytes."""
    path = folder / name
    path.write_bytes(data)
    return path


def read_streams(folder, streams, syntax=H264):
    """Summaries of these byte strings."""
    paths = [write(folder, f"{n:04d}{syntax.suffix}", data) for n, data in enumerate(streams)]
    return read_all(paths, timeout_s=300)


def good(summary):
    """Digests of the pictures that claim to be ok."""
    return [picture[0] for picture in summary["pictures"] if picture[1] == "ok"]


def wrong(summary, expected):
    """Numbers of the pictures that claim to be ok and are not what they were in the undamaged stream."""
    pictures = summary["pictures"]
    return [
        n
        for n, (value, integrity, _, _) in enumerate(pictures)
        if integrity == "ok" and value not in expected
    ]
