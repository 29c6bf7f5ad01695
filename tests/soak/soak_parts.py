"""The parts of the soak test: cameras, a small disk, and the service as a process."""

import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

from soak_account import Sample, logged, metrics

ROOT = Path(__file__).resolve().parent.parent.parent
CLIP = ROOT / "examples" / "demo.mp4"


class Camera:
    """The demo clip in a loop, as MPEG-TS over UDP. Its clock restarts with every start."""

    def __init__(self, port):
        self.url = f"udp://127.0.0.1:{port}"
        self._process = None

    def start(self):
        command = ["ffmpeg", "-loglevel", "error", "-re", "-stream_loop", "-1", "-i", str(CLIP)]
        command += ["-c", "copy", "-f", "mpegts", self.url + "?pkt_size=1316"]
        self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL)

    def stop(self):
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


class SmallDisk:
    """A file system in memory that can be filled. Needs root."""

    def __init__(self, folder, mebibytes=4):
        self.folder = folder
        folder.mkdir()
        options = ["-t", "tmpfs", "-o", f"size={mebibytes}m"]
        subprocess.check_call(["mount"] + options + ["tmpfs", str(folder)])
        self._ballast = folder / "ballast"

    def fill(self):
        """Takes all free space. Call it repeatedly: files removed meanwhile free more."""
        with open(str(self._ballast), "ab", buffering=0) as file:
            for size in (65536, 4096, 512):
                try:
                    while True:
                        file.write(bytes(size))
                except OSError:
                    continue

    def free(self):
        if self._ballast.exists():
            self._ballast.unlink()

    def remove(self):
        subprocess.call(["umount", "-l", str(self.folder)])


class Service:
    """`edge-attp serve` as a process; each start() begins a new life with its own log."""

    def __init__(self, config, port, folder):
        self._config, self._port, self._folder = config, port, folder
        self.lives = []
        self._process = None

    def start(self, timeout_s=60.0):
        """Starts the service and returns when it is ready."""
        log = self._folder / (f"service.{len(self.lives) + 1}.log")
        command = [sys.executable, "-m", "edge_attp", "serve", "--config", str(self._config)]
        environment = dict(os.environ, PYTHONPATH=str(ROOT))
        with open(str(log), "wb") as file:
            self._process = subprocess.Popen(command, stderr=file, cwd="/", env=environment)
        self.lives.append(Life(log))
        until = time.monotonic() + timeout_s
        while "\nready: " not in "\n" + log.read_text():
            assert self.is_alive, f"the service has ended: {log.read_text()}"
            assert time.monotonic() < until, f"not ready: {log.read_text()}"
            time.sleep(0.2)

    @property
    def is_alive(self):
        return self._process.poll() is None

    def signal(self, number):
        self._process.send_signal(number)

    def kill(self):
        self._process.kill()
        self._process.wait()
        self.lives[-1].end()

    def kill_if_alive(self):
        if self._process is not None and self.is_alive:
            self.kill()

    def stop(self, timeout_s=60.0):
        """SIGTERM; returns the exit code."""
        self.signal(signal.SIGTERM)
        code = self._process.wait(timeout_s)
        self.lives[-1].end()
        return code

    def metrics(self):
        """Reads the metrics into the current life and returns them."""
        try:
            with urllib.request.urlopen(
                f"http://127.0.0.1:{self._port}/metrics", timeout=5
            ) as page:
                self.lives[-1].metrics = metrics(page.read().decode())
        except urllib.error.URLError as error:
            assert self.is_alive, f"the service has ended: {error}"
        return self.lives[-1].metrics

    def sample(self):
        """Memory, descriptors and threads."""
        proc = f"/proc/{self._process.pid}/"
        with open(proc + "status") as file:
            status = file.read()
        kilobytes, threads = (
            int(re.search(rf"^{name}:\s+(\d+)", status, re.M).group(1))
            for name in ("VmRSS", "Threads")
        )
        return Sample(kilobytes / 1024.0, len(os.listdir(proc + "fd")), threads)


class Life:
    """One process of the service: when it ran, its log and its last metrics."""

    def __init__(self, log):
        self._log = log
        self.begin, self.finish = _now(), "9"
        self.metrics = {}

    def end(self):
        self.finish = _now()

    @property
    def text(self):
        return self._log.read_text()

    @property
    def reported(self):
        return logged(self.text)


def _now():
    return (
        time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime()) + f".{int(time.time() % 1 * 1000):03d}Z"
    )
