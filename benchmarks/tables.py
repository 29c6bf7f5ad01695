"""Writes the tables of README.md and docs/ from the results stored beside this file.

    python benchmarks/tables.py            # rewrites everything between <!-- table: NAME --> and <!-- end -->
    python benchmarks/tables.py --check    # names the tables that differ from the results

Every number in such a table is in benchmarks/results; none is copied by hand. This file knows results and
Markdown; it measures nothing.
"""

import argparse
import glob
import json
import os
import re
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, ROOT)

from edge_attp.bench.markdown import MODE_COLUMNS, PAPER, mode_cells, table  # noqa: E402
from edge_attp.bench.record import FORMAT  # noqa: E402
from edge_attp.timing import STAGES  # noqa: E402

PAGES = [os.path.join(ROOT, "README.md")] + sorted(glob.glob(os.path.join(ROOT, "docs", "*.md")))
RESULTS = os.path.join(ROOT, "benchmarks", "results")
MARKED = re.compile(r"^<!-- table: ([a-z0-9-]+) -->\n(.*?)^<!-- end -->$", re.M | re.S)
OPENING = re.compile(r"^<!-- table: ", re.M)

# Row in parse-*.json: what the pages call it.
PARSE_ROWS = {
    "decode": "{}, PyAV (FFmpeg): decode",
    "decode + export_mvs": "{}, PyAV: decode and `export_mvs`, vectors without references",
    "parse motion": "**{}, edge-attp: motion**",
    "parse motion + residual": "**{}, edge-attp: motion and residual**",
    "sample 1 of each GOP": "**{}, edge-attp: `sample(per_gop=1)`**, pictures of source video",
}
# Those that README.md shows.
SPEED_ROWS = {
    "decode": "{}: decode with FFmpeg (PyAV), one thread",
    "parse motion + residual": "**{}: motion and residual with edge-attp**, one thread",
}
PAPER_ROWS = ("I", "MV", "R", "I+MV+R", "BP", "TP", "TTP", "ATTP")
# Table and row in ablation-*.json, what the pages call it, and where the paper shows it without a number.
ABLATION_ROWS = [("modalities", name, name, None) for name in PAPER_ROWS] + [
    ("frame types", "I+P", "late fusion, I+P", "figure 4, left"),
    ("frame types", "I+B", "late fusion, I+B", "figure 4, left"),
    ("frame types", "I+P+B", "late fusion, I+P+B", "figure 4, left"),
    ("B pictures, MV", "ignored", "MV, B pictures ignored", "-"),
    ("B pictures, MV", "read as P", "MV, B pictures read as P", "-"),
    ("B pictures, MV", "correct", "MV, B pictures read correctly", "-"),
    ("alignment", "after FC", "MV, aligned after FC", "figure 4, right"),
    ("alignment", "distillation", "MV, classic distillation", "figure 4, right"),
    ("alignment", "ours", "MV, aligned as eq. (8)", "figure 4, right"),
    ("alignment", "optical flow (the teacher)", "the teacher, on optical flow", "figure 4, right"),
    ("the shipped pack", "ATTP, LiteNet_I as ImageNet left it", "**the pack fight-ttp**", "-"),
]
BASELINE_ROWS = {
    "majority class": "the larger class, always",
    "motion vectors + residual energy": "logistic regression on vectors and residuals",
}
# Files accuracy-<method>-<column>.json, what the pages call the column, and the figure it shows.
ACCURACY_COLUMNS = [
    ("fight", "fight, 10 folds by source", "accuracy"),
    ("fight-split", "fight, the old split", "accuracy"),
    ("ut-interaction", "UT-Interaction set 1, six classes, leave one sequence out", "accuracy"),
    ("weizmann", "Weizmann, ten classes, leave one actor out", "accuracy"),
    ("transfer", "fight on UT-Interaction, area under ROC", "area_under_roc"),
]
ACCURACY_KINDS = ("model", "baseline", "control")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="change nothing; fail if one is stale")
    args = parser.parse_args()
    stale = {}
    for page in PAGES:
        with open(page, encoding="utf-8") as file:
            text = file.read()
        written, stale_here = fill(text, RESULTS)
        if stale_here:
            stale[os.path.relpath(page, ROOT)] = stale_here
        if written != text and not args.check:
            with open(page, "w", encoding="utf-8") as file:
                file.write(written)
    if args.check and stale:
        lines = ["{}: stale: {}".format(page, ", ".join(names)) for page, names in stale.items()]
        sys.exit("\n".join(lines + ["python benchmarks/tables.py writes them"]))


