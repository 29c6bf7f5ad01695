"""Quiet surveillance: long videos in which nothing happens that deserves an alarm, to count false alarms on.

Two kinds of files, both H.264, 340x256 at 25 pictures a second:

- drawn: a camera on a mast sees people who walk by, meet and wait, cars, trees in the wind, rain, changing light, and
  noise at night. No second of it repeats.
- loops: clips of the user's, each repeated in a file of its own. Every repetition begins with a key picture that
  nothing refers across, so that no vector and no residual comes from the cut, and has light, noise and crop of its
  own. That is new to a network, but not as another scene is, so a file says how many of its seconds are distinct.

`quiet.json` lists the files, their seconds and all random choices. Start reading at `plan.py`.
"""

__all__ = ["VERSION"]

# Incremented when the same seed gives other pictures; files of another version are never kept.
VERSION = 1
