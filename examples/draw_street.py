"""Draws examples/street.mp4: people cross a square, two meet, and one pushes the other down.

    python examples/draw_street.py CHARACTERS [out.mp4]

CHARACTERS is a folder of Quaternius' skinned characters as glTF files (Smooth_Male_Casual.glb and others of "LowPoly
Models", CC0 1.0), which are not part of this repository. The rest is drawn from a fixed seed. First a camera that
stands still; after ten seconds, another that pans with the one who runs away. H.264 High with a pyramid of B
pictures and a key picture every two seconds. Needs edge_attp_export with its extra `bodies`.
"""

import sys
from fractions import Fraction
from pathlib import Path
from typing import List, NamedTuple, Optional, Sequence, Tuple

import av
import characters
import cv2
import numpy as np

from edge_attp_export.synth.backgrounds import drawn
from edge_attp_export.synth.bodies import sensor, textures, things, viewpoint
from edge_attp_export.synth.bodies.meshes import box, grouped, quad
from edge_attp_export.synth.bodies.motion import vertical
from edge_attp_export.synth.bodies.renderer import Light, Person, Renderer, rendering
from edge_attp_export.synth.bodies.rotations import about, shortest

WIDTH, HEIGHT, RATE = 640, 360, 25
CUT_S, END_S = 10.0, 14.0
SEED = 14
STEPS = 100  # of a way, in a second
EXPOSURES, SHUTTER = 5, 0.4
ENCODER = {
    "preset": "slow",
    "profile": "high",
    "crf": "26",
    "x264-params": "keyint=50:min-keyint=50:scenecut=0:bframes=3:b-pyramid=normal:threads=1",
}
LIGHT = Light((-0.45, 0.75, 0.48), (0.68, 0.66, 0.6), (0.5, 0.53, 0.58), 0.7, (0, 0.5, -9), 12.0)
WEAVE = (0.0, 0.0, 0.0, 0.05)


# People. ----------------------------------------------------------------------------------


class Gesture(NamedTuple):
    """Something done on the way: an action of the character from `start` on, for some seconds, faded in and out."""

    start: float
    seconds: float
    action: str
    fade: float = 0.15
    rate: float = 1.0
    stays: bool = False  # at the action's end


class Reach(NamedTuple):
    """Both arms are stretched ahead, the most at half time; lean: of the trunk, forwards, in radians."""

    start: float
    seconds: float
    arms: float
    lean: float


class Role(NamedTuple):
    """What a character does. way: (second, x, z). looks: (from, to, x, z): at this place, while it is not walking
    there."""

    name: str
    height: float
    way: Sequence[Tuple[float, float, float]]
    looks: Sequence[Tuple[float, float, float, float]] = ()
    gestures: Sequence[Gesture] = ()
    reaches: Sequence[Reach] = ()
    runs_from: float = 99.0


class Gait(NamedTuple):
    """Steps on the way. phase: seconds of the action, at each step of time; share: of it, beside standing still."""

    action: characters.Action
    phase: np.ndarray
    share: np.ndarray