def fill(text, results):
    """The text with each marked table rewritten, and the names of the tables that changed.

    results: the folder of the JSON files. ValueError names an unknown table or a marker without end.
    """
    stale = []

    def replace(match):
        name, before = match.groups()
        if name not in TABLES:
            raise ValueError(
                "<!-- table: {} -->: expected one of {}".format(name, ", ".join(sorted(TABLES)))
            )
        lines = TABLES[name](results)
        lines += "\n" if lines else ""
        if lines != before:
            stale.append(name)
        return f"<!-- table: {name} -->\n{lines}<!-- end -->"

    if len(OPENING.findall(text)) != len(MARKED.findall(text)):
        raise ValueError("a <!-- table: ... --> has no <!-- end -->, or holds another table")
    return MARKED.sub(replace, text), stale


def read(results, pattern):
    """The results whose file name matches, in the order of their names."""
    found = []
    for path in sorted(glob.glob(os.path.join(results, pattern))):
        with open(path, encoding="utf-8") as file:
            found.append(json.load(file))
    return found


# The parser ---------------------------------------------------------------------------------------


def parse_table(results):
    rows, sizes = _parse_rows(results, PARSE_ROWS)
    return table(rows, ["pictures per CPU second, one thread"] + sizes)


def speed_table(results):
    """What a newcomer wants to know: parsing beside decoding, and the whole program."""
    rows, sizes = _parse_rows(results, SPEED_ROWS)
    fastest = benchmarks(results)[0]
    cells = ["**{:.0f}**".format(fastest["pictures_per_s"]["pipelined"])]
    rows.append(["**`edge-attp run`, networks included**"] + cells + ["-"] * (len(sizes) - 1))
    return table(rows, ["pictures per second"] + sizes)


def _parse_rows(results, labels):
    """Rows of both codecs, and the sizes they were measured at."""
    measured = [
        result
        for name in ("parse-real-*.json", "parse-hevc-real-*.json")
        for result in read(results, name)
    ]
    sizes = list(measured[0]["sizes"])
    rows = [row for result in measured for row in _codec_rows(result, sizes, labels)]
    return rows, [size.replace("x", " x ") for size in sizes]


def _codec_rows(result, sizes, labels):
    codec = {"h264": "H.264", "hevc": "HEVC"}[result["codec"]]
    for name, label in labels.items():
        cells = [result["sizes"][size]["rows"].get(name) for size in sizes]
        if all(cells):
            yield [label.format(codec)] + [_parse_cell(name, cell) for cell in cells]


def _parse_cell(name, cell):
    speed, ratio = cell["pictures_per_cpu_s"], cell["ratio_to_decode"]
    text = f"{speed:.0f}"
    return (
        text if name == "decode" else "{} ({:.{}f}x)".format(text, ratio, 0 if ratio > 9.95 else 1)
    )


# Accuracy -----------------------------------------------------------------------------------------


def ablation_table(results):
    fight, synthetic = (_ablation(results, name) for name in ("fight", "synthetic"))
    rows = []
    for table_name, row_name, label, paper in ABLATION_ROWS:
        key = (table_name, row_name)
        cells = [_top1(fight.get(key)), _top1(synthetic.get(key))]
        rows.append([label] + cells + [paper or _paper_top1(fight[key])])
    columns = [
        "",
        "fight: 2 classes",
        "synthetic: 10 classes in 5 pairs",
        "paper: HMDB-51 / UCF-101, %",
    ]
    return table(rows + list(_baseline_rows(results)), columns)


