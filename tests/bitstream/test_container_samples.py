"""Samples and records of containers that break the promises of their track are read all the same."""

import io
import os
import threading
from fractions import Fraction

import av
import pytest

from edge_attp.bitstream import CompressedVideo, nal
from edge_attp.bitstream.packets import open_source
from edge_attp.bitstream.syntax import H264, HEVC
from edge_attp.errors import CorruptStream, SourceError
from edge_attp.sources.intake import Intake
from edge_attp.sources.recorder import RecordedSource
from rigs import media, mp4

pytestmark = pytest.mark.needs_av

ENCODERS = {"h264": ("libx264", media.x264), "hevc": ("libx265", media.x265)}
SYNTAX = {"h264": H264, "hevc": HEVC}
RECORD = {"h264": b"avcC", "hevc": b"hvcC"}
both = pytest.mark.parametrize("codec", ["h264", "hevc"])
PICTURES = 24


def clip(clips, codec, container="mp4", **parameters):
    encoder, options = ENCODERS[codec]
    options = options(keyint=8, bframes=2, b_pyramid=0, **parameters)
    return clips.path(
        media.Clip(
            *("moving", 96, 80, PICTURES), codec=encoder, container=container, options=options
        )
    )


def in_band(clips, codec):
    """An MP4 file with the parameter sets in its samples, too."""
    return clip(clips, codec, repeat_headers=1).read_bytes()


def digests(source, **options):
    with CompressedVideo(source, **options) as video:
        pictures = list(video)
    assert all(picture.integrity == "ok" for picture in pictures)
    return [(picture.pts, picture.motion.mv.tobytes()) for picture in pictures]


def unreferenced(data, codec):
    """Numbers of the samples that no other picture needs."""
    syntax = SYNTAX[codec]
    with av.open(io.BytesIO(data)) as container:
        packets = [bytes(p) for p in container.demux(container.streams.video[0]) if p.size]
    return [
        number
        for number, packet in enumerate(packets)
        if syntax.is_unreferenced(list(nal.split(packet, 4, syntax))[-1], 0)
    ]


def without(data, numbers):
    """These samples have no bytes."""
    return mp4.with_samples(data, lambda number, sample: b"" if number in numbers else sample)


@both
def test_empty_samples_are_no_cut(clips, codec):
    data = clip(clips, codec).read_bytes()
    whole = digests(io.BytesIO(data))
    numbers = unreferenced(data, codec)
    for empty in (numbers[:1], numbers[2:6], numbers[-1:], numbers):
        changed = without(data, empty)
        expected = [digest for number, digest in enumerate(whole) if number not in empty]
        assert digests(io.BytesIO(changed)) == expected


@both
def test_empty_samples_hide_no_cut(clips, codec, tmp_path):
    data = clip(clips, codec).read_bytes()
    empty = unreferenced(data, codec)[:3]
    changed = tmp_path / "empty.mp4"
    changed.write_bytes(without(data, empty))
    whole = with_index_first(changed)
    with CompressedVideo(io.BytesIO(whole[: whole.index(b"mdat") + 2000])) as video:
        with pytest.raises(SourceError, match=rf"cut short: \d+ of {PICTURES - 3} packets"):
            list(video)


def with_index_first(path):
    """`moov` put in front of `mdat`, with all chunks where they then lie."""
    data = path.read_bytes()
    moov, mdat = mp4.begin_of(data, b"moov"), mp4.begin_of(data, b"mdat")
    head = bytearray(data[moov : moov + mp4.size_of(data, moov)])
    stco = mp4.begin_of(head, b"stco")
    for at in range(stco + 16, stco + mp4.size_of(head, stco), 4):
        head[at : at + 4] = (mp4.size_of(head, at) + len(head)).to_bytes(4, "big")
    return data[:mdat] + bytes(head) + data[mdat:moov]


def key_facts(source):
    """What the Python code finds in the packets: parameter sets, types of NAL units, the RGB of key pictures."""
    opened = open_source(source)
    sets = nal.ParameterSets(opened.syntax, opened.nal_length_bytes)
    sets.add_sets(opened.parameter_sets)
    kinds = []
    for packet in opened.packets():
        sets.watch_packet(packet.data)
        units = nal.split(packet.data, opened.nal_length_bytes, opened.syntax)
        kinds.append([opened.syntax.nal_type(unit) for unit in units])
    opened.close()
    return sets.annex_b, kinds


def annex_b(sample, codec):
    return nal.join(list(nal.split(sample, 4, SYNTAX[codec])), 0)


def in_one_length(sample, codec):
    """One length, and start codes between the units, and one more with nothing behind it."""
    whole = b"\0\0\0\1".join(nal.split(sample, 4, SYNTAX[codec])) + b"\0\0\0\1"
    return len(whole).to_bytes(4, "big") + whole


def short_codes(sample, codec):
    return b"".join(b"\0\0\1" + unit for unit in nal.split(sample, 4, SYNTAX[codec]))


