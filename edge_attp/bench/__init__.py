"""Measures the pipeline as it is, and reports what was found.

`runs` measures one video, `streams` several copies of it at once, `choices` one setting beside another;
`report` turns all of it into one record, which is what is stored as JSON; `formats`, `markdown`, `plot` and
`baseline` know that record only. Nothing below the command line imports this package.
"""

from edge_attp.bench.baseline import compare, differences, read_baseline
from edge_attp.bench.choices import check_subject, compare_choices
from edge_attp.bench.formats import FORMATS, render
from edge_attp.bench.report import add_choices, add_streams, add_tx2_estimate, build
from edge_attp.bench.runs import Setup, demo_clip, measure
from edge_attp.bench.streams import Copies, measure_streams

__all__ = [
    "FORMATS",
    "Copies",
    "Setup",
    "add_choices",
    "add_streams",
    "add_tx2_estimate",
    "build",
    "check_subject",
    "compare",
    "compare_choices",
    "demo_clip",
    "differences",
    "measure",
    "measure_streams",
    "read_baseline",
    "render",
]
