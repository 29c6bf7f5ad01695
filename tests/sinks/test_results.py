"""Text, JSON lines, CSV and the progress line, fed with the same small run."""

import csv
import io
import json

import numpy as np
import pytest

from edge_attp.recognition import (
    Event,
    RegionLogits,
    ScoredPicture,
    Verdict,
    score_idle,
    score_region,
    score_video,
)
from edge_attp.sinks import CsvSink, Header, JsonLinesSink, ProgressSink, TextSink
from edge_attp.timing import Clock
from edge_attp.types import Region

LABELS = ("wave", "a label that is very long", "walk")


def header():
    clock = Clock()
    clock.record("motion", 0.02)
    return Header("clip.mp4", 64, 48, 25, "tiny", True, LABELS, "none", clock, stream="clip.mp4")


def result(index=3, logits=(0.0, 1.0, 2.0), pts=300):
    regions = () if logits is None else (score_region(RegionLogits(None, np.array(logits))),)
    return ScoredPicture(
        decode_index=index,
        packet=index,
        pts=pts,
        kind="B",
        is_key=False,
        integrity="ok",
        gop=1,
        start_s=0.12,
        end_s=0.16,
        regions=regions,
        smoothed=regions[0].probabilities if regions else None,
    )


def region_result():
    """Two regions, the first of which speaks for the picture."""
    regions = tuple(
        score_region(
            RegionLogits(Region(number, 16, 8, 32, (18, 10, 40, 38), 0.125), np.array(said))
        )
        for number, said in ((4, (0.0, 1.0, 2.0)), (2, (1.0, 0.0, 0.0)))
    )
    return result()._replace(regions=regions, smoothed=regions[0].probabilities)


def idle_result(label=0):
    regions = () if label is None else (score_idle(label, 3),)
    return result(5)._replace(regions=regions, is_idle=True)


def regions_of(make):
    """Lines about two regions, an idle picture with and without a background label, an event and a verdict."""
    stream = io.StringIO()
    sink = make(stream)
    sink.begin(header()._replace(regions=2))
    for picture in (region_result(), idle_result(), idle_result(None)):
        sink.picture(picture)
    sink.event(EVENT._replace(box=(18, 10, 40, 38)))
    sink.finish(VERDICT._replace(idle=7))
    return stream.getvalue().splitlines()


EVENT = Event("walk", 0.9, 0.5, 1.25, 0.75, "clip.mp4", "id", "end")
VERDICT = Verdict(score_video(np.array([0.0, 0.0, 3.0]), 0.04, 2.0), 2, 50, 40, 1, 2.0, True)
EMPTY = Verdict(None, 0, 7, 0, 7, 0.5, False)


def feed(sink, verdict=VERDICT):
    sink.begin(header())
    sink.picture(result(2, None))
    sink.picture(result())
    sink.picture(result(4, pts=None))
    sink.event(EVENT)
    sink.finish(verdict)
    sink.close()
    sink.close()


def lines(make, verdict=VERDICT):
    stream = io.StringIO()
    feed(make(stream), verdict)
    assert stream.getvalue().endswith("\n")
    return stream.getvalue().splitlines()


def test_text():
    assert lines(lambda stream: TextSink(stream, 2)) == [
        "    0.120 s  B  walk             0.665  a label that is  0.245",
        "    0.120 s  B  walk             0.665  a label that is  0.245",
        "event: walk from 0.50 s to 1.25 s, 0.90 at 0.75 s",
        "verdict: walk 0.909, wave 0.045 "
        "(40 of 50 pictures scored in 2 GOPs, 1 damaged; 25.0 pictures/s)",
    ]


def test_text_with_names():
    made = lines(lambda stream: TextSink(stream, 2, with_names=True))
    assert len(made) == 4 and all(line.startswith("clip.mp4: ") for line in made)


def test_text_of_a_run_without_scores():
    assert lines(lambda stream: TextSink(stream, 2), EMPTY)[-1] == (
        "verdict: none: no picture was scored "
        "(0 of 7 pictures scored in 0 GOPs, 7 damaged, ended early; 14.0 pictures/s)"
    )


def test_json_lines():
    records = [json.loads(line) for line in lines(lambda stream: JsonLinesSink(stream, 1))]
    assert [record["type"] for record in records] == [
        "header",
        "picture",
        "picture",
        "event",
        "verdict",
    ]
    first, picture, untimed, event, verdict = records
    assert (first["format"], first["version"]) == ("edge-attp-results", 1)
    assert first["labels"] == list(LABELS) and first["frame_rate"] == "25"
    assert {record["stream"] for record in records} == {"clip.mp4"}
    assert picture == {
        "type": "picture",
        "stream": "clip.mp4",
        "decode_index": 3,
        "pts": 300,
        "start_s": 0.12,
        "end_s": 0.16,
        "kind": "B",
        "gop": 1,
        "top": [{"label": "walk", "probability": pytest.approx(0.665241)}],
    }
    assert untimed["pts"] is None
    assert event["label"] == "walk" and event["peak_s"] == 0.75 and event["stream"] == "clip.mp4"
    assert verdict["top"][0]["label"] == "walk" and verdict["complete"] is True
    assert verdict["pictures_per_second"] == 25.0 and "timing_ms" not in verdict


