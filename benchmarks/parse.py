"""Measures how fast pictures are parsed, compared with decoding them.

The competitors use one thread on one core and take turns, so that noise of the machine disturbs all of them alike.
It reports the median of pictures per second of processor time and the median of the ratios to PyAV's full decoding
in the same round. Then, by the wall clock, the gain of a second thread, and how much the memory of a fresh process
grows.

    python benchmarks/parse.py                          # drawn clips at three sizes, both codecs
    python benchmarks/parse.py --source camera.mp4      # the same sizes from a real video
    python benchmarks/parse.py --codec hevc --json benchmarks/results/parse-hevc-NAME.json
"""

import argparse
import contextlib
import functools
import json
import multiprocessing
import os
import platform
import statistics
import sys
import tempfile
import time

import av
import numpy as np

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, ROOT)

from edge_attp.bitstream import CompressedVideo  # noqa: E402
from edge_attp.bitstream.binding import cpu  # noqa: E402

SIZES = ((340, 256), (1280, 720), (1920, 1080))
ENCODERS = {
    "h264": ("x264", {"preset": "medium", "crf": "23", "bf": "3", "threads": "2"}),
    "hevc": (
        "x265",
        {
            "preset": "medium",
            "crf": "28",
            "x265-params": "bframes=3:pools=none:frame-threads=1:log-level=error",
        },
    ),
}


def drawn_pictures(width, height, pictures):
    """A moving camera over a textured scene with objects of their own motion, and sensor noise."""
    import cv2

    random = np.random.default_rng(7)
    scene = np.zeros((height + 256, width + 256, 3), np.float32)
    for cell in (4, 16, 64):
        noise = random.random((scene.shape[0] // cell + 2, scene.shape[1] // cell + 2, 3))
        scene += cell**0.5 * cv2.resize(noise.astype(np.float32), scene.shape[1::-1])
    scene = 255 * (scene - scene.min()) / (scene.max() - scene.min())
    for n in range(pictures):
        x, y = int(100 + 90 * np.sin(n / 23)), int(100 + 80 * np.cos(n / 31))
        picture = scene[y : y + height, x : x + width].copy()
        for k in range(6):
            centre = (int(width * (0.5 + 0.4 * np.sin(n / 17 + k))), int(height * (0.2 + 0.12 * k)))
            cv2.circle(picture, centre, height // 14, (40 * k, 255 - 40 * k, 128), -1)
        picture += random.normal(0, 2.0, picture.shape[:2] + (1,))  # of luma, as cameras have it
        yield np.clip(picture, 0, 255).astype(np.uint8)


def source_pictures(path, width, height, pictures):
    with av.open(path) as container:
        for n, frame in enumerate(container.decode(video=0)):
            if n == pictures:
                return
            yield frame.to_ndarray(format="rgb24", width=width, height=height)


def encode(path, codec, frames, width, height):
    """Returns the number of pictures."""
    encoder, options = ENCODERS[codec]
    count = 0
    with av.open(path, "w") as container:
        stream = container.add_stream("lib" + encoder, rate=25)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.options = dict(options)
        for picture in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
            count += 1
        container.mux(stream.encode())
    return count


def decode(path):
    """PyAV: decodes every picture and leaves the pixels in the buffers of the decoder."""
    with av.open(path) as container:
        container.streams.video[0].thread_count = 1
        return sum(1 for _ in container.decode(video=0))


def decode_with_vectors(path):
    """PyAV with export_mvs: the vectors that FFmpeg exports, as arrays."""
    with av.open(path) as container:
        stream = container.streams.video[0]
        stream.thread_count = 1
        stream.codec_context.flags2 |= av.codec.context.Flags2.export_mvs
        count = 0
        for frame in container.decode(stream):
            vectors = frame.side_data.get("MOTION_VECTORS")
            if vectors is not None:
                vectors.to_ndarray()
            count += 1
        return count


def parse(path, residual, threads=1):
    """Ours: dense arrays in Python."""
    count = 0
    with CompressedVideo(path, residual=residual, threads=threads) as video:
        for picture in video:
            motion = picture.motion
            motion.mv, motion.reference, motion.mode
            if residual:
                picture.residual.y, picture.residual.u, picture.residual.v
            count += 1
    return count


def sample(path):
    """Ours, with the test protocol of the paper: one P or B picture of each group of pictures."""
    with CompressedVideo(path, residual=True) as video:
        for picture in video.sample(per_gop=1, seed=0):
            picture.motion.mv, picture.residual.y


PARSERS = {"parse motion": False, "parse motion + residual": True}  # with the residual?


def competitors(codec):
    runs = {"decode": decode}
    if codec == "h264":  # FFmpeg exports no vectors of HEVC
        runs["decode + export_mvs"] = decode_with_vectors
    for name, residual in PARSERS.items():
        runs[name] = lambda path, residual=residual: parse(path, residual)
    runs["sample 1 of each GOP"] = sample
    return runs


@contextlib.contextmanager
def on_one_core():
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(cores)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)


def take_turns(runs, rounds, clock):
    """{name: the seconds of each round}"""
    seconds = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            start_s = clock()
            run()
            seconds[name].append(clock() - start_s)
    return seconds


def measure(path, codec, rounds):
    """One thread: pictures of the stream per second of processor time."""
    runs = {name: functools.partial(run, path) for name, run in competitors(codec).items()}
    given = {name: run() for name, run in runs.items()}  # warms up, too
    pictures = given["decode"]
    for name in PARSERS:
        if given[name] != pictures:
            sys.exit(f"{name}: {given[name]} of {pictures} pictures: these cannot be compared")
    with on_one_core():
        seconds = take_turns(runs, rounds, time.process_time)
    return {
        name: {
            "pictures_per_cpu_s": round(pictures / statistics.median(values), 1),
            "ratio_to_decode": round(
                statistics.median(d / v for v, d in zip(values, seconds["decode"])), 2
            ),
            "min": round(pictures / max(values), 1),
            "max": round(pictures / min(values), 1),
        }
        for name, values in seconds.items()
    }


def measure_threads(path, pictures, rounds):
    """Two threads: pictures per second by the clock, and how many times the speed of one."""
    rows = {}
    for name, residual in PARSERS.items():
        runs = {n: functools.partial(parse, path, residual, n) for n in (1, 2)}
        seconds = take_turns(runs, rounds, time.perf_counter)
        rows[name] = {
            "pictures_per_s": round(pictures / statistics.median(seconds[2]), 1),
            "ratio_to_one_thread": round(
                statistics.median(one / two for one, two in zip(seconds[1], seconds[2])), 2
            ),
        }
    return rows


def peak_kb():
    with open("/proc/self/status") as lines:
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))


