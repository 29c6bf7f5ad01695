"""Makes the streams and digests of the doctor's self-test: `python tests/doctor/make_streams.py [FOLDER]`.

Without a folder, those of the package are written over. Other versions of x264 and x265 write other
bytes, so test_doctor_self_test.py checks what is there, and not that it can be made again byte for byte.
"""

import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from edge_attp.doctor import core  # noqa: E402
from rigs import media  # noqa: E402
from rigs.media import x264, x265  # noqa: E402

SCENE = dict(scene="moving", width=96, height=80, pictures=8, seed=3)
# I, P and B pictures, some of them references of others, and a second random-access picture.
CLIPS = {
    "h264": media.Clip(
        options=x264(preset="medium", crf=28, bframes=2, b_adapt=0, keyint=6, ref=2), **SCENE
    ),
    "hevc": media.HevcClip(
        options=x265(preset="medium", crf=32, bframes=2, b_adapt=0, keyint=6, info=0), **SCENE
    ),
}


def main(folder=None):
    """Writes into `folder`, or into the package."""
    expected = {}
    for codec, clip in CLIPS.items():
        path = core.stream_path(codec)
        if folder is not None:
            path = os.path.join(folder, os.path.basename(path))
        media.encode(clip.draw(), path, clip.codec, clip.options, clip.container, clip.pix_fmt)
        expected[codec] = core.digests(path)
    path = os.path.join(folder or os.path.dirname(core.stream_path("h264")), "expected.json")
    with open(path, "w", encoding="utf-8") as file:
        json.dump(expected, file, indent=1)
        file.write("\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
