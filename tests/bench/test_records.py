"""From a measurement to its record, and from records to text, pictures and comparisons."""

import csv
import io
import json

import numpy as np
import pytest
import records

from doubles import tiny_pack
from edge_attp.bench import (
    add_choices,
    add_streams,
    add_tx2_estimate,
    compare_reports,
    different_conditions,
    read_baseline,
    render,
)
from edge_attp.engine import load_pack
from edge_attp.errors import SourceError, UsageError
from edge_attp.platforms.layers import read_layers
from edge_attp.timing import STAGES

pytestmark = [pytest.mark.needs_av, pytest.mark.needs_onnx]


@pytest.fixture(scope="module")
def pack(tmp_path_factory):
    folder = tmp_path_factory.mktemp("packs") / "tiny"
    return load_pack(tiny_pack.write(folder, precision="fp16"))


@pytest.fixture
def report(pack):
    return records.report(pack)


@pytest.fixture
def estimated(pack, report):
    add_tx2_estimate(report, {name: read_layers(path) for name, path in pack.graphs.items()})
    return report


def test_medians_are_over_runs(report):
    assert report["total"]["p50_ms"] == pytest.approx(18)
    assert report["stages"]["motion"]["p99_ms"] == pytest.approx(27)
    assert report["load_ms"] == pytest.approx(250)
    assert report["cpu"] == pytest.approx({"ms_per_picture": 10, "cores_busy": 0.5})
    rates = report["pictures_per_s"]
    found = (rates["pipelined_min"], rates["pipelined"], rates["pipelined_max"])
    assert found == pytest.approx((100 / 3, 50, 100))


def test_costs_of_a_picture_add_up(report):
    """Twice 2 ms before the networks, twice 6 ms in them, twice 1 ms after."""
    costs = {name: stage["per_picture_ms"] for name, stage in report["stages"].items()}
    assert costs["appearance"] == pytest.approx(2.0)  # 4 runs for 100 pictures
    assert list(costs) == [name for name in STAGES if name not in ("regions", "upload", "total")]
    rates = report["pictures_per_s"]
    assert sum(costs.values()) == pytest.approx(18) and rates["sequential"] == pytest.approx(40)
    assert 1000 / rates["preprocess"] == pytest.approx(4)
    assert 1000 / rates["cnn"] == pytest.approx(12)


@pytest.mark.parametrize("target, is_reached", [(40.0, True), (50.0, True), (50.1, False)])
def test_target(pack, target, is_reached):
    found = records.report(pack, target=target)["target"]
    assert found["is_reached"] is is_reached and found["margin"] == pytest.approx(50 / target)


def test_record_says_what_was_measured(report):
    assert report["pack"]["precision"] == "fp16" and report["pack"]["input"] == [8, 8]
    assert report["video"]["file"] == "demo.mp4" and report["video"]["codec"] == "h264"
    assert report["board"]["clocks"][0]["now_hz"] == 500000000
    assert json.loads(render(report, "json")) == report


def test_estimate_of_a_pack_without_appearance_leaves_its_column_empty(report, tmp_path):
    pack = load_pack(tiny_pack.write(tmp_path / "motion", kind="motion"))
    del report["stages"]["appearance"]
    add_tx2_estimate(report, {"motion": read_layers(pack.graphs["motion"])})
    (row,) = [line for line in render(report, "md").splitlines() if line.startswith("| MAX-N |")]
    cells = [cell.strip() for cell in row.split("|")]
    assert cells[2] == "-" and " to " in cells[3] and " to " in cells[5]


def test_estimate_stands_apart(estimated):
    text = render(estimated, "md")
    measured, _, estimate = text.partition("### Jetson TX2: estimate, not measured")
    assert "MAX-N" in estimate and "MAX-N" not in measured
    assert estimated["tx2_estimate"]["label"] in estimate
    assert json.loads(render(estimated, "json")) == estimated
    assert "MAX-N" not in render(estimated, "csv")


def test_estimate_takes_the_costs_of_the_host(estimated):
    modes = estimated["tx2_estimate"]["modes"]
    assert modes[0]["reader_ms"] == pytest.approx({"low": 3 * 4, "high": 6 * 4})
    assert modes[2]["reader_ms"]["low"] == pytest.approx(3 * 4 * 2.0 / 1.2)


def test_markdown_tables_are_tables(estimated):
    add_streams(estimated, records.streams())
    add_choices(estimated, [records.comparison()])
    blocks = render(estimated, "md").split("\n\n")
    tables = [block.splitlines() for block in blocks if block.startswith("|")]
    assert len(tables) == 5
    for lines in tables:
        assert len({line.count("|") for line in lines}) == 1 and len(lines) > 3


def test_markdown_says_what_matters(pack):
    text = render(records.report(pack, target=60.0, remarks=["slow: `mend it`"]), "md")
    assert "**50.0 pictures/s**" in text and "**not reached**" in text
    assert "| paper, Jetson TX2 | 12.2 | 24.6 | 82.1 | 40.7 |" in text
    assert "| this measurement | 4.0 | 12.0 | 250.0 | 83.3 |" in text
    assert "mode MAXQ, gpu 500 of 850 MHz" in text and "slow: `mend it`" in text
    assert "not trained" in text


