"""Runs the steps of Dockerfile.l4t in a Debian root, except those that need NVIDIA's hosts or files.

    sudo python packaging/check_dockerfile.py --python ~/.pyenv/versions/3.6.15

Needs root, debootstrap and a CPython 3.6 with a prefix of its own; takes about ten minutes, mostly for FFmpeg
and PyAV. The steps are read from the file, so the two cannot diverge. Differences from the image: Debian 12
replaces Ubuntu 18.04, this machine's processor aarch64, and a given CPython 3.6 the system's. At the end
the image's user runs the entry point until its health check succeeds.
"""

import argparse
import fnmatch
import glob
import json
import os
import platform
import re
import shutil
import string
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
# Names that differ between the image and this Debian.
SUBSTITUTES = {
    "libx264-152": "libx264-164",
    "aarch64-linux-gnu": platform.machine() + "-linux-gnu",
}
NEEDS_NVIDIA = re.compile(r"nvidia\.sh .* build$|install\.sh (pycuda|plugin)$")
EXTRA_PACKAGES = "nasm"  # FFmpeg's configure needs it on x86-64 only
CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"
HOST_CERTIFICATES = "/etc/host-certificates.crt"
CONFIGURATION = """
[[stream]]
name = "demo"
source = "/tmp/examples/demo.mp4"
[[sink]]
type = "jsonl"
path = "/var/lib/edge-attp/events.jsonl"
"""
# As Docker does: the entry point in the background, the health check until it succeeds, SIGTERM.
TRY_OUT = """
set -e
edge-attp run /tmp/examples/demo.mp4 --limit 30 | tail -1
{entry} {command} &
service=$!
for i in $(seq 60); do sleep 1; if {health}; then well=1; break; fi; done
kill -TERM $service
wait $service
test "${{well:-}}" = 1
"""


def instructions(text):
    """(instruction, rest) of each line of a Dockerfile, with continued lines joined."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines))
    return [tuple(line.split(None, 1)) for line in joined.splitlines() if line.strip()]


class Context:
    """The folder that COPY copies from, without the files that .dockerignore excludes."""

    def __init__(self, folder):
        self._folder = folder
        with open(os.path.join(folder, ".dockerignore")) as lines:
            self._patterns = [line.strip() for line in lines if line.strip() and line[0] != "#"]

    def copy_files(self, source, target):
        """Copies a file or folder of the context to a place."""
        for name in self._files(os.path.normpath(source)):
            inner = os.path.relpath(name, source) if os.path.normpath(source) != name else ""
            place = os.path.normpath(os.path.join(target, inner))
            os.makedirs(os.path.dirname(place), exist_ok=True)
            shutil.copy2(os.path.join(self._folder, name), place)

    def _files(self, source):
        path = os.path.join(self._folder, source)
        found = [path] if os.path.isfile(path) else glob.glob(path + "/**", recursive=True)
        names = [os.path.relpath(each, self._folder) for each in found if os.path.isfile(each)]
        kept = [name for name in names if not self._is_ignored(name)]
        if not kept:
            sys.exit(f"COPY {source}: .dockerignore excludes all of it")
        return kept

    def _is_ignored(self, name):
        """The last pattern that matches the file or a folder above it decides."""
        parts = name.split("/")
        above = ["/".join(parts[:end]) for end in range(1, len(parts) + 1)]
        is_ignored = False
        for pattern in self._patterns:
            plain = pattern.lstrip("!")
            candidates = above + parts if plain.startswith("**/") else above
            if any(fnmatch.fnmatch(each, re.sub(r"^\*\*/", "", plain)) for each in candidates):
                is_ignored = not pattern.startswith("!")
        return is_ignored


class Stage:
    """One stage of the build: its root, and the state that instructions change."""

    def __init__(self, root, arguments):
        self.root = root
        self.given = arguments
        self.environment = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
        self.hidden = {}
        self.folder, self.user = "/", "0"
        self.shell = ["/bin/sh", "-c"]
        self.described = {}

    def path(self, name):
        """A path of this stage, as seen from this machine."""
        return os.path.join(self.root, os.path.join(self.folder, name).lstrip("/"))

    def declare_argument(self, rest):
        """ARG NAME=DEFAULT"""
        name, _, default = rest.partition("=")
        self.hidden[name] = self.given.get(name, default)

    def set_environment(self, rest):
        """ENV NAME=VALUE ..."""
        known = dict(self.environment, **self.hidden)
        for pair in rest.split():
            name, _, value = pair.partition("=")
            self.environment[name] = string.Template(value).safe_substitute(known)

    def run_command(self, command, extra=()):
        """Runs a command line in this stage; ends the program if it fails."""
        environment = dict(self.environment, **self.hidden)
        environment.update(
            extra, PIP_CERT=HOST_CERTIFICATES, CURL_CA_BUNDLE=HOST_CERTIFICATES, HOME="/tmp"
        )
        environment.update(PIP_DISABLE_PIP_VERSION_CHECK="1")
        pairs = ["{}={}".format(*item) for item in environment.items()]
        inside = ["env", "-i", "-C", self.folder] + pairs + self.shell + [command]
        done = subprocess.run(["chroot", "--userspec", self.user, self.root] + inside)
        if done.returncode:
            sys.exit(f"exit code {done.returncode}: {command}")


class Build:
    """Runs instructions, one method for each kind. base: the root that every stage starts from."""

    def __init__(self, base, folder, arguments):
        self._base, self._folder, self._arguments = base, folder, arguments
        self._context = Context(ROOT)
        self.stages = {}
        self.stage = None

    def run_instruction(self, name, rest):
        """Runs one instruction. Returns "done" or "skipped"."""
        if name == "RUN" and NEEDS_NVIDIA.search(rest):
            return "skipped"
        getattr(self, "_" + name.lower())(rest)
        return "done"

    def _from(self, rest):
        name = rest.split(" AS ")[1] if " AS " in rest else "image"
        root = os.path.join(self._folder, name)
        subprocess.check_call(["cp", "-a", "--reflink=auto", self._base, root])
        self.stage = self.stages[name] = Stage(root, self._arguments)
        mount(root)

    def _arg(self, rest):
        self.stage.declare_argument(rest)

    def _env(self, rest):
        self.stage.set_environment(rest)

    def _shell(self, rest):
        self.stage.shell = json.loads(rest)

    def _workdir(self, rest):
        self.stage.folder = rest
        os.makedirs(self.stage.path(rest), exist_ok=True)

    def _user(self, rest):
        self.stage.user = rest

    def _run(self, rest):
        self.stage.run_command(rest)

    def _copy(self, rest):
        words = rest.split()
        if words[0].startswith("--from="):
            other = self.stages[words[0][len("--from=") :]]
            target = self.stage.path(words[2])
            subprocess.check_call(["cp", "-a", other.path(words[1]), os.path.dirname(target)])
            return
        for source in words[:-1]:
            is_into = words[-1].endswith("/") and os.path.isfile(os.path.join(ROOT, source))
            inner = os.path.basename(source) if is_into else ""  # of a folder, its contents
            self._context.copy_files(source, os.path.join(self.stage.path(words[-1]), inner))

    def _volume(self, rest):
        self.stage.described["VOLUME"] = rest

    def _healthcheck(self, rest):
        self.stage.described["HEALTHCHECK"] = json.loads(rest[rest.index("[") :])

    def _entrypoint(self, rest):
        self.stage.described["ENTRYPOINT"] = json.loads(rest)

    def _cmd(self, rest):
        self.stage.described["CMD"] = json.loads(rest)


def mount(root):
    """Mounts the kernel's file systems, as in a container."""
    for kind, place in (("proc", "proc"), ("sysfs", "sys")):
        subprocess.check_call(["mount", "-t", kind, kind, os.path.join(root, place)])
    subprocess.check_call(["mount", "--bind", "/dev", os.path.join(root, "dev")])


