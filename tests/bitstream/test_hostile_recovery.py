"""Recovery points (H.264 D.2.8, HEVC D.3.8): in streams without key pictures, all is ok from the earliest one on."""

import pytest

from edge_attp.bitstream.syntax import H264, HEVC
from rigs import hostile
from rigs.media import Clip, HevcClip, x264, x265
from rigs.native_core import Read
from streamwriter.bits import Bits, annex_b, escaped
from truth import equation, nal

pytestmark = pytest.mark.needs_av

PICTURES = 40
REFRESH = dict(intra_refresh=1, keyint=12, ref=3, b_adapt=0)


def clip_of(syntax, bframes):
    if syntax is H264:
        return Clip(pictures=PICTURES, options=x264(bframes=bframes, **REFRESH))
    return HevcClip(pictures=PICTURES, options=x265(bframes=bframes, ctu=16, **REFRESH))


def recovery_point(syntax, count):
    """The SEI message: recovery_frame_cnt of H.264, recovery_poc_cnt of HEVC."""
    if syntax is H264:
        payload = Bits().ue(count).u(1, 1).u(1, 0).u(2, 0).payload()
        return b"\x06" + escaped(bytes([6, len(payload)]) + payload + b"\x80")
    payload = Bits().se(count).u(1, 1).u(1, 0).payload()
    return b"\x4e\x01" + escaped(bytes([6, len(payload)]) + payload + b"\x80")


class Film:
    """Parameter sets and slices of a stream that refreshes itself; one slice a picture, one IDR picture in all."""

    def __init__(self, clips, syntax, bframes):
        self.syntax = syntax
        units = nal.annex_b_nal_units(clips.path(clip_of(syntax, bframes)).read_bytes())
        kinds = syntax.set_types
        sets = [unit for unit in units if syntax.nal_type(unit) in kinds]
        self.sets = sets[: len(kinds)]
        self.slices = [unit for unit in units if syntax.nal_type(unit) in syntax.slice_types]
        assert len(self.slices) == PICTURES

    def units(self, places, message):
        """The pictures at these places. message(n): recovery_frame_cnt of the n-th of them, None for no message."""
        out = list(self.sets)
        for number, place in enumerate(places):
            count = message(number)
            if count is not None:
                out.append(recovery_point(self.syntax, count))
            out.append(self.slices[place])
        return out

    def read(self, places, message):
        return Read(
            self.syntax,
            [annex_b(self.units(places, message))],
            0,
            complete=False,
            residual=False,
        )


MESSAGES = {
    "in every picture": lambda n: 10,
    "in every third": lambda n: 9 if n % 3 == 0 else None,
    "falling": lambda n: 12 - min(n, 11),
    "in the first": lambda n: 8 if n == 0 else None,
    "none": lambda n: None,
}
FIRST_OK = {  # of P pictures
    "in every picture": 10,
    "in every third": 9,
    "falling": 12,
    "in the first": 8,
    "none": PICTURES,
}


@pytest.mark.parametrize("start", [1, 4, 9, 17])
@pytest.mark.parametrize("name", sorted(MESSAGES))
@pytest.mark.parametrize("syntax", [H264, HEVC], ids=["H.264", "HEVC"])
def test_reading_that_begins_in_mid_stream(clips, syntax, name, start):
    film = Film(clips, syntax, 0)
    found = film.read(range(start, PICTURES), MESSAGES[name])
    assert found.damaged == list(range(min(FIRST_OK[name], PICTURES - start)))
    assert not any(picture.is_random_access for picture in found.pictures)


@pytest.mark.parametrize("syntax", [H264, HEVC], ids=["H.264", "HEVC"])
def test_a_count_of_0_on_a_p_picture(clips, syntax):
    film = Film(clips, syntax, 0)
    found = film.read(range(1, PICTURES), lambda n: 0 if n == 7 else None)
    assert found.damaged == list(range(7))
    assert not any(picture.is_random_access for picture in found.pictures)


def shown_by_ffmpeg(path):
    """For each picture in display order, whether FFmpeg would show it without `showall`."""
    import av

    with av.open(str(path), format="h264") as container:
        stream = container.streams.video[0]
        stream.thread_count = 1
        stream.options = {"flags": "+output_corrupt"}
        return [not frame.is_corrupt for frame in container.decode(stream)]


@pytest.mark.parametrize("start", [1, 4, 6, 9])
@pytest.mark.parametrize("name", ["in every picture", "in every third", "in the first"])
@pytest.mark.parametrize("bframes", [0, 2])
def test_ok_is_what_ffmpeg_shows(clips, tmp_path, bframes, name, start):
    film = Film(clips, H264, bframes)
    units = film.units(range(start, PICTURES), MESSAGES[name])
    path = hostile.write(tmp_path, "begun.264", annex_b(units))
    found = film.read(range(start, PICTURES), MESSAGES[name])
    first_ok = next(p.decode_index for p in found.pictures if p.integrity == "ok")
    stricter = []
    shown = sorted(found.pictures, key=lambda picture: picture.poc)
    for picture, is_shown in zip(shown, shown_by_ffmpeg(path)):
        assert is_shown or picture.integrity == "damaged", picture
        if is_shown and picture.integrity == "damaged":
            stricter.append(picture)
    # A B picture that still refers to what came before the beginning, and an anchor given out before it was known
    # that the recovery point is shown before it.
    assert len(stricter) <= (1 if bframes else 0)
    for picture in stricter:
        assert "never received" in picture.damage or picture.decode_index < first_ok
    report = equation.check_stream(path)
    assert report.mismatches == 0 and report.unmatched == 0


@pytest.mark.parametrize("lost", [5, 8, 13])
@pytest.mark.parametrize("syntax", [H264, HEVC], ids=["H.264", "HEVC"])
def test_a_later_recovery_point_heals_a_loss(clips, syntax, lost):
    """Not one announced before the loss; and the message right behind it may be that of the lost picture."""
    film = Film(clips, syntax, 0)
    places = [place for place in range(PICTURES) if place != lost]
    found = film.read(places, lambda n: 10)
    assert found.damaged == list(range(lost, lost + 11))
    found = film.read(places, lambda n: None)
    assert found.damaged == list(range(lost, PICTURES - 1))


@pytest.mark.parametrize("syntax", [H264, HEVC], ids=["H.264", "HEVC"])
def test_a_second_loss_starts_the_wait_again(clips, syntax):
    film = Film(clips, syntax, 0)
    places = [place for place in range(PICTURES) if place not in (5, 11)]
    found = film.read(places, lambda n: 10)
    assert found.damaged == list(range(5, 10 + 11))


def test_a_message_that_its_picture_did_not_survive_heals_nothing(clips):
    """Only what stands before a slice is of its picture: a delimiter ends what came before."""
    film = Film(clips, H264, 0)
    units = film.units(range(1, 8), lambda n: None)
    units += [recovery_point(H264, 0), b"\x09\xf0"]
    units += film.slices[8:16]
    found = Read(H264, [annex_b(units)], 0, complete=False)
    assert found.damaged == list(range(15))
