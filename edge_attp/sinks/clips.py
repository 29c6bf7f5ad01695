"""A clip of each event, cut out of the stream as it was encoded. What cuts is edge_attp.bitstream's."""

import os
import queue
import re
import threading
import time
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Tuple

from edge_attp.bitstream.orientation import Matrix
from edge_attp.errors import EdgeAttpError, UsageError
from edge_attp.recognition import Event, Result, Verdict
from edge_attp.sinks.base import Header, Sink
from edge_attp.sinks.naming import fill_in, for_file
from edge_attp.sinks.settings import STATE_PATH, SinkType
from edge_attp.sinks.trouble import Trouble
from edge_attp.sources.recorder import LONGEST_GOP_S, Cut, PacketRing, write_mp4
from edge_attp.strict import BYTES, PAUSE, Key

__all__ = ["ClipSink", "SINK"]

CLOSE_TIMEOUT_S = 5.0
MOST_WAITING = 4  # clips on their way to the disk
# A source that has given nothing for so long will not complete a clip: it is written as far as it goes.
LOST_SOURCE_S = 15.0
# The names that are given here: nothing else in the folder is ever removed.
_NAME = re.compile(r".+-\d{8}T\d{6}\.\d{3}Z\.mp4$")


class _Wanted(NamedTuple):
    name: str
    start_s: float
    end_s: float


