"""The bookkeeping of the soak test notices what is lost, torn and grown."""

import json

import pytest
from soak_account import (
    Account,
    Sample,
    compare,
    distinct,
    grown,
    logged,
    metrics,
    outcome,
    recorded,
    records_of,
    total,
)

LOG = """\
ready: streams 2
door: noFight, 92 %, from 0.0 to 6.0 s
yard: fight, 61 %, from 3.2 to 3.9 s
warning: door: the source has ended; it is tried again
door: fight, 70 %, from 6.5 to 7.0 s
"""
BEGIN, END = "2026-11-22T20:00:00.000Z", "2026-11-22T20:05:00.000Z"


def event(stream, number, time="2026-11-22T20:03:00.500Z"):
    return {"type": "event", "stream": stream, "id": str(number), "time": time}


ALL = [event("door", 1), event("yard", 2), event("door", 3)]


def account(records):
    return compare(logged(LOG), recorded(records, BEGIN, END))


def test_all_arrived():
    assert account([dict(ALL[0], type="header")] + ALL) == Account(3, 3, lost=0, in_flight=0)


def test_lost_and_in_flight():
    assert account(ALL[:1]) == Account(3, 1, lost=2, in_flight=0)
    assert account(ALL + [event("yard", 4)]) == Account(3, 4, lost=0, in_flight=1)
    assert account(ALL[1:] + [event("yard", 4)]) == Account(3, 3, lost=1, in_flight=1)


def test_other_lives_do_not_count():
    assert account(ALL[:2] + [event("door", 5, END)]) == Account(3, 2, lost=1, in_flight=0)
    assert total([Account(3, 2, 1, 0), Account(5, 5, 0, 0)]) == Account(8, 7, 1, 0)


def test_repeated_messages_count_once():
    assert distinct(ALL + ALL[:1]) == ALL


def test_torn_lines_are_named(tmp_path):
    path = tmp_path / "door.jsonl"
    path.write_text(json.dumps(ALL[0]) + "\n")
    assert records_of([path]) == ALL[:1]
    path.write_text(json.dumps(ALL[0]) + "\n" + json.dumps(ALL[1])[:20] + "\n")
    with pytest.raises(ValueError, match="door.jsonl:2: torn"):
        records_of([path])


def test_metrics():
    found = metrics(
        "# HELP a b\n"
        'edge_attp_sink_records_total{sink="jsonl",outcome="lost_records"} 3.0\n'
        "edge_attp_ready 1.0\n"
    )
    assert outcome(found, "jsonl", "lost_records") == 3
    assert outcome(found, "mqtt", "sent") == 0 and found["edge_attp_ready", ()] == 1.0


def test_growth():
    first = Sample(100.0, 40, 12)
    assert grown(first, Sample(115.9, 42, 14)) == [] and grown(first, Sample(90.0, 38, 11)) == []
    assert grown(first, Sample(117.0, 43, 15)) == [
        "memory: 117.0 MB, was 100.0 MB",
        "descriptors: 43, were 40",
        "threads: 15, were 12",
    ]
