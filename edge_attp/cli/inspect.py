"""`edge-attp inspect`: shows what a stream holds, draws one picture, writes all arrays for NumPy."""

import argparse
import json
import time
from contextlib import ExitStack
from typing import Any, Dict, Iterable, Iterator, List, Optional, Tuple

from edge_attp.bitstream import CompressedVideo, Picture
from edge_attp.bitstream.orientation import Orientation
from edge_attp.bitstream.tracks import describe_track
from edge_attp.errors import EdgeAttpError, UsageError
from edge_attp.sinks import draw
from edge_attp.sinks.base import refuse_input
from edge_attp.sinks.npz import NpzWriter
from edge_attp.survey import Survey
from edge_attp.types import StreamInfo, StreamStats, VideoTrack

FORMAT = "edge-attp-inspect"
FORMAT_VERSION = 1
CODECS = {"h264": "H.264", "hevc": "HEVC"}
SHOWN_DISTANCES = 6
SHOWN_WIDTH_PX = 640  # narrower pictures are enlarged by a whole factor

Report = Dict[str, Any]  # what JSON can hold, as Survey.summary() gives it
Line = Tuple[str, str]  # label and text


def main(args: argparse.Namespace) -> int:
    """Runs the command; returns the exit code."""
    for option, path in (("--dump", args.dump), ("--png", args.png)):
        if path:
            refuse_input(option, path, args.input)
    if args.png and not args.png.lower().endswith(".png"):
        raise UsageError(f"--png {args.png}: the name must end in .png")
    if (args.picture is None) != (args.png is None):
        raise UsageError("--picture and --png belong together: --picture 12 --png out.png")
    if args.picture is not None:
        if args.json or args.dump or args.limit:
            raise UsageError("--picture draws one picture; leave out --json, --dump and --limit")
        return _draw(args)
    report, failure = _survey(args)
    if report["pictures"] or failure is None:
        print(json.dumps(report, indent=2) if args.json else _text(report))
    if failure is not None:
        raise failure
    return 0


# A survey of the whole stream -----------------------------------------------------------


def _survey(args: argparse.Namespace) -> Tuple[Report, Optional[BaseException]]:
    """The report, and what ended the reading early: an error of the stream or Ctrl-C."""
    survey, clock, failure = Survey(), _ParseClock(), None
    video = CompressedVideo(args.input, threads=args.parse_threads, track=args.track)
    with video, ExitStack() as stack:
        dump = stack.enter_context(NpzWriter(args.dump)) if args.dump else None
        try:
            for picture in clock.timed(video, args.limit):
                survey.add_picture(picture)
                if dump is not None:
                    dump.add_picture(picture)
        except (EdgeAttpError, KeyboardInterrupt) as error:
            failure = error
        report = {"format": FORMAT, "version": FORMAT_VERSION, "input": args.input}
        report["stream"] = _stream(video.info())
        report.update(survey.summary())
        report["integrity"].update(_nal_units(video.stats), stopped_by=_reason(failure))
    report["parse"] = {
        "seconds": clock.seconds,
        "pictures_per_second": survey.pictures / clock.seconds if clock.seconds else 0.0,
        "threads": args.parse_threads,
    }
    return report, failure


def _reason(failure: Optional[BaseException]) -> Optional[str]:
    if isinstance(failure, KeyboardInterrupt):
        return "interrupted"
    return None if failure is None else str(failure)


def _nal_units(stats: StreamStats) -> Dict[str, int]:
    names = ("nal_units", "ignored_nal_units", "damaged_nal_units")
    return dict(
        {name: getattr(stats, name) for name in names},
        skipped_pictures=stats.skipped,
        hidden_pictures=stats.hidden,
    )


