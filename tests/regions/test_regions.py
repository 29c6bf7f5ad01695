"""Regions of drawn scenes, in which it is known what moves and how the camera does."""

import os
import subprocess
import sys

import cv2
import numpy as np
import pytest

from edge_attp.bitstream import CompressedVideo
from edge_attp.regions import RegionFinder
from rigs import media

pytestmark = [pytest.mark.needs_av, pytest.mark.needs_cv2]

WIDTH, HEIGHT, PICTURES = 320, 240, 50
BODY_PX = 48
HEVC = {"codec": "libx265", "options": media.x265(bframes=3), "container": "265"}
H264 = {"options": media.x264(bframes=3)}
CODECS = pytest.mark.parametrize("encoder", [H264, HEVC], ids=["h264", "hevc"])


def drawn_texture(height, width, seed):
    return np.clip(media.texture(height, width, seed=seed), 0, 255).astype(np.uint8)


def background(margin=160):
    return drawn_texture(HEIGHT + 2 * margin, WIDTH + 2 * margin, seed=3)


def seen(scene, number, camera):
    """What a camera sees of the scene: shift in pixels, angle and zoom about the middle, each for a picture."""
    x, y, turn, zoom = camera(number)
    height, width = scene.shape
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), np.degrees(turn), zoom)
    matrix[:, 2] += (WIDTH / 2 - width / 2 + x, HEIGHT / 2 - height / 2 + y)
    return cv2.warpAffine(scene, matrix, (WIDTH, HEIGHT), flags=cv2.INTER_CUBIC)


def standing(number):
    return 0.0, 0.0, 0.0, 1.0


