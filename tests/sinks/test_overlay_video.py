"""The overlay video: layout by itself, and a file written and read back."""

from fractions import Fraction

import av
import numpy as np
import pytest
from service_records import result

from doubles.fake_video import FakeVideo, Picture
from edge_attp.errors import UsageError
from edge_attp.recognition import RegionLogits, Verdict, score_region
from edge_attp.sinks import Header, draw
from edge_attp.sinks.draw import Marks
from edge_attp.sinks.overlay import OverlaySink
from edge_attp.sinks.overlay_layout import Layout, heat_size
from edge_attp.timing import Clock
from edge_attp.types import Region

pytestmark = [pytest.mark.needs_av, pytest.mark.needs_cv2]

LABELS = ("wave", "walk")
SHOWN = [0, 2, 3, 1, 4]  # packets of encode() in display order


def header(source="fake", width=20, height=20, is_trained=True):
    return Header(source, width, height, Fraction(25), "tiny", is_trained, LABELS, "x, y", Clock())


def draw_one(layout, outcome, behind=None, flow=2.0, heat=0):
    shape = (5, 5)
    field = np.full((2,) + shape, flow, np.float32)
    marks = Marks(np.ones(shape, bool), np.ones(shape, np.uint8), field)
    width, height = heat_size(header())
    return layout.draw(outcome, behind, marks, np.full((height, width, 3), heat, np.uint8))


@pytest.mark.parametrize("size", [(20, 20), (1920, 1080), (480, 640), (64, 1000), (999, 31)])
def test_sizes_are_even_and_bounded(size):
    width, height = Layout(header(width=size[0], height=size[1])).size
    assert width % 2 == height % 2 == 0
    assert 304 < width <= 960 + 304 and 500 < height <= 576 + draw.LEGEND_HEIGHT


def in_window(at_px, number=3, logits=(0.0, 2.0)):
    region = Region(number, at_px, 0, 8, (at_px, 0, at_px + 4, 4), 0.1)
    return (score_region(RegionLogits(region, np.array(logits))),)


def test_regions_are_framed_where_they_are():
    layout = Layout(header())
    plain = draw_one(layout, result(), flow=0.0)
    canvas = draw_one(
        layout, result(regions=in_window(at_px=8) + in_window(at_px=0, number=7)), flow=0.0
    )
    rows, columns = np.nonzero((canvas != plain).any(axis=2)[:, : layout.size[0] - 304])
    side = (layout.size[0] - 304) / 20
    assert columns.min() < 4 and 15.8 * side < columns.max() < 16.2 * side
    assert rows.max() < 8.2 * side
    bright = (canvas == 235).all(axis=2) & ~(plain == 235).all(axis=2)
    assert np.nonzero(bright)[1].min() > 7.8 * side, "the decisive one is brighter"


def test_everything_shows():
    layout = Layout(header())
    plain = draw_one(layout, result(), flow=0.0)
    assert plain.shape == layout.size[::-1] + (3,) and plain.dtype == np.uint8
    changes = {
        "motion": draw_one(layout, result(), flow=2.0),
        "residual": draw_one(layout, result(), flow=0.0, heat=200),
        "label": draw_one(layout, result(logits=(0.0, 3.0)), flow=0.0),
        "picture": draw_one(layout, result(), np.full((20, 20, 3), 255, np.uint8), flow=0.0),
        "damage": draw_one(layout, result(integrity="damaged"), flow=0.0),
        "no score": draw_one(layout, result(logits=None), flow=0.0),
        "idle": draw_one(layout, result(is_idle=True), flow=0.0),
        "region": draw_one(layout, result(regions=in_window(at_px=8)), flow=0.0),
        "untrained": draw_one(Layout(header(is_trained=False)), result(), flow=0.0),
    }
    for name, canvas in changes.items():
        assert (canvas != plain).any(), name


def test_the_timing_bar_grows_with_the_work():
    def coloured(milliseconds):
        head = header()
        head.clock.record("motion", milliseconds / 1000.0)
        canvas = draw_one(Layout(head), result(), flow=0.0)
        return int((canvas == np.array((250, 176, 90))).all(axis=2).sum())

    assert coloured(2) < coloured(10) < coloured(25) == coloured(400)


def begin(sink, head):
    sink.begin(head)
    sink.observer.begin(head)


def feed(sink, video, source):
    """Runs a sink over all pictures, without a pipeline."""
    begin(sink, header(source))
    for index, picture in enumerate(video):
        sink.observer.observe(picture, None)
        shown = dict(decode_index=picture.decode_index, packet=picture.packet)
        sink.picture(result(start_s=index / 25.0, **shown))
    sink.finish(Verdict(None, 0, 0, 0, 0, 1.0, True))
    sink.close()
    sink.close()


def test_a_video_is_written(tmp_path):
    path = str(tmp_path / "out.mp4")
    feed(OverlaySink(path), FakeVideo("KPPPP"), "rtsp://camera")
    with av.open(path) as container:
        stream = container.streams.video[0]
        assert stream.codec_context.name == "h264" and stream.average_rate == 25
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(stream)]
    assert len(frames) == 5
    assert frames[0].shape == Layout(header()).size[::-1] + (3,)


