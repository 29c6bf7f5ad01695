"""Installs the service under systemd, shows its status, and removes it.

The unit is a template, edge-attp@.service, with one instance for each configuration in /etc/edge-attp. With
a root other than /, only files are written, to prepare the image of a machine.
"""

import glob
import os
import shutil
import subprocess
import sys
from typing import Dict, List, Optional

import edge_attp
from edge_attp.errors import EdgeAttpError, UsageError
from edge_attp.log import logger
from edge_attp.service.config import load_config

__all__ = ["Installation", "unit_text"]

TEMPLATE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "edge-attp@.service")
UNIT = "etc/systemd/system/edge-attp@.service"
WANTS = "etc/systemd/system/multi-user.target.wants"
USERS = "etc/sysusers.d/edge-attp.conf"
CONFIG_FOLDER = "etc/edge-attp"
USER = "edge-attp"
USERS_TEXT = """\
# The user of edge-attp@.service, and the group that owns cameras and a Jetson's GPU.
g video -
u edge-attp - "Action recognition in compressed video"
"""
# The unit denies the service access to these.
CLOSED = ("/home/", "/root/", "/run/user/")
# What CUDA opens: on a Jetson with JetPack 4 and 5, with JetPack 6, and with a discrete GPU.
GPU_NODES = ("/dev/nvhost-*", "/dev/nvmap", "/dev/nvgpu/*/*", "/dev/nvidia*", "/dev/nvidia-caps/*")
# Those of a TX2, for images made elsewhere; missing nodes do no harm.
TX2_NODES = [
    "/dev/nvhost-" + part
    for part in "as-gpu ctrl ctrl-gpu dbg-gpu gpu prof-gpu sched-gpu tsg-gpu".split()
] + ["/dev/nvmap"]
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
SHOWN = ("ActiveState", "SubState", "StatusText", "NRestarts", "Result", "ExecMainStatus")


def unit_text(command: List[str], devices: List[str]) -> str:
    """The text of the unit. command: starts edge-attp. devices: that it may open besides cameras."""
    with open(TEMPLATE, encoding="utf-8") as file:
        text = file.read()
    allowed = "\n".join(f"DeviceAllow={device} rw" for device in devices)
    return text.replace("@executable@", " ".join(map(_quoted, command))).replace(
        "@devices@", allowed
    )


