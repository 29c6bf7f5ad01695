"""From tables to jobs: sources, options, sinks; and the clips of a folder, one after the other."""

import functools
import os
import shutil
import time

import pytest

from edge_attp.errors import UsageError
from edge_attp.service import plans as service_plans
from edge_attp.service.config import load_config
from edge_attp.service.plans import FolderClips, make_plans
from edge_attp.service.state import EventSink, ServiceState
from edge_attp.service.stream_sinks import LastingSink
from edge_attp.sinks import Observer, Sink
from edge_attp.sinks.clips import ClipSink
from edge_attp.sinks.mqtt import MqttSink
from edge_attp.sinks.rotating import RotatingJsonSink
from edge_attp.sinks.webhook import WebhookSink
from edge_attp.sources.folder import watch_folder
from edge_attp.sources.live import LiveSource
from edge_attp.sources.recorder import RecordedSource

CAMERA = '[[stream]]\nname = "camera"\nsource = "rtsp://me:secret@camera/1"\n'
FILE = '[[stream]]\nname = "file"\nsource = "clip.mp4"\n'


@pytest.fixture
def plan(tmp_path):
    """Makes the plans of a text, by name."""

    def make(text, live_view=lambda name: None):
        path = tmp_path / "camera.toml"
        path.write_text(text + '[service]\nstate_dir = "state"\n')
        config = load_config(str(path))
        return {p.name: p for p in make_plans(config, ServiceState(str(path)), live_view)}

    return make


def sinks_of(work):
    return [type(sink) for sink in work.job.make_sinks()]


def test_a_file(plan, tmp_path):
    text = (
        FILE
        + 'every = "gop"\nanchor = 12\nparse_threads = 2\nrealtime = true\n[events]\nstart = 0.9\n'
    )
    job = plan(text)["file"].next_work().job
    assert job.source == str(tmp_path / "clip.mp4") and job.name == "file"
    options = job.options
    assert (options.every, options.anchor, options.parse_threads) == (0, 12, 2)
    assert options.realtime and options.wait and options.thresholds.start == 0.9


def test_the_track_reaches_every_source(plan):
    clips = '[[sink]]\ntype = "clips"\n'
    for text, name in ((FILE, "file"), (CAMERA, "camera")):
        stream = text + "track = 2\n"
        job = plan(stream)[name].next_work().job
        assert job.options.track == 2
        if name == "camera":
            assert job.source._options.connection.track == 2
        recorded = plan(stream + clips)[name].next_work().job.source
        if name == "file":
            assert isinstance(recorded, RecordedSource) and recorded._options.track == 2
    assert plan(FILE)["file"].next_work().job.options.track is None


def test_only_files_are_given_up(plan, tmp_path):
    (tmp_path / "clips").mkdir()
    folder = '[[stream]]\nname = "folder"\nsource = "clips/"\n'
    made = plan(FILE + CAMERA + folder)
    assert {name: p.is_file for name, p in made.items()} == {
        "file": True,
        "camera": False,
        "folder": False,
    }


def test_a_camera(plan):
    text = CAMERA + "max_lag_s = 3.0\nstall_s = 4.0\nreconnect_max_s = 5.0\n"
    job = plan(text + 'transport = "udp"\n')["camera"].next_work().job
    assert isinstance(job.source, LiveSource)
    assert job.source.name == "rtsp://me:***@camera/1" and not job.options.wait
    given = job.source._options
    assert (given.max_lag_s, given.reconnect_max_s) == (3.0, 5.0)
    assert (given.connection.stall_s, given.connection.transport) == (4.0, "udp")


def test_each_start_of_a_camera_is_a_new_source(plan):
    made = plan(CAMERA)["camera"]
    assert made.next_work().job.source is not made.next_work().job.source


def test_sinks_of_each_stream(plan, tmp_path):
    made = plan(
        CAMERA
        + FILE
        + '[[sink]]\ntype = "jsonl"\n'
        + '[[sink]]\ntype = "webhook"\nurl = "http://x"\nstreams = ["file"]\n'
        + '[[sink]]\ntype = "jsonl"\npath = "all"\n'
    )
    camera, file = made["camera"].next_work(), made["file"].next_work()
    assert sinks_of(camera) == [RotatingJsonSink, RotatingJsonSink, EventSink]
    assert sinks_of(file) == [RotatingJsonSink, RotatingJsonSink, LastingSink, EventSink]
    assert [name for name, _ in file.sinks] == ["jsonl", "jsonl 2"]
    webhook = file.job.make_sinks()[2]._sink
    assert isinstance(webhook, WebhookSink)
    assert webhook._folder == str(tmp_path / "state/spool/{stream}/webhook")


def test_mqtt_with_its_password(plan, tmp_path):
    (tmp_path / "secret").write_text("swordfish\n")
    (tmp_path / "secret").chmod(0o600)
    text = FILE + '[[sink]]\ntype = "mqtt"\nusername = "me"\npassword_file = "secret"\n'
    sink = plan(text)["file"].next_work().job.make_sinks()[0]._sink
    assert isinstance(sink, MqttSink) and sink._password == "swordfish"


