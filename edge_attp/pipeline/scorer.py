"""Which pictures of one stream can be scored now, and with which key pictures: eq. (7).

Belongs to the thread that runs the networks.
"""

from collections import deque
from typing import Deque, List, Optional, Tuple

from edge_attp.engine import Buffers, Run
from edge_attp.pipeline.networks import Networks, record_run
from edge_attp.pipeline.reader import Item
from edge_attp.recognition import GopState
from edge_attp.timing import Clock

__all__ = ["Scorer"]

# Pictures of the first GOP that wait for the second key picture, about 1 MB each. A longer first GOP
# is scored as if it were the only one.
MAX_WAITING = 300
# So many pictures early, the network of a key picture begins to run beside those of earlier pictures.
LOOK_AHEAD = 4


class Scorer:
    """Takes items in decoding order and gives them out again, ready for motion.onnx."""

    def __init__(self, networks: Networks, clock: Clock, wait: bool) -> None:
        self._networks = networks
        self._clock = clock
        self._gop = GopState(wait)
        self._arrived: Deque[Tuple[Item, Optional[Run]]] = deque()
        self._waiting: List[Item] = []
        self._ready: Deque[Item] = deque()
        self._is_at_end = False
        self._moving = 0

    @property
    def has_room(self) -> bool:
        return len(self._arrived) < LOOK_AHEAD

    def add(self, item: Item) -> None:
        """The next picture in decoding order. Its appearance starts to run."""
        self._moving += item.result.kind != "I"
        run = None if item.key is None else self._networks.start_appearance(item.key)
        self._arrived.append((item, run))

    def end(self) -> None:
        """No picture will come any more, so none waits for one."""
        self._is_at_end = True

    def next(self) -> Optional[Item]:
        """The next item; None if there is none yet. If it is to be scored, fuse() must be called before
        next() is called again."""
        while not self._ready:
            if self._arrived:
                self._arrive(*self._arrived.popleft())
            elif self._is_at_end and self._waiting:
                self._gop.settle()
                self._release()
            else:
                return None
        return self._ready.popleft()

    def fuse(self, motion: Buffers) -> None:
        """Completes the motion buffers of the item that next() gave."""
        self._gop.fuse(motion.inputs["appearance"][0])

    def why_nothing(self) -> str:
        """Why no picture was scored, for people."""
        if not self._moving:
            return "no P or B picture was read, and intra pictures hold no motion"
        if not self._gop.has_key:
            return "no key picture could be decoded; --anchor N decodes others in its place"
        return "every P and B picture after a key picture is damaged"

    def _arrive(self, item: Item, run: Optional[Run]) -> None:
        if item.key is not None and run is not None:
            record_run(self._clock, "appearance", run.wait())
            self._gop.key(item.key.outputs["appearance"][0])
            self._networks.appearance.give(item.key)
        self._waiting.append(item)
        if len(self._waiting) > MAX_WAITING:
            self._gop.settle()
        if self._gop.is_ready or not self._gop.has_key:
            self._release()

    def _release(self) -> None:
        self._ready.extend(self._waiting)
        self._waiting = []
