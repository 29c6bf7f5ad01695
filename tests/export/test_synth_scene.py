"""The synthetic set's pictures: every class renders, seeds decide, and one picture never separates a pair."""

import numpy as np
import pytest
from synth_worlds import PICTURES, background, pictures, still, traits

from edge_attp_export.synth import attributes, backgrounds, camera, scene
from edge_attp_export.synth.classes import DOOR, LABELS, QUICK, WAVE, pairs

pytestmark = [pytest.mark.needs_av, pytest.mark.needs_cv2, pytest.mark.needs_torch]

ACTIONS = list(pairs())
ONE_WAY = [action for action in ACTIONS if action != WAVE]


@pytest.mark.parametrize("label", LABELS)
def test_every_class_is_seen_and_moves(label):
    world = still(label, 1)
    clip = pictures(label, world).astype(int)
    assert clip.shape == (PICTURES, camera.HEIGHT, camera.WIDTH, 3)
    empty = pictures(label, (world[0], world[1]._replace(x=5000.0, noise=0.0))).astype(int)
    covered = (np.abs(clip - empty).max(axis=3) > 20).mean(axis=(1, 2))
    assert covered.min() > 0.01
    moved = (np.abs(np.diff(clip, axis=0)).max(axis=3) > 20).mean(axis=(1, 2))
    assert moved.max() > 0.0005


@pytest.mark.parametrize("action", ACTIONS)
def test_a_seed_gives_the_same_pictures_and_another_seed_others(action):
    label = pairs()[action][0]
    clip = pictures(label, traits(label))
    assert np.array_equal(clip, pictures(label, traits(label)))
    assert not np.array_equal(clip, pictures(label, traits(label, 1)))


@pytest.mark.parametrize("action", ONE_WAY)
@pytest.mark.parametrize("index", (0, 1))
def test_a_class_is_the_other_one_backwards(action, index):
    one, other = pairs()[action]
    world = still(one, index)
    forwards, backwards = pictures(one, world), pictures(other, world)
    assert np.array_equal(forwards, backwards[::-1])
    assert not np.array_equal(forwards, backwards)


def test_a_quick_wave_is_a_slow_one_at_another_rate():
    slow, quick = pairs()[WAVE]
    world = still(slow)
    step = int(QUICK)
    slow_clip = pictures(slow, world, 4 * step)
    assert np.array_equal(slow_clip[::step], pictures(quick, world, 4))


def test_the_phase_of_a_wave_is_even():
    """Else the poses of a slow wave, which does less than a cycle in a short clip, would not be all."""
    phases = [traits("wave slowly", index)[1].phase for index in range(400)]
    counts = np.histogram(phases, 4, (0, 2 * np.pi))[0]
    assert counts.min() > 70


@pytest.mark.parametrize("action", ACTIONS)
def test_camera_light_and_grain_do_not_know_the_class(action):
    """Away from the subject, the two clips of a world are the same, picture by picture."""
    one, other = pairs()[action]
    moving = {"pan": 50.0, "tilt": 8.0, "zoom": 0.1, "shake": 1.0, "noise": 2.0, "height": 90.0}
    world = traits(one, ball=True, second_walker=True, **moving)
    first, second = pictures(one, world), pictures(other, world)
    assert np.array_equal(first[:, :40], second[:, :40])
    assert not np.array_equal(first[0, :40], first[-1, :40])


@pytest.mark.parametrize("name", ("facing", "pan", "tilt", "zoom", "roll", "x"))
def test_no_side_is_preferred(name):
    values = [getattr(traits("crouch", index)[1], name) for index in range(500)]
    spread = np.std(values) / np.sqrt(len(values))
    assert abs(np.mean(values)) < 3.5 * spread


def test_the_camera_has_the_middle_in_the_middle_at_half_time():
    seed, drawn = still("crouch", pan=40.0, zoom=0.1)
    middle = np.array([*np.array(backgrounds.WORLD) / 2, 1.0])
    # Of a pan that bends, half-way is not half the time: the mean over time is.
    seen = camera.views(drawn, seed, 61) @ middle
    assert np.abs(seen.mean(axis=0) - (camera.WIDTH / 2, camera.HEIGHT / 2)).max() < 8
    assert seen[0, 0] - seen[-1, 0] == pytest.approx(40, rel=0.15)


@pytest.mark.parametrize("scenery", ("landscape", "street", "room"))
def test_drawn_backgrounds_are_natural(scenery):
    """Power falls with frequency as in photographs: amplitude about 1/f, so a slope from -0.7 to -1.9."""
    picture = backgrounds.drawn(scenery, 5)
    assert picture.shape == (backgrounds.ROWS, backgrounds.COLUMNS, 3)
    assert np.array_equal(picture, backgrounds.drawn(scenery, 5))
    assert not np.array_equal(picture, backgrounds.drawn(scenery, 6))
    grey = picture.mean(axis=2)[:640, :640]
    window = np.hanning(640)[:, None] * np.hanning(640)
    amplitude = np.abs(np.fft.fft2((grey - grey.mean()) * window))
    frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(640), np.fft.fftfreq(640)))
    bands = np.geomspace(0.01, 0.2, 8)
    power = [
        np.sqrt((amplitude[(frequency >= low) & (frequency < high)] ** 2).mean())
        for low, high in zip(bands, bands[1:])
    ]
    slope = np.polyfit(np.log(bands[:-1]), np.log(power), 1)[0]
    assert -1.9 < slope < -0.7


def test_the_background_given_is_not_drawn_upon():
    seed, drawn = traits("open door")
    given = background(seed)
    copy = given.copy()
    list(scene.render("open door", drawn, seed, given, 3))
    assert np.array_equal(given, copy)


def test_streams_of_a_clip_are_its_own():
    seeds = {
        attributes.clip_seed(base, action, index)
        for base in (0, 1)
        for action in ACTIONS
        for index in range(50)
    }
    assert len(seeds) == 2 * len(ACTIONS) * 50
    first, second = (attributes.stream(7, purpose).random() for purpose in ("camera", "noise"))
    assert first != second
    assert DOOR in ACTIONS
