"""Runs the truth test over a folder of streams and prints a table: python tests/check_media.py DIR [--limit N]

Exit code 0: every picture of every supported stream is true; 3: no stream could be read; 6: something differs.
"""

import argparse
import sys
import traceback
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from truth import equation  # noqa: E402

SUFFIXES = """
    264 265 26l 3g2 3gp avc avi bin bit dav f4v flv h264 h265 h26l hevc jsv jvt m2ts m4v mkv mov mp4 mpeg mpg mts mxf
    ps qt trp ts vob webm
""".split()
COLUMNS = (
    "file",
    "pictures",
    "inter blocks",
    "intra blocks",
    "vectors",
    "mismatches",
    "damaged",
    "unmatched",
)
ROW = "{:<44} {:>8} {:>12} {:>12} {:>10} {:>10} {:>8} {:>9}  {}"


def check(path, name, limit):
    """Prints the table row of one file. Returns its outcome: 'true', 'false' or 'not read'."""
    from edge_attp.bitstream import UnsupportedStream
    from edge_attp.errors import EdgeAttpError

    report = None
    try:
        report = equation.check_stream(path, limit, transcode=False)
        outcome, remark = _judged(report)
    except UnsupportedStream as error:
        outcome, remark = "not read", f"unsupported: {error}"
    except EdgeAttpError as error:
        outcome, remark = "not read", f"unreadable: {error}"
    except Exception as error:  # a fault of the parser, or of these tests
        outcome, remark = "false", _fault(error)
    counts = ["-"] * 7
    if report is not None:
        intra = report.intra_blocks + report.pcm_blocks
        counts = [report.pictures, report.blocks, intra, report.vectors]
        counts += [report.mismatches, report.damaged, report.unmatched]
    print(ROW.format(name, *counts, " ".join(remark.split())).rstrip(), flush=True)
    return outcome


def _judged(report):
    """Outcome and remark of what was compared. What is damaged need not be what FFmpeg makes of it."""
    if report.mismatches:
        return "false", str(report.first)
    if not report.compared:
        return "not read", "FFmpeg decodes no picture of it: nothing to compare with"
    if report.damaged == report.pictures:
        return "not read", "every picture is damaged"
    if report.unmatched and not report.damaged:
        return "false", f"{report.unmatched} of the pictures are only ours or only FFmpeg's"
    if report.broken_off:
        return "not read", f"read up to here only: {report.broken_off}"
    if report.lost_references and not report.damaged:
        lost = f"{report.lost_references} blocks refer to pictures that are not at hand"
        return "true", lost
    return "true", ""


def _fault(error):
    place = traceback.extract_tb(error.__traceback__)[-1]
    name = f"{Path(place.filename).name}:{place.lineno}"
    return f"{type(error).__name__} in {name}: {error}"


def main(arguments=None):
    """Returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="searched with all its folders")
    parser.add_argument("--limit", type=int, default=None, help="pictures of each file at most")
    options = parser.parse_args(arguments)
    if not options.folder.is_dir():
        parser.error(f"{options.folder} is not a folder")
    print(ROW.format(*COLUMNS, "remark"))
    outcomes = [check(path, name, options.limit) for path, name in _files(options.folder)]
    counts = [outcomes.count(name) for name in ("true", "false", "not read")]
    print("{} files: {} true, {} false, {} not read".format(len(outcomes), *counts))
    if counts[1]:
        return 6
    return 0 if counts[0] else 3


def _files(folder):
    """(path, name within the folder) of what may be a video."""
    for path in sorted(folder.rglob("*")):
        if path.suffix[1:].lower() in SUFFIXES and path.is_file():
            yield path, str(path.relative_to(folder))


if __name__ == "__main__":
    sys.exit(main())
