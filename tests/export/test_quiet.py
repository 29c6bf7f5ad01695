"""Quiet surveillance: what is drawn, loops without cuts, and the files with their description."""

import json

import av
import numpy as np
import pytest

from edge_attp.bitstream import CompressedVideo
from edge_attp.errors import UsageError
from edge_attp_export.cli import main
from edge_attp_export.quiet import conditions, passers, plan
from edge_attp_export.quiet.conditions import MARGIN, Conditions, Mast, Sensor
from edge_attp_export.quiet.loops import looped
from edge_attp_export.quiet.places import Tree
from edge_attp_export.quiet.scene import WIDE, QuickPen, Scene, _small, _Stage
from edge_attp_export.synth.camera import HEIGHT, WIDTH
from edge_attp_export.synth.pen import FINE
from rigs import media

pytestmark = [pytest.mark.needs_av, pytest.mark.needs_cv2, pytest.mark.needs_torch]

DAY = Conditions(0.0, 1.0, 0.0, 0, 0.0, 10.0, 0.0, 0.0, 1.0, False)
WAY = passers.Way(x=100.0, begin_s=2.0, speed=-20.0, pause_at_s=1.0, pause_s=3.0)
CLIP = media.Clip(width=96, height=64, pictures=30, options=media.x264(bframes=2, keyint=12))


def test_a_way_has_one_pause():
    assert [WAY.travelled(t) for t in (0, 2, 2.5, 3, 5, 6, 7)] == [0, 0, 10, 20, 20, 20, 40]
    assert WAY.place(7) == 60 and WAY._replace(speed=20.0).place(7) == 140


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("kind", ["walker", "waiter", "car"])
def test_nobody_leaves_a_trace_outside_the_box(kind, seed):
    """What is drawn anew in the boxes is what drawing everything gives."""
    height = 20 + 15 * seed
    way = passers.Way(150.0, 0.0, (-1) ** seed * 0.8 * height, 9.0, 0.0)
    who = {
        "walker": lambda: passers.Walker(seed, height, 200.0, way),
        "waiter": lambda: passers.Waiter(seed, height, 200.0, 170.0),
        "car": lambda: passers.Car(seed, 2.4 * height, 200.0, way),
    }[kind]()
    empty = np.full((WIDE[1] * FINE, WIDE[0] * FINE, 3), 128, np.uint8)
    stage = _Stage(empty.copy())
    for time_s in (0.0, 0.3, 0.7, 1.1):
        canvas = empty.copy()
        who.draw(QuickPen(canvas), time_s)
        assert (canvas != empty).any()
        np.testing.assert_array_equal(stage.seen([who], time_s), _small(canvas))
    assert (stage.seen([], 2.0) == 128).all()


