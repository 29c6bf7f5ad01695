"""The whole service on the example's clip: engine, sources, sinks and their files, as a user starts it."""

import json
import subprocess
import sys

import pytest

from rigs.paths import ROOT

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


@pytest.mark.parametrize("name, scored", [("demo", 147), ("sampled", 15)])
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
