"""The native core: whether it loads, and whether each set of its kernels passes the self-test.

The self-test parses two small streams that come with the package. `streams/expected.json` holds a digest of
motion and residual for every picture; tests/doctor proves these pictures true, and can write streams and
digests again.
"""

import hashlib
import json
import os
from typing import Dict, List, Optional

import numpy as np

from edge_attp.bitstream import CompressedVideo, Picture, binding
from edge_attp.doctor.findings import Finding, Patient, failed, passed, skipped, warned
from edge_attp.errors import EdgeAttpError, UsageError

__all__ = ["STREAMS", "core", "digests", "first_difference", "kernels", "stream_path"]

BUILD_AGAIN = "build it again on this machine: `pip install -e .` in the repository"
STREAMS = {"h264": "scene.264", "hevc": "scene.265"}
_FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "streams")


def core(patient: Patient) -> List[Finding]:
    """Whether the core loads, and which kernels it uses."""
    try:
        in_use = binding.cpu()
    except UsageError as error:
        return [failed("core", str(error), "unset EDGE_ATTP_CPU")]
    except EdgeAttpError as error:
        return [failed("core", str(error), BUILD_AGAIN)]
    path = binding.library_path()
    value = f"{in_use} kernels, interface {binding.ABI_VERSION}, {path}"
    if os.environ.get("EDGE_ATTP_CPU"):
        return [warned("core", value + ", forced by EDGE_ATTP_CPU", "unset EDGE_ATTP_CPU")]
    return [passed("core", value)]


def kernels(patient: Patient, name: str) -> List[Finding]:
    """The self-test with one set of kernels. It sets EDGE_ATTP_CPU, so it needs a process of its own."""
    os.environ["EDGE_ATTP_CPU"] = name
    subject = "core." + name
    try:
        binding.native_core()
    except UsageError:
        return [skipped(subject, "this processor has no such kernels")]
    except EdgeAttpError:
        return [skipped(subject, "the core does not load")]
    return [_self_test(subject)]


def _self_test(subject: str) -> Finding:
    for codec in STREAMS:
        wrong = first_difference(codec)
        if wrong:
            value = f"the {codec} self-test yields wrong motion or residual: {wrong}"
            return failed(subject, value, BUILD_AGAIN + "; if that does not help, report it")
    codecs = ", ".join(STREAMS)
    return passed(subject, f"motion and residual of the self-test are correct ({codecs})")


def stream_path(codec: str) -> str:
    """The file of one codec's stream."""
    return os.path.join(_FOLDER, STREAMS[codec])


def digests(path: str) -> List[str]:
    """Kind and digest of each picture of a stream, as this machine parses it: "P 0123456789abcdef"."""
    with CompressedVideo(path) as video:
        return [f"{picture.kind} {_digest(picture)}" for picture in video]


def _digest(picture: Picture) -> str:
    """16 hexadecimal digits for vectors, references, modes, flow and residual."""
    motion, residual = picture.motion, picture.residual
    assert residual is not None
    value = hashlib.sha256()
    for array in (motion.mv, residual.y, residual.u, residual.v):
        value.update(array.astype("<i2").tobytes())
    value.update(motion.reference.astype("<i4").tobytes())
    value.update(motion.mode.tobytes())
    value.update((motion.flow() + np.float32(0)).astype("<f4").tobytes())  # -0 becomes 0
    return value.hexdigest()[:16]


def first_difference(codec: str) -> Optional[str]:
    """The first picture that differs from the expected one, None if there is none."""
    with open(os.path.join(_FOLDER, "expected.json"), encoding="utf-8") as file:
        expected: Dict[str, List[str]] = json.load(file)
    found, wanted = digests(stream_path(codec)), expected[codec]
    for number, (one, other) in enumerate(zip(found, wanted)):
        if one != other:
            return f"picture {number} is {one}, expected {other}"
    if len(found) != len(wanted):
        return f"{len(found)} pictures, expected {len(wanted)}"
    return None
