"""A benchmark as Markdown: tables for people. Knows records only (see report)."""

from typing import Any, Dict, Iterable, Iterator, List, Sequence

from edge_attp.bench.report import Report

__all__ = ["MODE_COLUMNS", "PAPER", "markdown", "mode_cells", "span", "table"]

# Table 1 of the paper: milliseconds and pictures per second, preprocess and CNN.
PAPER = (
    ("paper, Jetson TX2", 12.2, 24.6, 82.1, 40.7),
    ("paper, two Xeon Silver 4110 and a TITAN Xp", 0.6, 4.3, 1587.3, 233.6),
)
STAGE_COLUMNS = ("stage", "runs", "p50 ms", "p90 ms", "p99 ms", "ms per picture")
PAPER_COLUMNS = ("", "preprocess ms", "CNN ms", "preprocess FPS", "CNN FPS")
MODE_COLUMNS = ("mode", "appearance ms", "motion ms", "CPU stages ms", "pictures/s")
KIND_COLUMNS = ("layers", "number", "GFLOP", "MB moved", "ms")


def markdown(report: Report) -> str:
    """The whole record."""
    parts = [
        _conditions(report),
        table(_stage_rows(report), STAGE_COLUMNS),
        table(_paper_rows(report), PAPER_COLUMNS),
        "\n".join("- " + line for line in _findings(report)),
    ]
    if "streams" in report:
        parts += _streams(report["streams"])
    for comparison in report.get("choices", ()):
        parts += _choices(comparison)
    if "tx2_estimate" in report:
        parts += _estimate(report["tx2_estimate"], report["target"]["pictures_per_s"])
    return "\n\n".join(parts) + "\n"


