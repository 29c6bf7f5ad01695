"""The first half of a stream: demux, parse, decode_key and tensors, in a thread of its own.

Takes pictures out of a source, shows them to the observers and fills the network inputs, in buffers that
the engine made. Knows nothing of networks and results.
"""

import queue
import threading
import time
from typing import Callable, Dict, Generator, Iterator, List, NamedTuple, Optional, Sequence, Union

import numpy as np

from edge_attp.bitstream import CompressedVideo, Picture, Source
from edge_attp.bitstream.source import ASSUMED_RATE
from edge_attp.engine import Buffers
from edge_attp.engine.pack import InputSpec, in_steps
from edge_attp.log import logger
from edge_attp.pipeline.networks import QUEUED_PICTURES, Pool
from edge_attp.pipeline.options import EVERY_GOP, Job, StreamStatus
from edge_attp.recognition import PictureFacts
from edge_attp.sinks import Header, Observer
from edge_attp.tensors import fill_flow, fill_residual, fill_rgb
from edge_attp.types import StreamStats

__all__ = ["EndOfReading", "Entry", "ReadPicture", "Reader"]

SAMPLING_SEED = 0
# Of EVERY_GOP. Cameras and phones leave 30 to 250 pictures between key pictures, and one of these says too little:
# a longer GOP counts as several of this length, with which the training clips are encoded.
GOP_PICTURES = 12
STOP_TIMEOUT_S = 5.0
_NOTHING_READ = StreamStats(0, 0, 0, 0, 0, 0.0, 0)


class ReadPicture(NamedTuple):
    """A picture as the reader hands it on. key: filled buffers of appearance.onnx if it begins a GOP. motion:
    filled buffers of motion.onnx if it is to be scored."""

    facts: PictureFacts
    key: Optional[Buffers]
    motion: Optional[Buffers]


class EndOfReading(NamedTuple):
    """Comes after the last picture. failure: what cut the reading short; is_whole: nothing did."""

    failure: Optional[BaseException]
    is_whole: bool


Entry = Union[ReadPicture, EndOfReading]


