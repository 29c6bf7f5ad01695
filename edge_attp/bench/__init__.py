"""Measures the pipeline as it is, and reports what was found.

`runs` measures; `report` turns runs into one record, which is what is stored as JSON; `formats`, `plot`
and `baseline` know that record only. Nothing below the command line imports this package.
"""

from edge_attp.bench.baseline import compare, differences, read_baseline
from edge_attp.bench.formats import FORMATS, render
from edge_attp.bench.report import add_tx2_estimate, build
from edge_attp.bench.runs import demo_clip, measure

__all__ = [
    "FORMATS",
    "add_tx2_estimate",
    "build",
    "compare",
    "demo_clip",
    "differences",
    "measure",
    "read_baseline",
    "render",
]
