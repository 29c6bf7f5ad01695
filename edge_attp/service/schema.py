"""Every table and key of the configuration, with its kind, its default and what it is for.

This is the one place of defaults: the strict reader (config.py) and the commented example
(`edge-attp serve --example`) are both made from it.
"""

from typing import Any, Dict, NamedTuple

from edge_attp.bitstream.live import LiveOptions
from edge_attp.engine import BACKENDS
from edge_attp.recognition import Thresholds
from edge_attp.service import values
from edge_attp.service.values import Kind

__all__ = ["Key", "REQUIRED", "SINK", "SINKS", "STREAM", "TABLES", "Table"]

REQUIRED = object()
_THRESHOLDS = Thresholds()
_LIVE = LiveOptions()
_MIB = 1 << 20


class Key(NamedTuple):
    """default: REQUIRED, or what holds where the key is left out; None where there is nothing to write.
    example: stands in the example in place of a default that cannot be written."""

    kind: Kind
    default: Any
    help: str
    example: Any = None


Table = Dict[str, Key]

TABLES: Dict[str, Table] = {
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

STREAM: Table = {
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

SINK: Table = {
    "type": Key(values.TEXT, REQUIRED, ""),
    "streams": Key(values.NAMES, None, "names of streams; without it, all", ["door"]),
}

_TOKEN = Key(values.SECRET, None, "file with a token, sent as `Authorization: Bearer`", "web.token")
_SPOOL = Key(
    values.BYTES, 16 * _MIB, "kept on disk while the other side is away; the oldest go first"
)

SINKS: Dict[str, Table] = {
    "jsonl": {
        "path": Key(
            values.STATE_PATH, "{stream}.jsonl", "relative to state_dir; {stream} is the name"
        ),
        "max_bytes": Key(values.BYTES, 10 * _MIB, "at which a new file is begun"),
        "keep": Key(values.WHOLE, 5, "files that are kept beside the newest"),
        "pictures": Key(values.BOOLEAN, False, "write every scored picture, not events alone"),
    },
    "mqtt": {
        "host": Key(values.TEXT, "localhost", "of the broker"),
        "port": Key(values.PORT, None, "without it 1883, and 8883 with TLS", 1883),
        "topic": Key(values.TEXT, "edge-attp/{stream}/event", "{stream} is the name"),
        "client_id": Key(
            values.TEXT,
            None,
            "tells devices apart; without it, edge-attp and the host name",
            "hall-1",
        ),
        "username": Key(values.TEXT, None, "if the broker asks for one", "edge-attp"),
        "password_file": Key(values.SECRET, None, "file with the password", "mqtt.password"),
        "tls": Key(values.BOOLEAN, False, "encrypt, and check the certificate of the broker"),
        "ca_file": Key(
            values.FILE, None, "certificates to trust; without it, those of the system", "ca.pem"
        ),
        "spool_max_bytes": _SPOOL,
    },
    "webhook": {
        "url": Key(
            values.WEB_ADDRESS, REQUIRED, "takes a POST with JSON", "https://example.org/events"
        ),
        "token_file": _TOKEN,
        "timeout_s": Key(values.SECONDS, 10.0, "for one attempt"),
        "spool_max_bytes": _SPOOL,
    },
    "clips": {
        "folder": Key(values.STATE_PATH, "clips", "relative to state_dir"),
        "before_s": Key(values.PAUSE, 5.0, "shown before the event"),
        "after_s": Key(values.PAUSE, 5.0, "and after it"),
        "max_bytes": Key(values.BYTES, 1024 * _MIB, "of all clips; the oldest are removed"),
    },
    "overlay": {
        "url": Key(
            values.RECEIVER,
            REQUIRED,
            "of a media server or player that the drawn stream is sent to; {stream} is the name",
            "udp://127.0.0.1:5000",
        ),
    },
}
