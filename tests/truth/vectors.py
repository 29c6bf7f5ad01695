"""Second witness: the motion vectors that FFmpeg exports (`flags2=+export_mvs`) against ours.

FFmpeg lists one record per partition (16x16, 16x8, 8x16 or 8x8) and list, with these habits:
- no reference index;
- of an 8x8 partition only the vector of its first 4x4 block;
- zero vectors for a list that a partition does not use when another partition of its macroblock does (B pictures only).
"""

import numpy as np


def compare(picture, frame):
    """Returns how many records were compared, and a list of (x4, y4, what, expected, got) of all that differ.

    Every record must be ours, and every block and list that we call used must be covered by a record.
    """
    motion = picture.motion
    covered = np.zeros(motion.reference.shape, bool)
    wrong, count = [], 0
    records = (
        frame.vectors
        if frame.vectors is not None
        else np.zeros(0, [("w", int), ("h", int), ("source", int)])
    )
    for w, h, source in set(zip(*(records[name].tolist() for name in ("w", "h", "source")))):
        i = 0 if source < 0 else 1
        group = records[(records["w"] == w) & (records["h"] == h) & (records["source"] == source)]
        x4 = (group["dst_x"].astype(int) - w // 2) // 4 - frame.left // 4
        y4 = (group["dst_y"].astype(int) - h // 2) // 4 - frame.top // 4
        vector = np.stack([group["motion_x"], group["motion_y"]], 1)
        shown = np.zeros(len(group), bool)
        for dy in range(h // 4):
            for dx in range(w // 4):
                compare_vector = (w, h) != (8, 8) or (dx, dy) == (0, 0)
                shown |= _compare_blocks(
                    picture, i, x4 + dx, y4 + dy, vector, compare_vector, covered, wrong
                )
        count += int(shown.sum())
    for i, y, x in zip(*np.nonzero((motion.reference != -1) & ~covered)):
        wrong.append((int(x), int(y), f"list {i} vector", "none", motion.mv[i, y, x].tolist()))
    return count, wrong


def _compare_blocks(picture, i, x4, y4, vector, compare_vector, covered, wrong):
    """Compares one 4x4 block of each record with ours and marks it covered. Returns which of them are displayed."""
    motion = picture.motion
    height4, width4 = motion.mode.shape
    shown = (x4 >= 0) & (x4 < width4) & (y4 >= 0) & (y4 < height4)
    x4, y4, vector = x4[shown], y4[shown], vector[shown]
    used, other = motion.reference[i, y4, x4] != -1, motion.reference[1 - i, y4, x4] != -1
    covered[i, y4, x4] = True
    spurious = ~used & other & (vector == 0).all(1) & (picture.kind == "B")
    differs = used & (motion.mv[i, y4, x4] != vector).any(1) & compare_vector
    for n in np.flatnonzero(differs | ~(used | spurious)):
        ours = motion.mv[i, y4[n], x4[n]].tolist() if used[n] else "list not used"
        wrong.append((int(x4[n]), int(y4[n]), f"list {i} vector", vector[n].tolist(), ours))
    return shown
