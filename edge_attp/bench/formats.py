"""A benchmark as Markdown, CSV or JSON. Knows records only."""

import csv
import io
from typing import Callable, Dict, List, Mapping

from edge_attp.bench.markdown import markdown
from edge_attp.bench.record import Report
from edge_attp.bench.report import to_json
from edge_attp.choices import REPORT_FORMATS
from edge_attp.errors import UsageError

__all__ = ["render"]

COLUMNS = ("runs", "mean_ms", "p50_ms", "p90_ms", "p99_ms", "per_picture_ms")


def render(report: Report, report_format: str) -> str:
    """The text of a record, its last line ended. report_format: one of REPORT_FORMATS."""
    if report_format not in REPORT_FORMATS:
        expected = ", ".join(REPORT_FORMATS)
        raise UsageError(f"format: got {report_format!r}, expected one of {expected}")
    renderers: Dict[str, Callable[[Report], str]] = {"md": markdown, "csv": _csv, "json": to_json}
    return renderers[report_format](report)


def _csv(report: Report) -> str:
    """One row for each stage, the total last; each repeats what was measured where."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    place = _place(report)
    writer.writerow(list(place) + ["stage"] + list(COLUMNS))
    stages: Dict[str, Mapping[str, object]] = {**report["stages"], "total": report["total"]}
    for name, times in stages.items():
        writer.writerow(list(place.values()) + [name] + _csv_values(times))
    return out.getvalue()


def _place(report: Report) -> Dict[str, str]:
    return {
        "machine": report["machine"],
        "commit": report["software"]["commit"] or report["software"]["edge_attp"],
        "backend": report["backend"],
        "pack": report["pack"]["name"],
        "precision": report["pack"]["precision"],
        "video": report["video"]["file"],
        "pipelined_per_s": f"{report['pictures_per_s']['pipelined']:.2f}",
    }


def _csv_values(times: Mapping[str, object]) -> List[str]:
    values = (times.get(name, "") for name in COLUMNS)
    return [f"{value:.4f}" if isinstance(value, float) else str(value) for value in values]
