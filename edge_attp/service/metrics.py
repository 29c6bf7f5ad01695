"""What /metrics says, read from the service's state when it is asked for.

All names begin with edge_attp_, except those of the process, which are prometheus_client's own.
"""

import time
from typing import Any, Dict, Iterator, Tuple

from edge_attp.errors import UsageError
from edge_attp.platforms.sensors import read_sensors
from edge_attp.service.state import GAUGES

__all__ = ["exposition"]

NEWEST_RUNS = 1000  # that quantiles are taken of
STREAM_COUNTERS = (
    ("pictures", "Pictures read."),
    ("scored", "Pictures scored."),
    ("damaged", "Pictures that were not whole; these are not scored."),
    ("skipped_scorings", "Pictures not scored because the live source was behind."),
    ("events", "Events that ended."),
)


def exposition(state: Any) -> Tuple[str, bytes]:
    """Content type and body. Raises UsageError without prometheus_client."""
    try:
        import prometheus_client as client
        import prometheus_client.core as core
    except ImportError as error:
        raise UsageError(
            f"/metrics needs prometheus_client ({error}): pip install 'edge-attp[service]'"
        ) from None
    registry = client.CollectorRegistry()
    client.ProcessCollector(registry=registry)
    registry.register(_Collector(state, core))
    return client.CONTENT_TYPE_LATEST, client.generate_latest(registry)


class _Collector:
    """core: the module prometheus_client.core."""

    def __init__(self, state: Any, core: Any) -> None:
        self._state = state
        self._core = core

    def describe(self) -> Tuple[Any, ...]:
        """Nothing: else registering would collect once for the names."""
        return ()

    def collect(self) -> Iterator[Any]:
        streams = {stream.name: stream.status for stream in self._state.streams()}
        yield from self._of_the_service()
        yield from self._of_streams(streams)
        yield self._stages(streams)
        yield from self._of_sources_and_sinks(streams)
        yield from self._of_the_board()

    def _of_the_service(self) -> Iterator[Any]:
        build = self._core.InfoMetricFamily("edge_attp_build", "The program.")
        build.add_metric([], {"version": self._state.version})
        yield build
        ready = self._gauge("ready", "1 once the engines are loaded.")
        ready.add_metric([], float(self._state.is_ready))
        yield ready

    def _of_streams(self, streams: Dict[str, Any]) -> Iterator[Any]:
        for field, what in STREAM_COUNTERS:
            counter = self._counter("stream_" + field, what, "stream")
            for name, status in streams.items():
                counter.add_metric([name], getattr(status, field))
            yield counter
        restarts = self._counter("stream_restarts", "Times a stream was begun again.", "stream")
        for name, count in dict(self._state.restarts).items():
            restarts.add_metric([name], count)
        yield restarts
        running = self._gauge("stream_running", "1 while the stream is open.", "stream")
        lag = self._gauge("stream_lag_seconds", "How far a live source is behind.", "stream")
        last = self._gauge(
            "stream_last_scored_timestamp_seconds", "When a picture was last scored.", "stream"
        )
        for name, status in streams.items():
            running.add_metric([name], float(status.state == "running"))
            lag.add_metric([name], status.lag_s)
            if status.last_scored_s is not None:
                age_s = time.monotonic() - status.last_scored_s
                last.add_metric([name], time.time() - age_s)
        yield from (running, lag, last)

    def _stages(self, streams: Dict[str, Any]) -> Any:
        """Counts and sums since the start; quantiles of the newest runs, which the library's own
        add_metric does not know."""
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

    def _of_sources_and_sinks(self, streams: Dict[str, Any]) -> Iterator[Any]:
        incidents = self._counter(
            "source_incidents", "What a live source went through, by kind.", "stream", "kind"
        )
        for name, status in streams.items():
            for kind, count in status.source_counters().items():
                incidents.add_metric([name, kind], count)
        yield incidents
        outcomes = self._counter("sink_records", "What became of results.", "sink", "outcome")
        waiting = self._gauge(
            "sink_waiting", "Results that wait on disk for the other side.", "sink"
        )
        for name, counters in self._state.sink_counters().items():
            for outcome, count in counters.items():
                if outcome in GAUGES:
                    waiting.add_metric([name], count)
                else:
                    outcomes.add_metric([name, outcome], count)
        yield from (outcomes, waiting)

    def _of_the_board(self) -> Iterator[Any]:
        sensors = read_sensors()
        temperature = self._gauge("temperature_celsius", "Temperature by thermal zone.", "zone")
        power = self._gauge("power_watts", "Electrical power by rail of the board.", "rail")
        for name, celsius in sensors.temperatures_c.items():
            temperature.add_metric([name], celsius)
        for name, watts in sensors.power_w.items():
            power.add_metric([name], watts)
        yield from (temperature, power)

    def _counter(self, name: str, what: str, *labels: str) -> Any:
        return self._core.CounterMetricFamily("edge_attp_" + name, what, labels=labels)

    def _gauge(self, name: str, what: str, *labels: str) -> Any:
        return self._core.GaugeMetricFamily("edge_attp_" + name, what, labels=labels)
