"""From a [[sink]] table to a sink, by its type."""

import os
from typing import Any, Dict, List, Optional, Tuple

from edge_attp.bitstream.recorder import PacketRing
from edge_attp.service.config import Config, SinkTable
from edge_attp.service.lasting import LastingSink
from edge_attp.service.values import Secret
from edge_attp.sinks import Sink

__all__ = ["lasting_sinks", "passing_sinks"]


# Those that send over a network.
LASTING = ("mqtt", "webhook")


def lasting_sinks(config: Config, stream: str) -> List[Tuple[str, LastingSink]]:
    """(name, sink) of those that outlive a single source of this stream."""
    return [
        (name, LastingSink(_lasting(table, _spool_folder(config, name))))
        for name, table in _named(config.sinks)
        if table.takes(stream) and table.type in LASTING
    ]


def passing_sinks(
    config: Config, stream: str, recorder: Optional[PacketRing]
) -> List[Tuple[str, Sink]]:
    """(name, sink) of the others. recorder: of the stream's packets, for sinks that cut clips."""
    return [
        (name, _passing(table, recorder))
        for name, table in _named(config.sinks)
        if table.takes(stream) and table.type not in LASTING
    ]


def _spool_folder(config: Config, name: str) -> str:
    return os.path.join(config.state_dir, "spool", "{stream}", name.replace(" ", "-"))


def _named(tables: Tuple[SinkTable, ...]) -> List[Tuple[str, SinkTable]]:
    """Sinks of one type are numbered."""
    named = []
    for index, table in enumerate(tables):
        before = sum(other.type == table.type for other in tables[:index])
        named.append((table.type if not before else "%s %d" % (table.type, before + 1), table))
    return named


def _plain(options: Dict[str, Any]) -> Dict[str, Any]:
    """Sinks read secrets themselves."""
    return {
        key: value.path if isinstance(value, Secret) else value for key, value in options.items()
    }


def _lasting(table: SinkTable, spool_folder: str) -> Sink:
    options = _plain(table.options)
    if table.type == "mqtt":
        from edge_attp.sinks.mqtt import MqttSink

        return MqttSink(spool_folder=spool_folder, **options)
    from edge_attp.sinks.webhook import WebhookSink

    return WebhookSink(spool_folder=spool_folder, **options)


def _passing(table: SinkTable, recorder: Optional[PacketRing]) -> Sink:
    options = _plain(table.options)
    if table.type == "jsonl":
        from edge_attp.sinks.rotating import RotatingJsonSink

        return RotatingJsonSink(**options)
    if table.type == "clips":
        from edge_attp.sinks.clips import ClipSink

        assert recorder is not None
        return ClipSink(recorder=recorder, **options)
    from edge_attp.sinks.overlay_stream import OverlayStreamSink

    return OverlayStreamSink(**options)
