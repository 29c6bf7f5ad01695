"""Slice groups, arbitrary slice order and redundant slices of Baseline, which FFmpeg cannot decode.

The streams are written by hand, and what must come out is derived here: samples of I_PCM macroblocks, and vectors by
the median rule (8.4.1.3) within slices. The maps follow clause 8.2.2 in a second reading.
"""

import numpy as np
import pytest

from streamwriter.bits import I_SLICE, P_SLICE, Bits, annex_b
from streamwriter.h264 import parameter_sets

WIDTH, HEIGHT = 6, 5
SIZE = WIDTH * HEIGHT
INTER, SKIP, PCM = 1, 2, 3


class Interleaved:
    """Type 0."""

    runs = (3, 1, 5)

    def write(self, bits):
        bits.ue(len(self.runs) - 1).ue(0)
        for run in self.runs:
            bits.ue(run - 1)

    def groups(self, cycle):
        return np.resize(np.repeat(range(len(self.runs)), self.runs), SIZE)


class Dispersed:
    """Type 1."""

    def __init__(self, count):
        self.count = count

    def write(self, bits):
        bits.ue(self.count - 1).ue(1)

    def groups(self, cycle):
        return np.array(
            [(i % WIDTH + (i // WIDTH * self.count) // 2) % self.count for i in range(SIZE)]
        )


class Foreground:
    """Type 2: rectangles, the first on top, and what is left over."""

    boxes = ((7, 14), (8, 27))

    def write(self, bits):
        bits.ue(len(self.boxes)).ue(2)
        for top_left, bottom_right in self.boxes:
            bits.ue(top_left).ue(bottom_right)

    def groups(self, cycle):
        groups = np.full((HEIGHT, WIDTH), len(self.boxes))
        for number in (1, 0):
            (y0, x0), (y1, x1) = (divmod(corner, WIDTH) for corner in self.boxes[number])
            groups[y0 : y1 + 1, x0 : x1 + 1] = number
        return groups.ravel()


class Evolving:
    """Types 3 (box-out), 4 (raster scan) and 5 (wipe): the map grows with slice_group_change_cycle."""

    rate = 4

    def __init__(self, kind, direction):
        self.kind, self.direction = kind, direction

    def write(self, bits):
        bits.ue(1).ue(self.kind).u(1, self.direction).ue(self.rate - 1)

    def groups(self, cycle):
        units = min(cycle * self.rate, SIZE)
        if self.kind == 3:
            return self._box_out(units)
        upper_left = SIZE - units if self.direction else units
        groups = np.where(np.arange(SIZE) < upper_left, self.direction, 1 - self.direction)
        return groups if self.kind == 4 else groups.reshape(WIDTH, HEIGHT).T.ravel()

    def _box_out(self, units):
        """8.2.2.4: a spiral out of the middle."""
        flag = self.direction
        groups = np.ones((HEIGHT, WIDTH), int)
        x, y = (WIDTH - flag) // 2, (HEIGHT - flag) // 2
        left = right = x
        top = bottom = y
        dx, dy = flag - 1, flag
        done = 0
        while done < units:
            done += groups[y, x]
            groups[y, x] = 0
            if dx == -1 and x == left:
                left = max(left - 1, 0)
                x, dx, dy = left, 0, 2 * flag - 1
            elif dx == 1 and x == right:
                right = min(right + 1, WIDTH - 1)
                x, dx, dy = right, 0, 1 - 2 * flag
            elif dy == -1 and y == top:
                top = max(top - 1, 0)
                y, dx, dy = top, 1 - 2 * flag, 0
            elif dy == 1 and y == bottom:
                bottom = min(bottom + 1, HEIGHT - 1)
                y, dx, dy = bottom, 2 * flag - 1, 0
            else:
                x, y = x + dx, y + dy
        return groups.ravel()


class Explicit:
    """Type 6."""

    map = np.random.RandomState(4).randint(0, 5, SIZE)

    def write(self, bits):
        bits.ue(4).ue(6).ue(SIZE - 1)
        for group in self.map:
            bits.u(3, int(group))

    def groups(self, cycle):
        return self.map


MAPS = {
    "0 interleaved": Interleaved(),
    "1 dispersed": Dispersed(4),
    "1 dispersed in 7": Dispersed(7),
    "2 foreground": Foreground(),
    "3 box-out": Evolving(3, 0),
    "3 box-out, other way": Evolving(3, 1),
    "4 raster scan": Evolving(4, 0),
    "4 raster scan, other way": Evolving(4, 1),
    "5 wipe": Evolving(5, 0),
    "5 wipe, other way": Evolving(5, 1),
    "6 explicit": Explicit(),
}


class Author:
    """Writes an I_PCM picture and P pictures, and knows what must come out."""

    def __init__(self, slice_map=None, seed=0, redundant=False, shuffle=False):
        self.random = np.random.RandomState(seed)
        self.map, self.redundant, self.shuffle = slice_map, redundant, shuffle
        self.luma = self.random.randint(0, 256, (16 * HEIGHT, 16 * WIDTH)).astype(np.uint8)
        self.expected = []  # (mode, mv) of each picture, per macroblock

    def write(self, pictures):
        sps = parameter_sets.sequence_parameter_set(
            WIDTH, HEIGHT, profile_idc=66, max_num_ref_frames=1
        )
        pps = parameter_sets.picture_parameter_set(
            slice_groups=self.map.write if self.map else None,
            redundant_pic_cnt_present_flag=int(self.redundant),
        )
        slices = [unit for number in range(pictures) for unit in self._picture(number)]
        return annex_b([sps, pps] + slices)

    def _picture(self, number):
        cycle = number % 9
        groups = self.map.groups(cycle) if self.map else np.zeros(SIZE, int)
        slices = []
        for group in sorted(set(groups.tolist())):
            members = np.flatnonzero(groups == group).tolist()
            cut = int(self.random.randint(0, len(members)))
            slices += [part for part in (members[:cut], members[cut:]) if part]
        mode, mv = np.full(SIZE, PCM), np.zeros((SIZE, 2), int)
        units = []
        for members in slices:
            units.append([self._slice(number, cycle, members, mode, mv, 0)])
            if self.redundant and self.random.rand() < 0.7:
                scratch = mode.copy(), mv.copy()
                units[-1].append(self._slice(number, cycle, members, *scratch, redundant_pic_cnt=1))
        self.expected.append((mode, mv))
        if self.shuffle:
            self.random.shuffle(units)
        return [unit for pair in units for unit in pair]

    def _slice(self, number, cycle, members, mode, mv, redundant_pic_cnt):
        bits = Bits().ue(members[0]).ue(P_SLICE if number else I_SLICE).ue(0).u(5, number % 32)
        if number == 0:
            bits.ue(0)
        bits.u(7, 2 * number % 128)
        if self.redundant:
            bits.ue(redundant_pic_cnt)
        if number:
            bits.u(1, 0).u(
                1, 0
            )  # num_ref_idx_active_override_flag, ref_pic_list_modification_flag_l0
            bits.u(1, 0)  # adaptive_ref_pic_marking_mode_flag
        else:
            bits.u(1, 0).u(1, 0)
        bits.se(0)
        if isinstance(self.map, Evolving):
            bits.u(int(np.ceil(np.log2(SIZE / self.map.rate + 1))), cycle)
        self._macroblocks(bits, number, members, mode, mv)
        return parameter_sets.nal_unit(1, 1 if number else 5, bits)

    def _macroblocks(self, bits, number, members, mode, mv):
        if number == 0:
            for address in members:
                y, x = (16 * place for place in divmod(address, WIDTH))
                chroma = np.full(64, 90 + address, np.uint8)
                bits.ue(25).align()  # I_PCM
                for plane in (self.luma[y : y + 16, x : x + 16], chroma, chroma):
                    bits.raw(plane.tobytes())
            return
        run = 0
        for k, address in enumerate(members):
            predicted, skipped = _prediction(address, members[:k], mv)
            if self.random.rand() < 0.3:
                run += 1
                mode[address], mv[address] = SKIP, skipped
                continue
            mvd = self.random.randint(-9, 10, 2)
            bits.ue(run).ue(0).se(int(mvd[0])).se(int(mvd[1])).ue(0)
            mode[address], mv[address] = INTER, predicted + mvd
            run = 0
        if run:
            bits.ue(run)


def _prediction(address, done, mv):
    """Vector prediction of a 16x16 partition, and the vector of P_Skip (8.4.1.1), from what is done of the slice."""
    column = address % WIDTH
    places = {
        "A": (address - 1, column > 0),
        "B": (address - WIDTH, True),
        "C": (address - WIDTH + 1, column < WIDTH - 1),
        "D": (address - WIDTH - 1, column > 0),
    }
    near = {name: mv[place] for name, (place, inside) in places.items() if inside and place in done}
    a, b, c = near.get("A"), near.get("B"), near.get("C", near.get("D"))
    known = [vector for vector in (a, b, c) if vector is not None]
    if len(known) == 1:
        predicted = known[0]
    else:
        zero = np.zeros(2, int)
        predicted = np.median(
            [zero if vector is None else vector for vector in (a, b, c)], axis=0
        ).astype(int)
    still = a is None or b is None or not a.any() or not b.any()
    return predicted, np.zeros(2, int) if still else predicted


def assert_as_written(folder, author, pictures=8):
    from edge_attp.bitstream import CompressedVideo

    path = folder / "written.264"
    path.write_bytes(author.write(pictures))
    with CompressedVideo(str(path)) as video:
        read = list(video)
    assert len(read) == pictures
    assert np.array_equal(read[0].residual.y, author.luma)
    for picture, (mode, mv) in zip(read, author.expected):
        assert picture.integrity == "ok", (picture, picture.damage)
        assert np.array_equal(picture.motion.mode[::4, ::4], mode.reshape(HEIGHT, WIDTH)), picture
        for y in range(4):
            for x in range(4):
                assert np.array_equal(
                    picture.motion.mv[0, y::4, x::4], mv.reshape(HEIGHT, WIDTH, 2)
                ), picture
    return read


@pytest.mark.parametrize("name", sorted(MAPS))
def test_slice_groups(tmp_path, name):
    for seed in range(3):
        assert_as_written(tmp_path, Author(MAPS[name], seed))


@pytest.mark.parametrize("name", [None] + sorted(MAPS))
def test_slices_in_any_order(tmp_path, name):
    for seed in range(3):
        assert_as_written(tmp_path, Author(MAPS.get(name), seed, shuffle=True))


def test_redundant_slices_are_left_aside(tmp_path):
    for seed in range(3):
        assert_as_written(tmp_path, Author(None, seed, redundant=True))
        assert_as_written(tmp_path, Author(MAPS["6 explicit"], seed, redundant=True))


@pytest.mark.parametrize("lost", [0, 1, 2])
def test_a_lost_slice_of_a_group_is_damage(tmp_path, lost):
    """Its macroblocks are missing, and nothing else is."""
    from edge_attp.bitstream import MODE_MISSING, CompressedVideo

    author = Author(MAPS["1 dispersed"], 5)
    units = author.write(2).split(b"\x00\x00\x00\x01")[1:]
    first = next(k for k, unit in enumerate(units) if unit[0] & 31 == 1)
    path = tmp_path / "lost.264"
    path.write_bytes(
        b"".join(b"\x00\x00\x00\x01" + unit for k, unit in enumerate(units) if k != first + lost)
    )
    with CompressedVideo(str(path)) as video:
        whole, harmed = list(video)
    assert whole.integrity == "ok" and harmed.integrity == "damaged" and harmed.damage
    mode = harmed.motion.mode[::4, ::4].ravel()
    missing = mode == MODE_MISSING
    assert 0 < missing.sum() < SIZE
    assert np.array_equal(mode[~missing], author.expected[1][0][~missing])
