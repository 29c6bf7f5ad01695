"""Turns the tables of a configuration into plans for the supervisor: jobs with sources, options and sinks."""

import os
import queue
import threading
from typing import Callable, List, Optional, Tuple, Union

from edge_attp.bitstream import Source
from edge_attp.pipeline import Job, Options
from edge_attp.service.config import Config, StreamTable
from edge_attp.service.state import EventSink, ServiceState
from edge_attp.service.stream_sinks import LastingSink, make_lasting_sinks, make_passing_sinks
from edge_attp.service.supervisor import Plan, Work
from edge_attp.sinks import Observer, Sink
from edge_attp.sinks.table import SINKS
from edge_attp.sources.folder import watch_folder
from edge_attp.sources.live import ConnectionOptions, LiveOptions, LiveSource, is_live
from edge_attp.sources.recorder import PacketRing, RecordedSource

__all__ = ["FolderClips", "make_plans"]

LONGEST_EVENT_S = 120.0  # the clip of a longer event lacks its beginning


def make_plans(
    config: Config, state: ServiceState, live_view: Callable[[str], Optional[Observer]]
) -> List[Plan]:
    """One plan for each stream. live_view: returns the page's observer of a stream, if there is one."""
    return [_Planner(config, table, state, live_view).make_plan() for table in config.streams]


class _Planner:
    """Plans one stream. What lasts from one source to the next is made with the first and ended by _close()."""

    def __init__(
        self,
        config: Config,
        table: StreamTable,
        state: ServiceState,
        live_view: Callable[[str], Optional[Observer]],
    ) -> None:
        self._config = config
        self._table = table
        self._state = state
        self._live_view = live_view
        self._lasting: Optional[List[Tuple[str, LastingSink]]] = None
        self._clips: Optional[FolderClips] = None
        if _is_folder(table.source):
            state_path = os.path.join(config.state_dir, "folders", table.name + ".json")
            self._clips = FolderClips(table.source, state_path)

    def make_plan(self) -> Plan:
        table, config = self._table, self._config
        sinks = tuple(sink for sink in config.sinks if sink.takes(table.name))
        tables = (table, sinks, config.events, config.health, config.state_dir)
        is_folder = self._clips is not None
        is_file = not (is_folder or is_live(table.source))
        return Plan(table.name, tables, self._next_work, is_folder, is_file, self._close)

    def _next_work(self) -> Optional[Work]:
        path = self._table.source if self._clips is None else self._clips.next_clip()
        return None if path is None else self._make_work(path)

    def _make_work(self, path: str) -> Work:
        name, recorder = self._table.name, self._make_recorder()
        if self._lasting is None:
            self._lasting = make_lasting_sinks(self._config, name)
            self._state.add_sinks(self._lasting)
        passing = make_passing_sinks(self._config, name, recorder)
        sinks: List[Sink] = [sink for _, sink in passing]
        sinks += [sink for _, sink in self._lasting]
        sinks += [EventSink(self._state)]
        view = self._live_view(name)
        job = Job(
            self._make_source(path, recorder),
            lambda: sinks,
            self._make_options(path),
            name,
            observers=() if view is None else (view,),
        )
        return Work(job, passing)

    def _close(self) -> None:
        """Waits for what can still be delivered; runs in a thread of its own."""
        if self._clips is not None:
            self._clips.stop_watching()
        for _, sink in self._lasting or ():
            sink.end_for_good()
        self._state.drop_sinks(self._lasting or ())

    def _make_recorder(self) -> Optional[PacketRing]:
        """A ring of the newest packets, if a sink asks for one."""
        asking = [
            (SINKS[sink.type].packets_s, sink.options)
            for sink in self._config.sinks
            if sink.takes(self._table.name)
        ]
        around_s = [packets_s(options) for packets_s, options in asking if packets_s is not None]
        return PacketRing(max_s=LONGEST_EVENT_S + max(around_s)) if around_s else None

    def _make_source(self, path: str, recorder: Optional[PacketRing]) -> Union[str, Source]:
        table = self._table
        if is_live(path):
            connection = ConnectionOptions(
                transport=table.transport, stall_s=table.stall_s, track=table.track
            )
            options = LiveOptions(connection, table.reconnect_max_s, table.max_lag_s)
            return LiveSource(path, options=options, recorder=recorder)
        return path if recorder is None else RecordedSource(path, recorder, track=table.track)

    def _make_options(self, path: str) -> Options:
        table = self._table
        return Options(
            every=table.every,
            anchor=table.anchor,
            parse_threads=table.parse_threads,
            wait=not is_live(path),
            realtime=table.realtime,
            thresholds=self._config.events,
            track=table.track,
            regions=table.regions,
        )


def _is_folder(source: str) -> bool:
    """Whether the source is a folder. One that does not exist yet needs a slash at its end."""
    return not is_live(source) and (source.endswith("/") or os.path.isdir(source))


class FolderClips:
    """The clips of a folder, one after the other, for a loop that must not wait for them.

    A thread waits in watch_folder(). A clip counts as done when the next one is requested, so one that a
    stop interrupted comes again after the next start. state_path: file that records which clips are done.
    One thread may call next_clip(), any thread stop_watching().
    """

    def __init__(self, folder: str, state_path: str) -> None:
        self._folder, self._state_path = folder, state_path
        self._ready: "queue.Queue[str]" = queue.Queue()
        self._is_out = False  # a clip was returned and is not done
        self._stopping, self._done = threading.Event(), threading.Event()
        self._thread: Optional[threading.Thread] = None

    def next_clip(self) -> Optional[str]:
        """The path of the next clip, None if there is none now. Marks the one before as done."""
        if self._thread is None:
            self._start_thread()
        if self._is_out:
            self._is_out = False
            self._done.set()
        try:
            path = self._ready.get_nowait()
        except queue.Empty:
            return None
        self._is_out = True
        return path

    def stop_watching(self) -> None:
        """Ends the thread. The clip returned last does not count as done."""
        self._stopping.set()
        self._done.set()

    def _start_thread(self) -> None:
        os.makedirs(os.path.dirname(self._state_path), exist_ok=True)
        self._thread = threading.Thread(target=self._watch, name="edge-attp-folder", daemon=True)
        self._thread.start()

    def _watch(self) -> None:
        for path in watch_folder(self._folder, self._state_path, self._stopping):
            self._ready.put(path)
            self._done.wait()
            self._done.clear()
            if self._stopping.is_set():  # before the generator records it as done
                return
