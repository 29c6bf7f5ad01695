"""Pictures that an edit list hides are read, because others refer to them, but never shown."""

import json
import struct

import av
import pytest

from edge_attp.bitstream import CompressedVideo
from edge_attp.cli import main
from rigs import media

pytestmark = pytest.mark.needs_av

CLIP = media.Clip(
    container="mp4",
    pictures=40,
    width=64,
    height=48,
    options=media.x264(keyint=12, min_keyint=12, scenecut=0, bframes=2),
)
TICK = 512  # of one picture


@pytest.fixture(params=[(5, None), (13, None), (0, 20), (7, 15)], ids=str)
def trimmed(request, clips, tmp_path):
    """A clip of which only some pictures are shown: (first, count)."""
    first, count = request.param
    data = bytearray(clips.path(CLIP).read_bytes())
    entry = data.index(b"elst") + 12  # behind version, flags and the number of entries
    duration, media_time = struct.unpack_from(">Ii", data, entry)
    shown = duration - first * 40 if count is None else count * 40  # in milliseconds
    struct.pack_into(">Ii", data, entry, shown, media_time + first * TICK)
    path = tmp_path / "trimmed.mp4"
    path.write_bytes(data)
    return str(path)


def frame_times(path):
    with av.open(path) as container:
        return [frame.pts for frame in container.decode(video=0)]


def test_those_are_shown_that_ffmpeg_shows(trimmed):
    with CompressedVideo(trimmed) as video:
        pictures = list(video)
        stats = video.stats
    assert sorted(p.pts for p in pictures if p.is_shown) == frame_times(trimmed)
    assert all(p.integrity == "ok" for p in pictures)
    assert stats.pictures == len(pictures) and stats.hidden == sum(not p.is_shown for p in pictures)
    assert stats.hidden


def test_hidden_pictures_are_not_drawn(trimmed):
    with CompressedVideo(trimmed) as video:
        drawn = list(video.sample(per_gop=50, seed=1))
        shown = [p.decode_index for p in video if p.is_shown and p.kind != "I"]
    assert [p.decode_index for p in drawn] == shown


@pytest.mark.parametrize("every", ["picture", "gop"])
def test_results_are_of_shown_pictures_and_begin_at_0(trimmed, capsys, every):
    assert main(["run", trimmed, "--format", "jsonl", "--every", every]) == 0
    records = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    starts_s = {r["pts"]: r["start_s"] for r in records if r["type"] == "picture"}
    times = frame_times(trimmed)
    assert starts_s and set(starts_s) <= set(times)
    if every == "picture":
        for pts, start_s in starts_s.items():
            assert start_s == pytest.approx((pts - times[0]) / 12800.0, abs=1e-5)
        (verdict,) = (r for r in records if r["type"] == "verdict")
        assert verdict["pictures"] == len(times)
