"""`edge-attp bench` on the first pictures of the demo clip: that it works and that its numbers agree."""

import csv
import json
import os
import sys

import pytest

from doubles import tiny_pack
from edge_attp import cli, platforms
from edge_attp.bench.streams import Streams
from edge_attp.platforms import detect

pytestmark = [pytest.mark.needs_av, pytest.mark.needs_onnxruntime, pytest.mark.needs_onnx]


@pytest.fixture(scope="module")
def pack(tmp_path_factory):
    return tiny_pack.write(tmp_path_factory.mktemp("packs") / "tiny")


@pytest.fixture
def bench(pack, capsys):
    """bench(arguments, code=0) -> (stdout, stderr)."""

    def call(*arguments, code=0):
        common = ["bench", "--model", pack, "--limit", "12", "--repeat", "2", "--threads", "1"]
        assert cli.main(common + list(arguments)) == code
        captured = capsys.readouterr()
        return captured.out, captured.err

    return call


def test_json_on_stdout_agrees_with_itself(bench):
    out, err = bench("--format", "json")
    found = json.loads(out)
    assert (found["format"], found["version"]) == ("edge-attp-bench", 2)
    assert found["video"]["pictures"] == 12 and found["video"]["scored"] == 11
    assert sum(found["video"]["kinds"].values()) == 12
    assert found["settings"] == {"threads": 1, "warm_up": 1, "repeat": 2}
    for times in list(found["stages"].values()) + [found["total"]]:
        assert times["p50_ms"] <= times["p90_ms"] <= times["p99_ms"]
    assert found["pictures_per_s"]["sequential"] > 0 and found["memory"]["device_bytes"] is None
    assert found["machine"] == detect().name and found["memory"]["peak_rss_bytes"] > 1 << 20
    assert not {"tx2_estimate", "streams"} & set(found) and found["choices"] == []
    assert "target of 40 pictures/s" in err and "\r" not in err


def test_tx2_elsewhere_adds_an_estimate(bench):
    out, _ = bench("--platform", "tx2")
    assert out.count("estimate, not measured") == 2 and "Assumed:" in out
    assert "not at full speed" not in out


def test_tx2_elsewhere_needs_onnx(bench, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    out, err = bench("--platform", "tx2", code=5)
    assert out == "" and "pip install onnx" in err


@pytest.mark.parametrize("platform, remarked", [("auto", True), ("tx2", True), ("host", False)])
def test_a_tx2_is_checked_and_not_estimated(bench, monkeypatch, platform, remarked):
    board = detect()._replace(soc="tegra186", power_mode="MAXQ", clocks=())
    monkeypatch.setattr(platforms, "detect", lambda: board)
    out, _ = bench("--platform", platform)
    assert ("sudo nvpmodel -m 0" in out) is remarked
    assert "estimate" not in out


def test_streams_and_choices(bench):
    """12 pictures take half a second live; how many streams that are is this machine's matter."""
    out, _ = bench(
        "--streams", "2", "--batch", "2", "--compare", "threads,batch", "--format", "json"
    )
    found = json.loads(out)
    streams = found["streams"]
    assert (streams["copies"], streams["frame_rate"]) == (2, 25.0)
    assert [one["batch"] for one in streams["throughputs"]] == [2]
    assert streams["trials"][0]["copies"] == streams["estimated"] > 0
    last = streams["trials"][-1]
    assert streams["sustained"] == (last["copies"] if last["is_sustained"] else 0)
    assert [comparison["subject"] for comparison in found["choices"]] == ["threads", "batch"]
    for comparison in found["choices"]:
        rates = {choice["name"]: choice["pictures_per_s"] for choice in comparison["choices"]}
        assert rates[comparison["best"]] == max(rates.values()) and "1" in rates


def test_copies_are_as_many_as_one_stream_lets_expect(bench, monkeypatch):
    asked = []

    def measure_streams(candidates, count, progress):
        asked.append((count, [copies.batch for copies in candidates]))
        return Streams(2, 3, (), 25.0, 4, 0.73, 0.99, (), 4)

    monkeypatch.setattr("edge_attp.bench.measure_streams", measure_streams)
    out, _ = bench("--streams", "auto")
    assert "streams sustained at 25 FPS: **4**" in out
    bench("--streams", "3", "--batch", "1")
    (count, batches), given = asked
    assert 2 <= count <= 32 and batches == [1, count] and given == (3, [1])


def test_target_decides_only_if_it_was_given(bench):
    unreachable, easy = "1e9", "0.001"
    assert "target of 40" in bench()[1]  # and code 0, however fast this machine is
    out, _ = bench("--target", unreachable, code=6)
    assert "not reached" in out
    bench("--target", easy)


def test_baseline(bench, tmp_path):
    path = str(tmp_path / "before.json")
    out, _ = bench("-o", path)
    assert out == ""
    with open(path) as file:
        before = json.load(file)
    _, err = bench("--baseline", path, "--max-regress", "1e9")
    assert "total p50, ms" in err and "not the same" not in err
    before["total"]["p50_ms"] /= 1e6
    before["pack"]["name"] = "another"
    with open(path, "w") as file:
        json.dump(before, file)
    _, err = bench("--baseline", path, code=6)
    assert "more than is accepted" in err and "pack.name was another and is tiny" in err


@pytest.mark.needs_cv2
def test_files_by_their_ending(bench, tmp_path):
    table, plot = str(tmp_path / "stages.csv"), str(tmp_path / "stages.png")
    bench("-o", table, "--plot", plot)
    with open(table) as file:
        assert [row["stage"] for row in csv.DictReader(file)][-1] == "total"
    assert os.path.getsize(plot) > 1000
    bench("-o", table, "--format", "md")
    with open(table) as file:
        assert file.read().startswith("**")


@pytest.mark.parametrize(
    "arguments, code, words",
    [
        (["--max-regress", "5"], 2, "--baseline"),
        (["--baseline", "missing.json"], 2, "missing.json"),
        (["-o", os.path.join("no", "x.json")], 2, "the folder no does not exist"),
        (["--plot", os.path.join("no", "x.png")], 2, "the folder no does not exist"),
        (["--video", "missing.mp4"], 3, "missing.mp4"),
        (["--limit", "1"], 3, "0 pictures were scored"),
        (["--batch", "2"], 2, "add --streams"),
        (
            ["--compare", "buffers", "--backend", "onnxruntime"],
            2,
            "a setting of --backend tensorrt",
        ),
    ],
)
def test_errors_come_before_results(bench, arguments, code, words):
    out, err = bench(*arguments, code=code)
    assert out == "" and words in err


@pytest.mark.parametrize("value", ["colour", "threads,threads", "threads,", ""])
def test_what_cannot_be_compared(capsys, value):
    with pytest.raises(SystemExit) as exit:
        cli.main(["bench", "--compare", value])
    assert exit.value.code == 2
    assert "expected some of threads, buffers, batch" in capsys.readouterr().err


OPTIONS = ["--repeat", "--target", "--max-regress", "--threads", "--streams", "--batch"]


@pytest.mark.parametrize("option", OPTIONS)
@pytest.mark.parametrize("value", ["0", "-1", "x", "inf"])
def test_numbers_are_checked(capsys, option, value):
    with pytest.raises(SystemExit) as exit:
        cli.main(["bench", option, value])
    assert exit.value.code == 2
    assert ", expected " in capsys.readouterr().err