class Actor:
    """A character that plays a role. Steps are as long as the way, so that feet do not slide."""

    def __init__(self, folder: Path, role: Role, mesh_of: Renderer) -> None:
        self._character = character = characters.read(folder / f"{role.name}.glb")
        self._mesh = mesh_of.add_person(character.mesh)
        self._role = role
        self._scale = role.height / float(np.ptp(character.mesh.vertices[:, 1]))
        times = np.arange(0, END_S + 1, 1 / STEPS)
        knots = np.array(role.way)
        way = np.stack([np.interp(times, knots[:, 0], knots[:, axis]) for axis in (1, 2)], axis=1)
        self._way = _smooth(way, 0.16)
        velocity = np.gradient(self._way, axis=0) * STEPS
        self._ahead = self._facing(times, velocity)
        self._speed = np.sum(velocity * self._ahead, axis=1)
        self._gaits = [self._gait("Walk"), self._gait("Run")]

    def person(self, seconds: float) -> Person:
        """What the renderer draws at this time."""
        step = min(int(round(seconds * STEPS)), len(self._way) - 1)
        gait = self._gaits[int(seconds >= self._role.runs_from)]
        still = self._action("Idle").at(seconds)
        moving = gait.action.at(float(gait.phase[step]))
        pose = characters.mixed(still, moving, float(gait.share[step]))
        for gesture in self._role.gestures:
            share = _envelope(seconds - gesture.start, gesture)
            if share > 0:
                done = (seconds - gesture.start) * gesture.rate
                act = self._action(gesture.action).at(done, loops=not gesture.stays)
                pose = characters.mixed(pose, act, share)
        places = self._character.globals(pose)
        self._reach(places, seconds)
        place = np.eye(4)
        x, z = self._ahead[step]
        place[:3, :3] = self._scale * vertical(float(np.arctan2(x, z)))
        place[[0, 2], 3] = self._way[step]
        return Person(self._mesh, self._character.bones(place @ places), WEAVE)

    def _gait(self, name: str) -> "Gait":
        action = self._action(name)
        stride = self._scale * _stride(self._character, action)
        share = np.clip(np.abs(self._speed) / (0.45 * stride / action.seconds), 0, 1)
        phase = np.cumsum(self._speed) / STEPS / stride * action.seconds
        return Gait(action, phase, share * share * (3 - 2 * share))

    def _action(self, name: str) -> characters.Action:
        found = next(each for each in self._character.actions if each.endswith("_" + name))
        return self._character.actions[found]

    def _facing(self, times: np.ndarray, velocity: np.ndarray) -> np.ndarray:
        """Unit vectors (x, z): along the way, or to what is looked at, or as before."""
        wanted = np.zeros_like(velocity)
        last = np.array((0.0, 1.0))
        for step, time in enumerate(times):
            look = next((each for each in self._role.looks if each[0] <= time < each[1]), None)
            if look is not None:
                last = np.array(look[2:]) - self._way[step]
            elif np.hypot(*velocity[step]) > 0.25:
                last = velocity[step]
            wanted[step] = last / np.hypot(*last)
        ahead = _smooth(wanted, 0.14)
        return np.asarray(ahead / np.linalg.norm(ahead, axis=1, keepdims=True))

    def _reach(self, places: np.ndarray, seconds: float) -> None:
        for reach in self._role.reaches:
            part = (seconds - reach.start) / reach.seconds
            if not 0 < part < 1:
                continue
            share = float(np.sin(np.pi * part) ** 2)
            lean = about(np.array((1.0, 0.0, 0.0)), np.array(reach.lean * share))
            self._turn(places, "Abdomen", lean)
            for side in "LR":
                for bone, child in (("UpperArm", "LowerArm"), ("LowerArm", "Palm")):
                    self._aim(places, f"{bone}.{side}", f"{child}.{side}", share * reach.arms)

    def _aim(self, places: np.ndarray, bone: str, child: str, share: float) -> None:
        """Turn a bone towards what is ahead, a share of the way."""
        start, end = (places[self._character.node(name), :3, 3] for name in (bone, child))
        ahead = np.array((0.0, 0.05, 1.0))
        way = (end - start) / np.linalg.norm(end - start)
        self._turn(places, bone, shortest(way, way * (1 - share) + ahead * share))

    def _turn(self, places: np.ndarray, bone: str, turn: np.ndarray) -> None:
        """Turn a bone and all that hangs on it about where it begins, in place."""
        top = self._character.node(bone)
        move = np.eye(4)
        move[:3, :3] = turn
        move[:3, 3] = places[top, :3, 3] - turn @ places[top, :3, 3]
        for node in range(len(places)):
            above = node
            while above >= 0 and above != top:
                above = self._character.parents[above]
            if above == top:
                places[node] = move @ places[node]


def _stride(character: characters.Character, gait: characters.Action) -> float:
    """How far a cycle goes: what the lower foot goes back, added up."""
    times = np.linspace(0, gait.seconds, 60)
    feet = [character.node("Foot." + side) for side in "LR"]
    tracks = np.array([character.globals(gait.at(time * 0.999))[feet, :3, 3] for time in times])
    back = -np.diff(tracks[:, :, 2], axis=0)
    lower = tracks[1:, :, 1].argmin(axis=1)
    return float(np.maximum(back[np.arange(len(lower)), lower], 0).sum())


def _envelope(since: float, gesture: Gesture) -> float:
    rise = np.clip(since / gesture.fade, 0, 1)
    fall = 1.0 if gesture.stays else np.clip((gesture.seconds - since) / gesture.fade, 0, 1)
    share = float(rise * fall)
    return share * share * (3 - 2 * share)


def _smooth(track: np.ndarray, sigma_s: float) -> np.ndarray:
    reach = np.arange(-3 * sigma_s, 3 * sigma_s + 1e-9, 1 / STEPS)
    kernel = np.exp(-((reach / sigma_s) ** 2) / 2)
    kernel /= kernel.sum()
    edge = len(kernel) // 2
    padded = np.pad(track, ((edge, edge), (0, 0)), mode="edge")
    return np.stack([np.convolve(column, kernel, "valid") for column in padded.T], axis=1)