class Installation:
    """One instance of the service, under the root folder `root`."""

    def __init__(self, name: str, root: str = "/") -> None:
        self._name = name
        self._unit = f"edge-attp@{name}.service"
        self._root = os.path.abspath(root)
        self._is_here = self._root == "/"
        self.config = self._path(CONFIG_FOLDER, name + ".toml")

    def install(self, config: Optional[str], start: bool = True) -> None:
        """Writes unit, user and configuration and enables the instance; starts it if `root` is /."""
        command = _command()
        if self._is_here:
            _require_root_and_systemd()
            _refuse_home_folders(command)
            _check_config(config or self.config)
        self._write(USERS, USERS_TEXT)
        _run("systemd-sysusers", "--root=" + self._root, "edge-attp.conf")
        if config is not None:
            self._copy_config(config)
        self._write(UNIT, unit_text(command, _gpu_nodes() if self._is_here else TX2_NODES))
        self._enable(start)

    def uninstall(self) -> None:
        """Stops and removes the instance, and with the last one the unit. Configuration and state stay."""
        if self._is_here:
            _require_root_and_systemd()
            _run("systemctl", "disable", "--now", self._unit)
        else:
            _remove(self._path(WANTS, self._unit))
        if not glob.glob(self._path(WANTS, "edge-attp@*.service")):
            _remove(self._path(UNIT))
            _remove(self._path(USERS))
        if self._is_here:
            _run("systemctl", "daemon-reload")

    def query_status(self) -> Dict[str, str]:
        """The properties SHOWN of the unit, as systemd reports them."""
        _require_systemd()
        shown = _run("systemctl", "show", self._unit, "--property=" + ",".join(SHOWN))
        return dict(line.split("=", 1) for line in shown.splitlines() if "=" in line)

    def _path(self, *parts: str) -> str:
        return os.path.join(self._root, *parts)

    def _enable(self, start: bool) -> None:
        if self._is_here:
            _run("systemctl", "daemon-reload")
            _run("systemctl", "enable", self._unit)
            if start:
                logger.info(
                    "starting %s; if engines must be built first, this takes minutes", self._unit
                )
                _run("systemctl", "restart", self._unit)
            return
        link = self._path(WANTS, self._unit)
        os.makedirs(os.path.dirname(link), exist_ok=True)
        if not os.path.lexists(link):
            os.symlink("/" + UNIT, link)

    def _copy_config(self, config: str) -> None:
        """Makes the copy readable by the service only: it may hold passwords of cameras."""
        os.makedirs(os.path.dirname(self.config), exist_ok=True)
        part = self.config + ".new"
        with open(config, "rb") as source, open(os.open(part, _CREATE, 0o640), "wb") as copy:
            shutil.copyfileobj(source, copy)
            os.fchown(copy.fileno(), -1, self._gid())
            os.fchmod(copy.fileno(), 0o640)
        os.replace(part, self.config)

    def _gid(self) -> int:
        """The id of the service's group, which may exist under `root` only."""
        with open(self._path("etc/group"), encoding="utf-8") as file:
            groups = [line.split(":") for line in file]
        return next(int(fields[2]) for fields in groups if fields[0] == USER)

    def _write(self, name: str, text: str) -> None:
        path = self._path(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path + ".new", "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(path + ".new", path)


def _command() -> List[str]:
    """The command that started this program, as an absolute path."""
    program = os.path.abspath(sys.argv[0])
    if os.path.basename(program) == "edge-attp" and os.access(program, os.X_OK):
        return [program]
    return [sys.executable, "-m", "edge_attp"]


def _gpu_nodes() -> List[str]:
    found = [node for pattern in GPU_NODES for node in sorted(glob.glob(pattern))]
    return [node for node in found if not os.path.isdir(node)]


def _quoted(word: str) -> str:
    """Escapes a word for ExecStart=, where %, $, \\ and quotes have a meaning."""
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return f'"{escaped}"' if " " in escaped else escaped


def _check_config(path: str) -> None:
    """Reads it as the service will: files that it names by relative paths must be in their final folder."""
    if not os.path.exists(path):
        raise UsageError(
            f"there is no {path}: write one (edge-attp serve --example > FILE) and pass it with --config"
        )
    load_config(path, "/" + CONFIG_FOLDER)


def _refuse_home_folders(command: List[str]) -> None:
    package = os.path.dirname(os.path.abspath(edge_attp.__file__))
    for place in map(os.path.realpath, (command[0], sys.prefix, sys.executable, package)):
        if (place + "/").startswith(CLOSED):
            raise UsageError(
                f"{place} is in a home folder, which the service cannot read; install edge-attp elsewhere: "
                "python3 -m venv /opt/edge-attp && /opt/edge-attp/bin/pip install 'edge-attp[service]'"
            )


def _require_root_and_systemd() -> None:
    if os.geteuid() != 0:
        raise UsageError("this needs root; run it with sudo")
    _require_systemd()


def _require_systemd() -> None:
    if not os.path.isdir("/run/systemd/system"):
        raise UsageError(
            "this machine does not run systemd; to prepare the image of one that does, use --root DIR"
        )


def _run(*command: str) -> str:
    try:
        done = subprocess.run(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True
        )
    except OSError as error:
        raise EdgeAttpError(f"{command[0]} cannot be run: {error.strerror}") from None
    if done.returncode != 0:
        raise EdgeAttpError("{}: {}".format(" ".join(command), done.stderr.strip() or "failed"))
    return done.stdout


def _remove(path: str) -> None:
    try:
        os.remove(path)
    except FileNotFoundError:
        pass
