"""Flow of a scene that is coded turned is that of the same scene coded upright, in P and B, in both codecs."""

import numpy as np
import pytest
from test_pan_flow import displacement, pan, visible

from edge_attp.bitstream import CompressedVideo
from rigs import media, turned

pytestmark = pytest.mark.needs_av

VELOCITY = (3, -1)
GROUPS = ["B 3 pyramid", "HEVC B 3"]


def upright(group):
    """The scene, and how it is coded."""
    clip = pan(VELOCITY, group, container="mp4")
    return clip._replace(width=112, height=80, pictures=9)


@pytest.mark.parametrize("orientation", turned.ALL, ids=str)
@pytest.mark.parametrize("group", GROUPS)
def test_flow_of_a_turned_clip_is_the_velocity_that_is_seen(tmp_path, group, orientation):
    clip = upright(group)
    scene = [[turned.coded(orientation, plane) for plane in planes] for planes in clip.draw()]
    drawn = tmp_path / "drawn.mp4"
    media.encode(scene, drawn, clip.codec, clip.options, clip.container)
    nine = turned.matrix(turned.TERMS[orientation])
    path = turned.with_matrix(drawn, tmp_path / "turned.mp4", nine)
    with CompressedVideo(path, residual=False, oriented=True) as video:
        assert (video.width, video.height) == (112, 80)
        pictures = list(video)
    assert {picture.kind for picture in pictures} == {"I", "P", "B"}
    for picture in pictures:
        if picture.kind == "I":
            continue
        distances = [displacement(pictures, picture, i) for i in range(2)]
        counted = visible(picture, VELOCITY, distances) & (distances[0][1] | distances[1][1])
        assert counted.mean() > 0.4, picture
        error = np.abs(picture.motion.flow() - np.reshape(VELOCITY, (2, 1, 1))).max(0)[counted]
        assert (error < 1e-5).mean() > 0.9 and (error < 0.3).all(), picture
