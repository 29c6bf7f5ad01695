"""part_mode and prediction_unit() of HEVC with random choices (7.3.8.6, 7.3.8.9)."""

from streamwriter.bits import B_SLICE

# In the order of Table 7-10.
PART_2Nx2N, PART_2NxN, PART_Nx2N, PART_NxN, PART_2NxnU, PART_2NxnD, PART_nLx2N, PART_nRx2N = range(
    8
)
PART_NAMES = ("2Nx2N", "2NxN", "Nx2N", "NxN", "2NxnU", "2NxnD", "nLx2N", "nRx2N")
# Widths and heights of the parts in quarters of the coding unit.
_SIZES = {
    PART_2Nx2N: ((4, 4),),
    PART_2NxN: ((4, 2), (4, 2)),
    PART_Nx2N: ((2, 4), (2, 4)),
    PART_NxN: ((2, 2),) * 4,
    PART_2NxnU: ((4, 1), (4, 3)),
    PART_2NxnD: ((4, 3), (4, 1)),
    PART_nLx2N: ((1, 4), (3, 4)),
    PART_nRx2N: ((3, 4), (1, 4)),
}


def write_inter_part_mode(state, log2_size):
    """Chooses and writes part_mode of an inter coding unit (Table 9-43)."""
    smallest = log2_size == state.layout.min_cb_log2
    has_amp = state.sps.amp_enabled_flag and not smallest
    choices = [PART_2Nx2N, PART_2NxN, PART_Nx2N]
    choices += [PART_NxN] if smallest and log2_size > 3 else []
    choices += [PART_2NxnU, PART_2NxnD, PART_nLx2N, PART_nRx2N] if has_amp else []
    part_mode = int(state.random.choice(choices))
    flag = state.encoder.flag
    if flag("part_mode", part_mode == PART_2Nx2N):
        return part_mode
    is_flat = part_mode in (PART_2NxN, PART_2NxnU, PART_2NxnD)
    flag("part_mode", is_flat, 1)
    if has_amp:
        if not flag("part_mode", part_mode in (PART_2NxN, PART_Nx2N), 3):
            state.encoder.bypass(int(part_mode in (PART_2NxnD, PART_nRx2N)))
    elif smallest and log2_size > 3 and not is_flat:
        flag("part_mode", part_mode == PART_Nx2N, 2)
    return part_mode


class PredictionUnits:
    """Writes motion. state: a coding_tree.State."""

    def __init__(self, state):
        self._state = state

    def write_parts(self, log2_size, ct_depth, part_mode):
        """All parts of a coding unit. Returns merge_flag of the first."""
        flags = [
            self._write((width << log2_size) // 4, (height << log2_size) // 4, ct_depth)
            for width, height in _SIZES[part_mode]
        ]
        return flags[0]

    def write_merge_idx(self):
        largest = self._state.slice.max_num_merge_cand - 1
        if largest:
            index = int(self._state.random.randint(0, largest + 1))
            self._state.encoder.truncated_unary(index, largest, "merge_idx", 1)

    def _write(self, width, height, ct_depth):
        state = self._state
        if state.coin("merge_flag", state.style.merge):
            self.write_merge_idx()
            return True
        lists = self._write_inter_pred_idc(width, height, ct_depth)
        for number in lists:
            largest = state.slice.num_ref_idx[number] - 1
            if largest:
                index = int(state.random.randint(0, largest + 1))
                state.encoder.truncated_unary(index, largest, "ref_idx", 2)
            if number == 1 and len(lists) == 2 and state.slice.mvd_l1_zero_flag:
                state.written["MvdL1 is zero"] += 1
            else:
                self._write_mvd()
            state.coin("mvp_flag", 0.5)
        return False

    def _write_inter_pred_idc(self, width, height, ct_depth):
        """Returns the lists in use."""
        state = self._state
        if state.slice.slice_type != B_SLICE:
            return (0,)
        if width + height == 12:
            state.written["8x4 or 4x8 in B"] += 1
        elif state.coin("inter_pred_idc", 0.5, ct_depth):
            return (0, 1)
        return (1,) if state.coin("inter_pred_idc", 0.5, 4) else (0,)

    def _write_mvd(self):
        """7.3.8.9."""
        state = self._state
        tops = state.random.choice([1, 8, 60, 400, 1 << 15], 2, p=[0.2, 0.4, 0.3, 0.09, 0.01])
        values = [int(state.random.randint(-top, top)) for top in tops]
        sizes = [abs(value) for value in values]
        flag = state.encoder.flag
        for size in sizes:
            flag("abs_mvd_greater0_flag", size > 0)
        for size in sizes:
            if size:
                flag("abs_mvd_greater1_flag", size > 1)
        for value, size in zip(values, sizes):
            if size > 1:
                state.encoder.exp_golomb(size - 2, 1)
            if size:
                state.encoder.bypass(int(value < 0))
