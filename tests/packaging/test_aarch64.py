"""On aarch64, under QEMU, the core computes what it computes here, where the truth test proves it: bit for bit."""

import itertools
import subprocess

import numpy as np
import pytest

from edge_attp.bitstream import CompressedVideo
from edge_attp.tensors import fill_energy, fill_flow, fill_residual
from rigs import emulator
from rigs.media import Clip, HevcClip, x264, x265
from streamwriter.h264.random_stream import RandomStream
from streamwriter.hevc.everything import everything
from streamwriter.hevc.random_stream import RandomStream as HevcStream

pytestmark = [pytest.mark.slow, pytest.mark.needs_emulator]

CLIPS = {
    "H.264, CABAC, B pyramid, weights": Clip(
        "fade", 176, 144, 10, options=x264(bframes=3, b_adapt=0, ref=4, direct="temporal")
    ),
    "H.264, CAVLC, slices": Clip(options=x264(bframes=2, cabac=0, slices=4, weightp=2)),
    "H.264, noise": Clip("noise", options=x264(bframes=1, qp=1, no_8x8dct=1)),
    "HEVC, B pyramid, weights": HevcClip(
        "fade", 176, 144, 10, options=x265(bframes=4, b_adapt=0, ref=4, weightb=1)
    ),
    "HEVC, 10 bits": HevcClip(pix_fmt="yuv420p10le", options=x265(open_gop=1, keyint=7)),
    "HEVC, scaling lists, noise": HevcClip("noise", options=x265(qp=4, scaling_list="default")),
}
WRITTEN = {
    "written.264": lambda: RandomStream(3, cabac=True, weighting=((1, 1),)).write(12),
    "written-cavlc.264": lambda: RandomStream(4, gaps=True, b_slices=False).write(12),
    "written.265": lambda: HevcStream(1, **everything(np.random.RandomState(1))).write(8),
}


@pytest.fixture(scope="module")
def build():
    return emulator.build()


@pytest.fixture
def path(request, clips, tmp_path):
    if request.param in CLIPS:
        return clips.path(CLIPS[request.param])
    path = tmp_path / request.param
    path.write_bytes(WRITTEN[request.param]())
    return path


def arrays_of(picture):
    """The arrays of a picture under the names of emulator.read_dump()."""
    motion, residual = picture.motion, picture.residual
    arrays = {name: getattr(motion, name) for name in ("mv", "reference", "mode")}
    arrays.update({name: getattr(residual, name) for name in "yuv"})
    arrays["flow"] = motion.flow()
    arrays["flow tensor"] = np.empty((2, emulator.CROP, emulator.CROP), np.float32)
    arrays["residual tensor"] = np.empty((3, emulator.CROP, emulator.CROP), np.float32)
    arrays["energy tensor"] = np.empty((1, emulator.CROP, emulator.CROP), np.float32)
    size = residual.y.shape[::-1]
    fill_flow(arrays["flow"], size, arrays["flow tensor"], emulator.GRID, 0.05)
    fill_residual(residual, arrays["residual tensor"], emulator.GRID, (-0.5,) * 3, (1,) * 3)
    fill_energy(residual.y, arrays["energy tensor"], emulator.GRID, 0.0, 8.0)
    if motion.weights is not None:
        names = ("weight", "offset", "cb_weight", "cb_offset", "cr_weight", "cr_offset")
        arrays["weights"] = np.stack([getattr(motion.weights, name) for name in names])
    return arrays


def assert_same(path, pictures):
    """Every array of these pictures, which aarch64 gave, is that of this machine's core."""
    with CompressedVideo(str(path)) as video:
        for picture, other in itertools.zip_longest(video, pictures):
            assert picture is not None and other is not None, "one has more pictures"
            is_damaged = picture.integrity == "damaged"
            assert (picture.kind, picture.decode_index, picture.poc, is_damaged) == other.header
            ours = arrays_of(picture)
            assert sorted(ours) == sorted(other.arrays)
            different = [n for n in ours if ours[n].tobytes() != other.arrays[n].tobytes()]
            assert not different, f"picture {picture.decode_index}: {different}"


@pytest.mark.needs_av
@pytest.mark.parametrize("kernels", ["scalar", "neon"])
@pytest.mark.parametrize("path", sorted(CLIPS) + sorted(WRITTEN), indirect=True)
def test_pictures_are_those_of_this_machine(build, path, kernels):
    codec = "hevc" if path.suffix == ".265" else "h264"
    out, log = emulator.run([build / "stream_reader", "dump", codec, path], kernels)
    assert log.split()[0] == kernels
    assert_same(path, emulator.read_dump(out))


@pytest.mark.needs_av
def test_a_wrong_bit_is_found(build, clips):
    """The comparison can fail: one sample of one residual, changed."""
    path = clips.path(CLIPS["H.264, CAVLC, slices"])
    out, _ = emulator.run([build / "stream_reader", "dump", "h264", path], "neon")
    pictures = emulator.read_dump(out)
    wrong = pictures[3].arrays["u"].copy()
    wrong[-1, -1] ^= 1
    pictures[3].arrays["u"] = wrong
    with pytest.raises(AssertionError, match="picture 3: \\['u'\\]"):
        assert_same(path, pictures)


def test_native_checks_pass(build):
    """Those of tests/native: kernels against the scalar ones, CABAC, network inputs, memory that runs out, the
    fuzzers' corpus."""
    done = subprocess.run(
        ["ctest", "--output-on-failure"],
        cwd=str(build),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    text = done.stdout.decode()
    assert done.returncode == 0 and "100% tests passed, 0 tests failed out of 6" in text, text
