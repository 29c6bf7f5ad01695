"""Which pictures of one stream can be scored now, and with which key pictures: eq. (7).

Belongs to the thread that runs the networks.
"""

from collections import deque
from typing import Deque, List, NamedTuple, Optional, Tuple

from edge_attp.engine import Run
from edge_attp.pipeline.networks import Networks, record_run
from edge_attp.pipeline.reader import ReadPicture
from edge_attp.pipeline.views import View
from edge_attp.recognition import GopState
from edge_attp.timing import Clock

__all__ = ["Scorer"]

# Pictures of the first GOP that wait for the second key picture, about 1 MB each. A longer first GOP
# is scored as if it were the only one.
MAX_WAITING = 300
# How many pictures early the network of a key picture begins to run, beside those of earlier pictures.
LOOK_AHEAD = 4


class _Arrived(NamedTuple):
    """A picture, and the run of each view's appearance, None for views that have none."""

    picture: ReadPicture
    runs: Tuple[Optional[Run], ...]


class Scorer:
    """Takes pictures in decoding order and gives them back in the same order, ready for motion.onnx."""

    def __init__(self, networks: Networks, clock: Clock) -> None:
        self._networks = networks
        self._clock = clock
        self._newest: Optional[GopState] = None
        self._arrived: Deque[_Arrived] = deque()
        self._waiting: List[ReadPicture] = []
        self._ready: Deque[ReadPicture] = deque()
        self._is_at_end = False
        self._moving = 0  # P and B pictures

    @property
    def has_room(self) -> bool:
        return len(self._arrived) < LOOK_AHEAD

    def add_picture(self, picture: ReadPicture) -> None:
        """Takes the next picture in decoding order. Its appearance starts to run."""
        self._moving += picture.facts.kind != "I"
        runs = tuple(
            None if view.appearance is None else self._networks.start_appearance(view.appearance)
            for view in picture.views
        )
        self._arrived.append(_Arrived(picture, runs))

    def end_pictures(self) -> None:
        """No picture will come any more, so none waits for one."""
        self._is_at_end = True

    def next_ready(self) -> Optional[ReadPicture]:
        """The next picture; None if there is none yet. Before the next call, fuse_appearance() must be called for
        each of its views that is to be scored."""
        while not self._ready:
            if self._arrived:
                self._process(self._arrived.popleft())
            elif self._is_at_end and self._waiting:
                self._stop_waiting()
                self._release_waiting()
            else:
                return None
        return self._ready.popleft()

    def fuse_appearance(self, view: View) -> None:
        """Fills the appearance input, if there is one, of a view of the picture that next_ready() gave."""
        assert view.motion is not None
        if "appearance" in view.motion.inputs:
            view.state.fuse_features(view.motion.inputs["appearance"][0])

    def explain_nothing_scored(self) -> str:
        """Why no picture was scored, for people."""
        if not self._moving:
            return "no P or B picture was read, and intra pictures hold no motion"
        if not self._networks.pack.has_appearance:
            return "every P and B picture is damaged"
        if self._newest is None:
            return "no key picture could be decoded; --anchor N decodes others in its place"
        return "every P and B picture after a key picture is damaged"

    def _process(self, arrived: _Arrived) -> None:
        picture, runs = arrived
        for view, run in zip(picture.views, runs):
            if view.appearance is not None and run is not None:
                record_run(self._clock, "appearance", run.wait())
                features = view.appearance.outputs["appearance"][0]
                view.state.take_features(picture.facts.gop, features)
                self._networks.pools["appearance"].return_buffers(view.appearance)
                self._newest = view.state
        self._waiting.append(picture)
        if len(self._waiting) > MAX_WAITING:
            self._stop_waiting()
        if self._newest is None or self._newest.is_ready:
            self._release_waiting()

    def _stop_waiting(self) -> None:
        if self._newest is not None:
            self._newest.stop_waiting()

    def _release_waiting(self) -> None:
        self._ready.extend(self._waiting)
        self._waiting = []
