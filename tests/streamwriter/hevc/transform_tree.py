"""transform_tree() and transform_unit() of HEVC with random choices (7.3.8.8 to 7.3.8.14)."""

from streamwriter.hevc.residual import DIAGONAL, HORIZONTAL, VERTICAL, ResidualCoding, random_levels


class TransformTree:
    """Writes the residual of coding units. state: a coding_tree.State."""

    def __init__(self, state):
        self._state = state

    def begin_quantization_group(self):
        self._qp_delta_coded = False

    def begin_chroma_quantization_group(self):
        self._chroma_qp_offset_coded = False

    def write(self, cu):
        """The tree of a coding_tree.CodingUnit whose rqt_root_cbf is 1."""
        sps = self._state.sps
        self._cu = cu
        if cu.is_intra:
            self._most_depth = sps.max_transform_hierarchy_depth_intra + int(cu.is_intra_split)
        else:
            self._most_depth = sps.max_transform_hierarchy_depth_inter
        self._tree(cu.log2_size, 0, 0, 0, (True, True))

    def _tree(self, log2_size, depth, blk_idx, part, parent_cbf):
        """part: which of the four luma modes of an intra NxN unit applies; parent_cbf: cbf_cb and cbf_cr."""
        state, cu = self._state, self._cu
        is_split = self._split(log2_size, depth)
        if log2_size > 2 and state.layout.has_chroma:
            cbf = tuple(
                parent and state.coin("cbf_chroma", state.style.cbf, depth) for parent in parent_cbf
            )
        else:
            cbf = parent_cbf if state.layout.has_chroma else (False, False)
        if is_split:
            for k in range(4):
                inner = k if depth == 0 and cu.is_intra_split else part
                self._tree(log2_size - 1, depth + 1, k, inner, cbf)
            return
        if cu.is_intra or depth or any(cbf):
            luma = state.coin("cbf_luma", state.style.cbf, int(depth == 0))
        else:
            luma = True
        self._unit(log2_size, blk_idx, part, luma, cbf)

    def _split(self, log2_size, depth):
        state, cu = self._state, self._cu
        layout = state.layout
        forced = cu.is_intra_split and depth == 0
        if (
            layout.min_tb_log2 < log2_size <= layout.max_tb_log2
            and depth < self._most_depth
            and not forced
        ):
            return state.coin("split_transform_flag", state.style.transform_split, 5 - log2_size)
        inter_split = (
            state.sps.max_transform_hierarchy_depth_inter == 0
            and not cu.is_intra
            and cu.part_mode != 0
            and depth == 0
        )
        state.written["interSplitFlag"] += inter_split and log2_size <= layout.max_tb_log2
        return forced or inter_split or log2_size > layout.max_tb_log2

    def _unit(self, log2_size, blk_idx, part, luma, cbf):
        if not (luma or any(cbf)):
            return
        self._write_qp_delta()
        if any(cbf):
            self._write_chroma_qp_offset()
        cu = self._cu
        if luma:
            self._residual(log2_size, 0, cu.luma_modes[part])
        if log2_size == 2:
            if blk_idx != 3:
                return
            log2_size = 3
        for c_idx in (1, 2):
            if cbf[c_idx - 1]:
                self._residual(log2_size - 1, c_idx, cu.chroma_mode)

    def _residual(self, log2_size, c_idx, mode):
        state, cu = self._state, self._cu
        if state.pps.transform_skip_enabled_flag and not cu.is_bypass and log2_size == 2:
            if state.coin("transform_skip_flag", 0.5, int(c_idx > 0)):
                state.written["transform_skip"] += 1
        hides = state.pps.sign_data_hiding_enabled_flag and not cu.is_bypass
        levels = random_levels(state.random, log2_size, state.style.largest_level)
        scan_idx = _scan_idx(mode, log2_size, c_idx) if cu.is_intra else DIAGONAL
        state.written[f"scanIdx {scan_idx}"] += 1
        state.written[f"transform block {1 << log2_size}"] += 1
        ResidualCoding(state.encoder, log2_size, c_idx, scan_idx, hides, state.written).write(
            levels
        )

    def _write_qp_delta(self):
        state = self._state
        if not state.pps.cu_qp_delta_enabled_flag or self._qp_delta_coded:
            return
        self._qp_delta_coded = True
        value = state.choose_qp_delta()
        size = abs(value)
        for k in range(min(size + 1, 5)):
            state.encoder.flag("cu_qp_delta_abs", k < size, int(k > 0))
        if size >= 5:
            state.encoder.exp_golomb(size - 5, 0)
        if size:
            state.encoder.bypass(int(value < 0))

    def _write_chroma_qp_offset(self):
        state = self._state
        enabled = state.slice.cu_chroma_qp_offset_enabled_flag and not self._cu.is_bypass
        if not enabled or self._chroma_qp_offset_coded:
            return
        self._chroma_qp_offset_coded = True
        if state.coin("cu_chroma_qp_offset_flag", 0.7):
            state.written["cu_chroma_qp_offset"] += 1
            last = len(state.pps.chroma_qp_offset_list) - 1
            index = int(state.random.rand() * (last + 1))
            for k in range(min(index + 1, last)):
                state.encoder.flag("cu_chroma_qp_offset_idx", k < index)


def _scan_idx(mode, log2_size, c_idx):
    """7.4.9.11, of intra blocks in 4:2:0."""
    if log2_size == 2 or (log2_size == 3 and c_idx == 0):
        if 6 <= mode <= 14:
            return VERTICAL
        if 22 <= mode <= 30:
            return HORIZONTAL
    return DIAGONAL
