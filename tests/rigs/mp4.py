"""MP4 files as other programs write them: samples and boxes of whole files changed by hand."""

import io
import struct

import av


def box(kind, *parts):
    content = b"".join(parts)
    return struct.pack(">I4s", 8 + len(content), kind) + content


def full_box(kind, version, flags, *parts):
    return box(kind, struct.pack(">I", version << 24 | flags), *parts)


def begin_of(data, kind):
    """The offset of the first box of this kind."""
    return data.index(kind) - 4


def size_of(data, begin):
    return struct.unpack_from(">I", data, begin)[0]


def resized(data, begin, by):
    """Enlarges a box and all boxes around it by so many bytes. For boxes in a `moov` that follows `mdat`."""
    changed = bytearray(data)
    at, end = 0, len(data)
    while at <= begin:
        size = size_of(data, at)
        if at <= begin < at + size:
            struct.pack_into(">I", changed, at, size + by)
            at += 8 + {b"stsd": 8, b"avc1": 78, b"hvc1": 78, b"hev1": 78}.get(
                data[at + 4 : at + 8], 0
            )
        else:
            at += size
        assert at <= end
    return bytes(changed)


def with_record(data, kind, content):
    """Another avcC or hvcC record; None: no box at all."""
    begin = begin_of(data, kind)
    size = size_of(data, begin)
    new = b"" if content is None else box(kind, content)
    sized = resized(data, begin, len(new) - size)
    return sized[:begin] + new + sized[begin + size :]


def with_samples(data, change):
    """A file of one track whose samples are changed: change(number, bytes) -> bytes. `moov` lies behind `mdat`."""
    positions = _positions(data)
    mdat = begin_of(data, b"mdat")
    made, moved = bytearray(data[: positions[0][0]]), {}
    sizes = []
    for number, (position, size) in enumerate(positions):
        moved[position] = len(made)
        sample = change(number, data[position : position + size])
        sizes.append(len(sample))
        made += sample
    rest = data[positions[-1][0] + positions[-1][1] :]
    made[mdat : mdat + 4] = struct.pack(">I", len(made) - mdat)
    rest = bytearray(rest)
    stsz = begin_of(rest, b"stsz")
    struct.pack_into(f">{len(sizes)}I", rest, stsz + 20, *sizes)
    stco = begin_of(rest, b"stco")
    (count,) = struct.unpack_from(">I", rest, stco + 12)
    for k in range(count):
        (old,) = struct.unpack_from(">I", rest, stco + 16 + 4 * k)
        struct.pack_into(">I", rest, stco + 16 + 4 * k, moved[old])
    return bytes(made + rest)


def _positions(data):
    with av.open(io.BytesIO(data)) as container:
        stream = container.streams.video[0]
        return [(packet.pos, packet.size) for packet in container.demux(stream) if packet.size]
