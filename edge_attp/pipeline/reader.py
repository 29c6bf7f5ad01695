"""The first half of a stream: demux, parse, decode_key and tensors, in a thread of its own.

Takes pictures out of a source and writes network inputs into buffers that the engine made. Knows
nothing of networks and results.
"""

import queue
import threading
import time
from typing import Any, Callable, Dict, Generator, Iterator, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from edge_attp.bitstream import CompressedVideo, Picture, Source
from edge_attp.engine import Buffers
from edge_attp.log import logger
from edge_attp.pipeline.networks import QUEUED_PICTURES, Pool
from edge_attp.pipeline.options import EVERY_GOP, Job, StreamStatus
from edge_attp.recognition import Result
from edge_attp.sinks import Sink
from edge_attp.tensors import fill_flow, fill_residual, fill_rgb
from edge_attp.types import StreamStats

__all__ = ["ASSUMED_RATE", "End", "Item", "Reader"]

ASSUMED_RATE = 25.0  # pictures a second where the stream has no timing
SAMPLING_SEED = 0
STOP_TIMEOUT_S = 5.0
_NOTHING_READ = StreamStats(0, 0, 0, 0, 0, 0.0, 0)


class Item(NamedTuple):
    """A picture on its way to the networks. key: filled buffers for appearance.onnx if it begins a GOP.
    motion: filled buffers for motion.onnx if it is to be scored. notes: one for each sink. step: pictures
    since the last item. is_shown: False if an edit list hides it."""

    result: Result
    poc: int
    starts_sequence: bool
    time_s: Optional[float]
    key: Optional[Buffers]
    motion: Optional[Buffers]
    notes: Tuple[Any, ...]
    step: int = 1
    is_shown: bool = True


class End(NamedTuple):
    """After the last item. failure: what cut the reading short; is_whole: nothing did."""

    failure: Optional[BaseException]
    is_whole: bool


