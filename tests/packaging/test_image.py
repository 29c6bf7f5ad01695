"""The scripts of Dockerfile.l4t, and that the file, its context and the package fit together."""

import importlib.util
import os
import re
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest

from edge_attp.service.config import Health
from edge_attp.sinks.settings import Secret
from rigs.paths import ROOT

DOCKER = ROOT / "packaging" / "docker"
JETPACK4 = ROOT / "packaging" / "jetpack4"
CONFIGURATION = """
[engine]
backend = "%s"
batch = 2
[[stream]]
name = "front"
source = "camera.mp4"
"""


def load(path):
    spec = importlib.util.spec_from_file_location(path.stem, str(path))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def entry():
    return load(DOCKER / "entry.py")


@pytest.fixture(scope="module")
def health():
    return load(DOCKER / "health.py")


@pytest.fixture(scope="module")
def dockerfile():
    return load(ROOT / "packaging" / "check_dockerfile.py")


@pytest.fixture(scope="module")
def steps(dockerfile):
    return dockerfile.instructions((ROOT / "Dockerfile.l4t").read_text())


@pytest.fixture
def configuration(tmp_path):
    def write(backend):
        path = tmp_path / "config.toml"
        path.write_text(CONFIGURATION % backend)
        return str(path)

    return write


@pytest.mark.parametrize("backend", ["auto", "tensorrt"])
def test_engines_are_built_before_the_service(entry, configuration, backend):
    command = ["edge-attp", "serve", "--config", configuration(backend)]
    assert entry.build_command(command) == ["edge-attp", "build", "--batch", "2"]


def test_nothing_is_built_for_other_commands(entry, configuration, tmp_path):
    path = configuration("onnxruntime")
    assert entry.build_command(["edge-attp", "serve", "--config", path]) is None
    assert entry.build_command(["edge-attp", "doctor"]) is None
    assert entry.build_command(["edge-attp", "serve", "--config"]) is None
    wrong = tmp_path / "wrong.toml"
    wrong.write_text("[engine")
    assert entry.build_command(["edge-attp", "serve", "--config", str(wrong)]) is None
    checked = ["edge-attp", "serve", "--check-config", "--config", configuration("auto")]
    assert entry.build_command(checked) is None


