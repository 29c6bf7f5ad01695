"""The first half of a stream: demux, parse, decode_key, regions and tensors, in a thread of its own.

Takes pictures out of a source, shows them to the observers and has the network inputs filled, in buffers
that the engine made (views.py). Knows nothing of networks and results.
"""

import queue
import threading
import time
from typing import (
    Callable,
    Generator,
    Iterator,
    List,
    NamedTuple,
    Optional,
    Sequence,
    Tuple,
    Union,
)

from edge_attp.bitstream import CompressedVideo, Picture, Source
from edge_attp.bitstream.source import ASSUMED_RATE
from edge_attp.pipeline.networks import QUEUED_PICTURES
from edge_attp.pipeline.options import EVERY_GOP, Job, StreamStatus
from edge_attp.pipeline.views import KeyPicture, View, Viewer
from edge_attp.recognition import PictureFacts
from edge_attp.sinks import Header, Observer
from edge_attp.types import StreamStats

__all__ = ["EndOfReading", "Entry", "ReadPicture", "Reader"]

SAMPLING_SEED = 0
# Of EVERY_GOP. Cameras and phones leave 30 to 250 pictures between key pictures, and one of these says too little:
# a longer GOP counts as several of this length, with which the training clips are encoded.
GOP_PICTURES = 12
STOP_TIMEOUT_S = 5.0
_NOTHING_READ = StreamStats(0, 0, 0, 0, 0, 0.0, 0)


class ReadPicture(NamedTuple):
    """A picture as the reader hands it on. views: network inputs, empty if there are none. is_idle: it was to be
    scored, but nothing moves in it."""

    facts: PictureFacts
    views: Tuple[View, ...]
    is_idle: bool


class EndOfReading(NamedTuple):
    """Comes after the last picture. failure: what cut the reading short; is_whole: nothing did."""

    failure: Optional[BaseException]
    is_whole: bool


Entry = Union[ReadPicture, EndOfReading]


class Reader:
    """Reads one job. with_regions: the viewer looks at regions. `new_viewer` and `announce` are called with the video
    once it is open; the latter gives the header. `wake` is called after each entry."""

    def __init__(
        self,
        job: Job,
        status: StreamStatus,
        new_viewer: Callable[[CompressedVideo], Viewer],
        with_regions: bool,
        observers: Sequence[Observer],
        announce: Callable[[CompressedVideo], Header],
        wake: Callable[[], None],
    ) -> None:
        self._job = job
        self._live = job.source if isinstance(job.source, Source) else None
        self._options = job.options
        self._status = status
        self._new_viewer = new_viewer
        self._observers = observers
        self._announce = announce
        self._wake = wake
        self._clock = status.clock
        self._queue: "queue.Queue[Entry]" = queue.Queue(QUEUED_PICTURES)
        self._stopping = threading.Event()
        self._is_abandoned = False
        self._thread: Optional[threading.Thread] = None
        self._entries: Optional[Generator[Entry, None, None]] = None
        self._needs_every_picture = with_regions or any(o.needs_every_picture for o in observers)
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
        viewer = self._new_viewer(video)
        self._started_s = time.monotonic()
        try:
            for picture in self._pictures(video):
                yield self._read_picture(video, viewer, picture)
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

    def _read_picture(
        self, video: CompressedVideo, viewer: Viewer, picture: Picture
    ) -> ReadPicture:
        key = self._key_picture(video, picture)
        if picture.is_shown and self._observers:
            rgb = None if key is None else key.rgb()
            for observer in self._observers:
                observer.observe(picture, rgb)
        is_key = key is not None and viewer.add_key(key)
        if is_key:
            self._gop += 1
            self._candidates = 0
        viewer.add_picture(picture)
        is_due = (self._gop >= 0 or not viewer.needs_key) and self._is_due(picture)
        is_idle = is_due and viewer.is_idle
        is_wanted = is_due and not is_idle and not self._is_skipped()
        views = viewer.cut_views(picture, self._gop, is_wanted)
        return ReadPicture(self._facts(picture, is_key), views, is_idle)

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

    def _key_picture(self, video: CompressedVideo, picture: Picture) -> Optional[KeyPicture]:
        if self._options.anchor is None:
            if picture.is_random_access:
                return KeyPicture(video.decode_key, picture, self._clock)
        elif picture.is_anchor:
            key = KeyPicture(video.decode_anchor, picture, self._clock)
            key.rgb()  # the decoder can only do it now
            return key
        return None

    def _is_due(self, picture: Picture) -> bool:
        """Whether to score it: P and B pictures that are undamaged and shown are, one in `every`."""
        is_whole = picture.kind != "I" and picture.integrity == "ok"
        if not (is_whole and picture.is_shown):
            return False
        self._candidates += 1
        every = self._options.every
        if every == EVERY_GOP:
            every = 1 if self._is_sparse else GOP_PICTURES
        return (self._candidates - 1) % every == 0

    def _is_skipped(self) -> bool:
        """Whether nothing is scored, because a live source is behind; counts that."""
        is_skipped = self._is_behind()
        self._status.skipped_scorings += is_skipped
        return is_skipped

    def _is_behind(self) -> bool:
        return self._live is not None and self._live.lag_s > self._live.max_lag_s / 2