@both
@pytest.mark.parametrize("change", [annex_b, in_one_length, short_codes])
def test_start_codes_in_tracks_with_lengths(clips, codec, change):
    data = in_band(clips, codec)
    changed = mp4.with_samples(data, lambda n, sample: change(sample, codec))
    assert key_facts(io.BytesIO(changed)) == key_facts(io.BytesIO(data))
    mixed = mp4.with_samples(data, lambda n, sample: change(sample, codec) if n % 3 else sample)
    assert key_facts(io.BytesIO(mixed)) == key_facts(io.BytesIO(data))


class Recorder:
    def __init__(self):
        self.data = []

    def record_packet(self, packet, time_base):
        self.data.append(packet.data)


@both
def test_recorders_and_live_intake_get_annex_b_of_them(clips, codec):
    data = in_band(clips, codec)
    changed = mp4.with_samples(data, lambda n, sample: in_one_length(sample, codec))
    recorded, taken = [], []
    for content in (data, changed):
        recorder = Recorder()
        source = RecordedSource(io.BytesIO(content), recorder)
        source.open()
        packets = list(source.packets())
        recorded.append(recorder.data)
        intake = Intake(lambda name: None)
        source.time_base, source.frame_rate = Fraction(1, 25), None
        intake.begin_connection(source)
        taken.append([intake.accept_packet(packet, 0.0).packet.data for packet in packets])
    assert recorded[0] == recorded[1] and taken[0] == taken[1]


@both
@pytest.mark.parametrize("size", [1, 2, 3])
def test_other_length_sizes(clips, codec, size, tmp_path):
    """The parameter sets of HEVC, and key pictures, are too long for one byte: two of them then."""
    data = clip(clips, codec).read_bytes()
    size = max(size, 2) if codec == "hevc" else size

    def change(number, sample):
        units = list(nal.split(sample, 4, SYNTAX[codec]))
        return nal.join([unit for unit in units if len(unit) < 1 << 8 * size], size)

    begin = mp4.begin_of(data, RECORD[codec]) + 8
    at = begin + {"h264": 4, "hevc": 21}[codec]
    changed = bytearray(mp4.with_samples(data, change))
    at += len(changed) - len(data)
    changed[at] = changed[at] & 0xFC | (size - 1)
    opened = open_source(io.BytesIO(bytes(changed)))
    assert opened.nal_length_bytes == size
    kinds = [
        [SYNTAX[codec].nal_type(unit) for unit in nal.split(p.data, size, SYNTAX[codec])]
        for p in opened.packets()
    ]
    assert sum(map(len, kinds)) >= (PICTURES if size > 1 else 3)
    opened.close()


def broken_records(record):
    """Cut anywhere, of another version, with another length size, with empty units. (Without any record, FFmpeg
    opens no file whose samples have lengths.)"""
    size_at = 4 if record[0] == 1 and len(record) < 60 else 21
    for end in (1, 4, 6, size_at + 1, size_at + 3, len(record) * 2 // 3, len(record) - 1):
        yield record[:end]
    yield b"\x7f" + record[1:]
    yield record[:1] + b"\xff" * (len(record) - 1)
    yield record[: size_at + 1] + bytes(40)


@both
def test_broken_records_with_the_sets_in_band(clips, codec):
    data = in_band(clips, codec)
    begin = mp4.begin_of(data, RECORD[codec])
    record = data[begin + 8 : begin + mp4.size_of(data, begin)]
    whole = digests(io.BytesIO(data))
    for broken in broken_records(record):
        changed = mp4.with_record(data, RECORD[codec], broken)
        assert digests(io.BytesIO(changed)) == whole, broken


@both
def test_broken_records_and_no_sets_anywhere(clips, codec):
    data = clip(clips, codec).read_bytes()
    kind = RECORD[codec]
    for broken, why in ((b"\1", "is cut short"), (b"\x7f" * 40, "is broken|is cut short")):
        with pytest.raises(CorruptStream, match=f"its {kind.decode()} record .*({why})"):
            CompressedVideo(io.BytesIO(mp4.with_record(data, kind, broken)))


@both
@pytest.mark.parametrize("record", [None, b""], ids=["missing", "empty"])
def test_no_record_where_samples_are_annex_b(clips, codec, record):
    data = in_band(clips, codec)
    changed = mp4.with_samples(data, lambda n, sample: annex_b(sample, codec))
    changed = mp4.with_record(changed, RECORD[codec], record)
    assert digests(io.BytesIO(changed)) == digests(io.BytesIO(data))


@both
def test_a_pipe_whose_index_comes_last(clips, codec, tmp_path):
    """FFmpeg's buffer holds small files as a whole; this one has free space between."""
    data = clip(clips, codec).read_bytes()
    moov = mp4.begin_of(data, b"moov")
    large = data[:moov] + mp4.box(b"free", bytes(1 << 20)) + data[moov:]
    reading, writing = os.pipe()
    thread = threading.Thread(target=feed, args=(writing, large))
    thread.start()
    with os.fdopen(reading, "rb") as pipe:
        with pytest.raises(SourceError, match=r"is a pipe, and the index \(moov\).*faststart"):
            CompressedVideo(pipe)
    thread.join()
    path = tmp_path / "large.mp4"
    path.write_bytes(large)
    assert len(digests(path)) == PICTURES


def feed(descriptor, data):
    with os.fdopen(descriptor, "wb") as pipe:
        try:
            pipe.write(data)
        except BrokenPipeError:
            pass