def test_json_lines_with_timing():
    made = lines(lambda stream: JsonLinesSink(stream, 1, with_timing=True))
    timing = json.loads(made[-1])["timing_ms"]
    assert timing == {"motion": {"runs": 1, "mean": 20.0, "p50": 20.0, "p90": 20.0, "p99": 20.0}}


def test_json_lines_of_a_run_without_scores():
    verdict = json.loads(lines(lambda stream: JsonLinesSink(stream, 1), EMPTY)[-1])
    assert verdict["top"] == [] and verdict["complete"] is False


def test_csv():
    rows = list(csv.DictReader(lines(lambda stream: CsvSink(stream, 2))))
    assert [(row["record"], row["rank"], row["label"]) for row in rows] == [
        ("picture", "1", "walk"),
        ("picture", "2", LABELS[1]),
        ("picture", "1", "walk"),
        ("picture", "2", LABELS[1]),
        ("event", "", "walk"),
        ("verdict", "1", "walk"),
        ("verdict", "2", "wave"),
    ]
    assert {(row["version"], row["stream"]) for row in rows} == {("1", "clip.mp4")}
    assert rows[0]["pts"] == "300" and rows[2]["pts"] == ""
    assert rows[0]["start_s"] == "0.120000" and rows[0]["probability"] == "0.665241"
    assert rows[4]["start_s"] == "0.500000" and rows[4]["decode_index"] == ""


def test_json_lines_of_regions():
    first, picture, idle, bare, event, verdict = map(
        json.loads, regions_of(lambda stream: JsonLinesSink(stream, 1))
    )
    assert first["regions"] == 2 and first["version"] == 1
    best = [{"label": "walk", "probability": pytest.approx(0.665241)}]
    assert picture["top"] == picture["regions"][0]["top"] == best and "idle" not in picture
    assert picture["regions"][0] == {
        "id": 4,
        "window": [16, 8, 32],
        "box": [18, 10, 40, 38],
        "activity": 0.125,
        "top": best,
    }
    assert [region["id"] for region in picture["regions"]] == [4, 2]
    assert idle["idle"] is bare["idle"] is True and "regions" not in idle
    assert idle["top"] == [{"label": "wave", "probability": 1.0}] and bare["top"] == []
    assert event["box"] == [18, 10, 40, 38] and verdict["idle"] == 7


def test_text_of_regions():
    assert regions_of(lambda stream: TextSink(stream, 1)) == [
        "    0.120 s  B  walk             0.665",
        "    0.120 s  B  wave             1.000  idle",
        "event: walk from 0.50 s to 1.25 s, 0.90 at 0.75 s in 18,10 to 40,38",
        "verdict: walk 0.909 (40 of 50 pictures scored in 2 GOPs, 7 idle, 1 damaged; 25.0 pictures/s)",
    ]


def test_csv_of_regions():
    rows = list(csv.DictReader(regions_of(lambda stream: CsvSink(stream, 1))))
    assert [(row["record"], row["region"], row["idle"]) for row in rows] == [
        ("picture", "4", ""),
        ("picture", "", "1"),
        ("event", "", ""),
        ("verdict", "", ""),
    ]
    for row in rows[0], rows[2]:
        assert [row[side] for side in ("left", "top", "right", "bottom")] == [
            "18",
            "10",
            "40",
            "38",
        ]
    assert rows[1]["left"] == rows[3]["left"] == ""


def test_csv_of_a_run_without_scores():
    assert len(lines(lambda stream: CsvSink(stream, 2), EMPTY)) == 6


def test_every_line_is_out_at_once():
    class Slow(io.StringIO):
        flushed = 0

        def flush(self):
            self.flushed = len(self.getvalue())

    for make in (TextSink, JsonLinesSink, CsvSink):
        stream = Slow()
        sink = make(stream, 1)
        sink.begin(header())
        sink.picture(result())
        assert stream.flushed == len(stream.getvalue()) > 0


def test_progress_rewrites_one_line_and_leaves_none():
    stream = io.StringIO()
    feed(ProgressSink(stream))
    text = stream.getvalue()
    assert "1 pictures" in text and "\n" not in text and text.endswith("\r\033[K")
