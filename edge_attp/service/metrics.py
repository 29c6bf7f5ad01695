"""The answer of /metrics, computed from the service's state at each request.

All names begin with edge_attp_, except those of the process, which are prometheus_client's own.
"""

import time
from types import ModuleType
from typing import Any, Dict, Iterator, Tuple

from edge_attp import lazy
from edge_attp.pipeline import StreamStatus
from edge_attp.platforms.sensors import read_sensors
from edge_attp.service.state import GAUGES, ServiceState

__all__ = ["exposition"]

NEWEST_RUNS = 1000  # that quantiles are computed from
# A metric family of prometheus_client, an optional package whose types cannot be named at import time.
Family = Any
STREAM_COUNTERS = (
    ("pictures", "Pictures read."),
    ("scored", "Pictures scored."),
    ("idle", "Pictures not scored because nothing moves in them."),
    ("damaged", "Damaged pictures, which are not scored."),
    ("skipped_scorings", "Pictures not scored because processing fell behind a live source."),
    ("events", "Events that ended."),
)


def exposition(state: ServiceState) -> Tuple[str, bytes]:
    """Content type and body of the answer. MissingExtra, a UsageError, without prometheus_client."""
    client = lazy.load("/metrics", "prometheus_client")
    core = lazy.load("/metrics", "prometheus_client.core")
    registry = client.CollectorRegistry()
    client.ProcessCollector(registry=registry)
    registry.register(_Collector(state, core))
    return client.CONTENT_TYPE_LATEST, client.generate_latest(registry)


class _Collector:
    """core: the module prometheus_client.core."""

    def __init__(self, state: ServiceState, core: ModuleType) -> None:
        self._state = state
        self._core = core

    def describe(self) -> Tuple[Family, ...]:
        """Nothing; otherwise registering would collect once to learn the names."""
        return ()

    def collect(self) -> Iterator[Family]:
        streams = {stream.name: stream.status for stream in self._state.streams()}
        yield from self._service_families()
        yield from self._stream_families(streams)
        yield self._stage_family(streams)
        yield from self._source_and_sink_families(streams)
        yield from self._board_families()

    def _service_families(self) -> Iterator[Family]:
        build = self._core.InfoMetricFamily("edge_attp_build", "The program.")
        build.add_metric([], {"version": self._state.version})
        yield build
        ready = self._gauge("ready", "1 once the engines are loaded.")
        ready.add_metric([], float(self._state.is_ready))
        yield ready

    def _stream_families(self, streams: Dict[str, StreamStatus]) -> Iterator[Family]:
        for field, what in STREAM_COUNTERS:
            counter = self._counter("stream_" + field, what, "stream")
            for name, status in streams.items():
                counter.add_metric([name], getattr(status, field))
            yield counter
        restarts = self._counter("stream_restarts", "Times a stream was restarted.", "stream")
        for name, count in dict(self._state.restarts).items():
            restarts.add_metric([name], count)
        yield restarts
        running = self._gauge("stream_running", "1 while the stream is open.", "stream")
        lag = self._gauge(
            "stream_lag_seconds", "How far processing is behind a live source.", "stream"
        )
        last = self._gauge(
            "stream_last_scored_timestamp_seconds",
            "When a picture was last scored or idle.",
            "stream",
        )
        for name, status in streams.items():
            running.add_metric([name], float(status.state == "running"))
            lag.add_metric([name], status.lag_s)
            if status.last_scored_s is not None:
                age_s = time.monotonic() - status.last_scored_s
                last.add_metric([name], time.time() - age_s)
        yield from (running, lag, last)

    def _stage_family(self, streams: Dict[str, StreamStatus]) -> Family:
        """Counts and sums since the start; quantiles of the newest runs, which the library's own
        add_metric cannot write."""
        family = self._core.SummaryMetricFamily(
            "edge_attp_stage_seconds",
            "Duration of each stage for one picture; total is from one scored picture to the next.",
            labels=["stream", "stage"],
        )
        for name, status in streams.items():
            totals, summary = status.clock.totals(), status.clock.summary(newest=NEWEST_RUNS)
            for stage in totals:
                times = summary[stage]
                labels = {"stream": name, "stage": stage}
                quantiles = (("0.5", times.p50_ms), ("0.9", times.p90_ms), ("0.99", times.p99_ms))
                for quantile, milliseconds in quantiles:
                    of_quantile = dict(labels, quantile=quantile)
                    family.add_sample(family.name, of_quantile, milliseconds / 1000.0)
                family.add_metric([name, stage], totals[stage].runs, totals[stage].seconds)
        return family

    def _source_and_sink_families(self, streams: Dict[str, StreamStatus]) -> Iterator[Family]:
        incidents = self._counter(
            "source_incidents", "Incidents of a live source, by kind.", "stream", "kind"
        )
        for name, status in streams.items():
            for kind, count in status.source_counters().items():
                incidents.add_metric([name, kind], count)
        yield incidents
        outcomes = self._counter("sink_records", "What became of results.", "sink", "outcome")
        waiting = self._gauge("sink_waiting", "Results waiting on disk for the receiver.", "sink")
        for name, counters in self._state.sink_counters().items():
            for outcome, count in counters.items():
                if outcome in GAUGES:
                    waiting.add_metric([name], count)
                else:
                    outcomes.add_metric([name, outcome], count)
        yield from (outcomes, waiting)

    def _board_families(self) -> Iterator[Family]:
        sensors = read_sensors()
        temperature = self._gauge("temperature_celsius", "Temperature by thermal zone.", "zone")
        power = self._gauge("power_watts", "Electrical power by rail of the board.", "rail")
        for name, celsius in sensors.temperatures_c.items():
            temperature.add_metric([name], celsius)
        for name, watts in sensors.power_w.items():
            power.add_metric([name], watts)
        yield from (temperature, power)

    def _counter(self, name: str, what: str, *labels: str) -> Family:
        return self._core.CounterMetricFamily("edge_attp_" + name, what, labels=labels)

    def _gauge(self, name: str, what: str, *labels: str) -> Family:
        return self._core.GaugeMetricFamily("edge_attp_" + name, what, labels=labels)
