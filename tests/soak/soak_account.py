"""Accounts for events: those that the service logged against those that arrived.

Events are counted by stream and separately for each life of the service, from the start of a process to its
end. This module reads texts and records and runs nothing.
"""

import json
import re
from collections import Counter, namedtuple

LOGGED = re.compile(r"^(\S+): .+, \d+ %, from [\d.]+ to [\d.]+ s$", re.M)

# lost: reported, but not arrived. in_flight: arrived, but not reported: the process died in between.
Account = namedtuple("Account", "reported arrived lost in_flight")
Sample = namedtuple("Sample", "rss_mb descriptors threads")


def logged(text):
    """Events in the service's log. The service logs an event after all sinks have taken it."""
    return Counter(LOGGED.findall(text))


def recorded(records, begin, end):
    """Events among records of JSON lines or messages with a time from `begin` to `end`, both as the
    records have them: texts that sort like times."""
    return Counter(
        record["stream"]
        for record in records
        if record["type"] == "event" and begin <= record["time"] < end
    )


def compare(reported, arrived):
    """An Account of the results of logged() and recorded() for one life."""
    counts = (reported, arrived, reported - arrived, arrived - reported)
    return Account(*(sum(count.values()) for count in counts))


def total(accounts):
    """The sum of several accounts."""
    return Account(*(sum(field) for field in zip(*accounts)))


def distinct(records):
    """Records without repetitions: at-least-once delivery may repeat an id."""
    return list({record["id"]: record for record in records}.values())


def records_of(paths):
    """Records of JSON lines files. Raises ValueError, naming a line that is not JSON."""
    found = []
    for path in paths:
        with open(str(path), encoding="utf-8") as file:
            for number, line in enumerate(file, 1):
                try:
                    found.append(json.loads(line))
                except ValueError:
                    raise ValueError(f"{path}:{number}: torn: {line[:80]!r}") from None
    return found


def metrics(text):
    """{(name, sorted labels): value} of a Prometheus exposition."""
    found = {}
    for name, labels, value in re.findall(r"^(\w+)(?:\{(.*)\})? (\S+)$", text, re.M):
        pairs = tuple(sorted(re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', labels)))
        found[name, pairs] = float(value)
    return found


def outcome(found, sink, name):
    """One counter of a sink in metrics()."""
    key = (("outcome", name), ("sink", sink))
    return int(found.get(("edge_attp_sink_records_total", key), 0))


def grown(first, last, spare_mb=16.0, spare=2):
    """What has grown since the first sample, as texts. Small differences are ignored: a connection may be open
    that was not before."""
    texts = []
    if last.rss_mb > first.rss_mb + spare_mb:
        texts.append(f"memory: {last.rss_mb:.1f} MB, was {first.rss_mb:.1f} MB")
    for field in ("descriptors", "threads"):
        if getattr(last, field) > getattr(first, field) + spare:
            texts.append(f"{field}: {getattr(last, field)}, were {getattr(first, field)}")
    return texts