def growth_mb(path, residual, threads):
    before_kb = peak_kb()
    parse(path, residual, threads)
    return round((peak_kb() - before_kb) / 1024, 1)


def measure_memory(path):
    """How much a fresh process grows beyond its imports, in MB."""
    rows = {}
    for name, residual in PARSERS.items():
        for threads in (1, 2):
            with multiprocessing.get_context("spawn").Pool(1) as pool:
                key = f"{name}, threads={threads}"
                rows[key] = pool.apply(growth_mb, (path, residual, threads))
    return rows


def processor():
    try:
        with open("/proc/cpuinfo") as lines:
            for line in lines:
                if line.startswith("model name"):
                    return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor()


def make_clip(path, codec, size, args):
    """Returns the number of pictures."""
    width, height = size
    if args.source:
        frames = source_pictures(args.source, width, height, args.pictures)
    else:
        frames = drawn_pictures(width, height, args.pictures)
    return encode(path, codec, frames, width, height)


def show(codec, name, result):
    print("{} {} ({} kbit/s)".format(codec, name, result["kbit_per_s"]))
    line = "  {:36s}{:8.0f} pictures/s  {:6.2f} x {}"
    for row_name, row in result["rows"].items():
        print(line.format(row_name, row["pictures_per_cpu_s"], row["ratio_to_decode"], "decode"))
    for row_name, row in result["two_threads"].items():
        speed, ratio = row["pictures_per_s"], row["ratio_to_one_thread"]
        print(line.format(row_name + ", 2 threads", speed, ratio, "one thread"))
    for row_name, memory_mb in result["memory_mb"].items():
        print(f"  {row_name:36s}{memory_mb:8.1f} MB")


def measure_codec(codec, folder, args):
    encoder, options = ENCODERS[codec]
    results = {
        "format_version": 1,
        "machine": f"{platform.machine()} {processor()} ({os.cpu_count()} cores)",
        "kernels": cpu(),
        "codec": codec,
        "encoder": " ".join([encoder] + ["{}={}".format(*item) for item in options.items()]),
        "source": "real video" if args.source else "drawn",
        "pictures": args.pictures,
        "rounds": args.rounds,
        "sizes": {},
    }
    for size in SIZES:
        name = "{}x{}".format(*size)
        if args.only and args.only != name:
            continue
        path = os.path.join(folder, f"{codec}-{name}.mp4")
        pictures = results["pictures"] = make_clip(path, codec, size, args)
        results["sizes"][name] = {
            "kbit_per_s": round(os.path.getsize(path) * 8 / 1000 / (pictures / 25)),
            "rows": measure(path, codec, args.rounds),
            "two_threads": measure_threads(path, pictures, args.rounds),
            "memory_mb": measure_memory(path),
        }
        show(codec, name, results["sizes"][name])
    return results


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--codec", choices=sorted(ENCODERS), help="one codec (default: both)")
    parser.add_argument("--source", help="take the pictures from this video (default: drawn ones)")
    parser.add_argument("--pictures", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--only", help="one size, such as 1920x1080")
    parser.add_argument("--json", help="also write the results here; needs --codec")
    args = parser.parse_args()
    if args.json and not args.codec:
        parser.error("--json holds the results of one codec: name it with --codec")
    with tempfile.TemporaryDirectory() as folder:
        for codec in [args.codec] if args.codec else sorted(ENCODERS):
            results = measure_codec(codec, folder, args)
    if args.json:
        with open(args.json, "w") as out:
            json.dump(results, out, indent=2)
            out.write("\n")


if __name__ == "__main__":
    main()
