"""Captured motion for the tests, computed instead of captured; and a body that needs no package."""

import csv

import numpy as np

from edge_attp_export.synth.bodies.anatomy import BONE, BONES, PARENTS, Body, Skin
from edge_attp_export.synth.bodies.captures import AT, JOINTS

RATE = 60.0
THIGH, SHIN, UPPER, FORE = 0.45, 0.43, 0.28, 0.26


def reach(start, swing, length, aside=0.0):
    """From a point down, swung ahead by an angle: (frames, 3). A body looks along +z."""
    way = np.stack(
        [np.full_like(swing, aside), -np.cos(swing) * np.cos(aside), np.sin(swing) * np.cos(aside)],
        axis=1,
    )
    return start + length * way


def walker(frames=180, speed=1.3, lift=0.0, arm=0.5, phase=0.0, rate=RATE):
    """Joints of someone who walks along +z, float (frames, joints, 3) metres; lift: of two jumps a second."""
    time = np.arange(frames) / rate
    turn = 2 * np.pi * time / 1.1 + phase
    joints = np.zeros((frames, len(JOINTS), 3))
    hips = np.stack(
        [0 * time, 0.92 + lift * np.abs(np.sin(2 * np.pi * time)), speed * time], axis=1
    )
    joints[:, AT["spine"]] = hips + (0, 0.2, 0)
    joints[:, AT["neck"]] = hips + (0, 0.52, 0)
    joints[:, AT["head"]] = hips + (0, 0.74, 0.02)
    for side, sign in (("L", 1), ("R", -1)):
        swing, bend = 0.45 * sign * np.sin(turn), 0.35 + 0.3 * sign * np.cos(turn)
        hip = hips + (0.1 * sign, 0, 0)
        knee = reach(hip, swing, THIGH)
        ankle = reach(knee, swing - bend, SHIN)
        shoulder = hips + (0.2 * sign, 0.48, 0)
        elbow = reach(shoulder, -arm * sign * np.sin(turn), UPPER)
        wrist = reach(elbow, -arm * sign * np.sin(turn) + 0.6, FORE)
        for name, place in (("hip", hip), ("knee", knee), ("ankle", ankle)):
            joints[:, AT[name + side]] = place
        joints[:, AT["toe" + side]] = ankle + (0, -0.06, 0.15)
        for name, place in (("sh", shoulder), ("el", elbow), ("wr", wrist)):
            joints[:, AT[name + side]] = place
        joints[:, AT["fin" + side]] = reach(wrist, -arm * sign * np.sin(turn) + 0.6, 0.12)
    return joints


def write_set(folder, clips):
    """Write a set. clips: (name, label, subject, joints) or with a flag as fifth."""
    folder.mkdir(parents=True)
    whole = np.concatenate([clip[3] for clip in clips])
    counts = np.rint(whole * 2000).astype(np.int64)
    delta = np.diff(counts, axis=0, prepend=np.zeros((1, *counts.shape[1:]), np.int64))
    np.savez(folder / "joints.npz", joints=np.array(JOINTS), delta=delta.astype(np.int16))
    start = 0
    with (folder / "clips.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["name", "label", "subject", "detail", "start", "frames", "fps", "flag"])
        for name, label, subject, joints, *flag in clips:
            row = [name, label, subject, "", start, len(joints), RATE, *(flag or [""])]
            writer.writerow(row)
            start += len(joints)


def small_set(folder):
    """Write a set of five performers and three labels, with some that only one does."""
    clips = []
    for number, subject in enumerate(("a", "b", "c", "d", "e")):
        phase = 0.7 * number
        clips.append((f"{subject}_walk", "walk", subject, walker(phase=phase)))
        clips.append((f"{subject}_run", "jog", subject, walker(speed=3.0, arm=1.0, phase=phase)))
        clips.append((f"{subject}_hop", "hop", subject, walker(70, 0.4, 0.25, phase=phase)))
    clips.append(("d_dance", "dance", "d", walker(120, 0.1, 0.0, 1.3)))
    clips.append(("x_walk", "walk", "", walker(speed=1.0, phase=4.5)))
    write_set(folder, clips)
    return folder


def body(height=1.7):
    """A body of a bone's ends and four corners around each bone, and its skin."""
    heads = _rest() * height / 1.7
    vertices, bones, faces = [], [], []
    for bone, place in BONE.items():
        child = next((name for name, parent in PARENTS.items() if parent == bone), None)
        start = heads[place]
        end = (
            heads[BONE[child]]
            if child
            else start + np.array((0, 0.12 if bone == "head" else 0, 0.08))
        )
        first = len(vertices)
        for corner in ((-0.05, 0, -0.05), (0.05, 0, -0.05), (0.05, 0, 0.05), (-0.05, 0, 0.05)):
            vertices += [start + corner, end + corner]
            bones += [[place, 0, 0, 0]] * 2
        for side in range(4):
            a, b = first + 2 * side, first + 2 * ((side + 1) % 4)
            faces += [[a, b, b + 1], [a, b + 1, a + 1]]
    vertices = np.array(vertices, np.float32)
    vertices[:, 1] = np.maximum(vertices[:, 1], 0)
    weights = np.tile(np.array([1, 0, 0, 0], np.float32), (len(vertices), 1))
    skin = Skin(np.array(faces, np.int32), np.array(bones, np.uint8), weights)
    hands = heads[[BONE["handL"], BONE["handR"]]] + np.array(
        [[0.05, -0.08, 0.02], [-0.05, -0.08, 0.02]]
    )
    return Body(vertices, heads.astype(np.float32), hands.astype(np.float32)), skin


def write_bodies(path, heights=(1.6, 1.7, 1.8)):
    """Write such bodies as the file that a set keeps."""
    made = [body(height) for height in heights]
    skin = made[0][1]
    columns = {name: np.stack([getattr(b, name) for b, _ in made]) for name in Body._fields}
    np.savez(path, faces=skin.faces, bones=skin.bones, weights=skin.weights, **columns)


def _rest():
    """Where the bones of a body of 1.7 m begin, arms half raised: (bones, 3)."""
    at = {
        "pelvis": (0, 0.95, 0),
        "spine1": (0, 1.02, 0),
        "spine2": (0, 1.12, 0),
        "spine3": (0, 1.22, 0),
        "neck": (0, 1.44, 0),
        "head": (0, 1.54, 0.02),
    }
    for side, sign in (("L", 1), ("R", -1)):
        at["clavicle" + side] = (0.03 * sign, 1.4, 0)
        at["upperarm" + side] = (0.18 * sign, 1.4, 0)
        at["forearm" + side] = (0.36 * sign, 1.2, 0)
        at["hand" + side] = (0.5 * sign, 1.06, 0.12)
        at["thigh" + side] = (0.1 * sign, 0.9, 0)
        at["shin" + side] = (0.11 * sign, 0.48, 0.01)
        at["foot" + side] = (0.12 * sign, 0.08, 0)
        at["toes" + side] = (0.12 * sign, 0.02, 0.14)
    return np.array([at[bone] for bone in BONES])