def test_a_video_appears_when_it_is_complete(tmp_path):
    """So two runs that name the same file leave one whole video, the later one."""
    target, path = tmp_path / "target.mp4", tmp_path / "out.mp4"
    target.write_bytes(b"an older one")
    path.symlink_to(target)
    sink = OverlaySink(str(path))
    begin(sink, header("rtsp://camera"))
    assert target.read_bytes() == b"an older one"
    sink.close()
    feed(OverlaySink(str(path)), FakeVideo("KPPPP"), "rtsp://camera")
    assert path.is_symlink() and sorted(tmp_path.iterdir()) == [path, target]
    with av.open(str(target)) as container:
        assert len(list(container.decode(video=0))) == 5


def encode(path, levels, codec="libx264"):
    """A file of grey pictures: I, P, B, B, P in decoding order."""
    with av.open(path, "w") as container:
        stream = container.add_stream(codec, 25)
        stream.width = stream.height = 20
        stream.pix_fmt = "yuv420p"
        stream.options = {"bf": "2", "b_strategy": "0", "sc_threshold": "0"}
        for level in levels:
            grey = np.full((20, 20, 3), level, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(grey, format="rgb24")))
        container.mux(stream.encode(None))


def brightness(path):
    """Mean of the middle of the left half, where the picture is."""
    with av.open(path) as container:
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    return [float(frame[200:300, 200:400].mean()) for frame in frames]


def still(packet):
    """A picture without motion."""
    picture = Picture("P", packet, 0, 25)
    picture.motion._value = 0.0
    return picture


@pytest.mark.parametrize("name", ["in.mp4", "in.264", "in.avi", "in.ts"])
def test_each_picture_has_its_own_background(tmp_path, name):
    """AVI and raw streams do not say when their B pictures are shown."""
    levels = [40, 80, 120, 160, 200]
    encode(str(tmp_path / name), levels)
    feed(OverlaySink(str(tmp_path / "out.mp4")), map(still, SHOWN), str(tmp_path / name))
    shown = brightness(str(tmp_path / "out.mp4"))
    np.testing.assert_allclose(shown, [0.62 * level for level in levels], atol=6)


def test_a_picture_that_the_decoder_lacks_has_none(tmp_path):
    encode(str(tmp_path / "in.mp4"), [100, 120, 140, 160, 200])
    wanted = [0, 77, 4, 99]
    feed(OverlaySink(str(tmp_path / "out.mp4")), map(still, wanted), str(tmp_path / "in.mp4"))
    shown = brightness(str(tmp_path / "out.mp4"))
    np.testing.assert_allclose(shown, [62, 27, 124, 27], atol=6)


def test_a_file_that_is_cut_short_ends_no_run(tmp_path):
    """The reading beside it says so, with all that was found."""
    encode(str(tmp_path / "whole.ts"), [100, 120, 140, 160, 200])
    path = tmp_path / "in.mp4"
    with av.open(str(tmp_path / "whole.ts")) as whole:
        with av.open(str(path), "w", options={"movflags": "faststart"}) as moved:
            stream = moved.add_stream_from_template(whole.streams.video[0])
            for packet in whole.demux(video=0):
                if packet.size:
                    packet.stream = stream
                    moved.mux(packet)
    data = path.read_bytes()
    path.write_bytes(data[: -len(data) // 20])
    feed(OverlaySink(str(tmp_path / "out.mp4")), map(still, SHOWN), str(path))
    assert len(brightness(str(tmp_path / "out.mp4"))) == len(SHOWN)


def test_of_other_codecs_pictures_are_taken_in_turn(tmp_path):
    encode(str(tmp_path / "in.avi"), [100, 150, 200], "mpeg4")
    feed(OverlaySink(str(tmp_path / "out.mp4")), map(still, range(3)), str(tmp_path / "in.avi"))
    np.testing.assert_allclose(brightness(str(tmp_path / "out.mp4")), [62, 93, 124], atol=6)


def test_times_are_those_of_the_results(tmp_path):
    path = str(tmp_path / "out.mp4")
    starts_s = [0.0, 0.04, 0.3, 0.34, 1.0]
    sink = OverlaySink(path)
    begin(sink, header("rtsp://camera"))
    for index, picture in enumerate(FakeVideo("KPPPP")):
        sink.observer.observe(picture, None)
        sink.picture(result(index, starts_s[index]))
    sink.finish(Verdict(None, 0, 0, 0, 0, 1.0, True))
    sink.close()
    with av.open(path) as container:
        assert [frame.time for frame in container.decode(video=0)] == pytest.approx(starts_s)
        assert container.duration == pytest.approx(1.04e6, abs=1000)


def test_a_place_that_cannot_be_written_is_a_usage_error(tmp_path):
    sink = OverlaySink(str(tmp_path / "no" / "out.mp4"))
    with pytest.raises(UsageError, match="--overlay .*out.mp4: cannot be written"):
        sink.begin(header())
    sink.close()


def test_the_input_is_not_overwritten(tmp_path):
    path = str(tmp_path / "in.mp4")
    encode(path, [100, 150])
    before = open(path, "rb").read()
    sink = OverlaySink(path)
    with pytest.raises(UsageError, match="that is the input"):
        sink.begin(header(str(tmp_path / "." / "in.mp4")))
    sink.close()
    assert open(path, "rb").read() == before
