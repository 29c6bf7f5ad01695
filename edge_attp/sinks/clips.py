"""A clip of each event, cut out of the stream as it was encoded. edge_attp.sources.recorder does the cutting."""

import os
import queue
import re
import threading
import time
from typing import Callable, Dict, List, NamedTuple, Optional, Union

from edge_attp.bitstream.orientation import Matrix
from edge_attp.errors import EdgeAttpError, UsageError
from edge_attp.log import Trouble
from edge_attp.recognition import Event, ScoredPicture, Verdict
from edge_attp.sinks.base import Header, Sink
from edge_attp.sinks.settings import STATE_PATH, SinkType, fill_stream_name, safe_name
from edge_attp.sources.recorder import LONGEST_GOP_S, Cut, PacketRing, write_mp4
from edge_attp.strict import BYTES, PAUSE, Key

__all__ = ["ClipSink", "SINK"]

CLOSE_TIMEOUT_S = 5.0
MOST_WAITING = 4  # clips on their way to the disk
# A source that has given nothing for so long will not complete a clip: what there is of it is written.
LOST_SOURCE_S = 15.0
# Names of clips: nothing else in the folder is ever removed.
_NAME = re.compile(r".+-\d{8}T\d{6}\.\d{3}Z\.mp4$")


class _Wanted(NamedTuple):
    """A clip whose end has not come yet."""

    name: str
    start_s: float
    end_s: float


class _Clip(NamedTuple):
    name: str
    cut: Cut


class ClipSink(Sink):
    """Writes {stream}-{label}-{time}.mp4 for each event: from the key picture at or before its start
    less before_s to the next one after its end plus after_s, without decoding or encoding.

    folder: may hold "{stream}"; streams may share one. When its clips exceed max_bytes, the oldest are
    removed. recorder: must see the packets of the stream (LiveSource.recorder, or RecordedSource for a file)
    and remember them for as long as an event may last, plus before_s and after_s; the clip of a longer event
    lacks its beginning. A source that gives nothing for LOST_SOURCE_S ends its clips. A clip gets its name
    when it is complete.
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
        self._lock = threading.Lock()  # guards _wanted
        self._wanted: List[_Wanted] = []
        self._queue: "queue.Queue[Optional[_Clip]]" = queue.Queue(MOST_WAITING)
        self._thread = threading.Thread(target=self._work, name="edge-attp-clips", daemon=True)

    def begin(self, header: Header) -> None:
        self._folder = fill_stream_name(self._folder, header.stream)
        self._prefix = safe_name(header.stream)
        self._display_matrix = header.display_matrix
        self._trouble = Trouble(f"clips {self._folder}")
        self._thread.start()

    def picture(self, picture: ScoredPicture) -> None:
        """Cuts the clips that this picture completes: the recorder, ahead of the results, has its packet."""
        at_s = picture.start_s
        self._recorder.set_shown_time(picture.packet, at_s)
        self._cut(
            lambda wanted: at_s >= wanted.end_s + (0.0 if picture.is_key else LONGEST_GOP_S),
            is_last=False,
        )

    def event(self, event: Event) -> None:
        now = time.time()
        moment = time.strftime("%Y%m%dT%H%M%S", time.gmtime(now)) + f".{int(now % 1 * 1000):03d}Z"
        name = f"{self._prefix}-{safe_name(event.label)}-{moment}.mp4"
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
        """Clips written; those of them cut_short at their beginning; lost to a full disk or a recorder that had
        forgotten them; old ones removed."""
        return dict(self._counts)

    def _cut(self, is_due: Callable[[_Wanted], bool], is_last: bool) -> None:
        with self._lock:
            for wanted in list(filter(is_due, self._wanted)):
                cut = self._recorder.cut(wanted.start_s, wanted.end_s, is_last)
                if cut is not None:
                    self._wanted.remove(wanted)
                    self._queue_clip(_Clip(wanted.name, cut))

    def _queue_clip(self, clip: _Clip) -> None:
        if not clip.cut.packets:
            self._lose("the recorder has no packets of an event (have they no time stamps?)")
            return
        try:
            self._queue.put_nowait(clip)
        except queue.Full:
            self._lose("the disk is too slow")

    def _lose(self, why: Union[str, Exception]) -> None:
        self._counts["lost"] += 1
        self._trouble.report_failure(why, "clips are lost")

    def _work(self) -> None:
        while True:
            try:
                clip = self._queue.get(timeout=1.0)
            except queue.Empty:
                if self._recorder.idle_s >= LOST_SOURCE_S:
                    self._cut(lambda wanted: True, is_last=True)
                continue
            if clip is None:
                return
            try:
                self._write(*clip)
            except (OSError, EdgeAttpError) as error:
                self._lose(error)
            else:
                self._trouble.report_success()

    def _write(self, name: str, cut: Cut) -> None:
        os.makedirs(self._folder, exist_ok=True)
        # One name for each stream: what a killed process leaves behind is overwritten.
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
        """Removes the oldest clips until the others fit into max_bytes."""
        clips = []
        for name in filter(_NAME.match, os.listdir(self._folder)):
            path = os.path.join(self._folder, name)
            try:
                found = os.stat(path)
            except FileNotFoundError:
                continue  # removed by another stream
            clips.append((found.st_mtime, path, found.st_size))
        left_bytes = sum(size_bytes for _, _, size_bytes in clips)
        for _, path, size_bytes in sorted(clips):
            if left_bytes <= self._max_bytes:
                break
            left_bytes -= size_bytes
            self._counts["removed"] += _remove(path)


def _remove(path: str) -> bool:
    """False if there is no such file."""
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
