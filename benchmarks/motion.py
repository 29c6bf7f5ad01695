"""Measures how well edge_attp.regions tells that something moves, and where, beside OpenCV's MOG2 on decoded pictures.

The scenes of motion_scenes.py are drawn and encoded, so it is known what moves in each picture. Both use one thread.
The processor time of RegionFinder includes parsing, that of MOG2 decoding (PyAV, luma only).

    python benchmarks/motion.py                                  # every kind of scene at 340x256, some at 1280x720
    python benchmarks/motion.py --tune                           # chooses MOG2's parameters, on scenes of their own
    python benchmarks/motion.py --json benchmarks/results/motion-NAME.json
"""

import argparse
import itertools
import json
import multiprocessing
import os
import platform
import sys
import tempfile
import time
from typing import List, NamedTuple

import cv2
import numpy as np

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path[:0] = [ROOT, os.path.dirname(os.path.abspath(__file__))]

import av  # noqa: E402
import motion_scenes as scenes  # noqa: E402
from parse import processor  # noqa: E402

from edge_attp.bitstream import CompressedVideo  # noqa: E402
from edge_attp.bitstream.binding import cpu  # noqa: E402
from edge_attp.regions import RegionFinder  # noqa: E402

cv2.setNumThreads(1)

# Nothing was chosen by the scenes of MEASURED: the parameters of both methods were tuned on those of TUNING.
TUNING, MEASURED = 10_000, 500_000
FIRST_JUDGED = 12  # picture: a recogniser may take half a second to begin
GRACE = 12  # pictures after people begin to move, or stop, in which no answer is wrong
LEAST_OVERLAP = 0.3  # intersection over union from which a box is right
MOST_BOXES = 4
ENCODERS = {
    "h264": (
        "libx264",
        {"preset": "fast", "g": "50", "bf": "3", "x264-params": "threads=1:lookahead-threads=1"},
    ),
    "hevc": (
        "libx265",
        {
            "preset": "fast",
            "x265-params": "keyint=50:bframes=3:pools=none:frame-threads=1:log-level=none",
        },
    ),
}


class Mog2Options(NamedTuple):
    """Chosen by --tune."""

    threshold: float = 36.0  # varThreshold
    opening_px: int = 3
    least_share: float = 0.001  # of the picture, for a component
    width_px: int = 340  # that pictures are scaled to, if they are wider


class Answer(NamedTuple):
    """boxes: for each picture in display order. cpu_s: for all of them."""

    boxes: List[list]
    cpu_s: float


# What is compared ---------------------------------------------------------------------------------


def run_finder(path):
    start_s = time.process_time()
    found, key_pictures = {}, []
    with CompressedVideo(path) as video:
        finder = RegionFinder(
            video.width, video.height, video.bit_depth, video.frame_rate, max_regions=MOST_BOXES
        )
        for picture in video:
            regions = finder.add_picture(picture).regions
            if picture.kind == "I":
                key_pictures.append(picture.pts)
            else:
                found[picture.pts] = [region.box for region in regions]
        finder.close()
    cpu_s = time.process_time() - start_s
    return Answer(_in_display_order(found, key_pictures), cpu_s)


def _in_display_order(found, key_pictures):
    """A key picture says nothing: what was found before holds."""
    boxes, last = [], []
    for pts in sorted(list(found) + key_pictures):
        last = found.get(pts, last)
        boxes.append(last)
    return boxes


MOG2 = Mog2Options()


def run_mog2(path, options=MOG2):
    start_s = time.process_time()
    subtractor = cv2.createBackgroundSubtractorMOG2(
        history=250, varThreshold=options.threshold, detectShadows=False
    )
    kernel = np.ones((options.opening_px, options.opening_px), np.uint8)
    boxes = []
    with av.open(path) as container:
        container.streams.video[0].thread_count = 1
        for frame in container.decode(video=0):
            luma = np.frombuffer(frame.planes[0], np.uint8).reshape(frame.height, -1)
            boxes.append(_foreground(luma[:, : frame.width], subtractor, kernel, options))
    return Answer(boxes, time.process_time() - start_s)


def _foreground(luma, subtractor, kernel, options):
    scale = max(1.0, luma.shape[1] / options.width_px)
    if scale > 1:
        luma = cv2.resize(luma, None, fx=1 / scale, fy=1 / scale, interpolation=cv2.INTER_AREA)
    mask = cv2.morphologyEx(subtractor.apply(luma), cv2.MORPH_OPEN, kernel)
    mask = cv2.dilate(mask, np.ones((7, 7), np.uint8))  # parts of one body become one
    _, _, stats, _ = cv2.connectedComponentsWithStats(mask)
    large = stats[1:][stats[1:, cv2.CC_STAT_AREA] >= options.least_share * mask.size]
    largest = large[np.argsort(-large[:, cv2.CC_STAT_AREA])][:MOST_BOXES]
    return [tuple(scale * at for at in (x, y, x + w, y + h)) for x, y, w, h, _ in largest]


# Right and wrong ----------------------------------------------------------------------------------


