"""Encrypted video is recognised: MP4 (Common Encryption), Matroska, scrambled MPEG-TS."""

import io
import random

import av
import pytest

from edge_attp.bitstream import CompressedVideo, pyav
from edge_attp.errors import UnsupportedStream
from rigs import media
from rigs.containers import rewrapped

pytestmark = pytest.mark.needs_av

ENCODERS = {"h264": ("libx264", media.x264), "hevc": ("libx265", media.x265)}
both = pytest.mark.parametrize("codec", sorted(ENCODERS))
KEY = {
    "encryption_scheme": "cenc-aes-ctr",
    "encryption_key": "76a6c65c5ea762046bd749a2e632ccbb",
    "encryption_kid": "a7e61c373e219033c21091fa607bf3b8",
}
AUXILIARY = (b"senc", b"saiz", b"saio")  # boxes that say how each sample is encrypted


def clip(clips, codec):
    encoder, options = ENCODERS[codec]
    options = options(keyint=8, bframes=2)
    return clips.path(
        media.Clip("moving", 96, 80, 24, codec=encoder, container="mp4", options=options)
    )


def refused(source, match="its video is encrypted; decrypt it first"):
    with pytest.raises(UnsupportedStream, match=match) as caught:
        CompressedVideo(source, transcode=True)
    assert caught.value.exit_code == 4


def with_scheme(data, scheme):
    return data.replace(b"schm\0\0\0\0cenc", b"schm\0\0\0\0" + scheme)


def hidden(data, *kinds):
    """The data with boxes of these kinds turned into free space."""
    for kind in kinds:
        data = data.replace(kind, b"free")
    return data


@both
@pytest.mark.parametrize("scheme", [b"cenc", b"cens", b"cbc1", b"cbcs"])
@pytest.mark.parametrize("flags", ["", "frag_keyframe+empty_moov"])
def test_common_encryption(clips, tmp_path, codec, scheme, flags):
    options = dict(KEY, movflags=flags) if flags else KEY
    path = rewrapped(clip(clips, codec), tmp_path / "clip.mp4", options)
    data = with_scheme(path.read_bytes(), scheme)
    refused(io.BytesIO(data))
    path.write_bytes(data)
    refused(str(path))


@both
@pytest.mark.parametrize(
    "kinds", [AUXILIARY, AUXILIARY + (b"schm",), AUXILIARY + (b"tenc",), (b"sinf",)]
)
def test_however_little_is_said_of_it(clips, tmp_path, codec, kinds):
    path = rewrapped(clip(clips, codec), tmp_path / "clip.mp4", KEY)
    refused(io.BytesIO(hidden(path.read_bytes(), *kinds)))
    refused(io.BytesIO(path.read_bytes().replace(b"encv", b"drmi")))


class Pipe:
    def __init__(self, data):
        self.read = io.BytesIO(data).read


@both
def test_in_a_pipe_the_packets_tell(clips, tmp_path, codec):
    if not hasattr(av.Packet, "has_sidedata"):
        pytest.skip("this PyAV does not tell")
    options = dict(KEY, movflags="frag_keyframe+empty_moov")
    path = rewrapped(clip(clips, codec), tmp_path / "clip.mp4", options)
    refused(Pipe(path.read_bytes()))


def test_what_is_not_protected_is_read(clips, tmp_path):
    """default_isProtected 0: the samples are clear."""
    data = bytearray(rewrapped(clip(clips, "h264"), tmp_path / "clip.mp4", KEY).read_bytes())
    whole = clip(clips, "h264").read_bytes()
    with av.open(io.BytesIO(bytes(data))) as opened, av.open(io.BytesIO(whole)) as clear:
        for here, there in zip(opened.demux(video=0), clear.demux(video=0)):
            if here.size:
                data[here.pos : here.pos + here.size] = bytes(there)
    data[data.index(b"tenc") + 10] = 0
    with CompressedVideo(io.BytesIO(hidden(bytes(data), *AUXILIARY))) as video:
        assert [picture.integrity for picture in video] == ["ok"] * 24