def _conditions(report: Report) -> str:
    pack, video, software = report["pack"], report["video"], report["software"]
    kinds = ", ".join(f"{video['kinds'][kind]} {kind}" for kind in sorted(video["kinds"]))
    return "**{}**: {} ({}, {}, {}{}); {}; {}, {} {}, {}x{}, {} pictures ({}); {}; edge-attp {}{}".format(
        report["machine"],
        pack["name"],
        pack["backbone"],
        pack["precision"],
        "{}x{}".format(*tuple(pack["input"])),
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


def _runs(settings: Dict[str, int]) -> str:
    return "medians of {}, {} parser thread{}".format(
        settings["repeat"], settings["threads"], "" if settings["threads"] == 1 else "s"
    )


def _stage_rows(report: Report) -> Iterator[List[str]]:
    for name, times in report["stages"].items():
        yield _stage_row(name, times, "{:.3f}".format(times["per_picture_ms"]))
    costs = sum(times["per_picture_ms"] for times in report["stages"].values())
    yield ["sum of all", "", "", "", "", f"{costs:.3f}"]
    yield _stage_row("`total`, from one scored picture to the next", report["total"], "")


def _stage_row(name: str, times: Dict[str, float], last: str) -> List[str]:
    percentiles = [f"{times[key]:.3f}" for key in ("p50_ms", "p90_ms", "p99_ms")]
    return [name, f"{times['runs']}"] + percentiles + [last]


def _paper_rows(report: Report) -> Iterator[List[str]]:
    rates = report["pictures_per_s"]
    ours = ("this measurement", 1000.0 / rates["preprocess"], 1000.0 / rates["cnn"])
    for row in (ours + (rates["preprocess"], rates["cnn"]),) + PAPER:
        yield [row[0]] + [f"{value:.1f}" for value in row[1:]]


def _findings(report: Report) -> Iterator[str]:
    rates, target = report["pictures_per_s"], report["target"]
    yield (
        "pipelined: **{:.1f} pictures/s** ({:.1f} to {:.1f}); sequential, one stage after the other: {:.1f}".format(
            rates["pipelined"],
            rates["pipelined_min"],
            rates["pipelined_max"],
            rates["sequential"],
        )
    )
    yield "target {:g} pictures/s: {}, {:.2f} times as fast as that".format(
        target["pictures_per_s"],
        "reached" if target["is_reached"] else "**not reached**",
        target["margin"],
    )
    cpu, memory = report["cpu"], report["memory"]
    yield "CPU: {:.1f} ms of processor time a scored picture, {:.2f} cores busy".format(
        cpu["ms_per_picture"],
        cpu["cores_busy"],
    )
    device = memory["device_bytes"]
    yield "memory: {:.0f} MB at its peak (RSS); of the device: {}".format(
        memory["peak_rss_bytes"] / 1e6,
        "-" if device is None else f"{device / 1e6:.0f} MB",
    )
    for line in _board_lines(report["board"]):
        yield line
    for remark in report["remarks"]:
        yield "**not at full speed**: " + remark


def _board_lines(board: Dict[str, Any]) -> Iterator[str]:
    clocks = [
        "{} {:.0f} of {:.0f} MHz".format(
            clock["name"], clock["now_hz"] / 1e6, clock["limit_hz"] / 1e6
        )
        for clock in board["clocks"]
    ]
    parts = [board["release"], board["power_mode"] and "mode " + board["power_mode"]] + clocks
    if any(parts):
        yield "board: " + ", ".join(part for part in parts if part)


def _streams(found: Dict[str, Any]) -> List[str]:
    """How a number of streams was found, line by line."""
    lines = [
        f"{found['copies']} copies at once, batches of up to {one['batch']}: "
        f"**{one['scored_per_s']:.1f} pictures/s** scored, of all together (median of {found['runs']})"
        for one in found["throughputs"]
    ]
    lines.append(f"the best would feed {found['estimated']} at {found['frame_rate']:g} FPS")
    lines += [_trial(trial, found) for trial in found["trials"]]
    lines.append(f"streams sustained at {found['frame_rate']:g} FPS: **{found['sustained']}**")
    return ["### Several streams", "\n".join("- " + line for line in lines)]


def _trial(trial: Dict[str, Any], found: Dict[str, Any]) -> str:
    return "{} live streams: the last ended after {:.2f} s (allowed {:.2f}), {:.1f} % scored: {}".format(
        trial["copies"],
        trial["slowest_s"],
        found["allowed_s"],
        100.0 * trial["scored_share"],
        "sustained" if trial["is_sustained"] else "too many",
    )


def _choices(comparison: Dict[str, Any]) -> List[str]:
    rows = [_choice_row(choice, comparison["best"]) for choice in comparison["choices"]]
    heading = "### Chosen by measurement: %(subject)s (%(copies)d at once, medians of %(rounds)d)"
    columns = (comparison["subject"], "pictures/s", "slowest", "fastest", "")
    return [heading % comparison, table(rows, columns)]


def _choice_row(choice: Dict[str, Any], best: str) -> List[str]:
    rates = [f"{choice[name]:.1f}" for name in ("pictures_per_s", "slowest", "fastest")]
    return [choice["name"]] + rates + ["**best**" if choice["name"] == best else ""]


def _estimate(found: Dict[str, Any], target: float) -> List[str]:
    modes = [_mode_row(mode, target) for mode in found["modes"]]
    kinds = [_kind_row(kind) for kind in found["motion_kinds"]]
    return [
        "### Jetson TX2: {}".format(found["label"]),
        table(modes, MODE_COLUMNS + (f"target {target:g}",)),
        "Where the motion graph's time goes, MAX-N ({}):".format(found["label"]),
        table(kinds, KIND_COLUMNS),
        "Assumed:",
        "\n".join("- " + line for line in found["assumptions"]),
    ]


def _mode_row(mode: Dict[str, Any], target: float) -> List[str]:
    rates = mode["pictures_per_s"]
    verdicts = {0: "missed", 1: "open", 2: "reached"}
    verdict = verdicts[sum(rate >= target for rate in rates.values())]
    return mode_cells(mode) + [verdict]


def mode_cells(mode: Dict[str, Any]) -> List[str]:
    """The cells under MODE_COLUMNS."""
    times = [span(mode[name]) for name in ("appearance_ms", "motion_ms", "reader_ms")]
    return [mode["mode"]] + times + ["{low:.0f} to {high:.0f}".format(**mode["pictures_per_s"])]


def _kind_row(kind: Dict[str, Any]) -> List[str]:
    sizes = [
        f"{kind['layers']}",
        "{:.3f}".format(kind["gflop"]),
        "{:.1f}".format(kind["megabytes"]),
    ]
    return [kind["kind"]] + sizes + [span(kind["milliseconds"])]


def span(found: Dict[str, float]) -> str:
    """A range for people."""
    return "{low:.1f} to {high:.1f}".format(**found)


def table(rows: Iterable[Sequence[str]], columns: Sequence[str]) -> str:
    """A Markdown table, the first column to the left, without a line break at its end."""
    head = ["| " + " | ".join(columns) + " |", "|---" + "|---:" * (len(columns) - 1) + "|"]
    return "\n".join(head + ["| " + " | ".join(row) + " |" for row in rows])