class ClipSink(Sink):
    """Writes {stream}-{label}-{time}.mp4 for each event: from the key picture at or before its start
    less before_s to the next one after its end plus after_s, without decoding or encoding.

    folder: may hold "{stream}"; streams may share one. When its clips come to more than max_bytes, the
    oldest are removed. recorder: must see the packets of the stream (LiveSource.recorder, or
    RecordedSource for a file), and remember as much of them as an event may last, with before_s and
    after_s; of what it has forgotten, the clip lacks the beginning. A source that gives nothing for
    LOST_SOURCE_S ends its clips. A clip has its name when it is whole.
    """

    def __init__(
        self,
        folder: str,
        recorder: PacketRing,
        before_s: float = 5.0,
        after_s: float = 5.0,
        max_bytes: int = 1 << 30,
    ) -> None:
        if before_s < 0 or after_s < 0 or max_bytes < 1:
            raise UsageError("clips: before_s and after_s must be 0 or more, max_bytes 1 or more")
        self._folder, self._recorder = folder, recorder
        self._before_s, self._after_s, self._max_bytes = before_s, after_s, max_bytes
        self._prefix = ""
        self._display_matrix: Optional[Matrix] = None
        self._counts = {"written": 0, "cut_short": 0, "lost": 0, "removed": 0}
        self._trouble = Trouble("clips")
        self._lock = threading.Lock()  # guards what is wanted
        self._wanted: List[_Wanted] = []
        self._queue: "queue.Queue[Optional[Tuple[str, Cut]]]" = queue.Queue(MOST_WAITING)
        self._thread = threading.Thread(target=self._work, name="edge-attp-clips", daemon=True)

    def start(self, header: Header) -> None:
        self._folder = fill_in(self._folder, header.stream)
        self._prefix = for_file(header.stream)
        self._display_matrix = header.display_matrix
        self._trouble = Trouble(f"clips {self._folder}")
        self._thread.start()

    def picture(self, result: Result) -> None:
        """The recorder is ahead of the results: a key picture that comes out here is in it."""
        at_s = result.start_s
        self._recorder.set_shown_time(result.packet, at_s)
        self._cut(
            lambda wanted: at_s >= wanted.end_s + (0.0 if result.is_key else LONGEST_GOP_S),
            is_last=False,
        )

    def event(self, event: Event) -> None:
        now = time.time()
        moment = time.strftime("%Y%m%dT%H%M%S", time.gmtime(now)) + f".{int(now % 1 * 1000):03d}Z"
        name = f"{self._prefix}-{for_file(event.label)}-{moment}.mp4"
        begin_s, end_s = event.start_s - self._before_s, event.end_s + self._after_s
        with self._lock:
            self._wanted.append(_Wanted(name, begin_s, end_s))

    def finish(self, verdict: Verdict) -> None:
        self._cut(lambda wanted: True, is_last=True)

    def close(self) -> None:
        """Waits for clips on their way to the disk, CLOSE_TIMEOUT_S at most."""
        if self._thread.is_alive():
            try:
                self._queue.put(None, timeout=CLOSE_TIMEOUT_S)
                self._thread.join(CLOSE_TIMEOUT_S)
            except queue.Full:
                pass

    def counters(self) -> Dict[str, int]:
        """Clips written; those cut_short at their beginning; lost to a full disk, or because the
        recorder had forgotten them; old ones removed."""
        return dict(self._counts)

    def _cut(self, is_due: Callable[[_Wanted], bool], is_last: bool) -> None:
        with self._lock:
            for wanted in list(filter(is_due, self._wanted)):
                cut = self._recorder.cut(wanted.start_s, wanted.end_s, is_last)
                if cut is not None:
                    self._wanted.remove(wanted)
                    self._pass_on(wanted.name, cut)

    def _pass_on(self, name: str, cut: Cut) -> None:
        if not cut.packets:
            self._lose("the recorder has no packets of an event (have they no time stamps?)")
            return
        try:
            self._queue.put_nowait((name, cut))
        except queue.Full:
            self._lose("the disk is too slow")

    def _lose(self, why: Any) -> None:
        self._counts["lost"] += 1
        self._trouble.warn(why, "clips are lost")

    def _work(self) -> None:
        while True:
            try:
                task = self._queue.get(timeout=1.0)
            except queue.Empty:
                if self._recorder.idle_s >= LOST_SOURCE_S:
                    self._cut(lambda wanted: True, is_last=True)
                continue
            if task is None:
                return
            try:
                self._write(*task)
            except (OSError, EdgeAttpError) as error:
                self._lose(error)
            else:
                self._trouble.over()

    def _write(self, name: str, cut: Cut) -> None:
        os.makedirs(self._folder, exist_ok=True)
        # One name for each stream: what a killed process leaves is written over.
        unfinished = os.path.join(self._folder, f".{self._prefix}.part")
        try:
            write_mp4(unfinished, cut.packets, cut.time_base, display_matrix=self._display_matrix)
        except (OSError, EdgeAttpError):
            _remove(unfinished)
            raise
        os.replace(unfinished, os.path.join(self._folder, name))
        self._counts["written"] += 1
        self._counts["cut_short"] += not cut.is_whole
        self._make_room()

    def _make_room(self) -> None:
        clips = []
        for name in filter(_NAME.match, os.listdir(self._folder)):
            path = os.path.join(self._folder, name)
            try:
                found = os.stat(path)
            except FileNotFoundError:
                continue  # removed by another stream
            clips.append((found.st_mtime, path, found.st_size))
        size = sum(clip[2] for clip in clips)
        for _, path, clip_size in sorted(clips):
            if size <= self._max_bytes:
                break
            size -= clip_size
            self._counts["removed"] += _remove(path)


def _remove(path: str) -> bool:
    try:
        os.remove(path)
    except FileNotFoundError:
        return False
    return True


SINK = SinkType(
    "clips",
    "MP4 of each event, cut out of the stream **without re-encoding**, from key picture to key picture",
    ClipSink,
    {
        "folder": Key(STATE_PATH, "clips", "relative to state_dir"),
        "before_s": Key(PAUSE, 5.0, "shown before the event"),
        "after_s": Key(PAUSE, 5.0, "and after it"),
        "max_bytes": Key(BYTES, 1 << 30, "of all clips; the oldest are removed"),
    },
    shown=("folder",),
    wants=("recorder",),
    packets_s=lambda options: options["before_s"] + options["after_s"],
)
