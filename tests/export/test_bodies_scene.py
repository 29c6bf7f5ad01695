"""Scenes of people: what is chosen, what the camera sees of it, and what is drawn."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from captured import small_set, write_bodies

from edge_attp.errors import MissingExtra
from edge_attp_export.synth.bodies import (
    captures,
    clothing,
    encoding,
    meshes,
    people,
    places,
    renderer,
    scene,
    sensor,
    staging,
    textures,
    viewpoint,
    wardrobe,
)

pytestmark = [pytest.mark.needs_av, pytest.mark.needs_cv2, pytest.mark.needs_torch]

ASPECT = 170 / 128
PICTURE = (170, 128)


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """Captures and bodies."""
    folder = tmp_path_factory.mktemp("world")
    write_bodies(folder / "bodies.npz")
    return captures.read(small_set(folder / "motion")), wardrobe.read(folder / "bodies.npz")


def composed(world, seed, **changes):
    found, bodies = world
    made = scene.compose(found, found, bodies, 0.5, ASPECT, False, seed)
    still = {"pan": 0.0, "tilt": 0.0, "roll": 0.0, "zoom": 0.0, "shake": 0.0}
    calm = made.sensor._replace(noise=0.0, weather="", drops=0, blur=0.0, gain=1.0, change="steady")
    fixed = {"view": made.view._replace(**still), "sensor": calm._replace(depth=0.0, grey=False)}
    fixed["encoding"] = made.encoding._replace(rate=Fraction(10))
    return made._replace(**{**fixed, **changes})


def drawn(world, made, seed=1):
    return np.stack(list(scene.pictures(made, world[1], None, 0.5, *PICTURE, seed)))


# Choices. ---------------------------------------------------------------------------------


def test_the_main_person_is_seen_and_the_largest(world):
    counts = []
    for seed in range(25):
        made = scene.compose(*2 * world[:1], world[1], 0.5, ASPECT, False, seed)
        sizes = []
        for placed in made.staging.people:
            heads = placed.moved(placed.member.moves.heads)
            seen = viewpoint.projected(heads, made.staging.view, ASPECT)
            middle = seen[len(seen) // 2]
            sizes.append(np.ptp(middle[:, 1]) / 2)
            assert seen[..., 2].min() > 0.2
        assert max(sizes) == sizes[0]
        assert 0.3 * staging.SMALLEST < sizes[0] < 1.1 * staging.LARGEST
        way = viewpoint.projected(made.staging.people[0].way(), made.staging.view, ASPECT)
        assert (np.abs(way[:, :2]) < 1).all(axis=1).mean() >= 0.75
        counts.append(len(sizes))
    assert min(counts) == 1 and max(counts) >= 3


def test_nobody_walks_through_another(world):
    for seed in range(25):
        ways = [placed.way() for placed in composed(world, seed).staging.people]
        for one in range(len(ways)):
            for other in range(one):
                assert np.hypot(*(ways[one] - ways[other])[:, ::2].T).min() > 0.8


def test_a_seed_decides_everything(world):
    rows = [composed(world, seed).columns() for seed in (3, 3, 4)]
    assert rows[0] == rows[1] != rows[2]
    assert {"capture", "performer", "camera_fov", "noise", "codec", "rate", "share"} <= set(rows[0])
    assert all(isinstance(value, (str, int)) for value in rows[0].values())


def test_parts_with_faults_are_not_used(world, monkeypatch):
    asked = []

    def turn(moves, interval):
        asked.append(interval)
        return 90.0 if len(asked) < 4 else 20.0

    monkeypatch.setattr(people, "fastest_turn", turn)
    people.perform(world[0], world[1], 0.5, np.random.default_rng(0))
    assert len(asked) == 4
    monkeypatch.setattr(people, "fastest_turn", lambda moves, interval: 90.0)
    with pytest.raises(people.EdgeAttpError, match="turn by more than 70 degrees"):
        people.perform(world[0], world[1], 0.5, np.random.default_rng(0))


def test_clothes_cover_and_bags_are_carried(world):
    bodies = world[1]
    plain = clothing.draw(np.random.default_rng(0))._replace(
        top=(200.0, 0.0, 0.0), bottom=(0.0, 0.0, 200.0), skin=(0.0, 200.0, 0.0),
        sleeve=1.0, leg=1.0, hem=0.0, backpack=False, bag="",
    )  # fmt: skip
    body, skin = bodies.bodies[0], bodies.skin
    long = clothing.dressed(body, skin, plain)
    short = clothing.dressed(body, skin, plain._replace(sleeve=0.3, leg=0.4))

    def green(mesh):
        return (mesh.colours[:, 1] > 0.5).sum()

    assert green(short) > green(long) > 0
    full = clothing.dressed(body, skin, plain._replace(hem=0.6, backpack=True, bag="L"))
    assert len(full.vertices) == len(long.vertices) + 14 * 5 + 2 * 8
    assert full.faces.max() == len(full.vertices) - 1
    assert full.weights.sum(axis=1) == pytest.approx(np.ones(len(full.vertices)), abs=1e-6)


@pytest.mark.parametrize("name", sorted({**textures.GROUNDS, **textures.FLOORS, **textures.WALLS}))
def test_textures_are_pictures_with_detail(name):
    make = {**textures.GROUNDS, **textures.FLOORS, **textures.WALLS}[name]
    texture = make(np.random.default_rng(2))
    assert texture.dtype == np.uint8 and texture.shape[2] == 3
    assert texture.std(axis=(0, 1)).min() > 1
    assert np.array_equal(texture, make(np.random.default_rng(2)))


def test_boxes_are_closed_and_look_outwards():
    grey = np.full((4, 4, 3), 128, np.uint8)
    box = meshes.box((1.0, 0.5, -2.0), (2.0, 1.0, 0.5), 0.3, grey, 1.0)
    middle = box.vertices.mean(axis=0)
    corners = box.vertices[box.faces]
    outwards = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    assert ((corners.mean(axis=1) - middle) * outwards).sum(axis=1).min() > 0
    assert box.vertices[:, 1].min() == pytest.approx(0.5)
    assert box.vertices[:, 1].max() == pytest.approx(1.5)


# Camera and sensor. -----------------------------------------------------------------------


def test_a_camera_sees_what_is_to_the_right_on_the_right():
    view = viewpoint.Viewpoint(3.0, 0.8, 0.25)
    points = np.array([[0.0, 0.0, -8.0], [1.0, 0.0, -8.0], [0.0, 1.0, -8.0], [0.0, 0.0, -9.0]])
    seen = viewpoint.projected(points, view, 1.5)
    assert seen[1, 0] > seen[0, 0] == pytest.approx(0.0)
    assert seen[2, 1] < seen[0, 1] and seen[3, 1] < seen[0, 1]  # up is up, and so is far
    (look,) = viewpoint.looks(view, 0, np.array([12.0]), 25, 128)
    clip = np.concatenate([points, np.ones((4, 1))], axis=1)
    clip = clip @ viewpoint.matrix(look, view.height, 1.5).T
    assert clip[:, :2] / clip[:, 3:] == pytest.approx(seen[:, :2], abs=1e-9)


def test_a_backdrop_has_its_horizon_where_the_camera_has():
    view = viewpoint.Viewpoint(3.0, 0.8, 0.25, pan=0.4)
    for time in (0.0, 24.0):
        (look,) = viewpoint.looks(view, 0, np.array([time]), 25, 128)
        far = np.array([3e5, 3.0, -1e6, 1.0]) @ viewpoint.matrix(look, view.height, 1.5).T
        at = viewpoint.backdrop(look, view, 1.5, 0.6) @ (*(far[:2] / far[3]), 1.0)
        assert at[1] / at[2] == pytest.approx(0.6, abs=1e-6)


def test_most_cameras_stand_still():
    random = np.random.default_rng(0)
    still = viewpoint.Viewpoint(3.0, 0.8, 0.2)
    views = [scene._moving(still, False, random) for _ in range(400)]
    assert 0.08 < np.mean([view.pan != 0 for view in views]) < 0.22
    assert 0.5 < np.mean([view == still for view in views]) < 0.75


def test_light_and_noise_of_a_sensor():
    grey = np.full((64, 80, 3), 100, np.uint8)
    plain = sensor.Sensor(1.0, 1.0, 0.0, False, "steady", 0.0, 0.0, 0.0, 0.0, "", 0)

    def taken(count=6, **changes):
        exposure = sensor.Exposure(plain._replace(**changes), 3, count, 80, 64)
        return np.stack([exposure(grey) for _ in range(count)]).astype(float)

    assert np.array_equal(taken(), np.broadcast_to(grey, (6, 64, 80, 3)))
    noisy = taken(noise=6.0)
    assert 3 < noisy[0, :, :, 1].std() < 8
    assert abs(np.corrcoef(noisy[0].ravel(), noisy[1].ravel())[0, 1]) < 0.1
    assert np.array_equal(noisy, taken(noise=6.0))
    assert taken(gain=0.5).mean() == pytest.approx(50, abs=1)
    drift = taken(20, change="drift", depth=0.2).mean(axis=(1, 2, 3))
    assert np.ptp(drift) > 15
    lamp = taken(20, change="lamp", depth=0.3).mean(axis=(1, 2, 3))
    assert sorted(set(lamp)) == [100, 130]
    warm = taken(grey=True, warmth=0.08)
    assert np.ptp(warm, axis=3).max() == 0
    for weather in ("rain", "snow"):
        assert (taken(weather=weather, drops=40)[0] > 105).mean() > 0.005


@pytest.mark.parametrize("codec", encoding._CODECS)
def test_every_encoder_gives_the_same_bytes_again(tmp_path, codec):
    random = np.random.default_rng(1)
    how = encoding.draw(random)._replace(codec=codec, quality=6, rate=Fraction(25, 2))
    pictures = random.integers(0, 255, (5, 96, 128, 3), np.uint8)
    for name in ("a.mp4", "b.mp4"):
        encoding.write(tmp_path / name, pictures, how, {"recipe": 1})
    assert (tmp_path / "a.mp4").read_bytes() == (tmp_path / "b.mp4").read_bytes()
    with av.open(str(tmp_path / "a.mp4")) as container:
        frames = list(container.decode(video=0))
        assert container.streams.video[0].average_rate == Fraction(25, 2)
    assert (len(frames), frames[0].width, frames[0].height) == (5, 128, 96)


# Drawing. ---------------------------------------------------------------------------------


@pytest.mark.needs_egl
@pytest.mark.parametrize("kind", places.KINDS[:-1])
def test_people_move_over_a_place_that_stays(world, kind):
    made = composed(world, 11, kind=kind, occluder="")
    clip = drawn(world, made).astype(int)
    assert clip.shape == (5, 128, 170, 3)
    moved = (np.abs(np.diff(clip, axis=0)).max(axis=3) > 12).mean(axis=(1, 2))
    assert 0.0005 < moved.max() < 0.5
    assert clip.std() > 5
    assert np.array_equal(clip, drawn(world, made))


@pytest.mark.needs_egl
def test_only_what_changes_is_drawn_anew_and_nothing_is_lost(world, monkeypatch):
    for seed in (2, 5, 7):
        made = composed(world, seed, shutter=0.6)
        parts = drawn(world, made)
        with monkeypatch.context() as patched:
            whole = [(0, 0, *PICTURE)]
            patched.setattr(scene, "windows", lambda *_, whole=whole: whole)
            assert np.array_equal(parts, drawn(world, made))


@pytest.mark.needs_egl
def test_a_pan_moves_the_place_the_other_way(world):
    made = composed(world, 4, kind=places.YARD, occluder="")
    left, right = (
        drawn(world, made._replace(view=made.view._replace(pan=pan)))[[0, -1]].astype(np.float32)
        for pan in (-0.15, 0.15)
    )

    def shift(pair):
        """Columns by which the upper third of the picture moves."""
        one, other = (picture[:40].mean(axis=2) for picture in pair)
        errors = {
            by: np.abs(one[:, 40:130] - other[:, 40 + by : 130 + by]).mean()
            for by in range(-39, 40)
        }
        return min(errors, key=errors.get)

    assert shift(right) < -2 and shift(left) > 2


@pytest.mark.needs_egl
def test_a_photograph_gets_people_and_their_shadows(world):
    made = composed(world, 11, kind=places.PHOTOGRAPH, occluder="")
    photograph = np.full((704, 1000, 3), 120, np.uint8)
    made = made._replace(sensor=made.sensor._replace(contrast=1.0, warmth=0.0, vignette=0.0))
    clip = np.stack(list(scene.pictures(made, world[1], photograph, 0.5, *PICTURE, 1))).astype(int)
    assert (clip == 120).all(axis=3).mean() > 0.5
    assert (clip[2] != 120).any(axis=2).mean() > 0.003


@pytest.mark.needs_egl
def test_a_shadow_is_where_the_sun_does_not_come():
    white = np.full((8, 8, 3), 255, np.uint8)
    floor = meshes.quad((-5, 0, 0), (10, 0, 0), (0, 0, -10), white, 1.0)
    box = meshes.box((0, 0, -5), (1, 2, 1), 0.0, white, 1.0)
    sun = (0.7, 0.7, 0.0)
    light = renderer.Light(sun, (0.5, 0.5, 0.5), (0.4, 0.4, 0.4), 0.5, (0, 0.5, -5), 6.0)
    view = viewpoint.Viewpoint(6.0, 0.9, 0.85)
    (look,) = viewpoint.looks(view, 0, np.zeros(1), 1, 128)

    def at(x, z):
        seen = viewpoint.projected(np.array([x, 0.0, z]), view, 1.0)
        return tuple(((seen[:2] + 1) * 64).astype(int))

    with renderer.rendering(128, 128) as drawing:
        drawing.add_surface(floor, casts_shadow=False)
        drawing.add_surface(box)
        picture = drawing.picture(viewpoint.matrix(look, 6.0, 1.0), np.eye(3), light, [])
    (left, row), (right, same) = at(-1.5, -5), at(1.5, -5)
    assert picture[row, left].max() < 0.7 * picture[same, right].min()


def test_what_cannot_draw_says_how_to_get_it(monkeypatch):
    class Broken:
        @staticmethod
        def create_context(**options):
            raise RuntimeError("libEGL.so: not\nfound")

    with pytest.raises(
        MissingExtra, match=r"cannot be had \(libEGL.so: not found\): apt-get install"
    ):
        renderer.context(Broken)
    monkeypatch.setitem(__import__("sys").modules, "moderngl", None)
    with pytest.raises(MissingExtra, match=r"moderngl.*pip install 'edge-attp-export\[bodies\]'"):
        renderer.check()
    monkeypatch.setitem(__import__("sys").modules, "anny", None)
    monkeypatch.setitem(__import__("sys").modules, "warp", None)
    with pytest.raises(MissingExtra, match=r"anny.*pip install 'edge-attp-export\[bodies\]'"):
        wardrobe.make(Path("nowhere") / "bodies.npz", 0)
