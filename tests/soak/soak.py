"""The soak test: the service with cameras, a broker and a small disk, all of which fail again and again.

    SOAK_S=300 make soak

First the process is killed a few times during its work, then cameras, broker, disk and configuration fail in
turn until the time is up. At the end, the only losses may be events in flight at a kill and events that the
service itself counted as lost; no line may be torn; and memory, descriptors and threads must not have grown.
Needs root (for the small disk), ffmpeg and mosquitto.
"""

import os
import random
import shutil
import signal
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

TESTS = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(TESTS), str(TESTS.parent)]

import soak_account as account  # noqa: E402
from soak_parts import Camera, Service, SmallDisk  # noqa: E402

from edge_attp.engine import default_pack  # noqa: E402
from rigs import broker  # noqa: E402
from rigs.waiting import free_port  # noqa: E402

STREAMS = ("door", "yard")
KILLS = 3
# How long something is away, how long the disk is full, and how long everything works after a fault.
AWAY_S, FULL_S, WELL_S = 8.0, 24.0, 12.0
CONFIG = """
[service]
state_dir = "{state}"
[health]
listen = "127.0.0.1:{port}"
page = false
[engine]
{pack}
threads = 1
[events] # the scores of the demo clip cross these many times
start = 0.65
end = 0.6
shortest_s = 0.04
[[sink]]
type = "jsonl"
path = "{{stream}}.jsonl"
[[sink]]
type = "jsonl"
path = "{{stream}}.pictures"
pictures = true
max_bytes = 200000
keep = 2
[[sink]]
type = "mqtt"
host = "127.0.0.1"
port = {broker}
spool_max_bytes = 1000000
"""
STREAM = """
[[stream]]
name = "{name}"
source = "{url}"
every = 2
stall_s = 3
reconnect_max_s = 2
"""


class World:
    """Everything that runs, and the faults to inject."""

    def __init__(self, stack, folder):
        self.folder = folder
        self.disk = SmallDisk(folder / "state")
        stack.callback(self.disk.remove)
        (folder / "broker").mkdir()
        self.broker = broker.Broker(folder / "broker")
        stack.callback(self.broker.kill)
        self.broker.start()
        self.listener = broker.Listener(self.broker.port)
        stack.callback(self.listener.stop)
        self.cameras = [Camera(free_port()) for _ in STREAMS]
        for camera in self.cameras:
            stack.callback(camera.stop)
            camera.start()
        self._port = free_port()
        self._config = folder / "service.toml"
        self.configure()
        self.service = Service(self._config, self._port, folder)
        stack.callback(self.service.kill_if_alive)

    def configure(self, pack=None):
        line = "" if pack is None else f'model = "{pack}"'
        text = CONFIG.format(
            state=self.disk.folder, port=self._port, pack=line, broker=self.broker.port
        )
        for name, camera in zip(STREAMS, self.cameras):
            text += STREAM.format(name=name, url=camera.url)
        self._config.write_text(text)

    def camera_gone(self):
        self.cameras[0].stop()
        self.wait(AWAY_S)
        self.cameras[0].start()

    def broker_gone(self):
        self.broker.send_signal(signal.SIGTERM)
        self.wait(AWAY_S)
        self.broker.kill()
        self.broker.start()

    def disk_full(self):
        until = time.monotonic() + FULL_S
        while time.monotonic() < until:  # rotation makes room
            self.disk.fill()
            self.wait(0.2)
        self.disk.free()

    def engine_corrupt(self):
        """A pack with a damaged graph: the reload is refused, and the old engine keeps running."""
        pack = self.folder / "pack"
        shutil.copytree(default_pack(), str(pack))
        graph = pack / "motion.onnx"
        graph.write_bytes(graph.read_bytes()[:-1000])
        self.configure(str(pack))
        self.service.signal(signal.SIGHUP)
        self.wait(AWAY_S)
        refused = "not reloaded; the old engine keeps running" in self.service.lives[-1].text
        assert refused, "a damaged pack was not refused"
        shutil.rmtree(str(pack))
        self.configure()
        self.service.signal(signal.SIGHUP)

    def wait(self, seconds):
        time.sleep(seconds)
        assert self.service.is_alive, (
            "the service has ended: " + self.service.lives[-1].text[-2000:]
        )


