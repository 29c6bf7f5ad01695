"""Joins the stages: demux and parse, decode_key, tensors | appearance, motion, score, sink.

Two threads share the work at the bar. The reader takes pictures out of the source and writes network
inputs into buffers that the engine made; the caller's thread runs the networks and hands results to
the sinks. Between them is a bounded queue, so the reader is a few pictures ahead and no more. What
comes out depends on the source and the options only, never on which thread was faster.
"""

import queue
import threading
import time
from collections import deque
from typing import Any, Deque, Dict, Iterator, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from edge_attp.bitstream import CompressedVideo, Picture
from edge_attp.engine import Backend, Buffers, Graph, Pack
from edge_attp.log import logger
from edge_attp.recognition import Event, GopState, Result, Timeline, Verdict
from edge_attp.sinks import Header, Sink
from edge_attp.tensors import fill_flow, fill_residual, fill_rgb
from edge_attp.timing import Clock
from edge_attp.types import StreamStats

__all__ = ["EVERY_GOP", "Options", "recognise"]

EVERY_GOP = 0
QUEUED_PICTURES = 8
# Pictures of the first GOP that wait for the second key picture, about 1 MB each. A longer first GOP
# is scored as if it were the only one.
MAX_WAITING = 300
ASSUMED_RATE = 25.0  # pictures a second where the stream has no timing
SAMPLING_SEED = 0
STOP_TIMEOUT_S = 5.0


class Options(NamedTuple):
    """What to do with a source.

    every: 1 scores every P and B picture; N the first of each GOP and every Nth after it; EVERY_GOP
    one of each GOP, drawn at random (always the same) and parsed alone. anchor: None takes the key
    pictures of the stream; N also makes a key picture, by decoding, of a picture wherever the stream
    has given none for N pictures. threads: of the parser. limit: pictures to read. transcode: turn
    what is neither H.264 nor HEVC into H.264 on the fly. wait: let the first GOP wait for the second
    key picture, right for files, wrong for live sources.
    """

    every: int = 1
    anchor: Optional[int] = None
    threads: int = 1
    limit: Optional[int] = None
    transcode: bool = True
    wait: bool = True


class _Item(NamedTuple):
    """A picture on its way from the reader to the networks. key: filled buffers for appearance.onnx if
    it begins a GOP. motion: filled buffers for motion.onnx if it is to be scored."""

    result: Result
    poc: int
    starts_sequence: bool
    time_s: Optional[float]
    key: Optional[Buffers]
    motion: Optional[Buffers]