class Counts(NamedTuple):
    """Of pictures: said to move and does, said and does not, does and was not said, neither. Of boxes: people, those
    with a box of theirs, boxes, those that are somebody's."""

    hits: int = 0
    false_alarms: int = 0
    misses: int = 0
    quiet: int = 0
    people: int = 0
    people_found: int = 0
    boxes: int = 0
    boxes_right: int = 0


def count(scene, truth, boxes):
    """Compares the boxes of one clip with what moves."""
    if len(boxes) != len(truth):
        raise ValueError(f"{scene.name}: {len(boxes)} of {len(truth)} pictures")
    total = np.zeros(len(Counts._fields), int)
    for number, (people, found) in enumerate(zip(truth, boxes)):
        if is_judged(scene, number):
            total += _count_picture(people, found)
    return Counts(*total.tolist())


def is_judged(scene, number):
    changes = [scenes.ENTERS] + ([scenes.STOPS] if scene.body == "stops" else [])
    is_open = any(change <= number < change + GRACE for change in changes)
    return number >= FIRST_JUDGED and not (is_open and scene.body != "nothing")


def _count_picture(people, found):
    is_said, does_move = bool(found), bool(people)
    overlaps = np.array([[overlap(a, b) for b in found] for a in people]).reshape(
        len(people), len(found)
    )
    right = overlaps > LEAST_OVERLAP
    return np.array(
        [
            is_said and does_move,
            is_said and not does_move,
            does_move and not is_said,
            not is_said and not does_move,
            len(people),
            right.any(axis=1).sum(),
            len(found),
            right.any(axis=0).sum(),
        ],
        int,
    )


def overlap(a, b):
    """Intersection over union of two boxes."""
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    common = width * height
    return common / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - common)


# Clips --------------------------------------------------------------------------------------------


def make_clip(folder, scene):
    """The path of the encoded scene and its truth, drawn at first use."""
    path = os.path.join(folder, scene.name + ".mp4")
    truth_path = path[:-3] + "json"
    if not os.path.exists(truth_path):
        truth = _encode(path, scene)
        with open(truth_path, "w", encoding="utf-8") as file:
            json.dump(truth, file)
    with open(truth_path, encoding="utf-8") as file:
        return path, json.load(file)


