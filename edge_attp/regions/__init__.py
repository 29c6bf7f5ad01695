"""Where something moves in a video: square windows that are worth looking at, from the bitstream alone.

    with CompressedVideo("camera.mp4", oriented=True) as video:
        finder = RegionFinder(video.width, video.height, video.bit_depth, video.frame_rate)
        for picture in video:
            print(picture.decode_index, finder.add_picture(picture).regions)

The motion of the camera is estimated and taken out first. It may import bitstream, types, errors and log.
"""

from edge_attp.regions.finder import GRID_PX, LEAST_PX, CameraMotion, Found, RegionFinder
from edge_attp.regions.window import enlarged_square, widened
from edge_attp.types import Region

__all__ = [
    "GRID_PX",
    "LEAST_PX",
    "CameraMotion",
    "Found",
    "Region",
    "RegionFinder",
    "enlarged_square",
    "widened",
]