# The story. -------------------------------------------------------------------------------

MEET_S = 4.0
ROLES = (
    # He comes from the left, meets the other, is pushed, hit twice, and falls.
    Role(
        "Smooth_Male_Casual",
        1.78,
        [(0, -5.6, -9.2), (MEET_S, -0.45, -9.2), (5.4, -0.45, -9.2), (6.1, -1.5, -9.3)]
        + [(6.75, -1.5, -9.3), (7.2, -2.1, -9.35), (7.75, -2.1, -9.35), (8.2, -2.75, -9.4)],
        looks=[(MEET_S - 0.2, 99, 3.0, -9.0)],
        gestures=[Gesture(7.85, 99, "Death", 0.25, 1.1, stays=True)],
        reaches=[Reach(5.3, 1.1, 0.5, -0.45), Reach(6.65, 0.8, 0.3, -0.35)],
    ),
    # He comes from the right, pushes, hits twice, steps back and runs away.
    Role(
        "Smooth_Male_LongSleeve",
        1.84,
        [(0, 5.4, -8.5), (MEET_S, 0.55, -9.1), (5.1, 0.55, -9.1), (5.45, 0.0, -9.15)]
        + [(6.0, -0.1, -9.2), (6.4, -0.65, -9.25), (7.0, -0.65, -9.25), (7.5, -1.3, -9.3)]
        + [(8.2, -1.3, -9.3), (8.9, -0.55, -9.2), (9.6, -0.55, -9.2), (10.0, -0.3, -9.1)]
        + [(14.0, 14.0, -8.4), (15.0, 17.7, -8.2)],
        looks=[(MEET_S - 0.2, 9.5, -3.0, -9.35)],
        gestures=[Gesture(6.2, 0.9, "Punch", 0.2, 1.2), Gesture(7.25, 0.9, "Punch", 0.2, 1.2)],
        reaches=[Reach(4.95, 0.75, 1.0, 0.35)],
        runs_from=9.5,
    ),
    # Passers-by, and two who talk.
    Role("Smooth_Female_Casual", 1.68, [(0, 5.2, -13.4), (10, -7.3, -13.0), (14, -12, -13)]),
    Role("Smooth_Male_Suit", 1.8, [(0, -10.5, -15.2), (14, 7.6, -14.9)]),
    Role(
        "Smooth_Female_Dress",
        1.66,
        [(0, 3.0, -12.4)],
        looks=[(0, 99, 4.2, -11.9)],
        gestures=[Gesture(1.5, 3.4, "Clapping", 0.4)],
    ),
    Role("Smooth_Female_TankTop", 1.7, [(0, 4.2, -12.0)], looks=[(0, 99, 3.0, -12.4)]),
)


def paint(random: np.random.Generator, *colour: float) -> np.ndarray:
    """Painted metal."""
    field = np.array(colour) * (1 + 0.03 * textures.noise(random)[:, :, None])
    return np.asarray(np.clip(field, 0, 255), np.uint8)


def build(renderer: Renderer) -> None:
    """The square and the houses behind it."""
    random = np.random.default_rng(SEED)
    paving, asphalt = textures.paving(random), textures.asphalt(random)
    floor = quad((-90, 0, 9), (180, 0, 0), (0, 0, -26), paving, 2.4)
    renderer.add_surface(floor, casts_shadow=False)
    renderer.add_surface(quad((-90, 0, -17), (180, 0, 0), (0, 0, -60), asphalt, 3.0), False)
    wood, leaves = textures.boards(random), textures.leaves(random)
    parts = [quad((-90, 0, -16.9), (180, 0, 0), (0, 0.12, 0), textures.concrete(random), 2.0)]
    left = -48.0
    houses = [textures.facade(random) for _ in range(4)]
    for number in range(9):
        wide, high = random.uniform(8, 14), random.uniform(7, 11)
        house = houses[number % len(houses)]
        parts.append(quad((left, 0, -23), (wide, 0, 0), (0, high, 0), house, 7.0))
        left += wide
    for x in (-8.6, 7.4, 19.0):
        parts += things.tree(x, -15.4, 2.8, 1.5, wood, leaves)
    cars = ((-2.6, 0.03, (150, 40, 36)), (4.2, -0.02, (165, 166, 170)), (12.5, 0.0, (44, 62, 96)))
    for x, turn, colour in cars:
        parts += things.car(x, -19.2, turn, 0.62, paint(random, *colour))
    metal = paint(random, 92, 98, 98)
    parts += [things.post(x, -15.9, 5.2, metal) for x in (-5.2, 1.4, 14.5)]
    parts.append(box((5.7, 0, -13.6), (0.5, 0.85, 0.5), 0.2, paint(random, 60, 84, 64), 1.0))
    parts.append(box((-3.9, 0, -14.2), (1.8, 0.45, 0.5), 0.05, wood, 1.0))
    for surface in grouped(parts):
        renderer.add_surface(surface)
    renderer.set_backdrop(drawn("landscape", SEED))