class _ParseClock:
    """Measures the time spent waiting for pictures, without what the caller does with them."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def timed(self, pictures: Iterable[Picture], limit: Optional[int]) -> Iterator[Picture]:
        source = iter(pictures)
        count = 0
        while limit is None or count < limit:
            begin = time.perf_counter()
            picture = next(source, None)
            self.seconds += time.perf_counter() - begin
            if picture is None:
                return
            count += 1
            yield picture


def _stream(info: StreamInfo) -> Report:
    fields = dict(info._asdict())
    fields["tools"] = list(info.tools)
    fields["tracks"] = [dict(track._asdict()) for track in info.tracks]
    fields["frame_rate"] = float(info.frame_rate) if info.frame_rate else None
    fields["time_base"] = str(info.time_base) if info.time_base else None
    return fields


# Text -----------------------------------------------------------------------------------


def _text(report: Report) -> str:
    lines = _stream_lines(report) + _picture_lines(report) + _motion_lines(report)
    return "\n".join(f"{label:12} {text}" for label, text in lines)


def _stream_lines(report: Report) -> List[Line]:
    stream = report["stream"]
    rate = stream["frame_rate"]
    size = [f"{stream['width']}x{stream['height']}"]
    turned = str(Orientation(stream["rotation_deg"], stream["is_mirrored"]))
    size += [f"{turned} for display"] if turned else []
    size += ["monochrome"] if stream["chroma_format"] == "4:0:0" else []
    size += [f"{stream['bit_depth']} bits"] if stream["bit_depth"] != 8 else []
    size += [f"coding tree units of {stream['block_px']}"] if report["coding"] else []
    size += [f"{round(rate, 3):g} pictures per second"] if rate else []
    tracks = [("tracks", _tracks(stream))] if len(stream["tracks"]) > 1 else []
    return [
        ("input", report["input"]),
        ("container", stream["container"]),
        *tracks,
        ("codec", f"{CODECS[stream['codec']]} {stream['profile']}, level {stream['level']}"),
        ("size", ", ".join(size)),
        ("tools", " ".join(stream["tools"]) or "none"),
    ]


def _tracks(stream: Report) -> str:
    """What --track chooses from."""
    tracks = [describe_track(VideoTrack(**track)) for track in stream["tracks"]]
    tracks[stream["track"]] += "; this one is read"
    return ", ".join(f"{number} ({track})" for number, track in enumerate(tracks))


def _picture_lines(report: Report) -> List[Line]:
    gop = report["gop"]
    kinds = ", ".join(f"{count} {kind}" for kind, count in report["kinds"].items() if count)
    hidden = report["integrity"]["hidden_pictures"]
    kinds += f", {hidden} of them hidden by an edit list" if hidden else ""
    lines = [("pictures", f"{report['pictures']}: {kinds}")]
    if report["coding"]:
        named = [f"{count} {name}" for name, count in report["nal_units"].items()]
        lines.append(("NAL units", ", ".join(named)))
    if len(report["sub_layers"]) > 1:
        counts = ", ".join(f"{count}" for count in report["sub_layers"])
        lines.append(("sub-layers", f"{len(report['sub_layers'])}, of {counts} pictures"))
    if gop["count"]:
        lengths = f"{gop['longest']}"
        if gop["shortest"] != gop["longest"]:
            lengths = f"{gop['shortest']} to {gop['longest']}"
        lines.append(("GOPs", f"{gop['count']}, of {lengths} pictures"))
        lines.append(("pattern", _shortened(gop["pattern"])))
    speed = f"{report['parse']['pictures_per_second']:.0f} pictures per second"
    return lines + [("integrity", _integrity(report["integrity"])), ("parse speed", speed)]


def _integrity(integrity: Report) -> str:
    found = []
    if integrity["damaged"]:
        found.append(f"{integrity['damaged']} damaged pictures ({integrity['first_damage']})")
    if integrity["damaged_nal_units"]:
        found.append(f"{integrity['damaged_nal_units']} unreadable NAL units")
    if integrity["stopped_by"]:
        found.append("reading ended early")
    if integrity["skipped_pictures"]:
        found = found or ["ok"]
        found.append(f"RASL pictures skipped: {integrity['skipped_pictures']}")
    return ", ".join(found) or "ok"


def _motion_lines(report: Report) -> List[Line]:
    lines = []
    for kind, shares in report["blocks"].items():
        named = [f"{name} {_percent(share)}" for name, share in shares.items() if share]
        lines.append((f"{kind} blocks", ", ".join(named)))
    lines += [(f"{kind} coding", _coding(coding)) for kind, coding in report["coding"].items()]
    motion = report["motion"]
    if motion["blocks"]:
        text = "mean {mean_px:.2f}, median {median_px:.2f}, p95 {p95_px:.2f} px per picture"
        lines.append(("motion", text.format(**motion)))
        lines.append(("references", _distances(report["reference_distances"])))
    for kind, residual in report["residual"].items():
        share = _percent(residual["nonzero_share"])
        text = f"rms {residual['rms_luma']:.2f}, {share} of the samples coded"
        lines.append((f"{kind} residual", text))
    return lines


def _coding(coding: Report) -> str:
    parts = [f"units of {_sides(coding['coding_units'])}"]
    if any(coding["luma_transforms"].values()):
        parts.append(f"transforms of {_sides(coding['luma_transforms'])}")
    vectors = [("merged", coding["merged"]), ("from both lists", coding["bi_predicted"])]
    named = [f"{100 * share:.0f} % {name}" for name, share in vectors if share]
    return "; ".join(parts + ([", ".join(named)] if named else []))


def _sides(shares: Dict[str, float]) -> str:
    """Shares of the area, largest blocks first."""
    named = [(side, share) for side, share in shares.items() if share]
    return ", ".join(f"{side}: {100 * share:.0f} %" for side, share in reversed(named))


def _distances(distances: List[Dict[str, float]]) -> str:
    """Where references lie, earliest first; the survey lists the most frequent first."""
    shown = sorted(distances[:SHOWN_DISTANCES], key=lambda item: -item["pictures"])
    parts = [f"{-item['pictures']:+g}: {_percent(item['share'])}" for item in shown]
    rest = sum(item["share"] for item in distances[SHOWN_DISTANCES:])
    return "pictures away, " + ", ".join(parts + ([f"others {_percent(rest)}"] if rest else []))


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _shortened(pattern: str, length: int = 88) -> str:
    return pattern if len(pattern) <= length else pattern[: length - 4] + " ..."


# One picture ----------------------------------------------------------------------------


def _draw(args: argparse.Namespace) -> int:
    source, index, path = args.input, args.picture, args.png
    cv2 = draw.opencv()
    with CompressedVideo(
        source, threads=args.parse_threads, track=args.track, oriented=True
    ) as video:
        picture, key = _find(video, index, source)
        background = video.decode_key(key) if key is not None else None
        bit_depth = video.bit_depth
    assert picture.residual is not None
    height, width = picture.residual.y.shape
    zoom = -(-SHOWN_WIDTH_PX // width)
    size = (width * zoom, height * zoom)
    motion = draw.draw_motion(background, draw.marks_of(picture.motion), size)
    residual = draw.draw_residual(picture.residual, size, bit_depth)
    caption = f"{picture.kind} picture {index}"
    composed = draw.compose(motion, residual, caption, bit_depth)
    if not cv2.imwrite(path, composed[:, :, ::-1], [cv2.IMWRITE_PNG_COMPRESSION, 9]):
        raise UsageError(f"--png {path}: cannot be written")
    print(f"{path}: picture {index} ({picture.kind}) of {source}")
    return 0


def _find(video: CompressedVideo, index: int, source: str) -> Tuple[Picture, Optional[Picture]]:
    """The picture, and the last random-access picture up to it (None if there is none)."""
    key, count = None, 0
    for picture in video:
        count += 1
        key = picture if picture.is_random_access else key
        if picture.decode_index == index:
            return picture, key
    raise UsageError(f"{source} has no picture {index}: it has {count}, counted from 0")
