"""From the tables of a configuration to what the supervisor runs: jobs with sources, options and sinks."""

import os
from typing import Callable, List, Optional, Tuple, Union

from edge_attp.bitstream import Source
from edge_attp.pipeline import Job, Options
from edge_attp.service.config import Config, StreamTable
from edge_attp.service.folder_clips import FolderClips
from edge_attp.service.state import EventSink, ServiceState
from edge_attp.service.stream_sinks import LastingSink, make_lasting_sinks, make_passing_sinks
from edge_attp.service.supervisor import Plan, Work
from edge_attp.sinks import Observer, Sink
from edge_attp.sinks.table import SINKS
from edge_attp.sources.live import ConnectionOptions, LiveOptions, LiveSource, is_live
from edge_attp.sources.recorder import PacketRing, RecordedSource

__all__ = ["plans"]

LONGEST_EVENT_S = 120.0  # of a longer one, the clip lacks the beginning


def plans(
    config: Config, state: ServiceState, live_view: Callable[[str], Optional[Observer]]
) -> List[Plan]:
    """One plan for each stream. live_view: gives the page's observer of a stream, if there is a page."""
    return [_Planner(config, table, state, live_view).plan() for table in config.streams]


class _Planner:
    """One stream. What lasts from one source to the next is made with the first and ended by close()."""

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

    def plan(self) -> Plan:
        table, config = self._table, self._config
        sinks = tuple(sink for sink in config.sinks if sink.takes(table.name))
        tables = (table, sinks, config.events, config.health, config.state_dir)
        is_folder = self._clips is not None
        is_file = not (is_folder or is_live(table.source))
        return Plan(table.name, tables, self._next_work, is_folder, is_file, self._close)

    def _next_work(self) -> Optional[Work]:
        path = self._table.source if self._clips is None else self._clips.next_clip()
        return None if path is None else self._work(path)

    def _work(self, path: str) -> Work:
        name, recorder = self._table.name, self._recorder()
        if self._lasting is None:
            self._lasting = make_lasting_sinks(self._config, name)
            self._state.add_sinks(self._lasting)
        passing = make_passing_sinks(self._config, name, recorder)
        sinks: List[Sink] = [sink for _, sink in passing]
        sinks += [sink for _, sink in self._lasting]
        sinks += [EventSink(self._state)]
        view = self._live_view(name)
        job = Job(
            self._source(path, recorder),
            lambda: sinks,
            self._options(path),
            name,
            observers=() if view is None else (view,),
        )
        return Work(job, passing)

    def _close(self) -> None:
        """Waits for what can still be delivered, so it is called in a thread of its own."""
        if self._clips is not None:
            self._clips.stop_watching()
        for _, sink in self._lasting or ():
            sink.end_for_good()
        self._state.drop_sinks(self._lasting or ())

    def _recorder(self) -> Optional[PacketRing]:
        """Remembers the newest packets where a sink asks for them."""
        asking = [
            (SINKS[sink.type].packets_s, sink.options)
            for sink in self._config.sinks
            if sink.takes(self._table.name)
        ]
        around_s = [packets_s(options) for packets_s, options in asking if packets_s is not None]
        return PacketRing(LONGEST_EVENT_S + max(around_s)) if around_s else None

    def _source(self, path: str, recorder: Optional[PacketRing]) -> Union[str, Source]:
        table = self._table
        if is_live(path):
            connection = ConnectionOptions(
                transport=table.transport, stall_s=table.stall_s, track=table.track
            )
            options = LiveOptions(connection, table.reconnect_max_s, table.max_lag_s)
            return LiveSource(path, options, recorder)
        return path if recorder is None else RecordedSource(path, recorder, track=table.track)

    def _options(self, path: str) -> Options:
        table = self._table
        return Options(
            every=table.every,
            anchor=table.anchor,
            threads=table.parse_threads,
            wait=not is_live(path),
            realtime=table.realtime,
            thresholds=self._config.events,
            track=table.track,
        )


def _is_folder(source: str) -> bool:
    """One that is not there yet is known by the slash at its end."""
    return not is_live(source) and (source.endswith("/") or os.path.isdir(source))
