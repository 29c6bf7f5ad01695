"""How close the flow of both codecs is to dense optical flow: python tests/check_flow.py CLIP [--pictures N]

Encodes the clip with x264 and x265, B pictures and all, reads the flow of every P and B picture, and compares it with
OpenCV's DIS flow between the pictures of the clip itself: the mean end-point difference in pixels per picture over all
4x4 blocks. "no motion" is the difference of a flow that is zero everywhere: what there was to find.
"""

import argparse
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from rigs import media  # noqa: E402

ENCODERS = {
    "h264": ("libx264", "mp4", media.x264(preset="medium", crf=23, bframes=3)),
    "hevc": ("libx265", "mp4", media.x265(preset="medium", crf=28, bframes=3)),
}


class Figures(NamedTuple):
    """Mean end-point differences in pixels per picture, and how many pictures they are a mean of."""

    pictures: int
    h264: float
    hevc: float
    between: float  # of the two codecs' flows
    no_motion: float


def coded_flow(frames, codec, folder):
    """flow() of each picture by its place in display order; None where no block is predicted."""
    from edge_attp.bitstream import CompressedVideo

    encoder, container, options = ENCODERS[codec]
    path = folder / f"{codec}.{container}"
    media.encode(frames, path, encoder, options, container)
    flows = {}
    with CompressedVideo(str(path), residual=False) as video:
        for picture in video:
            used = (picture.motion.reference >= 0).any()
            flows[picture.time_s] = picture.motion.flow() if used else None
    return [flow for _, flow in sorted(flows.items())]


def dense_flow(frames):
    """DIS flow into each picture from the one before, mean over 4x4 blocks: float (2, H/4, W/4); None for the first."""
    import cv2

    search = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    flows = [None]
    for (before, _, _), (now, _, _) in zip(frames, frames[1:]):
        flow = -search.calc(now, before, None)  # where each sample of this picture came from
        height, width = (extent // 4 * 4 for extent in now.shape)
        blocks = flow[:height, :width].reshape(height // 4, 4, width // 4, 4, 2).mean((1, 3))
        flows.append(blocks.transpose(2, 0, 1))
    return flows


def compare(path, pictures, width=None, height=None):
    """The Figures of a clip."""
    frames = media.frames_of(path, pictures, width, height)
    with tempfile.TemporaryDirectory() as folder:
        h264, hevc = (coded_flow(frames, codec, Path(folder)) for codec in ("h264", "hevc"))
    differences = []
    for one, other, dense in zip(h264, hevc, dense_flow(frames)):
        if one is None or other is None or dense is None:
            continue
        shape = np.s_[:, : dense.shape[1], : dense.shape[2]]
        pairs = (one[shape], dense), (other[shape], dense), (one, other), (0 * dense, dense)
        differences.append([float(np.hypot(*(a - b)).mean()) for a, b in pairs])
    return Figures(len(differences), *np.mean(differences, axis=0).tolist())


def main(arguments=None):
    """Prints the figures. Returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clip", type=Path)
    parser.add_argument("--pictures", type=int, default=120, help="at most")
    parser.add_argument("--size", help="WxH to scale to")
    options = parser.parse_args(arguments)
    size = [int(extent) for extent in options.size.split("x")] if options.size else []
    figures = compare(options.clip, options.pictures, *size)
    print(
        f"{options.clip.name}: {figures.pictures} pictures, mean end-point difference in pixels per picture"
    )
    for name in ("h264", "hevc", "no_motion"):
        print("{:<24}{:.3f}".format(name + " to dense flow", getattr(figures, name)))
    print("{:<24}{:.3f}".format("h264 to hevc", figures.between))
    return 0


if __name__ == "__main__":
    sys.exit(main())