def test_from_where_on_it_is_encrypted(clips, monkeypatch):
    seen = iter(range(100))
    monkeypatch.setattr(pyav, "is_encrypted", lambda packet: next(seen) >= 5)
    with CompressedVideo(clip(clips, "h264")) as video:
        pictures = iter(video)
        for _ in range(5):
            assert next(pictures).integrity == "ok"
        with pytest.raises(UnsupportedStream, match="encrypted from packet 5 on"):
            next(pictures)


# MPEG-TS.


def scrambled(path, first=0, packet_bytes=188):
    """transport_scrambling_control 2 and other bytes in all packets of the video from `first` on."""
    data = bytearray(path.read_bytes())
    with av.open(str(path)) as container:
        pid = container.streams.video[0].id
    noise = random.Random(1)
    for at in range(first * 188, len(data), 188):
        if (data[at + 1] & 31) << 8 | data[at + 2] == pid and data[at + 3] & 0x10:
            begin = at + 4 + (1 + data[at + 4] if data[at + 3] & 0x20 else 0)
            data[at + 3] |= 0x80
            data[begin : at + 188] = bytes(noise.randrange(256) for _ in range(begin, at + 188))
    if packet_bytes == 192:
        return b"".join(bytes(4) + data[at : at + 188] for at in range(0, len(data), 188))
    return bytes(data)


@both
@pytest.mark.parametrize("packet_bytes", [188, 192])
def test_scrambled_transport_streams(clips, tmp_path, codec, packet_bytes):
    path = rewrapped(clip(clips, codec), tmp_path / "clip.ts")
    refused(io.BytesIO(scrambled(path, 0, packet_bytes)))
    refused(Pipe(scrambled(path, 0, packet_bytes)))


@both
def test_a_transport_stream_that_becomes_scrambled(clips, tmp_path, codec):
    path = rewrapped(clip(clips, codec), tmp_path / "clip.ts")
    half = path.stat().st_size // 188 // 2
    with CompressedVideo(io.BytesIO(scrambled(path, half))) as video:
        seen = []
        with pytest.raises(UnsupportedStream, match=r"encrypted from packet \d+ on"):
            seen += (picture.integrity for picture in video)
    path.write_bytes(scrambled(path, half))
    with CompressedVideo(path) as video, pytest.raises(UnsupportedStream):
        seen += (picture.integrity for picture in video)
    assert 6 < seen.count("ok")


# Matroska.


def element(kind, content):
    """An EBML element (RFC 8794) with a size of eight bytes."""
    return bytes.fromhex(kind) + (1 << 56 | len(content)).to_bytes(8, "big") + content


def number(kind, value):
    return element(kind, value.to_bytes(2, "big"))


def matroska(path, encodings):
    """The video of an MP4 file; encodings: of its track."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        extradata = stream.codec_context.extradata
        packets = [(bytes(p), p.is_keyframe) for p in container.demux(stream) if p.size]
    codec = b"V_MPEG4/ISO/AVC"
    track = number("d7", 1) + number("73c5", 1) + number("83", 1) + element("86", codec)
    track += element("63a2", extradata) + element("e0", number("b0", 96) + number("ba", 80))
    blocks = [
        element("a3", b"\x81" + (40 * n).to_bytes(2, "big") + bytes([0x80 * is_key]) + data)
        for n, (data, is_key) in enumerate(packets)
    ]
    segment = element("1549a966", element("2ad7b1", (1000000).to_bytes(4, "big")))
    segment += element("1654ae6b", element("ae", track + encodings))
    segment += element("1f43b675", number("e7", 0) + b"".join(blocks))
    return element("1a45dfa3", element("4282", b"matroska")) + element("18538067", segment)


def encryption(key_id):
    settings = element("5035", number("47e1", 5) + (element("47e2", key_id) if key_id else b""))
    return element("6d80", element("6240", number("5033", 1) + settings))


@pytest.mark.parametrize("key_id", [b"", b"0123456789abcdef"])
def test_matroska(clips, key_id):
    path = clip(clips, "h264")
    with CompressedVideo(io.BytesIO(matroska(path, b""))) as video:
        assert [picture.integrity for picture in video] == ["ok"] * 24
    refused(io.BytesIO(matroska(path, encryption(key_id))))
    refused(Pipe(matroska(path, encryption(key_id))))