class _Pool:
    """Buffers of one graph, handed round between the threads."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self._free: Deque[Buffers] = deque()

    def take(self) -> Buffers:
        try:
            return self._free.pop()
        except IndexError:
            return self.graph.allocate()

    def give(self, buffers: Buffers) -> None:
        if len(self._free) < QUEUED_PICTURES:  # what the first GOP needed more goes back
            self._free.append(buffers)


def recognise(
    source: str,
    pack: Pack,
    backend: Backend,
    sinks: Sequence[Sink],
    options: Options,
    clock: Optional[Clock] = None,
) -> Verdict:
    """Runs a source through a model pack into the sinks, and returns the verdict.

    KeyboardInterrupt, and an error in the middle of the source, are raised again after the sinks have
    got what was found until then. Every sink is closed in any case.
    """
    clock = clock or Clock()
    try:
        pools = {name: _load(backend, pack, name) for name in pack.graphs}
        with CompressedVideo(
            source,
            residual=True,
            threads=options.threads,
            transcode=options.transcode,
            anchor=options.anchor,
        ) as video:
            header = Header(
                source,
                video.width,
                video.height,
                video.frame_rate,
                pack.name,
                pack.trained,
                pack.labels,
                backend.describe(),
                clock,
                video.bit_depth,
            )
            for sink in sinks:
                sink.start(header)
            return _run(video, header, pack, pools, sinks, options)
    finally:
        for sink in sinks:
            sink.close()


def _load(backend: Backend, pack: Pack, name: str) -> _Pool:
    graph = backend.load(pack.graphs[name])
    graph.expect(pack.inputs(name), pack.outputs(name))
    pool = _Pool(graph)
    buffers = pool.take()
    graph.run(buffers)  # the first run allocates and is slow
    pool.give(buffers)
    return pool


def _run(
    video: Any,
    header: Header,
    pack: Pack,
    pools: Dict[str, _Pool],
    sinks: Sequence[Sink],
    options: Options,
) -> Verdict:
    reader = _Reader(video, pack.input, pools, sinks, options, header.clock)
    scorer = _Scorer(header, pools, sinks, options.wait)
    failure: Optional[BaseException] = None
    reader.start()
    try:
        for item in reader.items():
            scorer.take(item)
    except (KeyboardInterrupt, _SourceFailure) as error:
        failure = error.cause if isinstance(error, _SourceFailure) else error
    finally:
        reader.stop()
    if not isinstance(failure, KeyboardInterrupt):
        scorer.drain()
    verdict = scorer.finish(video.stats, is_complete=failure is None)
    if verdict.pictures or failure is None:
        for sink in sinks:
            sink.finish(verdict)
    if failure is not None:
        raise failure
    if not verdict.scored:
        logger.warning("%s: nothing was scored: %s", header.source, scorer.why_nothing())
    return verdict


class _SourceFailure(Exception):
    """Something went wrong in the reader; `cause` is what."""

    def __init__(self, cause: BaseException) -> None:
        super().__init__(str(cause))
        self.cause = cause


class _Reader:
    """Turns the pictures of a source into items, in a thread of its own."""

    def __init__(
        self,
        video: Any,
        spec: Any,
        pools: Dict[str, _Pool],
        sinks: Sequence[Sink],
        options: Options,
        clock: Clock,
    ) -> None:
        self._video = video
        self._spec = spec
        self._pools = pools
        notes = [sink.note for sink in sinks if sink.keeps_notes]
        self._note = notes[0] if notes else None
        self._is_sparse = options.every == EVERY_GOP and options.anchor is None and not notes
        self._options = options
        self._clock = clock
        self._queue: queue.Queue[Any] = queue.Queue(QUEUED_PICTURES)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._work, name="edge-attp-reader", daemon=True)
        self._gop = -1
        self._candidates = 0  # pictures of this GOP that could be scored
        self._highest_poc = 0

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Ends the thread, or leaves it to end by itself where it hangs in a read."""
        self._stopping.set()
        self._thread.join(timeout=STOP_TIMEOUT_S)

    def items(self) -> Iterator[_Item]:
        """What the thread made, in decoding order. Raises _SourceFailure where the source failed."""
        while True:
            entry = self._queue.get()
            if entry is None:
                return
            if isinstance(entry, BaseException):
                raise _SourceFailure(entry)
            yield entry

    def _work(self) -> None:
        try:
            for picture in self._pictures():
                self._put(self._item(picture))
                if self._stopping.is_set():
                    return
            self._put(None)
        except BaseException as error:  # whatever it is, the caller's thread must hear of it
            self._put(error)

    def _put(self, entry: Any) -> None:
        while not self._stopping.is_set():
            try:
                return self._queue.put(entry, timeout=0.1)
            except queue.Full:
                continue

    def _pictures(self) -> Iterator[Picture]:
        pictures = iter(self._source())
        limit = self._options.limit
        while True:
            picture = self._next(pictures)
            if picture is None or (limit is not None and picture.decode_index >= limit):
                return
            yield picture
            if picture.decode_index + 1 == limit:
                return

    def _next(self, pictures: Iterator[Picture]) -> Optional[Picture]:
        started, demuxed_s = time.monotonic(), self._video.stats.demux_s
        picture = next(pictures, None)
        if picture is not None and not picture.is_random_access:
            picture.motion  # noqa: B018  a sampled picture is parsed at the first look
        demux_s = self._video.stats.demux_s - demuxed_s
        self._clock.record("demux", demux_s)
        self._clock.record("parse", max(time.monotonic() - started - demux_s, 0.0))
        return picture

    def _source(self) -> Any:
        if self._is_sparse:
            return self._video.sample(per_gop=1, seed=SAMPLING_SEED, keys=True)
        return self._video

    def _item(self, picture: Picture) -> _Item:
        key = self._key(picture)
        motion = self._motion(picture) if self._is_wanted(picture) else None
        starts_sequence = picture.is_random_access and picture.poc <= self._highest_poc
        self._highest_poc = picture.poc if starts_sequence else max(self._highest_poc, picture.poc)
        result = Result(
            decode_index=picture.decode_index,
            pts=picture.pts,
            start_s=0.0,
            end_s=0.0,
            kind=picture.kind,
            is_key=key is not None,
            integrity=picture.integrity,
            gop=self._gop,
            scores=None,
            smoothed=None,
            note=None if self._note is None else self._note(picture),
        )
        return _Item(result, picture.poc, starts_sequence, self._time_s(picture), key, motion)

    def _time_s(self, picture: Picture) -> Optional[float]:
        """None: the scorer counts pictures instead, which it cannot where most of them stay unseen."""
        if picture.time_s is None and self._is_sparse:
            return picture.decode_index / float(self._video.frame_rate or ASSUMED_RATE)
        return picture.time_s

    def _key(self, picture: Picture) -> Optional[Buffers]:
        """Filled buffers if the picture becomes a key picture, which begins a GOP."""
        with_anchors = self._options.anchor is not None
        if not (picture.is_anchor if with_anchors else picture.is_random_access):
            return None
        decode = self._video.decode_anchor if with_anchors else self._video.decode_key
        try:
            with self._clock.stage("decode_key"):
                rgb = decode(picture)
        except ValueError as error:  # CorruptStream, or bytes that are mixed with a neighbour's
            logger.warning("key picture %d is not used: %s", picture.decode_index, error)
            return None
        buffers = self._pools["appearance"].take()
        with self._clock.stage("tensors"):
            spec = self._spec
            fill_rgb(rgb, buffers.inputs["rgb"][0], spec.resize, spec.rgb.mean, spec.rgb.std)
        self._gop += 1
        self._candidates = 0
        return buffers

    def _is_wanted(self, picture: Picture) -> bool:
        """Scored are whole P and B pictures that have a key picture, one in `every`."""
        if picture.kind == "I" or picture.integrity != "ok" or self._gop < 0:
            return False
        self._candidates += 1
        every = self._options.every
        return self._candidates == 1 if every == EVERY_GOP else (self._candidates - 1) % every == 0

    def _motion(self, picture: Picture) -> Buffers:
        buffers = self._pools["motion"].take()
        spec, inputs = self._spec, buffers.inputs
        with self._clock.stage("tensors"):
            height, width = picture.shape
            flow = picture.motion.flow()
            fill_flow(flow, (width, height), inputs["flow"][0], spec.resize, spec.flow_scale)
            fill_residual(
                picture.residual,
                inputs["residual"][0],
                spec.resize,
                spec.residual.mean,
                spec.residual.std,
                self._video.bit_depth,
            )
        return buffers


