"""A synthetic action set: figures and objects drawn over pictures, seen by a moving camera.

Ten classes, two for each of five actions. Only motion distinguishes the two classes of an action; a
single picture distinguishes the actions:

| classes                       | one picture tells  | motion tells                       |
|-------------------------------|--------------------|------------------------------------|
| open door, close door         | a door             | its leaves go apart or together    |
| walk left, walk right         | a figure, profile  | sign of its flow; it faces either  |
|                               |                    | way, and may walk backwards        |
| crouch, stand up              | a figure, profile  | sign of its flow: down or up       |
| wave slowly, wave quickly     | a raised arm       | how fast the arm goes              |
| drive forward, drive backward | a vehicle, and     | sign of its flow: left or right;   |
|                               | where its front is | the class is front times direction |

The last pair needs both: front and direction are each as frequent in one class as in the other. All
flow adds to that of the camera (pan, tilt, zoom, roll, shake) and, in some clips, of a ball and a second
walker, which do not depend on the class.

Why one picture is not enough: clip k of one class and clip k of the other show the same world (seed,
background, camera, subject, distractors, light, noise); only the subject's clock differs. In the second
class it runs backwards or, for a wave, at another rate from the same random phase. So a picture taken
from an unknown place in the clip has the same distribution in both. Order does give the class away: in
the first picture of a crouch the figure stands. That is temporal context, not appearance, so do not give
a model of single pictures only the first ones. The worlds of different actions, and of train, val and
test, share no random stream.

Needs NumPy, OpenCV and PyAV. Start reading at `dataset.py`.
"""

__all__ = ["VERSION"]

# Incremented when the same seed gives other pictures; clips of another version are never kept.
VERSION = 1
