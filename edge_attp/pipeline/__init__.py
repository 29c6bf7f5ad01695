"""Joins the stages. Pictures go one way, and each record is complete when it is made:

    reader ─ ReadPicture ─► scorer, networks ─ PictureLogits ─► writer ─ ScoredPicture, Event ─► sinks
       └─► observers (early, in decoding order)

Each stream has a reader thread (demux, parse, decode_key, regions, tensors, observers) and a writer thread (score,
sinks); the caller's thread runs the networks (appearance, motion) for all of them. Between the threads are
bounded queues, so a stage is a few pictures ahead and no more. What comes out of a stream depends on its
source and the options only, never on which thread was faster.

- options: what to do (Options, Job), and how far a stream has come (StreamStatus);
- reader, scorer, writer: the parts of a stream; stream: the three together; views: what the networks are shown;
- networks: graphs and buffers; session: several streams through them.

>>> from edge_attp.engine import default_pack, load_pack, open_backend
>>> from edge_attp.sinks import Sink
>>> class EventPrinter(Sink):
...     def event(self, event):
...         print(event.label, f"{event.end_s - event.start_s:.2f} s")
>>> pack = load_pack(default_pack())
>>> backend = open_backend("onnxruntime", threads=1)
>>> verdict = recognise("examples/demo.mp4", pack, backend, [EventPrinter()], Options())
noFight 5.96 s
>>> verdict.pictures, verdict.scored, verdict.gops
(150, 140, 3)
"""

from typing import Optional, Sequence

from edge_attp.engine import Backend, Pack
from edge_attp.pipeline.options import EVERY_GOP, Job, Options, StreamStatus
from edge_attp.pipeline.session import Session
from edge_attp.pipeline.stream import Stream
from edge_attp.recognition import Verdict
from edge_attp.sinks import Observer, Sink
from edge_attp.timing import Clock

__all__ = ["EVERY_GOP", "Job", "Options", "Session", "Stream", "StreamStatus", "recognise"]


def recognise(
    source: str,
    pack: Optional[Pack],
    backend: Optional[Backend],
    sinks: Sequence[Sink],
    options: Options,
    clock: Optional[Clock] = None,
    observers: Sequence[Observer] = (),
) -> Verdict:
    """Runs a source through a model pack into the sinks, and returns the verdict. Without pack and backend, detects
    motion, see Session.

    KeyboardInterrupt, and an error in the middle of the source, are raised again after the sinks have
    received what was found until then. Every sink is closed in any case. observers: those that belong to no
    sink.
    """
    try:
        session = Session(pack, backend)
    except BaseException:
        for sink in sinks:
            sink.close()
        raise
    job = Job(source, lambda: sinks, options, clock=clock, observers=observers)
    stream = session.submit(job)
    session.run()
    if stream.error is not None:
        raise stream.error
    assert stream.verdict is not None
    return stream.verdict
