"""A synthetic action set: figures and objects drawn over pictures, seen by a moving camera.

Ten classes, two for each of five actions. What tells the two classes of an action apart is motion
alone; what tells the actions apart can be seen in one picture:

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
flow is on top of the camera's (pan, tilt, zoom, roll, shake) and of a ball and a second walker in some
clips, which the class does not touch.

Why one picture cannot tell: clip k of one class and clip k of the other show the same world (seed,
background, camera, subject, distractors, light, noise); only the subject's clock differs. It runs
backwards in the second class, or, of a wave, at another rate from the same random phase. So pictures
whose place in the clip is unknown are distributed alike in both. Their order does tell: the first
picture of a crouch stands. That is temporal context, not appearance: do not give a model of single
pictures the first ones only. The worlds of different actions, and of train, val and test, share no
random stream.

It needs NumPy, OpenCV and PyAV. Start reading at `dataset.py`.
"""

__all__ = ["VERSION"]

# Goes up when the same seed gives other pictures; clips of another version are never kept.
VERSION = 1
