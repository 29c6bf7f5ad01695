"""Every table and key of the configuration, with its kind, its default and what it is for.

What [[sink]] takes besides is said by the sinks themselves. The strict reading (config.py) and the
commented example (`edge-attp serve --example`) are both made from this.
"""

from typing import Dict

from edge_attp.engine import BACKENDS
from edge_attp.recognition import Thresholds
from edge_attp.service import values
from edge_attp.sinks import table
from edge_attp.sources.live import LiveOptions
from edge_attp.strict import REQUIRED, Key

__all__ = ["Keys", "SINK", "SINKS", "STREAM", "TABLES"]

_THRESHOLDS = Thresholds()
_LIVE = LiveOptions()

Keys = Dict[str, Key]

TABLES: Dict[str, Keys] = {
    "engine": {
        "pack": Key(
            values.FOLDER,
            None,
            "folder of the model pack; without it, the one that comes with the program",
            "/opt/edge-attp/packs/fight",
        ),
        "backend": Key(
            values.choice(*BACKENDS), "auto", "inference library: " + ", ".join(BACKENDS)
        ),
        "threads": Key(
            values.COUNT, None, "CPU threads; without it, as many as are found to help", 2
        ),
        "batch": Key(
            values.COUNT,
            1,
            "pictures that the engine takes at once; with several streams, more is faster",
        ),
    },
    "service": {
        "state_dir": Key(
            values.PATH,
            None,
            "where results and spools go; without it, what systemd gives, or "
            "~/.local/state/edge-attp",
            "/var/lib/edge-attp",
        ),
    },
    "health": {
        "listen": Key(
            values.ADDRESS,
            "127.0.0.1:9560",
            'of /healthz, /readyz, /metrics and the page; "" for none',
        ),
        "token_file": Key(
            values.SECRET,
            None,
            "file with the token that callers must give; needed where `listen` is not this machine "
            "alone",
            "health.token",
        ),
        "page": Key(values.BOOLEAN, True, "show the live page at /"),
    },
    "events": {
        "start": Key(values.SHARE, _THRESHOLDS.start, "an event begins at this probability"),
        "end": Key(values.SHARE, _THRESHOLDS.end, "and ends below this one"),
        "shortest_s": Key(
            values.SECONDS, _THRESHOLDS.shortest_s, "shorter ones are not reported, in seconds"
        ),
    },
}

STREAM: Keys = {
    "name": Key(values.LABEL, REQUIRED, "what results call it", "door"),
    "source": Key(
        values.SOURCE,
        REQUIRED,
        "URL of a camera, /dev/videoN, a file, a folder/ that clips arrive in, or - for stdin; paths "
        "are relative to this file",
        "rtsp://192.168.1.20/stream1",
    ),
    "transport": Key(values.choice("tcp", "udp"), "tcp", "of RTSP"),
    "every": Key(
        values.EVERY,
        "picture",
        'score every "picture", one of each "gop" (group of pictures, or 12 of a longer one), or one in N',
    ),
    "anchor": Key(
        values.COUNT,
        None,
        "decode a key picture where the stream has given none for N pictures",
        48,
    ),
    "track": Key(
        values.WHOLE,
        None,
        "video track of a file that has several, counted from 0 as `edge-attp inspect` lists them; "
        "without it, the one that FFmpeg calls the best",
        1,
    ),
    "threads": Key(values.COUNT, 1, "of the parser"),
    "realtime": Key(values.BOOLEAN, False, "take the pictures of a file at their time, not faster"),
    "stall_s": Key(
        values.SECONDS,
        _LIVE.connection.stall_s,
        "a camera that is silent for so long is opened again",
    ),
    "reconnect_max_s": Key(
        values.SECONDS, _LIVE.reconnect_max_s, "longest pause between two attempts to open it"
    ),
    "max_lag_s": Key(
        values.SECONDS, _LIVE.max_lag_s, "work is left out where a camera would fall behind more"
    ),
}

SINK: Keys = {
    "type": Key(values.TEXT, REQUIRED, ""),
    "streams": Key(values.NAMES, None, "names of streams; without it, all", ["door"]),
}

SINKS: Dict[str, Keys] = {name: sink.keys for name, sink in table.SINKS.items()}
