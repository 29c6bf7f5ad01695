"""Where results go: console text, JSON lines, CSV, an overlay video, a progress line.

A sink knows result records and nothing of how they came about.
"""

from edge_attp.sinks.base import Header, Sink
from edge_attp.sinks.csv_rows import CsvSink
from edge_attp.sinks.jsonl import JsonLinesSink
from edge_attp.sinks.progress import ProgressSink
from edge_attp.sinks.text import TextSink

__all__ = ["CsvSink", "Header", "JsonLinesSink", "ProgressSink", "Sink", "TextSink"]