def soak(world, seconds, say):
    """Injects faults for this many seconds. Returns samples of the last life, one per round."""
    until = time.monotonic() + seconds
    for number in range(KILLS):
        world.service.start()
        world.wait(random.uniform(0.5, 1.0) * seconds / (4 * KILLS))
        world.service.kill()
        say(f"killed {number + 1} of {KILLS} times")
    world.service.start()
    samples = []
    faults = (world.camera_gone, world.broker_gone, world.disk_full, world.engine_corrupt)
    while time.monotonic() < until or len(samples) < 2:
        for fault in faults:
            fault()
            world.wait(WELL_S)
            world.service.metrics()
        samples.append(world.service.sample())
        say(f"round {len(samples)}: {_sample(samples[-1])}")
    return samples


def judge(world, samples, code):
    """The findings and the faults, as two lists of texts."""
    lives = world.service.lives
    files = sorted(world.disk.folder.glob("*.jsonl*"))
    arrived = {
        "JSON lines": account.records_of(files),
        "MQTT": account.distinct(record for _, record in world.listener.messages),
    }
    account.records_of(world.disk.folder.glob("*.pictures*"))  # none is torn
    counted = {
        "JSON lines": _counted(lives, "jsonl", "lost_records"),
        "MQTT": sum(
            _counted(lives, "mqtt", "spool_" + name) for name in ("lost", "dropped", "torn")
        ),
    }
    found, wrong = [], account.grown(samples[0], samples[-1])
    for way, records in arrived.items():
        accounts = [
            account.compare(life.reported, account.recorded(records, life.begin, life.finish))
            for life in lives
        ]
        sums = account.total(accounts)
        text = "%s: reported %d, arrived %d, lost %d (the service counted %d), in flight %d"
        found.append(text % ((way,) + sums[:3] + (counted[way], sums.in_flight)))
        if sums.lost > counted[way]:
            wrong.append(f"{way}: lost {sums.lost} events, counted {counted[way]}")
        if sums.in_flight > KILLS * len(STREAMS):
            wrong.append(f"{way}: {sums.in_flight} events that no process reported")
        if not sums.arrived:
            wrong.append(f"{way}: nothing arrived")
    repeated = len(world.listener.messages) - len(arrived["MQTT"])
    found.append(f"MQTT: {repeated} messages arrived twice")
    pictures = tuple(_counted(lives, "jsonl 2", name) for name in ("lost_records", "torn_records"))
    found.append("scored pictures: lost {} lines, cut off {} torn ones".format(*pictures))
    found.append(f"first round {_sample(samples[0])}; last round {_sample(samples[-1])}")
    if code != 0:
        wrong.append(f"the service exited with {code} after SIGTERM")
    return found, wrong


def _counted(lives, sink, name):
    return sum(account.outcome(life.metrics, sink, name) for life in lives)


def _sample(sample):
    return "{:.1f} MB, {} descriptors, {} threads".format(*sample)


def main():
    """Runs the test and prints the findings; returns 1 if anything is wrong."""
    seconds = float(os.environ.get("SOAK_S", "300"))
    lacks = [name for name in ("ffmpeg", "mount") if shutil.which(name) is None]
    lacks += [] if broker.PROGRAM else ["mosquitto"]
    if lacks or os.geteuid() != 0:
        print(f"make soak needs root, ffmpeg and mosquitto; missing: {lacks or 'root'}")
        return 2
    began = time.monotonic()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="edge-attp-soak-")))
        world = World(stack, folder)

        def say(text):
            print(f"{time.monotonic() - began:4.0f} s  {text}", flush=True)

        samples = soak(world, seconds, say)
        world.service.metrics()
        code = world.service.stop()
        time.sleep(AWAY_S)  # the broker delivers what it still has
        found, wrong = judge(world, samples, code)
    for text in found:
        print(text)
    for text in wrong:
        print("WRONG: " + text)
    print("passed" if not wrong else f"failed: {len(wrong)} fault(s)")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
