"""How fast pictures are parsed, beside what a decoder needs for them.

One thread, one process; the competitors take turns, so that a noisy machine is noisy for all.
Reported are the median of the pictures per second and the median of the ratios to PyAV's full
decoding of the same round.

    python benchmarks/parse.py                          # drawn clips at three sizes
    python benchmarks/parse.py --source camera.mp4      # the same sizes from a real video
    python benchmarks/parse.py --json benchmarks/results/parse-NAME.json
"""

import argparse
import json
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
from edge_attp.bitstream.binding import native_core  # noqa: E402

SIZES = ((340, 256), (1280, 720), (1920, 1080))
ENCODER = {"preset": "medium", "crf": "23", "bf": "3", "threads": "2"}


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


def encode(path, frames, width, height):
    with av.open(path, "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.options = dict(ENCODER)
        for picture in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())


def decode(path):
    """PyAV, every picture decoded, pixels left in the decoder's buffers."""
    with av.open(path) as container:
        container.streams.video[0].thread_count = 1
        return sum(1 for _ in container.decode(video=0))


def decode_with_vectors(path):
    """PyAV with export_mvs: the vectors FFmpeg gives, as arrays."""
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


def parse(path, residual):
    """Ours: dense arrays in Python's hands."""
    count = 0
    with CompressedVideo(path, residual=residual) as video:
        for picture in video:
            motion = picture.motion
            motion.mv, motion.reference, motion.mode
            if residual:
                picture.residual.y, picture.residual.u, picture.residual.v
            count += 1
    return count


def sample(path):
    """Ours, the paper's test protocol: one P or B picture of each group of pictures."""
    with CompressedVideo(path, residual=True) as video:
        for picture in video.sample(per_gop=1, seed=0):
            picture.motion.mv, picture.residual.y
    return decode.pictures


COMPETITORS = {
    "decode": decode,
    "decode + export_mvs": decode_with_vectors,
    "parse motion": lambda path: parse(path, False),
    "parse motion + residual": lambda path: parse(path, True),
    "sample 1 of each GOP": sample,
}


def measure(path, rounds):
    decode.pictures = decode(path)
    for run in COMPETITORS.values():
        run(path)
    speed = {name: [] for name in COMPETITORS}
    for _ in range(rounds):
        for name, run in COMPETITORS.items():
            start_s = time.process_time()
            pictures = run(path)
            speed[name].append(pictures / (time.process_time() - start_s))
    return {
        name: {
            "pictures_per_cpu_s": round(statistics.median(values), 1),
            "ratio_to_decode": round(
                statistics.median(v / d for v, d in zip(values, speed["decode"])), 2
            ),
            "min": round(min(values), 1),
            "max": round(max(values), 1),
        }
        for name, values in speed.items()
    }


def processor():
    try:
        with open("/proc/cpuinfo") as lines:
            for line in lines:
                if line.startswith("model name"):
                    return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--source", help="take the pictures from this video (default: drawn ones)")
    parser.add_argument("--pictures", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", help="one size, such as 1920x1080")
    parser.add_argument("--json", help="also write the results here")
    args = parser.parse_args()
    results = {
        "format_version": 1,
        "machine": "{} {} ({} cores)".format(platform.machine(), processor(), os.cpu_count()),
        "kernels": native_core().attp_cpu().decode(),
        "encoder": "x264 " + " ".join("{}={}".format(*item) for item in ENCODER.items()),
        "source": "real video" if args.source else "drawn",
        "pictures": args.pictures,
        "rounds": args.rounds,
        "sizes": {},
    }
    with tempfile.TemporaryDirectory() as folder:
        for width, height in SIZES:
            size = "{}x{}".format(width, height)
            if args.only and args.only != size:
                continue
            path = os.path.join(folder, size + ".mp4")
            frames = (
                source_pictures(args.source, width, height, args.pictures)
                if args.source
                else drawn_pictures(width, height, args.pictures)
            )
            encode(path, frames, width, height)
            kbit = os.path.getsize(path) * 8 / 1000 / (args.pictures / 25)
            rows = measure(path, args.rounds)
            results["sizes"][size] = {"kbit_per_s": round(kbit), "rows": rows}
            print("{} ({:.0f} kbit/s)".format(size, kbit))
            for name, row in rows.items():
                print(
                    "  {:26s}{:10.0f} pictures/s  {:6.2f} x decode".format(
                        name, row["pictures_per_cpu_s"], row["ratio_to_decode"]
                    )
                )
    if args.json:
        with open(args.json, "w") as out:
            json.dump(results, out, indent=2)
            out.write("\n")


if __name__ == "__main__":
    main()
