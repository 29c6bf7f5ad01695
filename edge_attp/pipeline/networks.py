"""The graphs of a model pack on one engine, and the buffers that travel to them.

The one place that starts runs: of appearance.onnx, if the pack has it, for a key picture, of motion.onnx for a
batch of pictures from any streams.
"""

from collections import deque
from typing import Deque, Sequence

from edge_attp.engine import Backend, Buffers, Graph, Pack, Run, RunTimes
from edge_attp.engine.pack import REGION, InputSpec, Normalisation
from edge_attp.recognition import Activation, sigmoid, softmax
from edge_attp.timing import Clock

__all__ = ["QUEUED_PICTURES", "Networks", "NoNetworks", "Pool", "record_run"]

_NO_NORMALISATION = Normalisation((0.0, 0.0, 0.0), (1.0, 1.0, 1.0))
MOTION = Pack(
    folder="",
    name="none",
    trained=True,
    backbone="none",
    precision="none",
    labels=("motion",),
    input=InputSpec((1, 1), (1, 1), _NO_NORMALISATION, 1.0, _NO_NORMALISATION),
    trilinear=None,
    graphs={},
    training=None,
    accuracy=None,
    view=REGION,
)

# How many pictures of a stream one stage may be ahead of the next.
QUEUED_PICTURES = 8


class Pool:
    """Buffers of one graph, shared by the threads. capacity: how many unused ones are kept."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.capacity = QUEUED_PICTURES
        self._unused: Deque[Buffers] = deque()

    def take_buffers(self) -> Buffers:
        """Unused buffers, new ones if there are none."""
        try:
            return self._unused.pop()
        except IndexError:
            return self.graph.allocate_buffers()

    def return_buffers(self, buffers: Buffers) -> None:
        """Takes back buffers; beyond the capacity, which a long first GOP exceeds, frees them."""
        if len(self._unused) < self.capacity:
            self._unused.append(buffers)


class Networks:
    """Loads the graphs and runs each once, because the first run allocates and is slow.

    batch: how many pictures a run of the motion network takes at most: as many as asked for, or as the engine
    allows. pools: of the graphs, by name. activation: turns logits into probabilities.
    """

    activation: Activation = staticmethod(softmax)

    def __init__(self, backend: Backend, pack: Pack, batch: int = 1) -> None:
        self.pack = pack
        self.describe = backend.describe
        sizes = {"appearance": 1, "motion": batch}
        self.pools = {name: _load(backend, pack, name, sizes[name]) for name in pack.graphs}
        self.batch = min(batch, self.pools["motion"].graph.max_batch)

    def start_appearance(self, key: Buffers) -> Run:
        """Starts the network of a key picture."""
        return self.pools["appearance"].graph.start_run([key])

    def start_motion(self, pictures: Sequence[Buffers]) -> Run:
        """Starts the network of 1 to `batch` pictures."""
        return self.pools["motion"].graph.start_run(pictures)

    def keep_buffers_for(self, views: int) -> None:
        """Keeps as many unused buffers as streams with this number of views of a picture, all together, need."""
        for pool in self.pools.values():
            pool.capacity = QUEUED_PICTURES * max(views, 1)


class NoNetworks(Networks):
    """Stands in where nothing but motion is detected: the regions themselves are the answer, with one label."""

    activation: Activation = staticmethod(sigmoid)

    def __init__(self) -> None:
        self.pack = MOTION
        self.describe = lambda: "no engine"
        self.pools = {}
        self.batch = 1


def record_run(clock: Clock, stage: str, times: RunTimes, more_s: float = 0.0) -> None:
    """Records a run as `stage`, with more_s of work that belongs to it, and its upload if there was one."""
    clock.record(stage, more_s + times.compute_s)
    if times.upload_s:
        clock.record("upload", times.upload_s)


def _load(backend: Backend, pack: Pack, name: str, batch: int) -> Pool:
    graph = backend.load_graph(pack.graphs[name])
    graph.check_tensors(pack.inputs(name), pack.outputs(name))
    pool = Pool(graph)
    warm_up = [pool.take_buffers() for _ in range(min(batch, graph.max_batch))]
    graph.run_batch(warm_up)
    for buffers in warm_up:
        pool.return_buffers(buffers)
    return pool
