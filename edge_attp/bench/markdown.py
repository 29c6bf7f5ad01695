"""A benchmark as Markdown: tables for people. Knows records only."""

from typing import Iterable, Iterator, List, Sequence

from edge_attp.bench.record import (
    BoardFacts,
    ChoiceFacts,
    ComparisonFacts,
    EstimateFacts,
    KindFacts,
    ModeFacts,
    Range,
    Report,
    Settings,
    StreamsFacts,
    Times,
    TrialFacts,
)

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
    width, height = pack["input"]
    model = [pack["backbone"], pack["precision"], f"{width}x{height}"]
    model += [] if pack["is_trained"] else ["not trained"]
    kinds = ", ".join(f"{video['kinds'][kind]} {kind}" for kind in sorted(video["kinds"]))
    commit = f" at {software['commit']}" if software["commit"] else ""
    return (
        f"**{report['machine']}**: {pack['name']} ({', '.join(model)}); {report['backend']}; "
        f"{video['file']}, {video['codec']} {video['profile']}, {video['width']}x{video['height']}, "
        f"{video['pictures']} pictures ({kinds}); {_runs(report['settings'])}; "
        f"edge-attp {software['edge_attp']}{commit}"
    )


def _runs(settings: Settings) -> str:
    threads = settings["threads"]
    plural = "" if threads == 1 else "s"
    return f"medians of {settings['repeat']}, {threads} parser thread{plural}"


def _stage_rows(report: Report) -> Iterator[List[str]]:
    for name, times in report["stages"].items():
        yield _stage_row(name, times, f"{times['per_picture_ms']:.3f}")
    costs = sum(times["per_picture_ms"] for times in report["stages"].values())
    yield ["sum of all", "", "", "", "", f"{costs:.3f}"]
    yield _stage_row("`total`, from one scored picture to the next", report["total"], "")


def _stage_row(name: str, times: Times, last: str) -> List[str]:
    percentiles = (times["p50_ms"], times["p90_ms"], times["p99_ms"])
    return [name, f"{times['runs']}"] + [f"{value:.3f}" for value in percentiles] + [last]


def _paper_rows(report: Report) -> Iterator[List[str]]:
    rates = report["pictures_per_s"]
    ours = ("this measurement", 1000.0 / rates["preprocess"], 1000.0 / rates["cnn"])
    for row in (ours + (rates["preprocess"], rates["cnn"]),) + PAPER:
        yield [row[0]] + [f"{value:.1f}" for value in row[1:]]


def _findings(report: Report) -> Iterator[str]:
    rates, target = report["pictures_per_s"], report["target"]
    yield (
        f"pipelined: **{rates['pipelined']:.1f} pictures/s** ({rates['pipelined_min']:.1f} to "
        f"{rates['pipelined_max']:.1f}); sequential, one stage after the other: "
        f"{rates['sequential']:.1f}"
    )
    reached = "reached" if target["is_reached"] else "**not reached**"
    yield (
        f"target {target['pictures_per_s']:g} pictures/s: {reached}, {target['margin']:.2f} times as fast "
        "as that"
    )
    cpu, memory = report["cpu"], report["memory"]
    yield (
        f"CPU: {cpu['ms_per_picture']:.1f} ms of processor time a scored picture, "
        f"{cpu['cores_busy']:.2f} cores busy"
    )
    device = memory["device_bytes"]
    of_device = "-" if device is None else f"{device / 1e6:.0f} MB"
    yield (
        f"memory: {memory['peak_rss_bytes'] / 1e6:.0f} MB at its peak (RSS); of the device: {of_device}"
    )
    yield from _board_lines(report["board"])
    for remark in report["remarks"]:
        yield "**not at full speed**: " + remark


def _board_lines(board: BoardFacts) -> Iterator[str]:
    clocks = [
        f"{clock['name']} {clock['now_hz'] / 1e6:.0f} of {clock['limit_hz'] / 1e6:.0f} MHz"
        for clock in board["clocks"]
    ]
    parts = [board["release"], board["power_mode"] and "mode " + board["power_mode"], *clocks]
    if any(parts):
        yield "board: " + ", ".join(part for part in parts if part)


def _streams(found: StreamsFacts) -> List[str]:
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


def _trial(trial: TrialFacts, found: StreamsFacts) -> str:
    verdict = "sustained" if trial["is_sustained"] else "too many"
    return (
        f"{trial['copies']} live streams: the last ended after {trial['slowest_s']:.2f} s "
        f"(allowed {found['allowed_s']:.2f}), {100.0 * trial['scored_share']:.1f} % scored: {verdict}"
    )


def _choices(comparison: ComparisonFacts) -> List[str]:
    subject = comparison["subject"]
    rows = [_choice_row(choice, comparison["best"]) for choice in comparison["choices"]]
    heading = (
        f"### Chosen by measurement: {subject} ({comparison['copies']} at once, "
        f"medians of {comparison['rounds']})"
    )
    return [heading, table(rows, (subject, "pictures/s", "slowest", "fastest", ""))]


def _choice_row(choice: ChoiceFacts, best: str) -> List[str]:
    rates = (choice["pictures_per_s"], choice["slowest"], choice["fastest"])
    mark = "**best**" if choice["name"] == best else ""
    return [choice["name"]] + [f"{rate:.1f}" for rate in rates] + [mark]


def _estimate(found: EstimateFacts, target: float) -> List[str]:
    modes = [_mode_row(mode, target) for mode in found["modes"]]
    kinds = [_kind_row(kind) for kind in found["motion_kinds"]]
    return [
        f"### Jetson TX2: {found['label']}",
        table(modes, MODE_COLUMNS + (f"target {target:g}",)),
        f"Where the motion graph's time goes, MAX-N ({found['label']}):",
        table(kinds, KIND_COLUMNS),
        "Assumed:",
        "\n".join("- " + line for line in found["assumptions"]),
    ]


def _mode_row(mode: ModeFacts, target: float) -> List[str]:
    rates = mode["pictures_per_s"]
    verdicts = {0: "missed", 1: "open", 2: "reached"}
    return mode_cells(mode) + [verdicts[(rates["low"] >= target) + (rates["high"] >= target)]]


def mode_cells(mode: ModeFacts) -> List[str]:
    """The cells under MODE_COLUMNS."""
    times = (mode["appearance_ms"], mode["motion_ms"], mode["reader_ms"])
    rates = mode["pictures_per_s"]
    return (
        [mode["mode"]]
        + [span(time) for time in times]
        + [f"{rates['low']:.0f} to {rates['high']:.0f}"]
    )


def _kind_row(kind: KindFacts) -> List[str]:
    sizes = [f"{kind['layers']}", f"{kind['gflop']:.3f}", f"{kind['megabytes']:.1f}"]
    return [kind["kind"]] + sizes + [span(kind["milliseconds"])]


def span(found: Range) -> str:
    """A range for people; "-" for what takes no time at all, as a graph that a pack does not have."""
    if found["high"] == 0.0:
        return "-"
    return f"{found['low']:.1f} to {found['high']:.1f}"


def table(rows: Iterable[Sequence[str]], columns: Sequence[str]) -> str:
    """A Markdown table without a final line break; the first column is left-aligned, the others right."""
    head = ["| " + " | ".join(columns) + " |", "|---" + "|---:" * (len(columns) - 1) + "|"]
    return "\n".join(head + ["| " + " | ".join(row) + " |" for row in rows])
