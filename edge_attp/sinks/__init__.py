"""Where results go: console text, JSON lines, CSV, an overlay video, a progress line, networks.

A sink knows result records and nothing of how they came about; an observer knows pictures and nothing of results. To
write a sink, derive from Sink and override the methods you need:

>>> class LongEvents(Sink):
...     def __init__(self, least_s):
...         self.least_s = least_s
...         self.labels = []
...
...     def event(self, event):
...         if event.end_s - event.start_s >= self.least_s:
...             self.labels.append(event.label)
>>> sink = LongEvents(least_s=2.0)
>>> sink.counters()
{}
"""

from edge_attp.sinks.base import Header, Observer, Sink
from edge_attp.sinks.console import ProgressSink, TextSink
from edge_attp.sinks.csv_rows import CsvSink, write_csv_header
from edge_attp.sinks.jsonl import JsonLinesSink
from edge_attp.sinks.rotating import RotatingJsonSink

__all__ = [
    "CsvSink",
    "Header",
    "JsonLinesSink",
    "Observer",
    "ProgressSink",
    "RotatingJsonSink",
    "Sink",
    "TextSink",
    "write_csv_header",
]
