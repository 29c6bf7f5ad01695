"""Random macroblocks of one slice without residual: every partition and pair of lists, skip, direct, I_PCM."""

import numpy as np

from streamwriter.bits import I_SLICE, P_SLICE
from streamwriter.h264.macroblock_syntax import PCM

# Table 7-14: mb_type 4 to 21 of B macroblocks, two by two (16x8, 8x16): lists of the halves.
_HALVES = (
    ("0", "0"),
    ("1", "1"),
    ("0", "1"),
    ("1", "0"),
    ("0", "01"),
    ("1", "01"),
    ("01", "0"),
    ("01", "1"),
    ("01", "01"),
)
# Tables 7-17 and 7-18: sub_mb_type: lists and size of the vectors' blocks. Number 0 of B is direct.
_P_SUB = (("0", (2, 2)), ("0", (2, 1)), ("0", (1, 2)), ("0", (1, 1)))
_B_SUB = (
    ("", (2, 2)),
    ("0", (2, 2)),
    ("1", (2, 2)),
    ("01", (2, 2)),
    ("0", (2, 1)),
    ("0", (1, 2)),
    ("1", (2, 1)),
)
_B_SUB += (
    ("1", (1, 2)),
    ("01", (2, 1)),
    ("01", (1, 2)),
    ("0", (1, 1)),
    ("1", (1, 1)),
    ("01", (1, 1)),
)
_HALF_BLOCKS = (((0, 0, 4, 2), (0, 2, 4, 2)), ((0, 0, 2, 4), (2, 0, 2, 4)))
_QUARTERS = ((0, 0, 2, 2), (2, 0, 2, 2), (0, 2, 2, 2), (2, 2, 2, 2))


class Macroblocks:
    """slice_data() (7.3.4). lists: the frames of each list in use; syntax: a Cavlc or Cabac."""

    def __init__(self, random, syntax, slice_type, lists):
        self._random, self._syntax, self._type, self._lists = random, syntax, slice_type, lists
        self._indexes = [[k for k, frame in enumerate(frames) if frame.exists] for frames in lists]
        self._may_skip = all(frames[0].exists for frames in lists)

    def write(self, first, end):
        """Macroblocks from address `first` up to but not including `end`."""
        for address in range(first, end):
            kind = self._random.rand()
            if self._type == I_SLICE:
                self._pcm(address)
            elif kind < 0.3 and self._may_skip:
                self._syntax.skip(address)
            elif kind < 0.42:
                self._pcm(address)
            elif self._type == P_SLICE:
                self._p(address)
            else:
                self._b(address)
            self._syntax.done(address == end - 1)

    def _pcm(self, address):
        # Smooth enough that vectors show, rough enough that a wrong one is seen.
        base = self._random.randint(20, 236)
        planes = [base + self._random.randint(-20, 20, size) for size in (256, 64, 64)]
        self._syntax.mb_type(address, PCM[self._type])
        self._syntax.pcm([plane.astype(np.uint8) for plane in planes])

    def _p(self, address):
        kind = int(self._random.randint(0, self._syntax.allowed_p_types if self._may_skip else 4))
        self._syntax.mb_type(address, kind)
        if kind == 0:
            self._partitions([("0", [(0, 0, 4, 4)])])
        elif kind < 3:
            self._partitions([("0", [block]) for block in _HALF_BLOCKS[kind - 1]])
        else:
            self._quarters(_P_SUB, has_ref_idx=kind == 3)

    def _b(self, address):
        kind = int(self._random.choice([0, 1, 2, 3, 22] + list(range(4, 22)) + [22] * 8))
        self._syntax.mb_type(address, kind)
        if kind == 0:
            self._syntax.no_residual()
        elif kind < 4:
            self._partitions([(("0", "1", "01")[kind - 1], [(0, 0, 4, 4)])])
        elif kind < 22:
            half, shape = divmod(kind - 4, 2)
            self._partitions(
                [(lists, [block]) for lists, block in zip(_HALVES[half], _HALF_BLOCKS[shape])]
            )
        else:
            self._quarters(_B_SUB)

    def _quarters(self, table, has_ref_idx=True):
        """Four sub-macroblocks."""
        parts = []
        for block in _QUARTERS:
            value = int(self._random.randint(0, len(table)))
            self._syntax.sub_mb_type(block, value)
            lists, (w, h) = table[value]
            x, y = block[:2]
            parts.append(
                (lists, [(x + dx, y + dy, w, h) for dy in range(0, 2, h) for dx in range(0, 2, w)])
            )
        self._partitions(parts, has_ref_idx)

    def _partitions(self, parts, has_ref_idx=True):
        """ref_idx and mvd of both lists, no residual. parts: (lists, blocks of the vectors) of each."""
        for number, indexes in enumerate(self._indexes):
            largest = len(self._lists[number]) - 1
            for lists, blocks in parts:
                if str(number) in lists and largest and has_ref_idx:
                    whole = blocks[0] if len(blocks) == 1 else blocks[0][:2] + (2, 2)
                    self._syntax.ref_idx(number, whole, int(self._random.choice(indexes)), largest)
        for number in range(len(self._lists)):
            for block in (
                block for lists, blocks in parts if str(number) in lists for block in blocks
            ):
                for component in range(2):
                    reach = 3 if self._random.rand() < 0.7 else 60
                    self._syntax.mvd(
                        number, block, component, int(self._random.randint(-reach, reach + 1))
                    )
        self._syntax.no_residual()
