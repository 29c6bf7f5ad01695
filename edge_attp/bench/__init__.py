"""Measures the pipeline and reports the result.

`runs` measures one video, `streams` several copies of it at once, `choices` the choices of a setting;
`report` turns that into one `record`, which is what is stored as JSON; `formats`, `markdown`, `plot` and
`baseline` know that record only. Only the command line imports this package.
"""

from edge_attp.bench.baseline import compare_reports, different_conditions, read_baseline
from edge_attp.bench.choices import check_subject, compare_choices
from edge_attp.bench.formats import render
from edge_attp.bench.record import Report
from edge_attp.bench.report import add_choices, add_streams, add_tx2_estimate, new_report
from edge_attp.bench.runs import OpenBackend, Setup, demo_clip, measure
from edge_attp.bench.streams import Copies, Streams, measure_streams

__all__ = [
    "Copies",
    "OpenBackend",
    "Report",
    "Setup",
    "Streams",
    "add_choices",
    "add_streams",
    "add_tx2_estimate",
    "check_subject",
    "compare_choices",
    "compare_reports",
    "demo_clip",
    "different_conditions",
    "measure",
    "measure_streams",
    "new_report",
    "read_baseline",
    "render",
]
