"""Watched folders: complete clips, oldest first, each once, even across restarts."""

import os
import threading

import pytest

from edge_attp.sources.folder import watch_folder


class Clock:
    """Time passes by waiting; `during` does something to the folder in each wait. After them it stops."""

    def __init__(self, *during):
        self.now_s = 0.0
        self._during = list(during)
        self._is_set = False

    def __call__(self):
        return self.now_s

    def is_set(self):
        return self._is_set

    def wait(self, seconds):
        self.now_s += seconds
        if not self._during:
            self._is_set = True
        else:
            self._during.pop(0)()


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "in"
    path.mkdir()
    return path


def write(folder, name, data=b"clip", age_s=0):
    (folder / name).write_bytes(data)
    os.utime(str(folder / name), (1e9 - age_s, 1e9 - age_s))


def seen(folder, *during, ticks=8):
    """Names that come, in order. `during`: done one second after the other."""
    clock = Clock(*during, *[lambda: None] * ticks)
    state = str(folder.parent / "state.json")
    paths = watch_folder(str(folder), state, clock, settle_s=3.0, poll_s=1.0, clock=clock)
    return [(os.path.basename(path), clock.now_s) for path in paths]


def names(found):
    return [name for name, _ in found]


def test_oldest_first_and_each_once(folder):
    for name, age_s in (("b.mp4", 5), ("a.mkv", 1), ("C.MOV", 9), ("d.264", 5)):
        write(folder, name, age_s=age_s)
    assert names(seen(folder)) == ["C.MOV", "b.mp4", "d.264", "a.mkv"]
    assert seen(folder) == []
    write(folder, "e.ts")
    assert names(seen(folder)) == ["e.ts"]


def test_what_grows_is_waited_for(folder):
    write(folder, "a.mp4", b"1")
    grow = [lambda n=n: write(folder, "a.mp4", b"1" * n) for n in (2, 3)]
    assert seen(folder, *grow) == [("a.mp4", 5.0)]


def test_uploads_hidden_files_folders_and_other_files_are_left_alone(folder):
    for name in ("a.mp4.part", ".a.mp4", "notes.txt", "mp4"):
        write(folder, name)
    (folder / "folder.mp4").mkdir()
    assert seen(folder) == []
    os.rename(str(folder / "a.mp4.part"), str(folder / "a.mp4"))
    assert names(seen(folder)) == ["a.mp4"]


def test_a_clip_that_is_replaced_comes_again(folder):
    write(folder, "a.mp4")
    assert names(seen(folder)) == ["a.mp4"]
    write(folder, "a.mp4", b"other")
    assert names(seen(folder)) == ["a.mp4"]
    write(folder, "a.mp4", b"other", age_s=60)
    assert names(seen(folder)) == ["a.mp4"]


def test_a_clip_that_was_begun_and_not_done_comes_again(folder):
    write(folder, "a.mp4")
    write(folder, "b.mp4")
    clock = Clock(*[lambda: None] * 9)
    state = str(folder.parent / "state.json")
    paths = watch_folder(str(folder), state, clock, settle_s=3.0, clock=clock)
    assert [os.path.basename(next(paths)) for _ in range(2)] == ["a.mp4", "b.mp4"]
    paths.close()
    assert names(seen(folder)) == ["b.mp4"]


def test_clips_that_are_gone_are_forgotten(folder):
    for number in range(50):
        write(folder, f"a{number:02d}.mp4")
        assert len(seen(folder)) == 1
        os.remove(str(folder / (f"a{number:02d}.mp4")))
    assert (folder.parent / "state.json").stat().st_size < 200


def test_a_folder_that_is_gone_and_comes_back(folder, caplog):
    away = folder.parent / "away"
    write(folder, "a.mp4")
    os.rename(str(folder), str(away))
    assert names(seen(folder, lambda: None, lambda: os.rename(str(away), str(folder)))) == ["a.mp4"]
    assert [record.getMessage().split(": ")[1] for record in caplog.records] == [
        "cannot be read",
        "is back",
    ]


@pytest.mark.parametrize("content", ["", "{", "[]", '{"done": 3}', '{"other": {}}'])
def test_a_broken_state_file_counts_as_empty(folder, caplog, content):
    (folder.parent / "state.json").write_text(content)
    write(folder, "a.mp4")
    assert names(seen(folder)) == ["a.mp4"]
    assert "state.json: cannot be read, so all clips count as new" in caplog.text
    assert seen(folder) == []


def test_a_real_event_stops_it_at_once(folder):
    stop = threading.Event()
    threading.Timer(0.1, stop.set).start()
    assert list(watch_folder(str(folder), str(folder / "state"), stop, poll_s=60.0)) == []