def film(camera=standing, bodies=(), change=None, pictures=PICTURES):
    """bodies: functions from the number of a picture to the upper left corner of a textured square, or None."""
    scene, grey = background(), np.full((HEIGHT // 2, WIDTH // 2), 128, np.uint8)
    skin = drawn_texture(BODY_PX, BODY_PX, seed=9)
    drawn = []
    for number in range(pictures):
        luma = seen(scene, number, camera)
        for body in bodies:
            at = body(number)
            if at is not None:
                x, y = at
                luma[y : y + BODY_PX, x : x + BODY_PX] = skin
        if change is not None:
            luma = change(luma, number)
        drawn.append((luma, grey, grey))
    return drawn


def walks(x, y, speed, first=0, last=PICTURES):
    """A body that walks to the right, and stands before and after."""

    def place(number):
        return x + speed * (min(max(number, first), last) - first), y

    return place


def found_in(path, **options):
    """(picture, Found) of each P and B picture, and the finder."""
    with CompressedVideo(str(path), oriented=True) as video:
        finder = RegionFinder(
            video.width, video.height, video.bit_depth, video.frame_rate, **options
        )
        return [(p, finder.add_picture(p)) for p in video if p.kind != "I"], finder


def encoded(tmp_path, pictures, encoder=H264):
    return media.encode(pictures, str(tmp_path / "clip"), **dict({"container": "264"}, **encoder))


CAMERAS = {
    "pan": (lambda n: (-3.0 * n, 1.0 * n, 0.0, 1.0), (-3.0, 1.0, 0.0, 0.0)),
    "zoom": (lambda n: (0.0, 0.0, 0.0, 1.01**n), (0.0, 0.0, 0.01, 0.0)),
    "turn": (lambda n: (0.0, 0.0, -0.008 * n, 1.0), (0.0, 0.0, 0.0, 0.008)),
}


@CODECS
@pytest.mark.parametrize("name", sorted(CAMERAS))
def test_the_motion_of_the_camera(tmp_path, encoder, name):
    camera, (x_px, y_px, zoom, turn) = CAMERAS[name]
    found, _ = found_in(encoded(tmp_path, film(camera, pictures=30), encoder))
    motions = np.array([known.camera for _, known in found])
    x, y, zooms, turns, support = np.median(motions, axis=0)
    assert (x, y) == pytest.approx((x_px, y_px), abs=0.15)
    assert (zooms, turns) == pytest.approx((zoom, turn), abs=0.0015)
    assert support > 0.7


@CODECS
@pytest.mark.parametrize("name", sorted(CAMERAS))
def test_a_camera_that_moves_makes_no_region(tmp_path, encoder, name):
    found, _ = found_in(encoded(tmp_path, film(CAMERAS[name][0], pictures=30), encoder))
    assert np.mean([bool(known.regions) for _, known in found]) < 0.2


def covers(region, x, y):
    """Whether the window holds the middle of a body."""
    middle = x + BODY_PX / 2, y + BODY_PX / 2
    return all(
        begin <= at <= begin + region.side_px
        for begin, at in zip((region.x_px, region.y_px), middle)
    )


def smooth_shake():
    """Of a mast in the wind: about 1.5 pixels, changing direction every few pictures."""
    jolts = np.random.RandomState(1).randn(PICTURES + 8, 2) * 4
    return np.array([jolts[n : n + 8].mean(axis=0) for n in range(PICTURES + 1)])


@CODECS
@pytest.mark.parametrize("name", ["stand", "pan", "shake"])
def test_what_moves_is_found_and_keeps_its_number(tmp_path, encoder, name):
    shake = smooth_shake()
    camera = {
        "stand": standing,
        "pan": lambda n: (-2.0 * n, 0.0, 0.0, 1.0),
        "shake": lambda n: (shake[n, 0], shake[n, 1], 0.0, 1.0),
    }[name]
    body = walks(30, 100, 4)
    found, _ = found_in(encoded(tmp_path, film(camera, [body]), encoder))
    late = [(p, known) for p, known in found if p.decode_index >= 8]
    assert all(known.regions for _, known in late)
    step = 1 if encoder is HEVC else 2
    inside = [covers(known.regions[0], *body(p.poc // step)) for p, known in late]
    assert np.mean(inside) > 0.9
    numbers = [known.regions[0].id for _, known in late]
    assert numbers.count(numbers[0]) > 0.8 * len(numbers)
    sides = [known.regions[0].side_px for _, known in late]
    assert np.median(sides) < 3 * BODY_PX


def test_windows_move_seldom(tmp_path):
    found, _ = found_in(encoded(tmp_path, film(bodies=[walks(30, 100, 3)])))
    windows = [k.regions[0][1:4] for _, k in found if k.regions]
    changes = sum(a != b for a, b in zip(windows, windows[1:]))
    assert len(windows) > 35 and changes <= len(windows) / 6


def test_windows_lie_inside_on_the_grid(tmp_path):
    found, _ = found_in(
        encoded(tmp_path, film(bodies=[walks(0, 0, 5), walks(272, 190, 0)])), max_regions=4
    )
    for _, known in found:
        for region in known.regions:
            assert region.x_px % 8 == region.y_px % 8 == region.side_px % 8 == 0
            assert 0 <= region.x_px <= region.x_px + region.side_px <= WIDTH
            assert 0 <= region.y_px <= region.y_px + region.side_px <= HEIGHT
            left, top, right, bottom = region.box
            assert 0 <= left < right <= WIDTH and 0 <= top < bottom <= HEIGHT
            assert 0 < region.activity <= 1


def test_two_bodies_far_apart_are_two_regions(tmp_path):
    bodies = [walks(10, 20, 2), walks(150, 180, 2)]
    found, _ = found_in(encoded(tmp_path, film(bodies=bodies)), max_regions=2)
    late = [(p, known) for p, known in found if p.decode_index >= 15]
    both = [
        len(known.regions) == 2
        and all(any(covers(r, *body(p.poc // 2)) for r in known.regions) for body in bodies)
        for p, known in late
    ]
    assert np.mean(both) > 0.85


def test_no_more_regions_than_were_asked_for(tmp_path):
    bodies = [walks(10, 20, 2), walks(150, 180, 2)]
    found, _ = found_in(encoded(tmp_path, film(bodies=bodies)))
    assert {len(known.regions) for _, known in found} <= {0, 1}


def test_it_ends_within_two_seconds_of_the_motion(tmp_path):
    found, finder = found_in(
        encoded(tmp_path, film(bodies=[walks(60, 100, 4, last=20)], pictures=75))
    )
    shown = [(p.poc // 2, bool(known.regions)) for p, known in found]
    assert any(is_shown for number, is_shown in shown if 8 <= number <= 20)
    assert not any(is_shown for number, is_shown in shown if number >= 70)
    assert finder.activity().max() < 0.1


NOISES = {
    "nothing": None,
    "noise": lambda luma, n: np.clip(
        luma + np.random.RandomState(n).randn(*luma.shape) * 4, 0, 255
    ).astype(np.uint8),
    "light": lambda luma, n: np.clip(luma * (0.8 + 0.3 * np.sin(n / 6)), 0, 255).astype(np.uint8),
    "rain": lambda luma, n: _rain(luma, n),
}


def _rain(luma, number):
    """Fifty bright streaks at other places in each picture."""
    random = np.random.RandomState(number)
    luma = luma.copy()
    for x, y in random.randint(0, (WIDTH - 4, HEIGHT - 12), (50, 2)):
        cv2.line(luma, (int(x), int(y)), (int(x) + 2, int(y) + 10), 220, 1)
    return luma


@pytest.mark.parametrize("name", sorted(NOISES))
def test_where_nothing_moves_there_is_no_region(tmp_path, name):
    found, _ = found_in(encoded(tmp_path, film(change=NOISES[name])))
    assert np.mean([bool(known.regions) for _, known in found]) < 0.05


@pytest.mark.parametrize("name", sorted(NOISES))
def test_a_body_is_found_among_noise(tmp_path, name):
    body = walks(30, 100, 4)
    found, _ = found_in(encoded(tmp_path, film(bodies=[body], change=NOISES[name])))
    late = [(p, known) for p, known in found if p.decode_index >= 8]
    inside = [
        bool(known.regions) and covers(known.regions[0], *body(p.poc // 2)) for p, known in late
    ]
    assert np.mean(inside) > 0.9


def test_the_same_pictures_give_the_same_regions(tmp_path):
    path = encoded(tmp_path, film(bodies=[walks(30, 100, 4)]))
    first, one = found_in(path, max_regions=3)
    second, two = found_in(path, max_regions=3)
    assert [known for _, known in first] == [known for _, known in second]
    np.testing.assert_array_equal(one.activity(), two.activity())


def test_the_residual_is_optional(tmp_path):
    path = encoded(tmp_path, film(bodies=[walks(30, 100, 4)]))
    with CompressedVideo(str(path), residual=False) as video:
        finder = RegionFinder(video.width, video.height)
        found = [finder.add_picture(picture) for picture in video]
    assert sum(bool(known.regions) for known in found) > 35


def test_a_picture_of_another_size_is_refused(tmp_path):
    path = encoded(tmp_path, film(pictures=2))
    with CompressedVideo(str(path)) as video, RegionFinder(
        video.width + 16, video.height
    ) as finder:
        with pytest.raises(ValueError, match="picture 0 is 320x240, this finder is for 336x240"):
            finder.add_picture(next(iter(video)))


@pytest.mark.parametrize(
    "wrong, message",
    [
        ({"width_px": 8}, "width_px is 8, must be 16 to 65536"),
        ({"height_px": 1 << 17}, "height_px is 131072"),
        ({"bit_depth": 7}, "bit_depth is 7, must be 8 to 16"),
        ({"max_regions": 17}, "max_regions is 17, must be 1 to 16"),
        ({"frame_rate": 0}, "frame_rate is 0, must be above 0"),
        ({"frame_rate": float("nan")}, "frame_rate is nan"),
    ],
)
def test_wrong_arguments_are_named(wrong, message):
    with pytest.raises(ValueError, match=message):
        RegionFinder(**dict({"width_px": 64, "height_px": 64}, **wrong))


@pytest.mark.parametrize("oriented", [False, True])
def test_a_closed_finder_says_so(tmp_path, oriented):
    path = encoded(tmp_path, film(pictures=2))
    with CompressedVideo(str(path), oriented=oriented) as video:
        picture = next(iter(video))
        with RegionFinder(video.width, video.height) as finder:
            assert repr(finder) == "<RegionFinder 320x240 25/s max_regions=1>"
        finder.close()
        assert repr(finder) == "<RegionFinder 320x240 25/s closed>"
        for use in (lambda: finder.add_picture(picture), finder.activity, lambda: finder.cell_px):
            with pytest.raises(ValueError, match="this RegionFinder is closed"):
                use()


@pytest.mark.parametrize("size", [(16, 16), (48, 16), (16, 200), (18, 34)])
def test_small_pictures(tmp_path, size):
    clip = media.moving(*size, 8)
    found, finder = found_in(encoded(tmp_path, clip), max_regions=16)
    assert len(found) == 7
    for _, known in found:
        for region in known.regions:
            assert region.side_px <= min(size) and region.x_px + region.side_px <= size[0]
    assert finder.activity().shape == tuple(-(-length // 8) for length in size[::-1])


def test_ten_bits_are_eight_bits(tmp_path):
    pictures = film(bodies=[walks(30, 100, 4)])
    found = {}
    for pix_fmt in ("yuv420p", "yuv420p10le"):
        encoder = dict(HEVC, options=media.x265(bframes=0, qp=26), pix_fmt=pix_fmt)
        found[pix_fmt], _ = found_in(encoded(tmp_path, pictures, encoder))
    at = [[bool(known.regions) for _, known in one] for one in found.values()]
    assert np.mean(np.equal(*at)) > 0.9 and sum(at[1]) > 35


def test_damaged_pictures_are_taken(tmp_path):
    path = encoded(tmp_path, film(bodies=[walks(30, 100, 4)]))
    with open(path, "r+b") as file:
        data = bytearray(file.read())
        for at in range(len(data) // 3, len(data), 997):
            data[at] ^= 0x55
        file.seek(0)
        file.write(data)
    found, _ = found_in(path, max_regions=4)
    assert any(picture.integrity != "ok" for picture, _ in found)


def test_every_instruction_set_finds_the_same(tmp_path):
    program = (
        "import sys\n"
        "from edge_attp.bitstream import binding\n"
        "from regions.test_regions import found_in\n"
        "found, finder = found_in(sys.argv[1], max_regions=4)\n"
        "print(binding.cpu(), [known for _, known in found], finder.activity().tobytes().hex())\n"
    )
    shake = smooth_shake()
    camera = lambda n: (shake[n, 0] - n, shake[n, 1], 0.002 * n, 1.0)  # noqa: E731
    path = encoded(tmp_path, film(camera, [walks(30, 100, 4)], NOISES["rain"]))
    answers = {}
    for cpu in ("scalar", "avx2", "neon"):
        environment = dict(os.environ, EDGE_ATTP_CPU=cpu, PYTHONPATH=os.pathsep.join(sys.path))
        done = subprocess.run(
            [sys.executable, "-c", program, str(path)], env=environment, stdout=subprocess.PIPE
        )
        name, _, answer = done.stdout.decode().partition(" ")
        if name == cpu:
            answers[cpu] = answer
    assert len(set(answers.values())) == 1 and "Region(" in answers["scalar"]


def reference_camera(picture):
    """The similarity that the vectors of 8x8 blocks follow: least squares, the half that fits worst left out, again
    and again."""
    flow, used = picture.motion.flow()[:, ::2, ::2], picture.motion.reference[:, ::2, ::2] != -1
    inter = used.any(axis=0)
    y, x = (8.0 * np.argwhere(inter) + 4 - np.array(picture.shape) / 2).T
    u, v = flow[0][inter], flow[1][inter]
    ones, zeros = np.ones_like(x), np.zeros_like(x)
    rows = np.concatenate([np.stack([ones, zeros, x, -y], 1), np.stack([zeros, ones, y, x], 1)])
    right = np.ones(len(x), bool)
    for _ in range(10):
        both = np.concatenate([right, right])
        found = np.linalg.lstsq(rows[both], np.concatenate([u, v])[both], rcond=None)[0]
        away = np.hypot(*np.split(rows @ found - np.concatenate([u, v]), 2))
        right = away <= np.median(away)
    return found


@pytest.mark.parametrize("name", sorted(CAMERAS))
def test_the_camera_is_that_of_least_squares(tmp_path, name):
    found, _ = found_in(encoded(tmp_path, film(CAMERAS[name][0], pictures=20)))
    for picture, known in found[4:]:
        x_px, y_px, zoom, turn = reference_camera(picture)
        assert known.camera[:2] == pytest.approx((x_px, y_px), abs=0.25)
        assert known.camera[2:4] == pytest.approx((zoom, turn), abs=0.003)
