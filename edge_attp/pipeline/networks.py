"""Both graphs of a model pack on one engine, and the buffers that travel to them.

The one place that starts runs: appearance.onnx for a key picture, motion.onnx for a batch of pictures of
any streams.
"""

from collections import deque
from typing import Deque, Sequence

from edge_attp.engine import Backend, Buffers, Graph, Pack, Run, RunTimes
from edge_attp.timing import Clock

__all__ = ["QUEUED_PICTURES", "Networks", "Pool", "record_run"]

# A stage may be so many pictures of a stream ahead of the next one.
QUEUED_PICTURES = 8


class Pool:
    """Buffers of one graph, handed round between the threads."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.keeps = QUEUED_PICTURES
        self._free: Deque[Buffers] = deque()

    def take(self) -> Buffers:
        try:
            return self._free.pop()
        except IndexError:
            return self.graph.allocate()

    def give(self, buffers: Buffers) -> None:
        if len(self._free) < self.keeps:  # what the first GOP needed more goes back
            self._free.append(buffers)


class Networks:
    """Loads both graphs and runs each once, as the first run allocates and is slow."""

    def __init__(self, backend: Backend, pack: Pack, batch: int = 1) -> None:
        self.pack = pack
        self.describe = backend.describe
        self.appearance = _load(backend, pack, "appearance", 1)
        self.motion = _load(backend, pack, "motion", batch)
        self.batch = min(batch, self.motion.graph.max_batch)

    def start_appearance(self, key: Buffers) -> Run:
        return self.appearance.graph.start([key])

    def start_motion(self, pictures: Sequence[Buffers]) -> Run:
        return self.motion.graph.start(pictures)

    def serve(self, streams: int) -> None:
        """Keeps buffers for so many streams at once."""
        for pool in (self.appearance, self.motion):
            pool.keeps = QUEUED_PICTURES * max(streams, 1)


def record_run(clock: Clock, stage: str, times: RunTimes, more_s: float = 0.0) -> None:
    """Notes a run as `stage`, with more_s of work that belongs to it, and its upload if there was one."""
    clock.record(stage, more_s + times.compute_s)
    if times.upload_s:
        clock.record("upload", times.upload_s)


def _load(backend: Backend, pack: Pack, name: str, batch: int) -> Pool:
    graph = backend.load(pack.graphs[name])
    graph.expect(pack.inputs(name), pack.outputs(name))
    pool = Pool(graph)
    warm_up = [pool.take() for _ in range(min(batch, graph.max_batch))]
    graph.run(warm_up)
    for buffers in warm_up:
        pool.give(buffers)
    return pool
