"""Shared by `synth` and `prepare`: results from worker processes, their death, the progress line."""

import io
import os
import time

import pytest

from edge_attp.errors import EdgeAttpError, UsageError
from edge_attp_export import workers
from edge_attp_export.workers import in_processes

pytestmark = [pytest.mark.needs_cv2, pytest.mark.needs_torch]


def no_folder(path):
    raise UsageError(f"{path}: is not a folder")


def test_results_come_back_from_other_processes():
    assert in_processes(abs, [], 1) == []
    assert sorted(in_processes(abs, [-3, 2, -1], 2)) == [1, 2, 3]


def test_an_error_in_a_worker_is_raised_here():
    with pytest.raises(UsageError, match="here: is not a folder"):
        in_processes(no_folder, ["here"], 1)


def test_a_worker_that_is_killed_is_said():
    with pytest.raises(EdgeAttpError, match="a worker process was killed.*try fewer --jobs"):
        in_processes(os._exit, [1], 1)


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_the_progress_line_tells_speed_and_time_left(monkeypatch):
    clock = iter([100.0, 100.1, 102.0, 104.0])
    monkeypatch.setattr(time, "monotonic", lambda: next(clock))
    stream = Terminal()
    progress = workers._Progress(4, stream)
    progress.step()
    assert stream.getvalue() == ""  # too soon
    progress.step()
    bar = "#" * 15 + "." * 15
    assert stream.getvalue() == f"\r\033[K[{bar}] 2 of 4 clips, 1.0/s, 2 s left"
    progress.close()
    assert stream.getvalue().endswith("\r\033[K")


def test_there_is_no_progress_line_in_a_file():
    stream = io.StringIO()
    progress = workers._Progress(1, stream)
    progress._shown -= 1
    progress.step()
    progress.close()
    assert stream.getvalue() == ""
