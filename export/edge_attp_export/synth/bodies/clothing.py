"""What people wear: colours, sleeves, skirts and bags, as a surface that moves with the body."""

from __future__ import annotations

from typing import List, NamedTuple, Tuple

import numpy as np

from ..attributes import SKINS, Colour, colour
from .anatomy import BONE, PARENTS, Body, Skin
from .meshes import Mesh, normals

SHORT, LONG, CAP, HOOD = HAIR = ("short", "long", "cap", "hood")
_SEGMENTS = 14  # around a skirt
_RINGS = 5

Weave = Tuple[float, float, float, float]


class Outfit(NamedTuple):
    """sleeve, leg: the covered share of arm and leg. loose: metres between cloth and body. hem: of a skirt, as a
    share of the way from waist to ankle; 0 without one."""

    skin: Colour
    hair: Colour
    top: Colour
    bottom: Colour
    shoes: Colour
    head: str
    sleeve: float
    leg: float
    loose: float
    hem: float
    coat: bool  # the skirt has the colour of the top
    backpack: bool
    bag: str  # "", or the hand that carries it: "L" or "R"
    weave: Weave


def _dye(random: np.random.Generator) -> Colour:
    """A colour of cloth: most are dark, grey or brownish."""
    if random.random() < 0.4:
        return colour(random, random.uniform(0.4, 1.0))
    level = random.uniform(18, 90) if random.random() < 0.65 else random.uniform(90, 225)
    red, green, blue = np.clip(level * random.normal(1.0, 0.09, 3), 10, 240)
    return float(red), float(green), float(blue)


def draw(random: np.random.Generator) -> Outfit:
    """Draw what someone wears."""
    chance, uniform = random.random, random.uniform
    skirted = chance() < 0.18
    head = HAIR[random.choice(4, p=[0.5, 0.25, 0.15, 0.1])]
    striped = chance() < 0.25
    return Outfit(
        skin=SKINS[random.integers(len(SKINS))],
        hair=colour(random, uniform(0.15, 0.5)),
        top=_dye(random),
        bottom=_dye(random),
        shoes=_dye(random),
        head=head,
        sleeve=float(random.choice([0.35, 0.5, 1.0], p=[0.2, 0.25, 0.55])),
        leg=float(random.choice([0.45, 0.7, 1.0], p=[0.15, 0.1, 0.75])),
        loose=uniform(0.004, 0.028),
        hem=uniform(0.25, 0.75) if skirted else 0.0,
        coat=bool(chance() < 0.6),
        backpack=bool(chance() < 0.12),
        bag=("L", "R")[random.integers(2)] if chance() < 0.1 else "",
        weave=(
            uniform(40, 160) if striped and chance() < 0.6 else 0.0,
            uniform(40, 120) if striped and chance() < 0.6 else 0.0,
            uniform(0.05, 0.25),
            uniform(0.02, 0.14),
        ),
    )


def dressed(body: Body, skin: Skin, outfit: Outfit) -> Mesh:
    """Return the body's surface in these clothes."""
    owner = skin.bones[np.arange(len(body.vertices)), skin.weights.argmax(axis=1)]
    plain = normals(body.vertices, skin.faces)
    paint = np.empty((len(body.vertices), 3), np.float32)
    paint[:] = outfit.skin
    swell = np.zeros(len(body.vertices), np.float32)
    for covered, shade, thick in _garments(body, owner, outfit):
        paint[covered], swell[covered] = shade, thick
    vertices = body.vertices + plain * swell[:, None]
    mesh = Mesh(vertices, plain, skin.bones, skin.weights, paint / 255, skin.faces)
    for part in _extras(body, outfit):
        mesh = _with(mesh, part)
    return mesh._replace(normals=normals(mesh.vertices, mesh.faces))


# The body. --------------------------------------------------------------------------------


def _garments(
    body: Body, owner: np.ndarray, outfit: Outfit
) -> List[Tuple[np.ndarray, Colour, float]]:
    """What covers which vertices, its colour and thickness in metres; later ones lie over earlier ones."""
    share = _along(body, owner)
    upper = np.isin(owner, [BONE[b] for b in ("upperarmL", "upperarmR")])
    fore = np.isin(owner, [BONE[b] for b in ("forearmL", "forearmR")])
    thigh = np.isin(owner, [BONE[b] for b in ("thighL", "thighR")])
    shin = np.isin(owner, [BONE[b] for b in ("shinL", "shinR")])
    trunk = ["spine1", "spine2", "spine3", "clavicleL", "clavicleR"]
    torso = np.isin(owner, [BONE[b] for b in trunk])
    feet = np.isin(owner, [BONE[b + s] for b in ("foot", "toes") for s in "LR"])
    arm = np.where(upper, share / 2, np.where(fore, 0.5 + share / 2, 2.0))
    leg = np.where(thigh, share / 2, np.where(shin, 0.5 + share / 2, 2.0))
    return [
        (leg <= outfit.leg, outfit.bottom, outfit.loose * 0.8 + 0.003),
        (owner == BONE["pelvis"], outfit.bottom, outfit.loose * 0.6 + 0.003),
        (feet, outfit.shoes, 0.012),
        (torso | (arm <= outfit.sleeve), outfit.top, outfit.loose + 0.004),
        (_hair(body, owner, outfit), *_headgear(outfit)),
    ]


def _headgear(outfit: Outfit) -> Tuple[Colour, float]:
    if outfit.head == HOOD:
        return outfit.top, 0.03
    return (outfit.bottom, 0.03) if outfit.head == CAP else (outfit.hair, 0.02)