class _Scorer:
    """Runs the networks on items in decoding order, and gives results out in display order."""

    def __init__(
        self, header: Header, pools: Dict[str, _Pool], sinks: Sequence[Sink], wait: bool
    ) -> None:
        self._clock = header.clock
        self._pools = pools
        self._sinks = sinks
        self._gop = GopState(wait)
        self._waiting: List[_Item] = []
        interval_s = 1.0 / float(header.frame_rate or ASSUMED_RATE)
        self._timeline = Timeline(header.labels, header.source, interval_s)
        self._moving = self._scored = 0
        self._started = time.monotonic()
        self._last_scored: Optional[float] = None

    def take(self, item: _Item) -> None:
        """One picture, in decoding order."""
        self._moving += item.result.kind != "I"
        if item.key is not None:
            self._run_key(item.key)
        self._waiting.append(item)
        if len(self._waiting) > MAX_WAITING:
            self._gop.settle()
        if self._gop.is_ready or not self._gop.has_key:
            self._process_waiting()

    def drain(self) -> None:
        """Scores what still waits."""
        self._gop.settle()
        self._process_waiting()

    def finish(self, stats: StreamStats, is_complete: bool) -> Verdict:
        """Shows what was scored, ends events, and sums up."""
        self._show(self._timeline.flush())
        for event in self._timeline.end():
            for sink in self._sinks:
                sink.event(event)
        return Verdict(
            scores=self._timeline.scores(),
            gops=self._timeline.gops,
            pictures=stats.pictures,
            scored=self._scored,
            damaged=stats.damaged,
            seconds=time.monotonic() - self._started,
            is_complete=is_complete,
        )

    def why_nothing(self) -> str:
        """Why no picture was scored, for people."""
        if not self._moving:
            return "no P or B picture was read, and intra pictures hold no motion"
        if not self._gop.has_key:
            return "no key picture could be decoded; --anchor N decodes others in its place"
        return "every P and B picture after a key picture is damaged"

    def _run_key(self, buffers: Buffers) -> None:
        with self._clock.stage("appearance"):
            self._pools["appearance"].graph.run(buffers)
        self._gop.key(buffers.outputs["appearance"][0])
        self._pools["appearance"].give(buffers)

    def _process_waiting(self) -> None:
        waiting, self._waiting = self._waiting, []
        for item in waiting:
            logits = None if item.motion is None else self._run_motion(item.motion)
            with self._clock.stage("score"):
                shown = self._timeline.add(
                    item.result, item.poc, item.starts_sequence, item.time_s, logits
                )
            self._show(shown)

    def _run_motion(self, buffers: Buffers) -> np.ndarray:
        with self._clock.stage("motion"):
            self._gop.fuse(buffers.inputs["appearance"][0])
            self._pools["motion"].graph.run(buffers)
        logits = buffers.outputs["scores"][0].copy()
        self._pools["motion"].give(buffers)
        self._scored += 1
        now = time.monotonic()
        if self._last_scored is not None:
            self._clock.record("total", now - self._last_scored)
        self._last_scored = now
        return logits

    def _show(self, shown: List[Tuple[Result, List[Event]]]) -> None:
        for result, events in shown:
            with self._clock.stage("sink"):
                for sink in self._sinks:
                    sink.picture(result)
                    for event in events:
                        sink.event(event)
