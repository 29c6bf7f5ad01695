"""Every sink that a configuration can name. The first one is switched on in the example."""

from edge_attp.sinks import clips, mqtt, overlay_stream, rotating, webhook

__all__ = ["SINKS"]

SINKS = {
    sink.type: sink
    for sink in (rotating.SINK, mqtt.SINK, webhook.SINK, clips.SINK, overlay_stream.SINK)
}
