"""Runs the truth test over a folder of streams and prints a table: python tests/check_media.py DIR [--limit N]

Exit code 0: every picture of every supported stream is true; 3: no stream could be read; 6: something differs.
"""

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from support import access_units, truth  # noqa: E402

SUFFIXES = (".bit", ".bin", ".mp4", ".mov", ".m4v", ".mkv", ".ts", ".flv", ".avi", ".webm")
SUFFIXES += access_units.RAW["h264"] + access_units.RAW["hevc"]
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


def check(path, limit):
    """Prints the table row of one file. Returns its outcome: 'true', 'false' or 'not read'."""
    from edge_attp.bitstream import CorruptStream, UnsupportedStream
    from edge_attp.errors import SourceError

    try:
        report, remark = truth.check_stream(path, limit, transcode=False), ""
    except UnsupportedStream as error:
        report, remark = None, "unsupported: {}".format(error)
    except (CorruptStream, SourceError) as error:
        report, remark = None, "unreadable: {}".format(error)
    name = "/".join(path.parts[-2:])[-44:]
    if report is None:
        print(ROW.format(name, *["-"] * 7, remark), flush=True)
        return "not read"
    intra = report.intra_blocks + report.pcm_blocks
    counts = (
        report.pictures,
        report.blocks,
        intra,
        report.vectors,
        report.mismatches,
        report.damaged,
    )
    print(ROW.format(name, *counts, report.unmatched, report.first or ""), flush=True)
    wrong = report.mismatches or (report.unmatched and not report.damaged)
    return "false" if wrong else "true"


def main(arguments=None):
    """Returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="searched with all its folders")
    parser.add_argument("--limit", type=int, default=None, help="pictures of each file at most")
    options = parser.parse_args(arguments)
    files = sorted(path for path in options.folder.rglob("*") if path.suffix.lower() in SUFFIXES)
    print(ROW.format(*COLUMNS, "remark"))
    outcomes = [check(path, options.limit) for path in files]
    counts = [outcomes.count(name) for name in ("true", "false", "not read")]
    print("{} files: {} true, {} false, {} not read".format(len(files), *counts))
    if counts[1]:
        return 6
    return 0 if counts[0] else 3


if __name__ == "__main__":
    sys.exit(main())