class Reader:
    """Reads one job. `begin` is called with the video once it is open, `wake` after each entry."""

    def __init__(
        self,
        job: Job,
        status: StreamStatus,
        spec: Any,
        pools: Dict[str, Pool],
        sinks: Sequence[Sink],
        begin: Callable[[Any], None],
        wake: Callable[[], None],
    ) -> None:
        self._job = job
        self._live = job.source if isinstance(job.source, Source) else None
        self._options = job.options
        self._status = status
        self._spec = spec
        self._pools = pools
        self._begin = begin
        self._wake = wake
        self._clock = status.clock
        self._queue: "queue.Queue[Any]" = queue.Queue(QUEUED_PICTURES)
        self._stopping = threading.Event()
        self._is_deserted = False
        self._thread: Optional[threading.Thread] = None
        self._entries: Optional[Generator[Any, None, None]] = None
        self._video: Any = None
        self._sinks = sinks
        self._keeps_notes = any(sink.keeps_notes for sink in sinks)
        self._watching = [sink.watch for sink in sinks if sink.watches]
        self._started_s = 0.0
        self._gop = -1
        self._candidates = 0  # pictures of this GOP that could be scored
        self._highest_poc = 0
        self._newest = -1  # decode_index
        self.stats = _NOTHING_READ

    def start(self) -> None:
        """Begins to read; without overlap, next() does it."""
        if not self._options.overlap:
            self._entries = self._read()
            return
        self._thread = threading.Thread(target=self._work, name="edge-attp-reader", daemon=True)
        self._thread.start()

    def next(self) -> Any:
        """The next Item, then the End; None if there is nothing yet."""
        if self._entries is not None:
            return next(self._entries, None)
        try:
            return self._queue.get_nowait()
        except queue.Empty:
            return None

    def stop(self) -> None:
        """Makes the reader end soon. Does not wait for it."""
        self._stopping.set()
        if self._live is not None:
            self._live.stop()

    def desert(self) -> None:
        """stop(), and nobody will call next() any more."""
        self._is_deserted = True
        self.stop()

    def close(self) -> None:
        """join(), and lets go of the engine's buffers."""
        self.join()
        self._pools = {}
        self._begin = _begin_nothing
        self._queue = queue.Queue(QUEUED_PICTURES)
        if self._entries is not None:
            self._entries.close()

    def join(self) -> None:
        """Waits for the thread, or leaves it to end by itself where it hangs in a read."""
        if self._thread is not None:
            self._thread.join(timeout=STOP_TIMEOUT_S)

    def _work(self) -> None:
        for entry in self._read():
            self._put(entry)
            self._wake()

    def _put(self, entry: Any) -> None:
        while not self._is_deserted:
            try:
                return self._queue.put(entry, timeout=0.1)
            except queue.Full:
                continue

    def _read(self) -> Generator[Any, None, None]:
        """Items, then the End."""
        try:
            with self._open() as video:
                self._video = video
                self._begin(video)
                self._started_s = time.monotonic()
                for picture in self._pictures():
                    yield self._item(picture)
                    if self._stopping.is_set():
                        break
        except GeneratorExit:
            raise
        except BaseException as error:  # whatever it is, the session must hear of it
            yield End(error, False)
            return
        finally:
            if self._video is not None:
                self.stats = self._video.stats
        yield End(None, not self._stopping.is_set())

    def _open(self) -> Any:
        options = self._options
        return CompressedVideo(
            self._job.source,
            residual=True,
            threads=options.threads,
            transcode=options.transcode,
            anchor=options.anchor,
            oriented=True,
            track=options.track,
        )

    def _pictures(self) -> Iterator[Picture]:
        pictures = iter(self._source())
        limit = self._options.limit
        while True:
            picture = self._next(pictures)
            if picture is None or (limit is not None and picture.decode_index >= limit):
                return
            if self._options.realtime:
                self._wait_until_due(picture)
            yield picture
            if picture.decode_index + 1 == limit:
                return

    def _next(self, pictures: Iterator[Picture]) -> Optional[Picture]:
        started_s, waited_s = time.monotonic(), self._waited_s
        demuxed_s = self._video.stats.demux_s
        picture = next(pictures, None)
        if picture is not None and not picture.is_random_access:
            picture.motion  # noqa: B018  a sampled picture is parsed at the first look
        stats = self._video.stats
        demux_s = stats.demux_s - demuxed_s
        self._clock.record("demux", max(demux_s - (self._waited_s - waited_s), 0.0))
        self._clock.record("parse", max(time.monotonic() - started_s - demux_s, 0.0))
        self._status.pictures, self._status.damaged = stats.pictures, stats.damaged
        if self._live is not None:
            self._status.lag_s = self._live.lag_s
        return picture

    @property
    def _waited_s(self) -> float:
        return 0.0 if self._live is None else self._live.waited_s

    @property
    def _is_sparse(self) -> bool:
        options = self._options
        return options.every == EVERY_GOP and options.anchor is None and not self._keeps_notes

    def _source(self) -> Any:
        if self._is_sparse:
            return self._video.sample(per_gop=1, seed=SAMPLING_SEED, keys=True)
        return self._video

    def _wait_until_due(self, picture: Picture) -> None:
        """As a camera would give it out: in decoding order, one picture interval after another."""
        due_s = self._started_s + picture.decode_index / self._rate
        self._stopping.wait(max(due_s - time.monotonic(), 0.0))

    @property
    def _rate(self) -> float:
        return float(self._video.frame_rate or ASSUMED_RATE)

    def _item(self, picture: Picture) -> Item:
        rgb = self._key_rgb(picture)
        if picture.is_shown:
            for watch in self._watching:
                watch(picture, rgb)
        key = None if rgb is None else self._key(rgb)
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
            note=None,
            packet=picture.packet,
        )
        step, self._newest = picture.decode_index - self._newest, picture.decode_index
        return Item(
            result,
            picture.poc,
            starts_sequence,
            picture.time_s,
            key,
            motion,
            self._notes(picture),
            step,
            picture.is_shown,
        )

    def _notes(self, picture: Picture) -> Tuple[Any, ...]:
        if not (self._keeps_notes and picture.is_shown):
            return ()
        return tuple(sink.note(picture) if sink.keeps_notes else None for sink in self._sinks)

    def _key_rgb(self, picture: Picture) -> Optional[np.ndarray]:
        """The picture decoded, if it is a key picture."""
        with_anchors = self._options.anchor is not None
        if not (picture.is_anchor if with_anchors else picture.is_random_access):
            return None
        decode = self._video.decode_anchor if with_anchors else self._video.decode_key
        try:
            with self._clock.stage("decode_key"):
                return decode(picture)
        except ValueError as error:  # CorruptStream, or bytes that are mixed with a neighbour's
            logger.warning("key picture %d is not used: %s", picture.decode_index, error)
            return None

    def _key(self, rgb: np.ndarray) -> Buffers:
        """Filled buffers of a key picture, which begins a GOP."""
        buffers = self._pools["appearance"].take()
        with self._clock.stage("tensors"):
            spec = self._spec
            fill_rgb(rgb, buffers.inputs["rgb"][0], spec.resize, spec.rgb.mean, spec.rgb.std)
        self._gop += 1
        self._candidates = 0
        return buffers

    def _is_wanted(self, picture: Picture) -> bool:
        """Scored are whole P and B pictures that are shown and have a key picture, one in `every`; none while
        a live source is behind."""
        is_whole = picture.kind != "I" and picture.integrity == "ok"
        if not (is_whole and picture.is_shown and self._gop >= 0):
            return False
        self._candidates += 1
        every = self._options.every
        is_wanted = (
            self._candidates == 1 if every == EVERY_GOP else (self._candidates - 1) % every == 0
        )
        if is_wanted and self._is_behind():
            self._status.skipped_scorings += 1
            return False
        return is_wanted

    def _is_behind(self) -> bool:
        return self._live is not None and self._live.lag_s > self._live.max_lag_s / 2

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


def _begin_nothing(video: Any) -> None:
    """After the end."""