def test_a_sink_on_the_network_lasts_as_long_as_the_plan(plan, monkeypatch):
    calls = []
    for call in ("begin", "event", "close"):
        monkeypatch.setattr(WebhookSink, call, lambda self, *_, call=call: calls.append(call))
    made = plan(FILE + '[[sink]]\ntype = "webhook"\nurl = "http://x"\n')["file"]
    for _ in range(2):
        sink = made.next_work().job.make_sinks()[0]
        sink.begin(None)
        sink.event(None)
        sink.finish(None)
        sink.close()
    assert calls == ["begin", "event", "event"]
    made.close()
    assert calls[3:] == ["close"]


def test_one_that_could_not_start_is_tried_again_by_the_next_stream(monkeypatch):
    class Refusing(Sink):
        def begin(self, header):
            raise UsageError("the spool is in use")

    sink = LastingSink(Refusing())
    for _ in range(2):
        with pytest.raises(UsageError):
            sink.begin(None)


def test_the_page_observes_a_stream(plan):
    view = Observer()
    made = plan(FILE + CAMERA, lambda name: view if name == "file" else None)
    assert list(made["file"].next_work().job.observers) == [view]
    assert list(made["camera"].next_work().job.observers) == []


@pytest.mark.parametrize("text, name", [(CAMERA, "camera"), (FILE, "file")])
def test_clips_are_cut_from_what_the_source_gives(plan, text, name):
    work = plan(text + '[[sink]]\ntype = "clips"\nbefore_s = 7\nafter_s = 9\n')[name].next_work()
    source, (_, sink) = work.job.source, work.sinks[0]
    assert isinstance(sink, ClipSink)
    assert isinstance(source, LiveSource if name == "camera" else RecordedSource)
    recorder = source.recorder if name == "camera" else source._recorder
    assert sink._recorder is recorder and recorder._max_s == 120 + 7 + 9


def test_plans_are_the_same_as_long_as_nothing_of_theirs_changes(plan):
    first = plan(CAMERA + FILE + '[[sink]]\ntype = "jsonl"\nstreams = ["file"]\n')
    same = plan(CAMERA + FILE + '[[sink]]\ntype = "jsonl"\nstreams = ["file"]\n')
    sink = plan(CAMERA + FILE + '[[sink]]\ntype = "jsonl"\nstreams = ["file"]\nkeep = 1\n')
    events = plan(CAMERA + FILE + "[events]\nstart = 0.9\n")
    assert first["camera"].tables == same["camera"].tables == sink["camera"].tables
    assert first["file"].tables == same["file"].tables != sink["file"].tables
    assert first["camera"].tables != events["camera"].tables


def test_a_secret_that_changes_makes_another_plan(plan, tmp_path):
    (tmp_path / "token").write_text("old")
    (tmp_path / "token").chmod(0o600)
    text = FILE + '[[sink]]\ntype = "webhook"\nurl = "http://x"\ntoken_file = "token"\n'
    old = plan(text)["file"].tables
    (tmp_path / "token").write_text("new")
    assert plan(text)["file"].tables != old


# Folders.


@pytest.fixture
def quick_folders(monkeypatch):
    quick = functools.partial(watch_folder, settle_s=0.02, poll_s=0.005)
    monkeypatch.setattr(service_plans, "watch_folder", quick)


@pytest.fixture
def folder(tmp_path, quick_folders):
    made = tmp_path / "in"
    made.mkdir()
    for age, name in enumerate(("b.mp4", "a.mp4")):
        (made / name).write_bytes(b"x")
        os.utime(str(made / name), (1000 + age, 1000 + age))
    return made


def wait_for(clips):
    until_s = time.monotonic() + 5.0
    while time.monotonic() < until_s:
        path = clips.next_clip()
        if path is not None:
            return os.path.basename(path)
        time.sleep(0.005)
    raise AssertionError("no clip came")


def test_clips_come_one_by_one(folder, tmp_path):
    clips = FolderClips(str(folder), str(tmp_path / "state/in.json"))
    assert [wait_for(clips), wait_for(clips)] == ["b.mp4", "a.mp4"]
    assert clips.next_clip() is None
    (folder / "c.mp4").write_bytes(b"x")
    assert wait_for(clips) == "c.mp4"
    clips.stop_watching()


def test_a_clip_that_was_not_done_comes_again(folder, tmp_path):
    state = str(tmp_path / "state/in.json")
    clips = FolderClips(str(folder), state)
    wait_for(clips)
    assert wait_for(clips) == "a.mp4"
    clips.stop_watching()
    clips._thread.join(5.0)
    assert not clips._thread.is_alive()
    again = FolderClips(str(folder), state)
    assert wait_for(again) == "a.mp4"
    again.stop_watching()


def test_a_folder_is_a_series(plan, folder):
    made = plan('[[stream]]\nname = "in"\nsource = "in"\n')["in"]
    assert made.is_series
    until_s = time.monotonic() + 5.0
    work = made.next_work()
    while work is None and time.monotonic() < until_s:
        time.sleep(0.005)
        work = made.next_work()
    assert work.job.source == str(folder / "b.mp4") and work.job.name == "in"
    made.close()


def test_a_folder_that_is_not_there_yet_is_known_by_its_slash(plan, folder):
    shutil.rmtree(str(folder))
    assert plan('[[stream]]\nname = "in"\nsource = "in/"\n')["in"].is_series
    assert not plan('[[stream]]\nname = "in"\nsource = "in"\n')["in"].is_series