# The clip. --------------------------------------------------------------------------------


class Camera(NamedTuple):
    """Where a camera stands, and where it looks from one time to the other (yaw, to the right)."""

    x: float
    view: viewpoint.Viewpoint
    yaws: Tuple[float, float]
    times: Tuple[float, float]
    name: str


CAMERAS = (
    Camera(-0.3, viewpoint.Viewpoint(3.3, 0.5, 0.205), (0.0, 0.0), (0.0, 1.0), "CAM 1"),
    Camera(5.0, viewpoint.Viewpoint(2.9, 0.55, 0.2), (-0.68, 0.66), (10.0, 13.8), "CAM 2"),
)


def view(camera: Camera, seconds: float) -> Tuple[np.ndarray, np.ndarray]:
    """From metres to the picture, and from the picture to the backdrop."""
    share = np.clip((seconds - camera.times[0]) / (camera.times[1] - camera.times[0]), 0, 1)
    # It starts and stops gently.
    share = share + 0.12 * np.sin(2 * np.pi * share) / -np.pi
    yaw = camera.yaws[0] + (camera.yaws[1] - camera.yaws[0]) * share
    look = viewpoint.Look(viewpoint.axes(yaw, camera.view.pitch), camera.view.fov)
    aspect = WIDTH / HEIGHT
    place = np.eye(4)
    place[0, 3] = -camera.x
    behind = viewpoint.backdrop(look, camera.view, aspect, 0.52)
    return viewpoint.matrix(look, camera.view.height, aspect) @ place, behind


def picture(renderer: Renderer, actors: List[Actor], seconds: float) -> np.ndarray:
    """What the camera sees while its shutter is open: RGB float (HEIGHT, WIDTH, 3)."""
    camera = CAMERAS[int(seconds >= CUT_S - 1e-6)]
    seen: Optional[np.ndarray] = None
    for share in np.linspace(-0.5, 0.5, EXPOSURES):
        time = max(seconds + share * SHUTTER / RATE, 0.0)
        people = [actor.person(time) for actor in actors]
        middle = 0.0 if seconds < CUT_S else 3.3 * (time - CUT_S)
        light = LIGHT._replace(centre=(middle, 0.5, -11.0))
        each = renderer.picture(*view(camera, time), light, people).astype(np.float32)
        seen = each if seen is None else seen + each
    return seen / EXPOSURES


def pictures(folder: Path):
    """RGB uint8 pictures in display order."""
    count = int(END_S * RATE)
    plain = sensor.Sensor(1.0, 1.0, 0.02, False, "steady", 0.0, 0.55, 1.1, 0.12, "", 0)
    exposure = sensor.Exposure(plain, SEED, count, WIDTH, HEIGHT)
    with rendering(WIDTH, HEIGHT) as renderer:
        build(renderer)
        actors = [Actor(folder, role, renderer) for role in ROLES]
        for index in range(count):
            seconds = index / RATE
            finished = exposure(picture(renderer, actors, seconds))
            name = CAMERAS[int(seconds >= CUT_S - 1e-6)].name
            for colour, thick in (((20, 20, 20), 3), ((235, 235, 235), 1)):
                cv2.putText(
                    finished,
                    name,
                    (12, 24),
                    cv2.FONT_HERSHEY_SIMPLEX,
                    0.5,
                    colour,
                    thick,
                    cv2.LINE_AA,
                )
            yield finished


def write(folder: Path, path: Path) -> None:
    with av.open(str(path), "w", options={"movflags": "faststart"}) as container:
        stream = container.add_stream("libx264", rate=RATE, options=ENCODER)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.codec_context.time_base = Fraction(1, RATE)
        for index, each in enumerate(pictures(folder)):
            frame = av.VideoFrame.from_ndarray(each, format="rgb24")
            frame.pts = index
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


if __name__ == "__main__":
    if not 2 <= len(sys.argv) <= 3:
        sys.exit(__doc__)
    default = Path(__file__).resolve().parent / "street.mp4"
    write(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else default)
