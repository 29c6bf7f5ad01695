"""A benchmark as Markdown, CSV or JSON. Knows records only (see report)."""

import csv
import io
from typing import Any, Dict, Iterator, List

from edge_attp.bench.report import Report, to_json
from edge_attp.errors import UsageError

__all__ = ["FORMATS", "render"]

# Table 1 of the paper: milliseconds and pictures per second, preprocess and CNN.
PAPER = (
    ("paper, Jetson TX2", 12.2, 24.6, 82.1, 40.7),
    ("paper, two Xeon Silver 4110 and a TITAN Xp", 0.6, 4.3, 1587.3, 233.6),
)
COLUMNS = ("runs", "mean_ms", "p50_ms", "p90_ms", "p99_ms", "per_picture_ms")


def render(report: Report, format: str) -> str:
    """The text of a record, with its last line ended. format: one of FORMATS."""
    if format not in FORMATS:
        raise UsageError("format: got %r, expected one of %s" % (format, ", ".join(FORMATS)))
    return FORMATS[format](report)


def _markdown(report: Report) -> str:
    parts = [
        _conditions(report),
        _table(_stage_rows(report), "| stage | runs | p50 ms | p90 ms | p99 ms | ms per picture |"),
        _table(_paper_rows(report), "| | preprocess ms | CNN ms | preprocess FPS | CNN FPS |"),
        "\n".join("- " + line for line in _findings(report)),
    ]
    if "tx2_estimate" in report:
        parts += _estimate(report["tx2_estimate"], report["target"]["pictures_per_s"])
    return "\n\n".join(parts) + "\n"


def _conditions(report: Report) -> str:
    pack, video, software = report["pack"], report["video"], report["software"]
    kinds = ", ".join("%d %s" % (video["kinds"][kind], kind) for kind in sorted(video["kinds"]))
    return (
        "**%s**: %s (%s, %s, %s%s); %s; %s, %s %s, %dx%d, %d pictures (%s); %s; edge-attp %s%s"
        % (
            report["machine"],
            pack["name"],
            pack["backbone"],
            pack["precision"],
            "%dx%d" % tuple(pack["input"]),
            "" if pack["is_trained"] else ", not trained",
            report["backend"],
            video["file"],
            video["codec"],
            video["profile"],
            video["width"],
            video["height"],
            video["pictures"],
            kinds,
            _runs(report["settings"]),
            software["edge_attp"],
            " at " + software["commit"] if software["commit"] else "",
        )
    )


def _runs(settings: Dict[str, int]) -> str:
    return "medians of %d, %d parser thread%s" % (
        settings["repeat"],
        settings["threads"],
        "" if settings["threads"] == 1 else "s",
    )


def _stage_rows(report: Report) -> Iterator[str]:
    for name, times in report["stages"].items():
        yield _stage_row(name, times, "%.3f" % times["per_picture_ms"])
    sequential = 1000.0 / report["pictures_per_s"]["sequential"]
    yield "| all, one after the other | | | | | %.3f |" % sequential
    yield _stage_row("`total`, from one scored picture to the next", report["total"], "")


def _stage_row(name: str, times: Dict[str, float], last: str) -> str:
    values = (name, times["runs"], times["p50_ms"], times["p90_ms"], times["p99_ms"], last)
    return "| %s | %d | %.3f | %.3f | %.3f | %s |" % values


def _paper_rows(report: Report) -> Iterator[str]:
    rates = report["pictures_per_s"]
    ours = ("this measurement", 1000.0 / rates["preprocess"], 1000.0 / rates["cnn"])
    for row in (ours + (rates["preprocess"], rates["cnn"]),) + PAPER:
        yield "| %s | %.1f | %.1f | %.1f | %.1f |" % row


def _findings(report: Report) -> Iterator[str]:
    rates, target = report["pictures_per_s"], report["target"]
    yield "pipelined: **%.1f pictures/s** (%.1f to %.1f); stages one after the other: %.1f" % (
        rates["pipelined"],
        rates["pipelined_min"],
        rates["pipelined_max"],
        rates["sequential"],
    )
    yield "target %g pictures/s: %s, %.2f times as fast as that" % (
        target["pictures_per_s"],
        "reached" if target["is_reached"] else "**not reached**",
        target["margin"],
    )
    cpu, peak = report["cpu"], report["memory"]["peak_rss_bytes"]
    yield (
        "CPU: %.1f ms of processor time a scored picture, %.2f cores busy; peak memory %.0f MB"
        % (
            cpu["ms_per_picture"],
            cpu["cores_busy"],
            peak / 1e6,
        )
    )
    for line in _board_lines(report["board"]):
        yield line
    for remark in report["remarks"]:
        yield "**not at full speed**: " + remark


def _board_lines(board: Dict[str, Any]) -> Iterator[str]:
    clocks = [
        "%s %.0f of %.0f MHz" % (clock["name"], clock["now_hz"] / 1e6, clock["limit_hz"] / 1e6)
        for clock in board["clocks"]
    ]
    parts = [board["release"], board["power_mode"] and "mode " + board["power_mode"]] + clocks
    if any(parts):
        yield "board: " + ", ".join(part for part in parts if part)


def _estimate(found: Dict[str, Any], target: float) -> List[str]:
    modes = [_mode_row(mode, target) for mode in found["modes"]]
    kinds = [_kind_row(kind) for kind in found["motion_kinds"]]
    header = (
        "| mode | appearance ms | motion ms | CPU stages ms | pictures/s | target %g |" % target
    )
    return [
        "### Jetson TX2: %s" % found["label"],
        _table(modes, header),
        "Where the motion graph's time goes, MAX-N (%s):" % found["label"],
        _table(kinds, "| layers | number | GFLOP | MB moved | ms |"),
        "Assumed:",
        "\n".join("- " + line for line in found["assumptions"]),
    ]


def _mode_row(mode: Dict[str, Any], target: float) -> str:
    rates = mode["pictures_per_s"]
    verdicts = {0: "missed", 1: "open", 2: "reached"}
    return "| %s | %s | %s | %s | %.0f to %.0f | %s |" % (
        mode["mode"],
        _span(mode["appearance_ms"]),
        _span(mode["motion_ms"]),
        _span(mode["reader_ms"]),
        rates["low"],
        rates["high"],
        verdicts[sum(rate >= target for rate in rates.values())],
    )


def _kind_row(kind: Dict[str, Any]) -> str:
    return "| %s | %d | %.3f | %.1f | %s |" % (
        kind["kind"],
        kind["layers"],
        kind["gflop"],
        kind["megabytes"],
        _span(kind["milliseconds"]),
    )


def _span(span: Dict[str, float]) -> str:
    return "%.1f to %.1f" % (span["low"], span["high"])


def _table(rows: Any, header: str) -> str:
    columns = header.count("|") - 1
    return "\n".join([header, "|---" + "|---:" * (columns - 1) + "|"] + list(rows))


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
        "pipelined_per_s": "%.2f" % report["pictures_per_s"]["pipelined"],
    }


def _csv_values(times: Dict[str, float]) -> List[Any]:
    return [
        times[name] if name == "runs" else "%.4f" % times[name] if name in times else ""
        for name in COLUMNS
    ]


FORMATS = {"md": _markdown, "csv": _csv, "json": to_json}