def test_the_service_starts_although_no_engine_could_be_built(configuration, tmp_path):
    """A stand-in for edge-attp: `build` fails, `serve` says so."""
    program = tmp_path / "edge-attp"
    program.write_text('#!/bin/sh\necho "$@"\ntest "$1" = serve\n')
    program.chmod(0o755)
    environment = dict(os.environ, PYTHONPATH=str(ROOT))
    environment["PATH"] = "{}:{}".format(tmp_path, environment["PATH"])
    command = ["edge-attp", "serve", "--config", configuration("auto")]
    done = subprocess.run(
        [sys.executable, str(DOCKER / "entry.py")] + command,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert done.returncode == 0
    assert done.stdout.decode().splitlines() == ["build --batch 2", " ".join(command[1:])]
    assert b"without TensorRT engines" in done.stderr


class Answer(BaseHTTPRequestHandler):
    status, seen = 200, []

    def do_GET(self):
        type(self).seen.append((self.path, self.headers.get("Authorization")))
        self.send_response(self.status)
        self.end_headers()
        self.wfile.write(b"no progress for 20 s")

    def log_message(self, *arguments):
        pass


@pytest.fixture
def service():
    server = HTTPServer(("127.0.0.1", 0), Answer)
    Thread(target=server.serve_forever, daemon=True).start()
    Answer.seen = []
    yield server
    server.shutdown()
    server.server_close()


def test_health_is_asked_with_the_token_wherever_the_service_listens(health, service):
    listen = f"0.0.0.0:{service.server_port}"
    assert "progress" in health.query_health(Health(listen, Secret("token", "abc"), True))
    assert Answer.seen == [("/healthz", "Bearer abc")]


def test_health_check_fails_with_what_the_service_says(health, service, tmp_path, monkeypatch):
    monkeypatch.setattr(Answer, "status", 503)
    path = tmp_path / "config.toml"
    listen = f'[health]\nlisten = "127.0.0.1:{service.server_port}"\n'
    path.write_text(listen + CONFIGURATION % "auto")
    assert "503" in health.main(str(path)) and "no progress" in health.main(str(path))
    service.shutdown()
    service.server_close()
    assert "refused" in health.main(str(path))
    assert "cannot be read" in health.main(str(tmp_path / "missing.toml"))
    path.write_text('[health]\nlisten = ""\n' + CONFIGURATION % "auto")
    assert health.main(str(path)) == 0


@pytest.mark.parametrize(
    "arguments, code, text",
    [(["mounts", "build"], 1, "TENSORRT=packages"), (["host", "build"], 2, "usage")],
)
def test_missing_mounts_are_explained(arguments, code, text):
    """This machine is no board: no runtime has mounted NVIDIA's headers."""
    done = subprocess.run(
        [str(DOCKER / "nvidia.sh")] + arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert done.returncode == code and text in done.stderr.decode()


def test_the_image_is_for_the_board_and_its_user_is_not_root(steps):
    bases = {rest.split()[0] for name, rest in steps if name == "FROM"}
    assert bases == {"nvcr.io/nvidia/l4t-base:r32.7.1"}
    users = [rest for name, rest in steps if name == "USER"]
    assert users and users[-1] not in ("0", "root")
    assert any("--groups video" in rest for name, rest in steps if name == "RUN")
    assert [name for name, _ in steps].count("HEALTHCHECK") == 1


def test_the_image_takes_every_step_of_the_board_in_its_order(steps):
    script = JETPACK4 / "install.sh"
    every = re.search(r"set -- ([a-z ]+)$", script.read_text(), re.M).group(1).split()
    taken = [re.search(r"/install\.sh (\w+)$", rest) for name, rest in steps if name == "RUN"]
    assert [step.group(1) for step in taken if step] == every
    done = subprocess.run([str(script), "everything"], stderr=subprocess.PIPE)
    assert done.returncode == 2 and b"usage" in done.stderr


def test_every_package_of_python_has_a_version():
    lines = (JETPACK4 / "requirements.txt").read_text().splitlines()
    names = [line for line in lines if not line.startswith("#")]
    assert names and all(re.match(r"[A-Za-z0-9_.-]+==[0-9.]+$", line) for line in names)


def test_setup_and_image_agree_on_versions():
    """What setup.py asks of Python 3.6 is what the image installs."""
    requirements = (JETPACK4 / "requirements.txt").read_text()
    setup = (ROOT / "setup.py").read_text()
    pinned = re.findall(r'"([a-z-]+==[0-9.]+); python_version < \'3\.7\'', setup)
    assert pinned
    assert [line for line in pinned if line not in requirements.splitlines()] == []


def test_the_context_holds_what_the_steps_copy_and_no_more(dockerfile, steps, tmp_path):
    context = dockerfile.Context(str(ROOT))
    sources = [rest.split()[:-1] for name, rest in steps if name == "COPY" and "--from" not in rest]
    for source in sum(sources, []):
        context.copy_files(source, str(tmp_path / source))
    for name in ("setup.py", "edge_attp/native/CMakeLists.txt", "engines/plugin/scoring.cu"):
        assert (tmp_path / name).exists(), name
    assert not [
        name for name in ("tests", ".git", "export", "Makefile") if (tmp_path / name).exists()
    ]
    assert not list(tmp_path.rglob("*.so"))


def test_continued_lines_are_one_instruction(dockerfile):
    text = "# no\nFROM a AS b\nRUN one \\\n    && two\n\nUSER 900\n"
    assert dockerfile.instructions(text) == [
        ("FROM", "a AS b"),
        ("RUN", "one && two"),
        ("USER", "900"),
    ]


def test_only_steps_of_nvidia_are_left_out(dockerfile, steps):
    left_out = [r for n, r in steps if n == "RUN" and dockerfile.NEEDS_NVIDIA.search(r)]
    assert len(left_out) == 3
    assert sum(name == "RUN" for name, _ in steps) - len(left_out) == 8


def test_scripts_are_executable():
    for script in (DOCKER / "nvidia.sh", JETPACK4 / "install.sh"):
        assert os.access(str(script), os.X_OK)
