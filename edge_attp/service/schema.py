"""Every table and key of the configuration, with its kind, its default and its meaning.

Sinks declare their own keys. The strict reader (config.py), the commented example (`edge-attp serve
--example`) and the tables of docs/service.md are all made from these.
"""

import re
from typing import Dict

from edge_attp.choices import (
    BACKENDS,
    MOST_BATCH,
    MOST_PARSE_THREADS,
    MOST_REGIONS,
    MOST_THREADS,
)
from edge_attp.recognition import Thresholds
from edge_attp.recognition.events import END, START
from edge_attp.sinks import table
from edge_attp.sinks.settings import SECRET
from edge_attp.sources.live import LiveOptions
from edge_attp.strict import (
    BOOLEAN,
    COUNT,
    FOLDER,
    LOCATION,
    PATH,
    REQUIRED,
    SECONDS,
    SHARE,
    TEXT,
    WHOLE,
    Key,
    Kind,
    Unfit,
    choice,
    list_of,
    matching,
    whole,
)

__all__ = ["Keys", "SINK", "SINKS", "STREAM", "TABLES"]

_THRESHOLDS = Thresholds()
_LIVE = LiveOptions()

Keys = Dict[str, Key]


def _read_every(value: object, folder: str) -> int:
    words = {"picture": 1, "gop": 0}
    return words[value] if isinstance(value, str) and value in words else COUNT.read(value, folder)


def _read_regions(value: object, folder: str) -> int:
    if value == "off":
        return 0
    regions = COUNT.read(value, folder)
    if regions > MOST_REGIONS:
        raise Unfit
    return regions


def _read_address(value: object, _folder: str) -> str:
    if not isinstance(value, str):
        raise Unfit
    found = re.match(r"(?:[^\s:]+|\[[0-9A-Fa-f:]+\]):(\d{1,5})\Z", value)
    if value and (found is None or not 0 < int(found.group(1)) < 65536):
        raise Unfit
    return value


def _read_source(value: object, folder: str) -> str:
    return "-" if value == "-" else LOCATION.read(value, folder)


# Names become parts of paths and topics.
_NAME = matching("letters, digits and . _ - only", r"[A-Za-z0-9][A-Za-z0-9_.-]*\Z")
_NAMES = list_of(TEXT, "a list of names of streams")
_ADDRESS = Kind('an address such as "127.0.0.1:9560", or "" for none', _read_address, is_text=True)
_EVERY = Kind(f'"picture", "gop" or {COUNT.expected}', _read_every)
_REGIONS = Kind(f'"off" or a whole number from 1 to {MOST_REGIONS}', _read_regions)
_SOURCE = Kind(
    'a URL, a path, /dev/videoN, or "-" for the standard input', _read_source, is_text=True
)

TABLES: Dict[str, Keys] = {
    "engine": {
        "model": Key(
            FOLDER,
            None,
            "folder of the model pack; by default the one that comes with the program",
            "/opt/edge-attp/packs/fight",
            old_name="pack",
        ),
        "backend": Key(choice(*BACKENDS), "auto", "inference library: " + ", ".join(BACKENDS)),
        "threads": Key(
            whole(1, MOST_THREADS),
            None,
            "CPU threads; by default as many as are measured to help",
            2,
        ),
        "batch": Key(
            whole(1, MOST_BATCH),
            1,
            "pictures that the engine takes at once; more is faster with several streams",
        ),
    },
    "service": {
        "state_dir": Key(
            PATH,
            None,
            "where results and spools go; by default the folder that systemd gives, else "
            "~/.local/state/edge-attp",
            "/var/lib/edge-attp",
        ),
    },
    "health": {
        "listen": Key(
            _ADDRESS,
            "127.0.0.1:9560",
            'address of /healthz, /readyz, /metrics and the page; "" for none',
        ),
        "token_file": Key(
            SECRET,
            None,
            "file with the token that callers must send; required unless `listen` is reachable from "
            "this machine only",
            "health.token",
        ),
        "page": Key(BOOLEAN, True, "show the live page at /"),
    },
    "events": {
        "start": Key(
            SHARE,
            None,
            "probability at which an event starts; by default what the model says of the label, else "
            f"{START}",
            START,
        ),
        "end": Key(
            SHARE,
            None,
            f"probability below which it ends; by default {END}, or two thirds of start if that is less",
            END,
        ),
        "shortest_s": Key(
            SECONDS,
            _THRESHOLDS.shortest_s,
            "events shorter than this many seconds are not reported",
        ),
    },
}

STREAM: Keys = {
    "name": Key(_NAME, REQUIRED, "name of the stream in results", "door"),
    "source": Key(
        _SOURCE,
        REQUIRED,
        "URL of a camera, /dev/videoN, a file, a folder/ that clips arrive in, or - for stdin; paths "
        "are relative to this file",
        "rtsp://192.168.1.20/stream1",
    ),
    "transport": Key(choice("tcp", "udp"), "tcp", "transport of RTSP"),
    "every": Key(
        _EVERY,
        "picture",
        'score every "picture", one of each "gop" (one in 12 of a longer group), or one in N',
    ),
    "regions": Key(
        _REGIONS,
        None,
        'score up to this many regions in which something moves, and nothing where nothing does; "off" '
        "scores the whole picture; by default what the model was trained for",
        1,
    ),
    "anchor": Key(
        COUNT,
        None,
        "also decode a picture, and use it as a key picture, after N pictures without one",
        48,
    ),
    "track": Key(
        WHOLE,
        None,
        "video track of a file that has several, counted from 0 as `edge-attp inspect` lists them; "
        "by default the one that FFmpeg calls the best",
        1,
    ),
    "parse_threads": Key(
        whole(1, MOST_PARSE_THREADS), 1, "threads of the bitstream parser", old_name="threads"
    ),
    "realtime": Key(BOOLEAN, False, "read a file at its own pace, not faster"),
    "stall_s": Key(
        SECONDS,
        _LIVE.connection.stall_s,
        "reopen a camera that has been silent for this many seconds",
    ),
    "reconnect_max_s": Key(
        SECONDS, _LIVE.reconnect_max_s, "longest pause between two attempts to open it, in seconds"
    ),
    "max_lag_s": Key(
        SECONDS, _LIVE.max_lag_s, "skip work rather than fall further behind a camera, in seconds"
    ),
}

SINK: Keys = {
    "type": Key(TEXT, REQUIRED, "type of the sink"),
    "streams": Key(_NAMES, None, "names of the streams it takes; by default all", ["door"]),
}

SINKS: Dict[str, Keys] = {name: sink.keys for name, sink in table.SINKS.items()}
