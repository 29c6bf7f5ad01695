"""The rotated file of JSON lines: sizes, whole lines, and disks that come and go."""

import json
import logging
import os
import shutil

import pytest
from service_records import VERDICT, event, header, result

from edge_attp.errors import UsageError
from edge_attp.sinks import RotatingJsonSink


def records(path):
    with open(str(path), encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def types(path):
    return [record["type"] for record in records(path)]


def started(path, stream="door", **options):
    sink = RotatingJsonSink(str(path), **options)
    sink.begin(header(stream))
    return sink


def test_events_have_stream_time_and_id(tmp_path):
    sink = started(tmp_path / "{stream}.jsonl")
    sink.picture(result())
    sink.event(event(1))
    sink.event(event(2))
    sink.finish(VERDICT)
    sink.close()
    sink.close()
    found = records(tmp_path / "door.jsonl")
    assert [record["type"] for record in found] == ["header", "event", "event", "verdict"]
    assert {record["stream"] for record in found} == {"door"}
    assert all(record["time"].startswith("20") and record["time"][-1] == "Z" for record in found)
    assert found[1]["id"] != found[2]["id"] and "id" not in found[0]


def test_pictures_on_request(tmp_path):
    sink = started(tmp_path / "a.jsonl", pictures=True, top_count=1)
    sink.picture(result())
    sink.picture(result(logits=None))
    sink.close()
    header_record, picture = records(tmp_path / "a.jsonl")
    assert picture["type"] == "picture" and len(picture["top"]) == 1


def test_names_of_streams_cannot_leave_the_folder(tmp_path):
    started(tmp_path / "{stream}.jsonl", stream="../../etc/cron").close()
    assert os.listdir(str(tmp_path)) == ["etc_cron.jsonl"]


def test_rotation_keeps_whole_lines_and_the_newest_files(tmp_path):
    path = tmp_path / "a.jsonl"
    sink = started(path, max_bytes=1500, keep=2)
    for number in range(40):
        sink.event(event(number))
    sink.close()
    assert sorted(os.listdir(str(tmp_path))) == ["a.jsonl", "a.jsonl.1", "a.jsonl.2"]
    files = [tmp_path / name for name in ("a.jsonl.2", "a.jsonl.1", "a.jsonl")]
    assert all(os.path.getsize(str(file)) <= 1500 for file in files)
    assert all(types(file)[0] == "header" and types(file).count("header") == 1 for file in files)
    starts = [r["start_s"] for file in files for r in records(file) if r["type"] == "event"]
    assert starts == [float(n) for n in range(40 - len(starts), 40)] and len(starts) > 5
    assert sink.counters()["rotations"] > 2


def test_no_old_files(tmp_path):
    sink = started(tmp_path / "a.jsonl", max_bytes=1200, keep=0)
    for number in range(20):
        sink.event(event(number))
    sink.close()
    assert os.listdir(str(tmp_path)) == ["a.jsonl"]
    assert records(tmp_path / "a.jsonl")[-1]["start_s"] == 19.0


def test_streams_may_share_a_file(tmp_path):
    path = tmp_path / "all.jsonl"
    sinks = [started(path, stream=name, max_bytes=2000, keep=50) for name in ("a", "b")]
    for number in range(30):
        for name, sink in zip("ab", sinks):
            sink.event(event(number, stream=name))
    for sink in sinks:
        sink.close()
    found = [r for name in os.listdir(str(tmp_path)) for r in records(tmp_path / name)]
    seen = {(r["stream"], r["start_s"]) for r in found if r["type"] == "event"}
    assert len(seen) == 60


def test_a_folder_that_went_away_is_made_again(tmp_path):
    folder = tmp_path / "out"
    sink = started(folder / "a.jsonl")
    shutil.rmtree(str(folder))
    sink.event(event())
    sink.close()
    assert types(folder / "a.jsonl") == ["header", "event"]
    assert sink.counters()["lost_records"] == 0


def test_a_file_moved_away_by_others_is_left_alone(tmp_path):
    sink = started(tmp_path / "a.jsonl")
    os.rename(str(tmp_path / "a.jsonl"), str(tmp_path / "moved"))
    sink.event(event())
    sink.close()
    assert types(tmp_path / "moved") == ["header"]
    assert types(tmp_path / "a.jsonl") == ["header", "event"]


def test_a_torn_last_line_is_cut_off(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text('{"type": "event"}\n{"type": "ev')
    sink = started(path)
    sink.close()
    assert types(path) == ["event", "header"] and sink.counters()["torn_records"] == 1


def test_a_full_disk_is_warned_of_once_and_leaves_whole_lines(tmp_path, monkeypatch, caplog):
    """The disk takes 100 bytes more, then nothing, then all again."""
    caplog.set_level(logging.INFO)
    path, real = tmp_path / "a.jsonl", os.write
    sink = started(path)
    monkeypatch.setattr(os, "write", lambda fd, data: real(fd, data[:100]))
    sink.event(event(1))
    sink.event(event(2))
    monkeypatch.setattr(os, "write", real)
    sink.event(event(3))
    sink.close()
    assert [r.get("start_s") for r in records(path)] == [None, 3.0]
    assert sink.counters()["lost_records"] == 2
    texts = [record.getMessage() for record in caplog.records]
    assert len(texts) == 2 and "No space left" in texts[0] and "works again" in texts[1]


def test_a_place_that_cannot_be_written_stops_nothing(tmp_path):
    (tmp_path / "file").write_text("")
    sink = started(tmp_path / "file" / "a.jsonl")
    sink.event(event())
    sink.finish(VERDICT)
    sink.close()
    assert sink.counters()["lost_records"] == 3


@pytest.mark.parametrize("options", [{"max_bytes": 0}, {"keep": -1}])
def test_sizes_that_cannot_be_are_refused(options):
    with pytest.raises(UsageError, match="jsonl a.jsonl: max_bytes must be"):
        RotatingJsonSink("a.jsonl", **options)
