"""What a source video's container says: what could give a class away before anything is transcoded."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, Union

import av

Facts = Dict[str, Union[int, float, str]]


def source_facts(path: Path) -> Facts:
    """width, height, rate, pictures, size_bytes, key_pictures, key_bytes, b_pictures (whether their encoder
    may reorder), encoder ("codec profile"); nothing for a file that has no video."""
    with av.open(str(path)) as container:
        if not container.streams.video:
            return {}
        stream: Any = container.streams.video[0]
        codec = stream.codec_context
        sizes = [
            (packet.size, packet.is_keyframe) for packet in container.demux(stream) if packet.size
        ]
        keys = [size for size, is_key in sizes if is_key]
        return {
            "width": codec.width,
            "height": codec.height,
            "rate": float(stream.average_rate or 0),
            "pictures": len(sizes),
            "size_bytes": path.stat().st_size,
            "key_pictures": len(keys),
            "key_bytes": sum(keys),
            "b_pictures": int(bool(codec.has_b_frames)),
            "encoder": f"{codec.name} {codec.profile or ''}".strip(),
        }