class Reader:
    """Reads one job. `announce` is called with the video once it is open, and gives the header; `wake` is called
    after each entry."""

    def __init__(
        self,
        job: Job,
        status: StreamStatus,
        spec: InputSpec,
        pools: Dict[str, Pool],
        observers: Sequence[Observer],
        announce: Callable[[CompressedVideo], Header],
        wake: Callable[[], None],
    ) -> None:
        self._job = job
        self._live = job.source if isinstance(job.source, Source) else None
        self._options = job.options
        self._status = status
        self._spec = spec
        self._pools = pools
        self._observers = observers
        self._announce = announce
        self._wake = wake
        self._clock = status.clock
        self._queue: "queue.Queue[Entry]" = queue.Queue(QUEUED_PICTURES)
        self._stopping = threading.Event()
        self._is_abandoned = False
        self._thread: Optional[threading.Thread] = None
        self._entries: Optional[Generator[Entry, None, None]] = None
        self._needs_every_picture = any(o.needs_every_picture for o in observers)
        self._started_s = 0.0
        self._gop = -1
        self._candidates = 0  # pictures of this GOP that could be scored
        self._highest_poc = 0
        self._newest = -1  # decode_index
        self.stats = _NOTHING_READ

    def begin_reading(self) -> None:
        """Starts the thread; without overlap, next_entry() reads instead."""
        if not self._options.overlap:
            self._entries = self._read()
            return
        self._thread = threading.Thread(target=self._work, name="edge-attp-reader", daemon=True)
        self._thread.start()

    def next_entry(self) -> Optional[Entry]:
        """The next picture or, after the last one, the end; None if there is nothing yet."""
        if self._entries is not None:
            return next(self._entries, None)
        try:
            return self._queue.get_nowait()
        except queue.Empty:
            return None

    def stop_reading(self) -> None:
        """Makes the reading end soon. Does not wait for that."""
        self._stopping.set()
        if self._live is not None:
            self._live.stop()

    def abandon(self) -> None:
        """Like stop_reading(), where nobody will call next_entry() any more."""
        self._is_abandoned = True
        self.stop_reading()

    def close(self) -> None:
        """Waits for the thread, and drops the engine's buffers."""
        self.join_thread()
        self._pools = {}
        self._queue = queue.Queue(QUEUED_PICTURES)
        if self._entries is not None:
            self._entries.close()

    def join_thread(self) -> None:
        """Waits for the thread, or leaves it to end by itself where it hangs in a read."""
        if self._thread is not None:
            self._thread.join(timeout=STOP_TIMEOUT_S)

    def _work(self) -> None:
        for entry in self._read():
            self._put(entry)
            self._wake()

    def _put(self, entry: Entry) -> None:
        while not self._is_abandoned:
            try:
                return self._queue.put(entry, timeout=0.1)
            except queue.Full:
                continue

    def _read(self) -> Generator[Entry, None, None]:
        """The pictures, then the end."""
        failure: Optional[BaseException] = None
        begun: List[Observer] = []
        try:
            with self._open_video() as video:
                header = self._announce(video)
                for observer in self._observers:
                    begun.append(observer)
                    observer.begin(header)
                yield from self._read_video(video)
        except GeneratorExit:
            raise
        except BaseException as error:  # whatever it is, the session must hear of it
            failure = error
        finally:
            for observer in begun:
                observer.close()
        yield EndOfReading(failure, failure is None and not self._stopping.is_set())

    def _read_video(self, video: CompressedVideo) -> Generator[Entry, None, None]:
        self._started_s = time.monotonic()
        try:
            for picture in self._pictures(video):
                yield self._read_picture(video, picture)
                if self._stopping.is_set():
                    return
        finally:
            self.stats = video.stats

    def _open_video(self) -> CompressedVideo:
        options = self._options
        return CompressedVideo(
            self._job.source,
            residual=True,
            threads=options.parse_threads,
            transcode=options.transcode,
            anchor=options.anchor,
            oriented=True,
            track=options.track,
        )

    def _pictures(self, video: CompressedVideo) -> Iterator[Picture]:
        """The pictures up to the limit, at their time if need be."""
        pictures = iter(self._chosen_pictures(video))
        limit = self._options.limit
        while True:
            picture = self._parse_next(video, pictures)
            if picture is None or (limit is not None and picture.decode_index >= limit):
                return
            if self._options.realtime:
                self._wait_until_due(video, picture)
            yield picture
            if picture.decode_index + 1 == limit:
                return

    def _parse_next(self, video: CompressedVideo, pictures: Iterator[Picture]) -> Optional[Picture]:
        started_s, waited_s = time.monotonic(), self._waited_s
        demuxed_s = video.stats.demux_s
        picture = next(pictures, None)
        if picture is not None and not picture.is_random_access:
            picture.motion  # noqa: B018  a sampled picture is parsed when this is first asked for
        stats = video.stats
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
        return (
            options.every == EVERY_GOP and options.anchor is None and not self._needs_every_picture
        )

    def _chosen_pictures(self, video: CompressedVideo) -> Iterator[Picture]:
        if self._is_sparse:
            return video.sample(seed=SAMPLING_SEED, keys=True, span=GOP_PICTURES)
        return iter(video)

    def _wait_until_due(self, video: CompressedVideo, picture: Picture) -> None:
        """As a camera gives pictures: in decoding order, one interval after another."""
        rate = float(video.frame_rate or ASSUMED_RATE)
        due_s = self._started_s + picture.decode_index / rate
        self._stopping.wait(max(due_s - time.monotonic(), 0.0))

    def _read_picture(self, video: CompressedVideo, picture: Picture) -> ReadPicture:
        rgb = self._key_rgb(video, picture)
        if picture.is_shown:
            for observer in self._observers:
                observer.observe(picture, rgb)
        key = None if rgb is None else self._key_buffers(rgb)
        motion = self._motion_buffers(video, picture) if self._is_wanted(picture) else None
        return ReadPicture(self._facts(picture, is_key=key is not None), key, motion)

    def _facts(self, picture: Picture, is_key: bool) -> PictureFacts:
        starts_sequence = picture.is_random_access and picture.poc <= self._highest_poc
        self._highest_poc = picture.poc if starts_sequence else max(self._highest_poc, picture.poc)
        step, self._newest = picture.decode_index - self._newest, picture.decode_index
        return PictureFacts(
            decode_index=picture.decode_index,
            packet=picture.packet,
            pts=picture.pts,
            poc=picture.poc,
            kind=picture.kind,
            is_key=is_key,
            integrity=picture.integrity,
            gop=self._gop,
            starts_sequence=starts_sequence,
            time_s=picture.time_s,
            step=step,
            is_shown=picture.is_shown,
        )

    def _key_rgb(self, video: CompressedVideo, picture: Picture) -> Optional[np.ndarray]:
        """The picture decoded, if it is a key picture."""
        with_anchors = self._options.anchor is not None
        if not (picture.is_anchor if with_anchors else picture.is_random_access):
            return None
        decode = video.decode_anchor if with_anchors else video.decode_key
        try:
            with self._clock.stage("decode_key"):
                return decode(picture)
        except ValueError as error:  # CorruptStream, or bytes that are mixed with a neighbour's
            logger.warning("key picture %d is not used: %s", picture.decode_index, error)
            return None

    def _key_buffers(self, rgb: np.ndarray) -> Buffers:
        """Filled buffers of a key picture, which begins a GOP."""
        buffers, spec = self._pools["appearance"].take_buffers(), self._spec
        with self._clock.stage("tensors"):
            fill_rgb(rgb, buffers.inputs["rgb"][0], spec.resize, spec.rgb.mean, spec.rgb.std)
        self._gop += 1
        self._candidates = 0
        return buffers

    def _is_wanted(self, picture: Picture) -> bool:
        """Whether to score it: P and B pictures that are undamaged, shown and have a key picture are, one in
        `every`; none while a live source is behind."""
        is_whole = picture.kind != "I" and picture.integrity == "ok"
        if not (is_whole and picture.is_shown and self._gop >= 0):
            return False
        self._candidates += 1
        every = self._options.every
        if every == EVERY_GOP:
            every = 1 if self._is_sparse else GOP_PICTURES
        is_wanted = (self._candidates - 1) % every == 0
        if is_wanted and self._is_behind():
            self._status.skipped_scorings += 1
            return False
        return is_wanted

    def _is_behind(self) -> bool:
        return self._live is not None and self._live.lag_s > self._live.max_lag_s / 2

    def _motion_buffers(self, video: CompressedVideo, picture: Picture) -> Buffers:
        """Filled buffers of a picture that is to be scored."""
        buffers, spec = self._pools["motion"].take_buffers(), self._spec
        flow_input, residual_input = buffers.inputs["flow"][0], buffers.inputs["residual"][0]
        assert picture.residual is not None
        with self._clock.stage("tensors"):
            height, width = picture.shape
            flow = picture.motion.flow()
            fill_flow(
                flow,
                (width, height),
                flow_input,
                in_steps(spec.resize, spec.flow_step),
                spec.flow_scale * spec.flow_step,
            )
            fill_residual(
                picture.residual,
                residual_input,
                in_steps(spec.resize, spec.residual_step),
                spec.residual.mean,
                spec.residual.std,
                video.bit_depth,
            )
        return buffers