def unmount(folder):
    """Unmounts everything below a folder."""
    with open("/proc/mounts") as lines:
        places = [line.split()[1] for line in lines]
    for place in sorted((p for p in places if p.startswith(folder + "/")), reverse=True):
        subprocess.check_call(["umount", place])


def make_base(folder, prefix, mirror):
    """A minimal Debian with CPython 3.6 as its python3."""
    if not os.path.isdir(folder):
        command = ["debootstrap", "--variant=minbase", "--include=" + EXTRA_PACKAGES]
        subprocess.check_call(command + ["bookworm", folder] + ([mirror] if mirror else []))
    place = folder + prefix
    if not os.path.isdir(place):
        os.makedirs(os.path.dirname(place))
        subprocess.check_call(["cp", "-a", prefix, place])
    for part in [folder + prefix[:end] for end in range(1, len(prefix)) if prefix[end] == "/"]:
        os.chmod(part, 0o755)  # the image's user must be able to enter
    link = os.path.join(folder, "usr/local/bin/python3")
    if not os.path.lexists(link):
        os.symlink(prefix + "/bin/python3.6", link)
    shutil.copyfile(CERTIFICATES, folder + HOST_CERTIFICATES)


def try_out(image):
    """As the image's user, runs a clip, then the service until its health check succeeds."""
    shutil.copytree(os.path.join(ROOT, "examples"), image.path("/tmp/examples"))
    os.makedirs(image.path("/etc/edge-attp"))
    with open(image.path("/etc/edge-attp/config.toml"), "w") as file:
        file.write(CONFIGURATION)
    words = {"entry": "ENTRYPOINT", "command": "CMD", "health": "HEALTHCHECK"}
    text = TRY_OUT.format(**{k: " ".join(image.described[v]) for k, v in words.items()})
    image.run_command(text, {"EDGE_ATTP_PLUGIN": "none"})


def run_instructions(build, text):
    """Runs all instructions and prints the outcome of each."""
    for name, rest in instructions(text):
        start_s = time.monotonic()
        outcome = build.run_instruction(name, rest)
        if name in ("RUN", "FROM"):
            seconds = time.monotonic() - start_s
            print(f"{outcome:9}{seconds:7.1f} s  {name} {rest:.90}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--python", required=True, metavar="DIR", help="prefix of CPython 3.6")
    parser.add_argument("--base", metavar="DIR", help="Debian root to use, or to create and keep")
    parser.add_argument("--mirror", help="Debian mirror (default: debootstrap's)")
    parser.add_argument("--build-arg", action="append", default=[], metavar="NAME=VALUE")
    args = parser.parse_args()
    with open(os.path.join(ROOT, "Dockerfile.l4t")) as file:
        text = file.read()
    for ours, theirs in SUBSTITUTES.items():
        text = text.replace(ours, theirs)
    if args.python in ("/usr", "/usr/local"):
        parser.error("--python: expected a prefix of its own, as pyenv creates it")
    folder = os.path.realpath(tempfile.mkdtemp(prefix="edge-attp-image-"))
    try:
        base = os.path.abspath(args.base or os.path.join(folder, "base"))
        make_base(base, os.path.abspath(args.python), args.mirror)
        build = Build(base, folder, dict(pair.split("=", 1) for pair in args.build_arg))
        run_instructions(build, text)
        try_out(build.stage)
    finally:
        unmount(folder)
        subprocess.check_call(["rm", "-rf", "--one-file-system", folder])
    print("Dockerfile.l4t: all steps that need nothing from NVIDIA work, and the image starts")


if __name__ == "__main__":
    main()