def _encode(path, scene):
    codec, options = ENCODERS[scene.codec]
    truth = []
    with av.open(path, "w") as container:
        stream = container.add_stream(codec, rate=scenes.RATE, options=dict(options))
        stream.width, stream.height, stream.pix_fmt = scene.width, scene.height, "yuv420p"
        grey = np.full((scene.height // 2, scene.width), 128, np.uint8)
        for luma, boxes in scenes.draw(scene):
            frame = av.VideoFrame.from_ndarray(np.vstack([luma, grey]), format="yuv420p")
            container.mux(stream.encode(frame))
            truth.append(boxes)
        container.mux(stream.encode())
    return truth


def chosen_scenes(first_seed):
    """Every kind of scene at 340x256, with both codecs; at 1280x720 every sixth kind, with one of them."""
    large = scenes.all_scenes(1280, 720, first_seed + 1000)
    pairs = list(zip(large[::2], large[1::2]))[::6]
    return scenes.all_scenes(340, 256, first_seed) + [
        pair[number % 2] for number, pair in enumerate(pairs)
    ]


# Figures ------------------------------------------------------------------------------------------


class Clip(NamedTuple):
    """What one method answered on one scene."""

    scene: scenes.Scene
    counts: Counts
    cpu_s: float


METHODS = {"finder": run_finder, "mog2": run_mog2}


def judge(folder, scene, run):
    path, truth = make_clip(folder, scene)
    answer = run(path)
    return Clip(scene, count(scene, truth, answer.boxes), answer.cpu_s)


def groups(clips):
    """{name of a group of scenes: their clips}"""
    found = {"all": list(clips)}
    for clip in clips:
        scene = clip.scene
        for name in (
            f"camera: {scene.camera}",
            f"what moves: {scene.body}",
            f"disturbed by: {scene.condition}",
            f"codec: {scene.codec}",
            f"size: {scene.width}x{scene.height}",
        ):
            found.setdefault(name, []).append(clip)
    return found


def share(part, whole):
    """nan of nothing: no person can be found where there is none."""
    return np.where(whole > 0, part / np.maximum(whole, 1), np.nan)


def rates(counts):
    """counts: (..., fields of Counts). Shares of pictures and boxes that are right."""
    c = Counts(*np.moveaxis(np.asarray(counts), -1, 0))
    return {
        "precision": share(c.hits, c.hits + c.false_alarms),
        "recall": share(c.hits, c.hits + c.misses),
        "accuracy": share(c.hits + c.quiet, c.hits + c.quiet + c.false_alarms + c.misses),
        "false_alarms": share(c.false_alarms, c.false_alarms + c.quiet),
        "people_found": share(c.people_found, c.people),
        "boxes_right": share(c.boxes_right, c.boxes),
    }


def summary(clips, resamples=2000):
    """{rate: [value, 2.5 % and 97.5 % of a bootstrap over the clips]}, None where it has no meaning."""
    counts = np.array([clip.counts for clip in clips])
    random = np.random.default_rng(0)
    drawn = counts[random.integers(0, len(counts), (resamples, len(counts)))].sum(axis=1)
    values, spread = rates(counts.sum(axis=0)), rates(drawn)
    result = {"clips": len(clips)}
    for name, value in values.items():
        bounds = [] if np.isnan(value) else np.nanpercentile(spread[name], [2.5, 97.5])
        result[name] = [round(float(at), 4) for at in (value, *bounds)] if len(bounds) else None
    return result


def cpu_ms(clips):
    """Of processor time a picture, median of the clips, for each size and codec."""
    found = {}
    for clip in clips:
        key = f"{clip.scene.width}x{clip.scene.height} {clip.scene.codec}"
        found.setdefault(key, []).append(1000 * clip.cpu_s / scenes.PICTURES)
    return {key: round(float(np.median(values)), 3) for key, values in found.items()}


def finder_ms(path, passes=5):
    """Processor time of add_picture() for a parsed P or B picture: median, 90 % and most, each the least of some
    passes."""
    with CompressedVideo(path) as video:
        pictures = [p for p, _ in zip(video, range(60)) if p.kind != "I"]
        for picture in pictures:
            picture.parse()
        best = np.full(len(pictures), np.inf)
        for _ in range(passes):
            finder = RegionFinder(
                video.width, video.height, video.bit_depth, max_regions=MOST_BOXES
            )
            for number, picture in enumerate(pictures):
                start_s = time.thread_time()
                finder.add_picture(picture)
                best[number] = min(best[number], time.thread_time() - start_s)
            finder.close()
    median, high, most = np.percentile(1000 * best, [50, 90, 100])
    return {"median": round(median, 3), "p90": round(high, 3), "max": round(most, 3)}


def time_sizes(folder):
    """Both at three sizes, a busy scene."""
    result = {}
    for (width, height), codec in itertools.product(
        ((340, 256), (1280, 720), (1920, 1080)), scenes.CODECS
    ):
        scene = scenes.Scene("two", "pan", "noise", codec, width, height, MEASURED - 1)
        path, _ = make_clip(folder, scene)
        row = {"finder_alone_ms": finder_ms(path)}
        for name, run in METHODS.items():
            least_s = min(run(path).cpu_s for _ in range(3))
            row[f"{name}_ms"] = round(1000 * least_s / scenes.PICTURES, 3)
        result[f"{width}x{height} {codec}"] = row
    return result


def tune(folder):
    """Prints how well MOG2 does with each choice of its parameters, on some scenes that are not reported."""
    chosen = [
        (scene, *make_clip(folder, scene)) for scene in scenes.all_scenes(340, 256, TUNING)[3::11]
    ]
    for choice in itertools.product((16, 36, 64), (3, 5), (0.001, 0.003)):
        options = Mog2Options(*choice)
        counts = [
            count(scene, truth, run_mog2(path, options).boxes) for scene, path, truth in chosen
        ]
        found = {
            name: round(float(rate), 3) for name, rate in rates(np.sum(counts, axis=0)).items()
        }
        print(options, found, flush=True)


def show(name, rows):
    line = "  {:8s}{:>10.3f}{:>8.3f}{:>10.3f}{:>14.3f}{:>14.3f}"
    print(f"{name} ({rows['finder']['clips']} clips)")
    for method in METHODS:
        values = [rows[method][key] or [np.nan] for key in SHOWN]
        print(line.format(method, *(value[0] for value in values)))


SHOWN = ("precision", "recall", "accuracy", "people_found", "boxes_right")


def measure(folder):
    chosen = chosen_scenes(MEASURED)
    with multiprocessing.get_context("spawn").Pool(os.cpu_count()) as pool:
        pool.starmap(make_clip, [(folder, scene) for scene in chosen])
    clips = {name: [judge(folder, scene, run) for scene in chosen] for name, run in METHODS.items()}
    grouped = {name: groups(found) for name, found in clips.items()}
    return {
        "format_version": 1,
        "machine": f"{platform.machine()} {processor()} ({os.cpu_count()} cores)",
        "kernels": cpu(),
        "opencv": cv2.__version__,
        "mog2": MOG2._asdict(),
        "pictures": len(chosen) * scenes.PICTURES,
        "cpu_ms": {name: cpu_ms(found) for name, found in clips.items()},
        "timing": time_sizes(folder),
        "groups": {
            group: {name: summary(grouped[name][group]) for name in METHODS}
            for group in grouped["finder"]
        },
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tune", action="store_true", help="try parameters of MOG2 and end")
    parser.add_argument("--clips", help="keep the clips in this folder")
    parser.add_argument("--json", help="also write the results here")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = args.clips or temporary
        os.makedirs(folder, exist_ok=True)
        if args.tune:
            tune(folder)
            return
        results = measure(folder)
    for name, rows in results["groups"].items():
        show(name, rows)
    print("ms a picture:", json.dumps(results["timing"], indent=2))
    if args.json:
        with open(args.json, "w", encoding="utf-8") as file:
            json.dump(results, file, indent=2)
            file.write("\n")


if __name__ == "__main__":
    main()