def _ablation(results, name):
    (found,) = read(results, f"ablation-{name}.json")
    return {(row["table"], row["row"]): row for row in found["rows"]}


def _top1(row):
    return "-" if row is None else _mean(row["top1_mean"], row["top1_stdev"], len(row["top1"]))


def _mean(value, spread, seeds):
    text = f"{value:.3f}" + (f" ± {spread:.3f}" if seeds > 1 else "")
    return f"{text} ({seeds})"


def _paper_top1(row):
    return " / ".join(f"{percent:.1f}" for percent in row["paper"])


def _baseline_rows(results):
    (found,) = read(results, "baselines-fight.json")
    for baseline in found["baselines"]:
        if baseline["name"] in BASELINE_ROWS:
            mean = _mean(baseline["top1"], baseline["deviation"], len(baseline["seeds"]))
            yield [BASELINE_ROWS[baseline["name"]], mean, "-", "-"]


def accuracy_table(results):
    """Rows that were tested on the same clips; controls, which should know nothing, are in brackets."""
    rows = {}
    for column, (suffix, _, figure) in enumerate(ACCURACY_COLUMNS):
        for found in read(results, f"accuracy-*-{suffix}.json"):
            for row in found["rows"]:
                cells = rows.setdefault((row["kind"], row["name"]), ["-"] * len(ACCURACY_COLUMNS))
                cells[column] = _accuracy_cell(row, figure)
    ordered = sorted(rows, key=lambda key: ACCURACY_KINDS.index(key[0]))
    lines = [[_accuracy_label(*key)] + rows[key] for key in ordered]
    return table(lines, [""] + [label for _, label, _ in ACCURACY_COLUMNS])


def _accuracy_label(kind, name):
    return {"model": f"**{name}**", "baseline": name, "control": f"({name})"}[kind]


def _accuracy_cell(row, figure):
    if figure == "area_under_roc":
        return "{value:.2f} ({low:.2f} to {high:.2f})".format(**row[figure])
    spread = f" ± {row['deviation']:.3f}" if len(row["seeds"]) > 1 else ""
    return f"{row['accuracy']:.3f}{spread} ({row['low']:.2f} to {row['high']:.2f})"


# Motion -------------------------------------------------------------------------------------------

MOTION_RATES = {
    "accuracy": "pictures judged rightly",
    "false_alarms": "false alarms",
    "recall": "motion noticed",
    "people_found": "people found",
    "boxes_right": "boxes right",
}
MOTION_METHODS = {"finder": "edge-attp", "mog2": "MOG2"}


def motion_table(results):
    """Each group of scenes with both methods."""
    (found,) = read(results, "motion-*.json")
    rows = [
        [f"{group} ({rates[name]['clips']})", label]
        + [_percent(rates[name][rate], group == "all") for rate in MOTION_RATES]
        for group, rates in sorted(found["groups"].items())
        for name, label in MOTION_METHODS.items()
    ]
    return table(rows, ["scenes (clips)", ""] + list(MOTION_RATES.values()))


def _percent(rate, with_interval):
    if rate is None:
        return "-"
    value, low, high = (f"{100 * share:.0f}" for share in rate)
    return f"{value} % ({low} to {high})" if with_interval else f"{value} %"


def motion_time_table(results):
    (found,) = read(results, "motion-*.json")
    rows = [
        [size.replace("x", " x ").replace("h264", "H.264").replace("hevc", "HEVC")]
        + ["{:.2f}".format(row["finder_alone_ms"]["median"])]
        + [f"{row[name + '_ms']:.2f}" for name in MOTION_METHODS]
        for size, row in found["timing"].items()
    ]
    return table(
        rows, ["ms a picture", "regions alone", "parsing and regions", "decoding and MOG2"]
    )


# The pipeline -------------------------------------------------------------------------------------


