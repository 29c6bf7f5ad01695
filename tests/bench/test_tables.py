"""benchmarks/tables.py: the tables of the pages come from the results, and a number changed by hand is found."""

import importlib.util
import json
import os
import re

import pytest
import records

from doubles import tiny_pack
from edge_attp.bench import add_choices, add_streams, add_tx2_estimate, render
from edge_attp.engine import load_pack
from edge_attp.platforms.layers import read_layers

pytestmark = pytest.mark.needs_onnx

SCRIPT = os.path.join(records.ROOT, "benchmarks", "tables.py")
MARKED = "before\n\n<!-- table: %s -->\n%s<!-- end -->\n\nafter\n"


@pytest.fixture(scope="module")
def tables():
    spec = importlib.util.spec_from_file_location("readme_tables", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def results(tmp_path):
    """A folder with two made-up benchmarks: tiny, and the same at half the speed as fp16 elsewhere."""
    fast = load_pack(tiny_pack.write(tmp_path / "fast"))
    slow = load_pack(tiny_pack.write(tmp_path / "slow", name="slow", trained=True))
    layers = {name: read_layers(path) for name, path in fast.graphs.items()}
    for pack, factors in ((slow, (4, 4)), (fast, (2, 2))):
        report = records.report(pack, factors)
        add_tx2_estimate(report, layers)
        if pack is fast:
            add_streams(report, records.streams())
            add_choices(report, [records.comparison()])
        (tmp_path / (f"bench-{pack.name}.json")).write_text(render(report, "json"))
    return str(tmp_path)


def store(folder, name, value):
    with open(os.path.join(folder, name), "w") as file:
        json.dump(value, file)


def rows(text):
    return [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| ")]


@pytest.mark.needs_av
def test_a_changed_number_is_stale_until_it_is_written(tables, results):
    written, stale = tables.fill(MARKED % ("recognise", ""), results)
    assert stale == ["recognise"] and written.startswith("before\n\n<!-- table: recognise -->\n|")
    assert tables.fill(written, results) == (written, [])
    assert written.count("**50**") == 1
    changed = written.replace("**50**", "**55**")
    assert tables.fill(changed, results) == (written, ["recognise"])


@pytest.mark.needs_av
@pytest.mark.parametrize(
    "text, words",
    [
        (MARKED % ("velocity", ""), "expected one of ablation, accuracy, choices"),
        ("<!-- table: parse -->\n", "no <!-- end -->"),
        ("<!-- table: parse -->\n<!-- table: stages -->\n<!-- end -->\n", "holds another table"),
    ],
)
def test_wrong_markers(tables, results, text, words):
    with pytest.raises(ValueError, match=words):
        tables.fill(text, results)


@pytest.mark.needs_av
def test_text_without_markers_stays(tables, results):
    assert tables.fill("| a |\n|---|\n", results) == ("| a |\n|---|\n", [])


@pytest.mark.needs_av
def test_recognise(tables, results):
    """The fastest first, the paper last."""
    found = rows(tables.recognise_table(results))[1:]
    assert [row[0].split(" ")[0] for row in found] == ["`tiny`", "`slow`", "paper,", "paper,"]
    assert "not trained" in found[0][0] and "not trained" not in found[1][0]
    assert found[0][1:7] == ["**50**", "40", "4.0", "12.0", "250", "83"]
    assert found[0][7] == "4 at 25 FPS" and found[1][7] == "-"
    assert found[2][3:7] == ["12.2", "24.6", "82.1", "40.7"]


@pytest.mark.needs_av
def test_sequential_was_not_measured_before(tables, results):
    path = os.path.join(results, "bench-tiny.json")
    with open(path) as file:
        store(results, "bench-tiny.json", dict(json.load(file), version=1))
    assert rows(tables.recognise_table(results))[1][2] == "-"


@pytest.mark.needs_av
def test_choices(tables, results):
    assert rows(tables.choices_table(results)) == [
        ["chosen by measurement", "", "pictures/s", "range"],
        ["`tiny` (means, 8x8, not trained)", "threads 1", "40", "39 to 41"],
        ["`tiny` (means, 8x8, not trained)", "**threads 2**", "50", "48 to 56"],
    ]


@pytest.mark.needs_av
def test_without_choices_there_is_no_table(tables, results):
    os.remove(os.path.join(results, "bench-tiny.json"))
    assert tables.fill(MARKED % ("choices", ""), results) == (MARKED % ("choices", ""), [])


@pytest.mark.needs_av
def test_stages(tables, results):
    found = {row[0]: row[1:] for row in rows(tables.stages_table(results))}
    assert found["`motion`"] == ["8.10 / 13.50 / 27.00", "16.20 / 27.00 / 54.00"]
    assert "`upload`" not in found and list(found)[-1] == "`total`"


@pytest.mark.needs_av
def test_tx2_is_an_estimate(tables, results):
    found = rows(tables.tx2_table(results))
    assert found[0][0] == "Jetson TX2: estimate, not measured" and found[1][1] == "MAX-N"
    assert re.match(r"12\.0 to 24\.0$", found[1][4])  # 4 ms of the host, 3 to 6 times


def test_parse(tables, tmp_path):
    row = {"pictures_per_cpu_s": 1000.4, "ratio_to_decode": 12.3}
    sizes = {"340x256": {"rows": {"decode": row, "parse motion": row}}}
    store(str(tmp_path), "parse-real-x.json", {"codec": "h264", "sizes": sizes})
    assert rows(tables.parse_table(str(tmp_path))) == [
        ["pictures per CPU second, one thread", "340 x 256"],
        ["H.264, PyAV (FFmpeg): decode", "1000"],
        ["**H.264, edge-attp: motion**", "1000 (12x)"],
    ]


@pytest.mark.needs_av
def test_speed(tables, results):
    """Decoding, parsing, and the fastest run, which has one size."""
    row = {"pictures_per_cpu_s": 1000.4, "ratio_to_decode": 2.0}
    measured = {"rows": {"decode": row, "parse motion": row, "parse motion + residual": row}}
    sizes = {"340x256": measured, "1280x720": measured}
    store(results, "parse-hevc-real-x.json", {"codec": "hevc", "sizes": sizes})
    found = rows(tables.speed_table(results))
    assert found[0] == ["pictures per second", "340 x 256", "1280 x 720"]
    assert [row[1:] for row in found[1:]] == [
        ["1000", "1000"],
        ["1000 (2.0x)", "1000 (2.0x)"],
        ["**50**", "-"],
    ]


def test_ablation(tables, tmp_path):
    """A row with its seeds, one with a single seed, and what was not measured."""
    fight = [ablated("modalities", name, [0.5, 0.75]) for name in tables.PAPER_ROWS]
    store(str(tmp_path), "ablation-fight.json", {"rows": fight})
    synthetic = {"rows": [ablated("modalities", "I", [0.5]), ablated("alignment", "ours", [1.0])]}
    store(str(tmp_path), "ablation-synthetic.json", synthetic)
    baseline = {"name": "majority class", "top1": 0.5, "deviation": 0.0, "seeds": [0.5]}
    store(str(tmp_path), "baselines-fight.json", {"baselines": [baseline]})
    found = {row[0]: row[1:] for row in rows(tables.ablation_table(str(tmp_path)))}
    assert found["I"] == ["0.625 ± 0.125 (2)", "0.500 (1)", "50.0 / 60.5"]
    assert found["MV, aligned as eq. (8)"] == ["-", "1.000 (1)", "figure 4, right"]
    assert found["the larger class, always"] == ["0.500 (1)", "-", "-"]


def test_accuracy(tables, tmp_path):
    """One row in several sets, and controls in brackets at the end."""
    figures = dict(accuracy=0.5, deviation=0.125, low=0.25, high=0.75, seeds=[0.375, 0.625])
    roc = {"value": 0.5, "low": 0.25, "high": 0.75}
    control = dict(figures, name="sizes", kind="control", area_under_roc=roc)
    one = dict(figures, name="forest", kind="baseline", seeds=[0.5], area_under_roc=roc)
    store(str(tmp_path), "accuracy-baselines-fight.json", {"rows": [control, one]})
    store(str(tmp_path), "accuracy-baselines-transfer.json", {"rows": [one]})
    found = rows(tables.accuracy_table(str(tmp_path)))
    assert found[1] == ["forest", "0.500 (0.25 to 0.75)", "-", "-", "-", "0.50 (0.25 to 0.75)"]
    assert found[2][:2] == ["(sizes)", "0.500 ± 0.125 (0.25 to 0.75)"]


def ablated(table, row, top1):
    mean = sum(top1) / len(top1)
    values = {"top1": top1, "top1_mean": mean, "top1_stdev": mean - top1[0] or None}
    return dict(values, table=table, row=row, paper=[50, 60.5])