def _hair(body: Body, owner: np.ndarray, outfit: Outfit) -> np.ndarray:
    """The vertices under hair, cap or hood."""
    head = owner == BONE["head"]
    x, y, z = body.vertices.T
    low, high = y[head].min(), y[head].max()
    front, back = z[head].max(), z[head].min()
    up, ahead = (y - low) / (high - low), (z - back) / (front - back)
    crown = head & (up > 0.72)
    rear = head & (ahead < 0.5) & (up > (0.0 if outfit.head in (LONG, HOOD) else 0.35))
    if outfit.head == CAP:
        return np.asarray(crown)
    nape = (owner == BONE["neck"]) & (ahead < 0.45)
    return np.asarray(crown | rear | (nape if outfit.head in (LONG, HOOD) else False))


def _along(body: Body, owner: np.ndarray) -> np.ndarray:
    """How far along its bone each vertex is, 0 to 1."""
    ends = {parent: bone for bone, parent in PARENTS.items()}
    share = np.zeros(len(owner))
    for bone, place in BONE.items():
        if bone in ends:
            start, end = body.heads[place], body.heads[BONE[ends[bone]]]
            way = end - start
            mine = owner == place
            share[mine] = (body.vertices[mine] - start) @ way / max(float(way @ way), 1e-9)
    return np.clip(share, 0.0, 1.0)


# What is added. ---------------------------------------------------------------------------


def _extras(body: Body, outfit: Outfit) -> List[Mesh]:
    parts = []
    if outfit.hem:
        parts.append(_skirt(body, outfit))
    if outfit.backpack:
        chest = body.heads[BONE["spine3"]]
        parts.append(_block(chest + (0, 0.06, -0.21), (0.3, 0.42, 0.18), "spine3", outfit.shoes))
    if outfit.bag:
        hand = body.hands["LR".index(outfit.bag)]
        size = (0.1, 0.3, 0.34)
        parts.append(_block(hand + (0, -0.2, 0), size, "hand" + outfit.bag, outfit.hair))
    return parts


def _skirt(body: Body, outfit: Outfit) -> Mesh:
    """A cone from the waist; further down it goes with the legs."""
    waist, ankle = body.heads[BONE["spine1"], 1], body.heads[BONE["footL"], 1]
    near = np.abs(body.vertices[:, 1] - body.heads[BONE["thighL"], 1]) < 0.05
    near &= np.abs(body.vertices[:, 0]) < 0.3
    wide, deep = (np.ptp(body.vertices[near, axis]) / 2 + 0.03 for axis in (0, 2))
    middle = (body.vertices[near, 2].max() + body.vertices[near, 2].min()) / 2
    turn = np.arange(_SEGMENTS) * 2 * np.pi / _SEGMENTS
    vertices, bones, weights = [], [], []
    for ring in range(_RINGS):
        share = ring / (_RINGS - 1)
        size = 0.82 + 0.3 * min(share * 2, 1.0) + 0.25 * share
        y = waist - (waist - ankle) * outfit.hem * share
        x, z = wide * size * np.cos(turn), middle + deep * size * np.sin(turn)
        vertices.append(np.stack([x, np.full_like(x, y), z], axis=1))
        legs = 0.75 * np.clip(share * 1.4 - 0.2, 0, 1)
        left = np.clip(0.5 + 0.9 * np.cos(turn), 0, 1)
        names = [BONE["pelvis"], BONE["thighL"], BONE["thighR"], 0]
        bones.append(np.tile(names, (_SEGMENTS, 1)))
        zero = np.zeros_like(left)
        weights.append(np.stack([zero + 1 - legs, legs * left, legs * (1 - left), zero], axis=1))
    paint = outfit.top if outfit.coat else outfit.bottom
    return _mesh(
        np.concatenate(vertices), np.concatenate(bones), np.concatenate(weights), _tube(), paint
    )


def _tube() -> np.ndarray:
    faces = []
    for ring in range(_RINGS - 1):
        for i in range(_SEGMENTS):
            a, b = ring * _SEGMENTS + i, ring * _SEGMENTS + (i + 1) % _SEGMENTS
            faces += [[a, b, b + _SEGMENTS], [a, b + _SEGMENTS, a + _SEGMENTS]]
    return np.array(faces, np.int32)


def _block(centre: np.ndarray, size: Tuple[float, float, float], bone: str, paint: Colour) -> Mesh:
    """A box that one bone carries."""
    signs = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)])
    vertices = centre + signs * np.array(size) / 2
    sides = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]
    faces = [[a, b, c] for a, b, c, _ in sides] + [[a, c, d] for a, _, c, d in sides]
    bones = np.tile([BONE[bone], 0, 0, 0], (8, 1))
    weights = np.tile([1.0, 0, 0, 0], (8, 1))
    return _mesh(vertices, bones, weights, np.array(faces, np.int32), paint)


def _mesh(
    vertices: np.ndarray, bones: np.ndarray, weights: np.ndarray, faces: np.ndarray, paint: Colour
) -> Mesh:
    colours = np.tile(np.array(paint) / 255, (len(vertices), 1))
    solid = np.asarray(vertices, np.float32)
    return Mesh(
        solid,
        np.zeros_like(solid),
        bones.astype(np.uint8),
        weights.astype(np.float32),
        colours.astype(np.float32),
        faces,
    )


def _with(mesh: Mesh, part: Mesh) -> Mesh:
    part = part._replace(faces=part.faces + len(mesh.vertices))
    return Mesh(*(np.concatenate(pair) for pair in zip(mesh, part)))
