"""Writes the tables of docs/service.md from the program: keys, sinks, counters of live sources.

    python docs/config_tables.py            # rewrites what stands between <!-- keys: NAME --> and <!-- end -->
    python docs/config_tables.py --check    # names the tables that differ from the program

Nobody edits these tables by hand: kinds, defaults and help texts are those that `edge-attp serve` uses.
"""

import argparse
import json
import os
import re
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, ROOT)

from edge_attp.service.schema import SINK, SINKS, STREAM, TABLES  # noqa: E402
from edge_attp.sinks.table import SINKS as SINK_TYPES  # noqa: E402
from edge_attp.sources.live import COUNTERS  # noqa: E402
from edge_attp.strict import REQUIRED  # noqa: E402

MANUAL = os.path.join(ROOT, "docs", "service.md")
MARKED = re.compile(r"^<!-- keys: ([a-z.]+) -->\n(.*?)^<!-- end -->$", re.M | re.S)


def fill(text):
    """The text with each marked table written anew, and the names of the tables that were stale."""
    stale = []

    def replace(match):
        name, before = match.groups()
        lines = TABLES_BY_NAME[name]()
        if lines != before:
            stale.append(name)
        return f"<!-- keys: {name} -->\n{lines}<!-- end -->"

    return MARKED.sub(replace, text), stale


def write_table(heads, rows):
    lines = [heads, ["---"] * len(heads)] + list(rows)
    return "".join("| {} |\n".format(" | ".join(cells)) for cells in lines)


def write_keys(keys):
    rows = [(f"`{name}`", write_default(key), key.help) for name, key in keys.items()]
    return write_table(["key", "default", "meaning"], rows)


def write_default(key):
    if key.default is REQUIRED:
        return "required"
    return "-" if key.default is None else f"`{json.dumps(key.default)}`"


def write_sink_types():
    rows = [(f"`{sink.type}`", sink.description) for sink in SINK_TYPES.values()]
    return write_table(["type", "what it does"], rows)


def write_counters():
    rows = [(f"`{name}`", text) for name, text in COUNTERS.items()]
    return write_table(["kind", "what it counts"], rows)


TABLES_BY_NAME = {
    "stream": lambda: write_keys(STREAM),
    "sink": lambda: write_keys(SINK),
    "sinks": write_sink_types,
    "incidents": write_counters,
}
for _name, _keys in TABLES.items():
    TABLES_BY_NAME[_name] = lambda keys=_keys: write_keys(keys)
for _name, _keys in SINKS.items():
    TABLES_BY_NAME["sink." + _name] = lambda keys=_keys: write_keys(keys)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="change nothing; fail if one is stale")
    args = parser.parse_args()
    with open(MANUAL, encoding="utf-8") as file:
        text = file.read()
    written, stale = fill(text)
    missing = set(TABLES_BY_NAME) - {name for name, _ in MARKED.findall(text)}
    if missing:
        sys.exit("docs/service.md lacks the tables: " + ", ".join(sorted(missing)))
    if args.check and stale:
        sys.exit(f"docs/service.md: stale: {', '.join(stale)}; run python docs/config_tables.py")
    if written != text:
        with open(MANUAL, "w", encoding="utf-8") as file:
            file.write(written)


if __name__ == "__main__":
    main()
