"""A benchmark as Markdown, CSV or JSON. Knows records only (see report)."""

import csv
import io
from typing import Any, Dict, List

from edge_attp.bench.markdown import markdown
from edge_attp.bench.report import Report, to_json
from edge_attp.errors import UsageError

__all__ = ["FORMATS", "render"]

COLUMNS = ("runs", "mean_ms", "p50_ms", "p90_ms", "p99_ms", "per_picture_ms")


def render(report: Report, format: str) -> str:
    """The text of a record, with its last line ended. format: one of FORMATS."""
    if format not in FORMATS:
        raise UsageError("format: got {!r}, expected one of {}".format(format, ", ".join(FORMATS)))
    return FORMATS[format](report)


def _csv(report: Report) -> str:
    """One row for each stage, the total last; each says what was measured where."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    place = _place(report)
    writer.writerow(list(place) + ["stage"] + list(COLUMNS))
    for name, times in list(report["stages"].items()) + [("total", report["total"])]:
        writer.writerow(list(place.values()) + [name] + _csv_values(times))
    return out.getvalue()


def _place(report: Report) -> Dict[str, Any]:
    return {
        "machine": report["machine"],
        "commit": report["software"]["commit"] or report["software"]["edge_attp"],
        "backend": report["backend"],
        "pack": report["pack"]["name"],
        "precision": report["pack"]["precision"],
        "video": report["video"]["file"],
        "pipelined_per_s": "{:.2f}".format(report["pictures_per_s"]["pipelined"]),
    }


def _csv_values(times: Dict[str, float]) -> List[Any]:
    return [
        times[name] if name == "runs" else f"{times[name]:.4f}" if name in times else ""
        for name in COLUMNS
    ]


FORMATS = {"md": markdown, "csv": _csv, "json": to_json}
