"""A machine that runs systemd, for tests: this one, in a container that writes to memory only.

The root of the container is that of this machine below an empty layer; what tests install there is gone
with it. The program comes from this checkout and its packages from this interpreter.
"""

import os
import subprocess
import sys
import sysconfig
import time
from pathlib import Path

from rigs.paths import ROOT

BOOT_TIMEOUT_S = 60.0
COMMAND_TIMEOUT_S = 120.0
PYTHON, PACKAGES, CHECKOUT = "/opt/python", "/opt/packages", "/opt/checkout"
MEDIA = "/opt/media"
# Mounts of its own mount namespace: nothing is left behind on this machine.
BOOT = """
set -e
for cgroup in {cgroups}; do mkdir $cgroup; echo $$ > $cgroup/cgroup.procs; done
mount --make-rprivate /
mount -t tmpfs tmpfs {folder}
mkdir {folder}/upper {folder}/work {folder}/root
mount -t overlay overlay -o lowerdir=/,upperdir={folder}/upper,workdir={folder}/work {folder}/root
exec systemd-nspawn --quiet --directory={folder}/root --machine=edge-attp-test --register=no \
    --keep-unit --console=pipe --private-network --uuid=00000000000040008000000000000001 \
    --bind-ro={prefix}:{python} --bind-ro={packages}:{PACKAGES} --bind-ro={root}:{CHECKOUT} \
    --bind-ro={media}:{MEDIA} --boot systemd.unit=basic.target
"""
# While /run/hang exists, the engine's thread stays in a run; all other threads go on.
PROGRAM = """#!/usr/bin/env -S LD_LIBRARY_PATH={python}/lib {python}/bin/python{version}
import os, sys, time
sys.path[:0] = ["{CHECKOUT}", "{PACKAGES}"]
from edge_attp.pipeline.networks import Networks
start = Networks.start_motion
def start_motion(*arguments):
    while os.path.exists("/run/hang"):
        time.sleep(0.1)
    return start(*arguments)
Networks.start_motion = start_motion
from edge_attp.cli import main
sys.exit(main())
"""


class Machine:
    """`with Machine(folder, media) as machine: machine.run("systemctl", "status")`.

    folder: an empty one, where it is mounted. media: a folder that it sees as MEDIA.
    """

    def __init__(self, folder, media):
        self._folder, self._media = Path(str(folder)), media
        # A name of its own, so that several can run at the same time.
        self._cgroups = [f"{base}/edge-attp-test-{os.getpid()}" for base in _cgroup_roots()]
        self._process = self._leader = None

    def __enter__(self):
        script = BOOT.format(
            folder=self._folder,
            prefix=sys.base_prefix,
            packages=sysconfig.get_paths()["purelib"],
            root=ROOT,
            cgroups=" ".join(self._cgroups),
            media=self._media,
            MEDIA=MEDIA,
            python=PYTHON,
            PACKAGES=PACKAGES,
            CHECKOUT=CHECKOUT,
        )
        with open(str(self._folder.parent / "boot.log"), "wb") as log:
            self._process = subprocess.Popen(
                ["unshare", "--mount", "sh", "-c", script],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        try:
            self._wait_for_boot()
        except BaseException:
            self.__exit__()
            raise
        version = "{}.{}".format(*sys.version_info[:2])
        program = PROGRAM.format(
            python=PYTHON, version=version, PACKAGES=PACKAGES, CHECKOUT=CHECKOUT
        )
        self.write("/usr/local/bin/edge-attp", program, "755")
        return self

    def __exit__(self, *_):
        self._process.terminate()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for cgroup in self._cgroups:
            for folder, _, _ in os.walk(cgroup, topdown=False):
                os.rmdir(folder)

    def run(self, *command, check=True, text=None):
        """What the command printed, both streams; `check`: it must not fail."""
        done = self.try_to_run(*command, text=text)
        assert not check or done.returncode == 0, done.stdout
        return done.stdout

    def try_to_run(self, *command, text=None):
        return subprocess.run(
            ["nsenter", "-t", str(self._leader), "-a", "--"] + list(command),
            input=text,
            stdin=subprocess.DEVNULL if text is None else None,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            universal_newlines=True,
            timeout=COMMAND_TIMEOUT_S,
        )

    def write(self, path, text, mode="644"):
        self.run("sh", "-c", f"cat > {path} && chmod {mode} {path}", text=text)

    def read(self, path):
        return self.run("cat", path)

    def show(self, unit, name):
        """A property of a unit."""
        return self.run("systemctl", "show", unit, "--value", "--property=" + name).strip()

    def wait_for(self, what, is_true, seconds=30.0):
        until_s = time.monotonic() + seconds
        while not is_true():
            assert time.monotonic() < until_s, f"{what} did not come within {seconds:g} s"
            time.sleep(0.2)

    def _wait_for_boot(self):
        until_s = time.monotonic() + BOOT_TIMEOUT_S
        while time.monotonic() < until_s and self._process.poll() is None:
            time.sleep(0.2)
            self._leader = _child(self._process.pid)
            if self._leader is None:
                continue
            state = self.run("systemctl", "is-system-running", check=False).strip()
            if state in ("running", "degraded"):
                return
        raise AssertionError((self._folder.parent / "boot.log").read_text())


def _cgroup_roots():
    """Where systemd keeps its groups: in one hierarchy, or in one or two beside older ones."""
    beside = ["/sys/fs/cgroup/" + name for name in ("systemd", "unified")]
    return [root for root in beside if os.path.isdir(root)] or ["/sys/fs/cgroup"]


def _child(pid):
    """The first process that is called systemd below `pid`."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return None
    for child in children:
        if Path(f"/proc/{child}/comm").read_text().strip() == "systemd":
            return int(child)
        found = _child(int(child))
        if found is not None:
            return found
    return None
