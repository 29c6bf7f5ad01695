"""/metrics says what the state says, in a form that Prometheus takes."""

import re
import sys
import time

import prometheus_client
import pytest
from health_state import Client, make_state, make_stream
from prometheus_client.parser import text_string_to_metric_families

from edge_attp.platforms.sensors import Sensors
from edge_attp.service import metrics

pytestmark = pytest.mark.needs_prometheus_client

UNITS = ("_seconds", "_bytes", "_celsius", "_watts")
ODD_NAME = 'a "quoted" \\ name\nof two lines é'


class SinkDouble:
    def counters(self):
        return {"sent": 7, "lost": 1, "spool_waiting": 2}


@pytest.fixture
def state():
    door = make_stream("door", damaged=3, idle=60, skipped_scorings=2, lag_s=0.25, events=4)
    door.status.source_counters = lambda: {"reconnects": 5, "stalls": 0}
    door.status.last_scored_s = time.monotonic() - 10
    state = make_state(door, make_stream(ODD_NAME, "failed"))
    state.restarts = {"door": 1}
    state.add_sinks([("mqtt", SinkDouble())])
    return state


@pytest.fixture
def families(state, monkeypatch):
    monkeypatch.setattr(
        metrics, "read_sensors", lambda: Sensors({"GPU-therm": 41.5}, {"VDD_IN": 7.6})
    )
    _, body = metrics.exposition(state)
    return {family.name: family for family in text_string_to_metric_families(body.decode("utf-8"))}


def value(families, name, **labels):
    """The one sample of this name and these labels, whichever others it has."""
    found = [
        sample.value
        for family in families.values()
        for sample in family.samples
        if sample.name == name and labels.items() <= sample.labels.items()
    ]
    assert len(found) == 1, f"{name} {labels!r}: {found!r}"
    return found[0]


@pytest.mark.parametrize(
    "name, labels, expected",
    [
        ("stream_pictures_total", {"stream": "door"}, 100),
        ("stream_scored_total", {"stream": "door"}, 90),
        ("stream_idle_total", {"stream": "door"}, 60),
        ("stream_damaged_total", {"stream": "door"}, 3),
        ("stream_skipped_scorings_total", {"stream": "door"}, 2),
        ("stream_events_total", {"stream": "door"}, 4),
        ("stream_restarts_total", {"stream": "door"}, 1),
        ("stream_running", {"stream": "door"}, 1),
        ("stream_running", {"stream": ODD_NAME}, 0),
        ("stream_lag_seconds", {"stream": "door"}, 0.25),
        ("source_incidents_total", {"stream": "door", "kind": "reconnects"}, 5),
        ("sink_records_total", {"sink": "mqtt", "outcome": "sent"}, 7),
        ("sink_waiting", {"sink": "mqtt"}, 2),
        ("stage_seconds_count", {"stream": "door", "stage": "parse"}, 2),
        ("stage_seconds_sum", {"stream": "door", "stage": "parse"}, 0.006),
        ("stage_seconds", {"stream": "door", "stage": "parse", "quantile": "0.5"}, 0.002),
        ("stage_seconds", {"stream": "door", "stage": "parse", "quantile": "0.99"}, 0.004),
        ("temperature_celsius", {"zone": "GPU-therm"}, 41.5),
        ("power_watts", {"rail": "VDD_IN"}, 7.6),
        ("ready", {}, 1),
        ("build_info", {}, 1),
    ],
)
def test_values(families, name, labels, expected):
    assert value(families, "edge_attp_" + name, **labels) == pytest.approx(expected)


def test_the_time_of_the_last_score(families):
    told = value(families, "edge_attp_stream_last_scored_timestamp_seconds", stream="door")
    assert time.time() - told == pytest.approx(10, abs=3)


def test_the_process_is_there(families):
    assert value(families, "process_resident_memory_bytes") > 1e6
    assert value(families, "process_cpu_seconds_total") > 0


def test_names_are_as_prometheus_wants_them(families):
    """The rules of promtool check metrics, as far as they touch names, types and help."""
    assert len(families) > 15
    for name, family in families.items():
        assert re.match("(edge_attp|process)_[a-z_]+$", name) and family.documentation
        if not name.startswith("edge_attp_"):
            continue
        assert family.type in ("counter", "gauge", "summary")
        assert family.type == "counter" or not name.endswith(("_total", "_count", "_sum"))
        words = [word for word in name.split("_") if word in ("ms", "milliseconds", "percent")]
        assert not words, name
        keys = [(sample.name, tuple(sorted(sample.labels.items()))) for sample in family.samples]
        assert len(keys) == len(set(keys)), name
        for sample in family.samples:
            is_count = sample.name.endswith(("_total", "_count"))
            assert not is_count or sample.value == int(sample.value) >= 0
    assert any(name.endswith(UNITS) for name in families)


def test_served(state):
    with Client(state) as client:
        status, headers, body = client.get("/metrics")
        assert status == 200 and headers["Content-Type"] == prometheus_client.CONTENT_TYPE_LATEST
        assert b'edge_attp_stream_pictures_total{stream="door"} 100.0' in body


def test_without_the_library(state, monkeypatch):
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    with Client(state) as client:
        status, _, body = client.get("/metrics")
        assert status == 501 and b"pip install 'edge-attp[service]'" in body


def test_a_service_that_has_not_begun():
    state = make_state()
    state.is_ready, state.progress = False, None
    _, body = metrics.exposition(state)
    assert b"edge_attp_ready 0.0" in body
