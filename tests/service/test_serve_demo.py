"""The whole service on the example's clip: engine, sources, sinks and their files, as a user starts it."""

import json
import re
import subprocess
import sys
import urllib.error
import urllib.request

import pytest

from rigs.paths import ROOT
from rigs.waiting import free_port, wait_until

pytestmark = pytest.mark.needs_av

CLIP = ROOT / "examples/demo.mp4"
CONFIG = """
[[stream]]
name = "demo"
source = "%s"
[[stream]]
name = "sampled"
source = "%s"
every = "gop"
[[sink]]
type = "jsonl"
[[sink]]
type = "clips"
streams = ["demo"]
[engine]
threads = 1
batch = 2
[service]
state_dir = "state"
[health]
listen = ""
"""


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """(folder, what the service said)."""
    folder = tmp_path_factory.mktemp("service")
    (folder / "camera.toml").write_text(CONFIG % (CLIP, CLIP))
    served = subprocess.run(
        [sys.executable, "-m", "edge_attp", "serve", "--config", str(folder / "camera.toml")],
        cwd=str(ROOT),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        universal_newlines=True,
        timeout=120,
    )
    assert served.returncode == 0, served.stderr
    assert served.stdout == ""
    return folder / "state", served.stderr


def records(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_it_says_what_it_does(done):
    _, told = done
    for line in ("model fight on", "ready: ", "demo: noFight, ", "demo: done: 150 pictures"):
        assert line in told
    assert "Traceback" not in told


@pytest.mark.parametrize("name, scored", [("demo", 140), ("sampled", 14)])
def test_results_lie_in_the_state_folder(done, name, scored):
    folder, _ = done
    header, event, verdict = records(folder / (name + ".jsonl"))
    assert header["type"] == "header" and header["stream"] == name
    assert event["type"] == "event" and event["stream"] == name
    assert verdict["type"] == "verdict" and verdict["complete"]
    assert verdict["pictures"] == 150 and verdict["scored"] == scored


def test_the_clip_of_the_event_is_a_video(done):
    folder, _ = done
    (clip,) = (folder / "clips").iterdir()
    assert clip.name.startswith("demo-noFight-") and clip.suffix == ".mp4"
    assert clip.stat().st_size > 0.9 * CLIP.stat().st_size


WATCHED = """
[[stream]]
name = "demo"
source = "%s"
realtime = true
[[sink]]
type = "jsonl"
[[sink]]
type = "clips"
[[sink]]
type = "overlay"
url = "udp://127.0.0.1:%d"
[engine]
threads = 1
[service]
state_dir = "state"
[health]
listen = "127.0.0.1:%d"
"""


@pytest.mark.needs_cv2
@pytest.mark.needs_prometheus_client
def test_page_overlay_and_clips_see_one_stream(done, tmp_path):
    """All of them at once; what is written is what is written without page and overlay."""
    port = free_port()
    (tmp_path / "camera.toml").write_text(WATCHED % (CLIP, free_port(), port))
    service = subprocess.Popen(
        [sys.executable, "-m", "edge_attp", "serve", "--config", str(tmp_path / "camera.toml")],
        cwd=str(ROOT),
        stderr=subprocess.DEVNULL,
    )

    def get(path):
        try:
            return urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=30).read()
        except (urllib.error.URLError, OSError):
            return b""

    def drawn():
        """Pictures that reached the overlay, sketch and result."""
        counted = re.findall(rb'sent_pictures",sink="overlay"} ([0-9.]+)', get("/metrics"))
        counted += re.findall(rb'dropped_pictures",sink="overlay"} ([0-9.]+)', get("/metrics"))
        return sum(map(float, counted))

    wait_until(lambda: get("/streams/demo/picture.jpg").startswith(b"\xff\xd8"), 60)
    wait_until(drawn, 60)
    assert service.wait(60) == 0
    folder, _ = done
    found, expected = records(tmp_path / "state/demo.jsonl"), records(folder / "demo.jsonl")
    for record in found + expected:
        for name in ("time", "id", "seconds", "pictures_per_second"):
            record.pop(name, None)
    assert found == expected
    (clip,), (without,) = (tmp_path / "state/clips").iterdir(), (folder / "clips").iterdir()
    assert clip.read_bytes() == without.read_bytes()