def test_a_seed_decides_everything():
    first, again, other = (list(Scene(seed, 3).pictures()) for seed in (7, 7, 8))
    np.testing.assert_array_equal(first, again)
    assert first[0].shape == (HEIGHT * 3 // 2, WIDTH) and first[0].dtype == np.uint8
    assert not np.array_equal(first[0], other[0]) and Scene(7, 3).traits != Scene(8, 3).traits


def test_scenes_have_people_and_move():
    scenes = [Scene(seed, 250) for seed in range(12)]
    assert {scene.traits["scenery"] for scene in scenes} == {"landscape", "street", "room"}
    assert sum(scene.traits["passers"] for scene in scenes) > 12
    assert any(scene.traits["is_grey"] for scene in scenes)


def test_a_sensor_adds_light_rain_noise_and_no_colour_at_night():
    picture = np.full((HEIGHT, WIDTH, 3), (150, 100, 100), np.uint8)

    def seen(time_s=0.0, **changes):
        return Sensor(DAY._replace(**changes), np.random.default_rng(0))(picture, time_s).astype(
            int
        )

    plain = seen()
    assert np.ptp(plain[:HEIGHT]) == 0 and np.ptp(seen(gain=0.5)[:HEIGHT]) == 0
    assert seen(gain=0.5)[0, 0] < plain[0, 0] - 30
    assert (seen(noise=4.0) - plain)[:HEIGHT].std() == pytest.approx(4.0, rel=0.05)
    rainy = seen(rain=60) - plain
    assert 0.001 < (rainy[:HEIGHT] > 10).mean() < 0.1 and rainy.min() == 0
    assert (seen(is_grey=True)[HEIGHT:] == 128).all() and (plain[HEIGHT:] != 128).any()
    assert seen(2.5, light=0.3)[0, 0] != seen(7.5, light=0.3)[0, 0]


def test_a_mast_shakes_as_much_as_it_should():
    column = np.arange(WIDE[0], dtype=np.float32) / 2
    wide = np.repeat(np.tile(column, (WIDE[1], 1))[:, :, None], 3, 2)
    still = Mast(DAY, np.random.default_rng(0))(wide)
    np.testing.assert_array_equal(still, wide[MARGIN:-MARGIN, MARGIN:-MARGIN])
    mast = Mast(DAY._replace(shake_px=1.0, shake_s=0.1), np.random.default_rng(0))
    places = [2 * float((mast(wide) - still)[100, 100, 0]) for _ in range(400)]
    assert np.std(places) == pytest.approx(1.0, rel=0.25) and abs(np.mean(places)) < 0.3


def test_leaves_move_and_a_crown_may_leave_the_picture():
    random = np.random.default_rng(0)
    for x in (0.0, 150.0, WIDE[0]):
        tree = Tree(random, x, 120.0, 100.0, sway_px=2.0)
        one, other = (np.zeros((WIDE[1], WIDE[0], 3), np.uint8) for _ in range(2))
        tree.draw(one, 0.0)
        tree.draw(other, 0.4)
        assert (one != other).mean() > 0.002
        assert not one[125:].any()


def test_loops_begin_with_a_key_picture_that_nothing_refers_across(clips, tmp_path):
    item = plan.Item("loop-a.mp4", 3, 0, clips.path(CLIP), 4)
    assert plan.make(tmp_path, item) == 120
    with CompressedVideo(str(tmp_path / "loop-a.mp4")) as video:
        pictures = list(video)
    begins = [n for n, picture in enumerate(pictures) if picture.is_random_access]
    assert set(begins) >= {0, 30, 60, 90}
    for picture in pictures:
        begin = max(n for n in (0, 30, 60, 90) if n <= picture.decode_index)
        used = picture.motion.reference
        assert used[used >= 0].min(initial=begin) >= begin


def test_repetitions_differ(clips):
    shown = list(looped(clips.path(CLIP), 3, 3))
    assert [begins for begins, _ in shown] == [n % 30 == 0 for n in range(90)]
    first = [picture.astype(int) for _, picture in shown[::30]]
    assert all(np.abs(first[a] - first[b]).mean() > 1 for a, b in ((0, 1), (0, 2), (1, 2)))


def make(out, *options, code=0):
    assert main(["quiet", str(out), "--jobs", "1", *map(str, options)]) == code


def test_files_are_described_kept_and_replaced(clips, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(plan, "RATE", 1)  # a minute has 60 pictures
    loop = ["--loops", clips.path(CLIP), "--repeats", 2]
    monkeypatch.setattr("edge_attp_export.quiet.command.in_processes", in_this_process)
    make(tmp_path / "a", "--minutes", 3, *loop)
    assert (
        "3 videos, 0 of them kept; 4.0 minutes, of which 3.5 are distinct"
        in capsys.readouterr().err
    )
    described = json.loads((tmp_path / "a" / "quiet.json").read_text())
    assert [one["seconds"] for one in described["files"]] == [120, 60, 60]
    assert described["files"][0]["traits"]["scenery"] in ("landscape", "street", "room")
    assert described["files"][2]["loop_of"] == clips.path(CLIP).name
    assert str(tmp_path) not in json.dumps(described)
    last = plan.read_description(tmp_path / "a")[2]
    assert last == (tmp_path / "a" / last.path.name, 60, 30)
    with av.open(str(last.path)) as container:
        assert (container.streams.video[0].width, container.streams.video[0].height) == (
            WIDTH,
            HEIGHT,
        )

    drawn = (tmp_path / "a" / "drawn-0001.mp4").read_bytes()
    make(tmp_path / "a", "--minutes", 3, *loop)
    assert "3 of them kept" in capsys.readouterr().err
    make(tmp_path / "a", "--minutes", 3, "--seed", 1, code=2)
    assert "drawn-0000.mp4: was made in another way" in capsys.readouterr().err
    (tmp_path / "a" / "drawn-0001.mp4").unlink()
    make(tmp_path / "a", "--minutes", 3)
    assert (tmp_path / "a" / "drawn-0001.mp4").read_bytes() == drawn
    make(tmp_path / "a", "--minutes", 3, "--seed", 1, "--force")
    assert (tmp_path / "a" / "drawn-0001.mp4").read_bytes() != drawn


def in_this_process(function, jobs, processes):
    return [function(job) for job in jobs]


def test_what_cannot_be_made_is_named(clips, tmp_path, capsys):
    make(tmp_path / "a", "--minutes", 0, code=2)
    assert "nothing to make" in capsys.readouterr().err
    with pytest.raises(UsageError, match="two videos to loop are called x: rename one"):
        plan.plan(0, 60, [tmp_path / "a" / "x.mp4", tmp_path / "b" / "x.mp4"], 1, 0)
    make(tmp_path / "a", "--minutes", 0, "--loops", tmp_path / "no.mp4", code=2)
    assert "no.mp4: cannot be read" in capsys.readouterr().err
    with pytest.raises(UsageError, match=r"quiet.json: No such file .*; make it with quiet"):
        plan.read_description(tmp_path)
    (tmp_path / "quiet.json").write_text("{}")
    with pytest.raises(UsageError, match="quiet.json: was not written by quiet"):
        plan.read_description(tmp_path)


def test_conditions_vary_and_are_plausible():
    random = np.random.default_rng(0)
    drawn = [conditions.draw_conditions(random) for _ in range(300)]
    for name in ("shake_px", "sway_px", "rain", "light", "flicker"):
        shares = np.mean([getattr(one, name) > 0 for one in drawn])
        assert 0.15 < shares < 0.7, name
    assert all(one.gain < 0.7 for one in drawn if one.noise > 2)