def benchmarks(results):
    """What `edge-attp bench` found, the fastest first."""
    found = [result for result in read(results, "bench-*.json") if result.get("format") == FORMAT]
    return sorted(found, key=lambda result: -result["pictures_per_s"]["pipelined"])


def recognise_table(results):
    rows = [_recognise_row(result) for result in benchmarks(results)]
    for name, preprocess_ms, cnn_ms, preprocess_rate, cnn_rate in PAPER:
        rates = [f"{rate:.1f}" for rate in (preprocess_rate, cnn_rate)]
        rows.append([name, "-", "-", str(preprocess_ms), str(cnn_ms)] + rates + ["-"])
    columns = [
        "",
        "pictures/s, pipelined",
        "sequential",
        "preprocess ms",
        "CNN ms",
        "preprocess FPS",
        "CNN FPS",
        "live streams",
    ]
    return table(rows, columns)


def _recognise_row(result):
    rates, streams = result["pictures_per_s"], result.get("streams")
    return [
        "{}, {}".format(_model(result), result["machine"].replace("(R)", "")),
        "**{:.0f}**".format(rates["pipelined"]),
        _sequential(result),
        "{:.1f}".format(1000.0 / rates["preprocess"]),
        "{:.1f}".format(1000.0 / rates["cnn"]),
        "{:.0f}".format(rates["preprocess"]),
        "{:.0f}".format(rates["cnn"]),
        "{sustained} at {frame_rate:g} FPS".format(**streams) if streams else "-",
    ]


def _sequential(result):
    """Computed, not measured, until version 2."""
    return "{:.0f}".format(result["pictures_per_s"]["sequential"]) if result["version"] > 1 else "-"


def _model(result):
    pack = result["pack"]
    size = "{}x{}".format(*pack["input"])
    parts = [pack["backbone"], size] + ([] if pack["is_trained"] else ["not trained"])
    return "`{}` ({})".format(pack["name"], ", ".join(parts))


def stages_table(results):
    found = benchmarks(results)
    rows = []
    for stage in STAGES:
        times = [dict(result["stages"], total=result["total"]).get(stage) for result in found]
        if any(times):
            rows.append([f"`{stage}`"] + [_percentiles(cell) for cell in times])
    return table(rows, ["ms a run: p50 / p90 / p99"] + [_model(result) for result in found])


def _percentiles(times):
    if times is None:
        return "-"
    return " / ".join(f"{times[name]:.2f}" for name in ("p50_ms", "p90_ms", "p99_ms"))


def choices_table(results):
    """What `bench --compare` found; nothing where it was not asked."""
    rows = []
    for result in benchmarks(results):
        for found in result.get("choices", ()):
            rows += [_choice_row(result, found, choice) for choice in found["choices"]]
    return table(rows, ["chosen by measurement", "", "pictures/s", "range"]) if rows else ""


def _choice_row(result, found, choice):
    name = "{} {}".format(found["subject"], choice["name"])
    return [
        _model(result),
        f"**{name}**" if choice["name"] == found["best"] else name,
        "{:.0f}".format(choice["pictures_per_s"]),
        "{slowest:.0f} to {fastest:.0f}".format(**choice),
    ]


def tx2_table(results):
    found = [result for result in benchmarks(results) if "tx2_estimate" in result]
    labels = {result["tx2_estimate"]["label"] for result in found}
    rows = [
        [_model(result)] + mode_cells(mode)
        for result in found
        for mode in result["tx2_estimate"]["modes"]
    ]
    return table(rows, ["Jetson TX2: " + "; ".join(sorted(labels))] + list(MODE_COLUMNS))


TABLES = {
    "accuracy": accuracy_table,
    "ablation": ablation_table,
    "choices": choices_table,
    "motion": motion_table,
    "motion-time": motion_time_table,
    "parse": parse_table,
    "recognise": recognise_table,
    "speed": speed_table,
    "stages": stages_table,
    "tx2": tx2_table,
}

if __name__ == "__main__":
    main()
