"""docs/service.md: its tables are the program's, its examples are valid, and it knows every metric."""

import re
import shlex
import subprocess
import sys

import pytest

from edge_attp.cli import main
from edge_attp.service.config import load_config
from edge_attp.service.metrics import exposition
from edge_attp.service.state import ServiceState
from rigs.paths import ROOT

MANUAL = (ROOT / "docs" / "service.md").read_text(encoding="utf-8")


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```$", MANUAL, re.M | re.S)


def commands():
    """The arguments of every edge-attp command, without redirections and comments."""
    for line in "".join(blocks("console")).splitlines():
        found = re.search(r"(?:^|/)edge-attp (.*)", line.replace("sudo ", ""))
        if found:
            yield shlex.split(found.group(1).partition(">")[0], comments=True)


def test_tables_are_those_of_the_program():
    done = subprocess.run(
        [sys.executable, str(ROOT / "docs" / "config_tables.py"), "--check"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout.decode()


@pytest.mark.parametrize("text", blocks("toml"))
def test_examples_are_valid(text, tmp_path):
    (tmp_path / "health.token").write_text("0123456789abcdef\n")
    if "[[stream]]" not in text:
        text += '[[stream]]\nname = "door"\nsource = "a.mp4"\n'
    path = tmp_path / "main.toml"
    path.write_text(text)
    load_config(str(path))


@pytest.mark.parametrize("arguments", list(commands()), ids=" ".join)
def test_commands_are_known(arguments, capsys):
    """Of all their arguments, the parser refuses only the one added here."""
    with pytest.raises(SystemExit):
        main(arguments + ["--nonsense"])
    assert "unrecognized arguments: --nonsense\n" in capsys.readouterr().err


@pytest.mark.needs_prometheus_client
def test_every_metric_is_explained():
    _, body = exposition(ServiceState("main.toml"))
    families = re.findall(r"^# TYPE (edge_attp_\w+)", body.decode(), re.M)
    assert len(families) > 10
    assert [name for name in families if f"`{name}`" not in MANUAL] == []