def test_markdown_shows_memory(pack):
    assert "memory: 123 MB at its peak (RSS); of the device: -" in render(
        records.report(pack), "md"
    )
    on_device = records.report(pack, device_bytes=45600000)
    assert "of the device: 46 MB" in render(on_device, "md")


def test_streams_say_how_they_were_found(report):
    add_streams(report, records.streams())
    text = render(report, "md")
    assert "6 copies at once, batches of up to 6: **125.0 pictures/s** scored" in text
    assert "batches of up to 1: **100.0 pictures/s**" in text and "would feed 5 at 25 FPS" in text
    assert "5 live streams: the last ended after 7.00 s (allowed 6.25)" in text
    assert "99.5 % scored: sustained" in text and "streams sustained at 25 FPS: **4**" in text
    assert json.loads(render(report, "json"))["streams"]["trials"][1]["copies"] == 4


def test_choices_mark_the_best(report):
    add_choices(report, [records.comparison()])
    text = render(report, "md")
    assert "### Chosen by measurement: threads (1 at once, medians of 5)" in text
    assert "| 2 | 50.0 | 48.0 | 55.5 | **best** |" in text and text.count("**best**") == 1
    assert json.loads(render(report, "json"))["choices"][0]["best"] == "2"


def test_csv_has_a_row_for_each_stage(report):
    rows = list(csv.DictReader(io.StringIO(render(report, "csv"))))
    assert [row["stage"] for row in rows] == list(report["stages"]) + ["total"]
    assert {row["machine"] for row in rows} == {"Test board"}
    assert float(rows[0]["p50_ms"]) == pytest.approx(report["stages"]["demux"]["p50_ms"], abs=1e-4)


def test_unknown_format(report):
    with pytest.raises(UsageError, match="expected one of md, json, csv"):
        render(report, "xml")


def test_comparison_is_in_percent(pack, report):
    slower = records.report(pack, factors=(2.2, 2.2))
    total, rate = compare_reports(slower, report)
    assert (total.before, total.now) == pytest.approx((18, 19.8))
    assert total.worse_percent == pytest.approx(10)
    assert rate.worse_percent == pytest.approx(100 * (1 - 1 / 1.1))
    assert [change.worse_percent for change in compare_reports(report, report)] == [0, 0]
    assert all(change.worse_percent < 0 for change in compare_reports(report, slower))


def test_other_conditions_are_named(report):
    assert list(different_conditions(report, report)) == []
    other = json.loads(json.dumps(report))
    other["pack"]["precision"] = "fp32"
    del other["settings"]
    assert list(different_conditions(report, other)) == [
        "pack.precision was fp32 and is fp16",
        "settings.threads was None and is 2",
    ]


def test_older_results_are_baselines_too(tmp_path, report):
    path = tmp_path / "before.json"
    path.write_text(json.dumps(dict(report, version=1)))
    assert [
        change.worse_percent for change in compare_reports(report, read_baseline(str(path)))
    ] == [0, 0]


def test_baseline_is_read_as_written(tmp_path, report):
    path = tmp_path / "before.json"
    path.write_text(render(report, "json"))
    assert read_baseline(str(path)) == report


@pytest.mark.parametrize(
    "change, words",
    [
        ({"format": "other"}, "not a benchmark"),
        ({"version": 3}, "has version 3, expected one of 1, 2"),
        ({"total": {}}, "total.p50_ms is missing"),
        ({"pictures_per_s": {"pipelined": 0}}, "pictures_per_s.pipelined is missing"),
    ],
)
def test_baseline_that_is_none(tmp_path, report, change, words):
    path = tmp_path / "before.json"
    path.write_text(json.dumps(dict(report, **change)))
    with pytest.raises(UsageError, match=words):
        read_baseline(str(path))


@pytest.mark.parametrize("text", ["", "[]", "{"])
def test_baseline_that_is_no_json_object(tmp_path, text):
    path = tmp_path / "before.json"
    path.write_text(text)
    with pytest.raises(UsageError, match="cannot be read|not a benchmark"):
        read_baseline(str(path))


@pytest.mark.needs_cv2
def test_plot_bars_are_as_long_as_times(tmp_path, pack):
    import cv2

    from edge_attp.bench import plot

    report = records.report(pack, target=1.0)  # off the scale: no line through the bars
    drawn = plot.draw_stages(report)
    lengths = {}
    for number, (name, stage) in enumerate(report["stages"].items()):
        row = drawn[plot.TOP + plot.ROW * number + plot.ROW // 2]
        columns = np.flatnonzero((row == plot.BAR).all(axis=1))
        run = columns[: np.argmax(np.diff(np.append(columns, 10**6)) > 1) + 1]
        lengths[name] = len(run) / stage["p50_ms"]
    assert lengths["motion"] == pytest.approx(lengths["appearance"], rel=0.1)
    assert (plot.draw_stages(records.report(pack)) == plot.TARGET).all(axis=2).any()
    assert not (drawn == plot.TARGET).all(axis=2).any()
    path = str(tmp_path / "plot.png")
    plot.save_plot(report, path)
    np.testing.assert_array_equal(cv2.imread(path)[..., ::-1], drawn)


@pytest.mark.needs_cv2
@pytest.mark.parametrize("name", ["plot.nothing", "no/plot.png"])
def test_plot_that_cannot_be_written(tmp_path, report, name):
    from edge_attp.bench import plot

    with pytest.raises(SourceError, match="cannot be written"):
        plot.save_plot(report, str(tmp_path / name))
