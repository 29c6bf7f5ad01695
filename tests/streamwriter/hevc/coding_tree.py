"""coding_tree_unit() of HEVC with random choices: SAO, quadtree, coding units, intra modes, PCM (7.3.8.2 to 7.3.8.7).

It keeps what the syntax depends on and no more: split depths, skip flags and intra modes of neighbours. What the
decoder makes of the syntax (candidates, quantisation parameters, samples) is not modelled here.
"""

from typing import Any, NamedTuple, Tuple

import numpy as np

from streamwriter.bits import I_SLICE
from streamwriter.hevc.prediction_unit import (
    PART_NAMES,
    PART_2Nx2N,
    PART_NxN,
    PredictionUnits,
    write_inter_part_mode,
)
from streamwriter.hevc.transform_tree import TransformTree

PLANAR, DC, HORIZONTAL, VERTICAL = 0, 1, 10, 26


class Style(NamedTuple):
    """How often a picture makes a choice (shares), and its largest coefficient level."""

    split: float = 0.5
    skip: float = 0.25
    intra: float = 0.2
    pcm: float = 0.3
    bypass: float = 0.3
    merge: float = 0.4
    residual: float = 0.6
    cbf: float = 0.5
    transform_split: float = 0.5
    largest_level: int = 40


class CodingUnit(NamedTuple):
    """What the residual syntax of a coding unit depends on. luma_modes: IntraPredModeY of each part; chroma_mode:
    IntraPredModeC."""

    log2_size: int
    is_intra: bool
    is_bypass: bool
    part_mode: int = PART_2Nx2N
    luma_modes: Tuple = (DC,) * 4
    chroma_mode: int = DC

    @property
    def is_intra_split(self):
        return self.is_intra and self.part_mode == PART_NxN


class State:
    """One picture being written.

    slice: header of the current slice; encoder: of the current sub-stream; written: Counter of what occurred.
    """

    def __init__(self, random, sps, pps, layout, style, written):
        self.random, self.sps, self.pps, self.layout, self.style = random, sps, pps, layout, style
        self.written = written
        self.slice: Any = None
        self.encoder: Any = None
        self.slice_address = np.full(layout.ctbs, -1)  # SliceAddrRs by address in raster scan
        shape = (-(-layout.height // 4), -(-layout.width // 4))
        self.ct_depth = np.zeros(shape, int)
        self.is_skipped = np.zeros(shape, bool)
        self.intra_mode = np.full(shape, DC)
        self.qp = 0

    def begin_slice(self, header, qp):
        self.slice, self.qp = header, qp

    def begin_unit(self, address):
        """The coding tree unit at this address in raster scan is next."""
        self.here = address
        self.slice_address[address] = self.slice.slice_address

    def coin(self, name, share, inc=0):
        """Writes a random flag that is 1 with this probability. Returns it as bool."""
        return self.encoder.flag(name, bool(self.random.rand() < share), inc)

    def available(self, x, y):
        """6.4.1, for places to the left or above the current block, which is in the coding tree block self.here."""
        if x < 0 or y < 0 or x >= self.layout.width:
            return False
        address, here = self.layout.at(x, y), self.here
        ts_of, tile = self.layout.ts_of, self.layout.tile
        return (
            self.slice_address[address] == self.slice_address[here]
            and tile[ts_of[address]] == tile[ts_of[here]]
        )

    def choose_qp_delta(self):
        """CuQpDeltaVal that leads near a moderate QP, with or without wrapping around (8-283), or anything allowed."""
        offset = 6 * self.sps.bit_depth_luma_minus8
        low, high = -(26 + offset // 2), 25 + offset // 2
        if self.random.rand() < 0.05:
            value = int(self.random.randint(low, high + 1))
        else:
            value = int(self.random.randint(8, 34)) - self.qp
            wrapped = value - 52 - offset if value > 0 else value + 52 + offset
            if not low <= value <= high or (low <= wrapped <= high and self.random.rand() < 0.5):
                value = wrapped
            value = min(max(value, low), high)
        reached = self.qp + value
        self.written["cu_qp_delta that wraps"] += not -offset <= reached < 52
        self.written["cu_qp_delta below -8"] += value < -8
        self.qp = (reached + 52 + 2 * offset) % (52 + offset) - offset
        return value


class CodingTree:
    """Writes coding tree units of one picture into state.encoder."""

    def __init__(self, state):
        self._state = state
        self._transform = TransformTree(state)
        self._prediction = PredictionUnits(state)
        pps, ctb_log2 = state.pps, state.layout.ctb_log2
        self._group_log2 = ctb_log2 - pps.diff_cu_qp_delta_depth
        self._chroma_group_log2 = ctb_log2 - pps.diff_cu_chroma_qp_offset_depth

    def write(self, address):
        """The coding tree unit at this address in raster scan."""
        state = self._state
        x = (address % state.layout.ctbs_wide) << state.layout.ctb_log2
        y = (address // state.layout.ctbs_wide) << state.layout.ctb_log2
        if state.slice.slice_sao_luma_flag or state.slice.slice_sao_chroma_flag:
            self._sao(x, y)
        self._quadtree(x, y, state.layout.ctb_log2, 0)

    # SAO -----------------------------------------------------------------------------------

    def _sao(self, x, y):
        """7.3.8.3."""
        state = self._state
        for place in ((x - 1, y), (x, y - 1)):
            if state.available(*place) and state.coin("sao_merge_flag", 0.3):
                state.written["SAO merge"] += 1
                return
        if state.slice.slice_sao_luma_flag:
            self._sao_component(self._sao_type(), state.sps.bit_depth_luma_minus8 + 8, True)
        if state.slice.slice_sao_chroma_flag:
            kind = self._sao_type()
            for has_class in (True, False):
                self._sao_component(kind, state.sps.bit_depth_chroma_minus8 + 8, has_class)

    def _sao_type(self):
        state = self._state
        kind = int(state.random.randint(0, 3))
        state.written[f"SaoTypeIdx {kind}"] += 1
        if state.encoder.flag("sao_type_idx", kind > 0):
            state.encoder.bypass(kind - 1)
        return kind

    def _sao_component(self, kind, bit_depth, has_class):
        """Offsets of one colour component. Cr shares the type and class of Cb."""
        if not kind:
            return
        state = self._state
        largest = (1 << (min(bit_depth, 10) - 5)) - 1
        offsets = state.random.randint(0, largest + 1, 4).tolist()
        for offset in offsets:
            state.encoder.truncated_unary(offset, largest)
        if kind == 1:
            for offset in offsets:
                if offset:
                    state.encoder.bypass(int(state.random.randint(0, 2)))
            state.encoder.bypass_bits(5, int(state.random.randint(0, 32)))
        elif has_class:
            state.encoder.bypass_bits(2, int(state.random.randint(0, 4)))

    # Quadtree ------------------------------------------------------------------------------

    def _quadtree(self, x, y, log2_size, depth):
        """7.3.8.4."""
        state = self._state
        layout, size = state.layout, 1 << log2_size
        if (
            x + size <= layout.width
            and y + size <= layout.height
            and log2_size > layout.min_cb_log2
        ):
            beside = (
                state.available(*place) and state.ct_depth[place[1] >> 2, place[0] >> 2] > depth
                for place in ((x - 1, y), (x, y - 1))
            )
            is_split = state.coin("split_cu_flag", state.style.split, sum(map(int, beside)))
        else:
            is_split = log2_size > layout.min_cb_log2
        if state.pps.cu_qp_delta_enabled_flag and log2_size >= self._group_log2:
            self._transform.begin_quantization_group()
        if state.slice.cu_chroma_qp_offset_enabled_flag and log2_size >= self._chroma_group_log2:
            self._transform.begin_chroma_quantization_group()
        if not is_split:
            self._coding_unit(x, y, log2_size, depth)
            return
        half = size // 2
        for inner_x, inner_y in ((x, y), (x + half, y), (x, y + half), (x + half, y + half)):
            if inner_x < layout.width and inner_y < layout.height:
                self._quadtree(inner_x, inner_y, log2_size - 1, depth + 1)

    # Coding unit ---------------------------------------------------------------------------

    def _coding_unit(self, x, y, log2_size, depth):
        """7.3.8.5."""
        state = self._state
        style, is_inter_slice = state.style, state.slice.slice_type != I_SLICE
        part = np.s_[y >> 2 : (y + (1 << log2_size)) >> 2, x >> 2 : (x + (1 << log2_size)) >> 2]
        state.ct_depth[part] = depth
        state.written[f"coding unit {1 << log2_size}"] += 1
        is_bypass = False
        if state.pps.transquant_bypass_enabled_flag:
            is_bypass = state.coin("cu_transquant_bypass_flag", style.bypass)
            state.written["cu_transquant_bypass"] += is_bypass
        if is_inter_slice and self._skip_flag(x, y):
            state.is_skipped[part] = True
            self._prediction.write_merge_idx()
            return
        if not is_inter_slice or state.coin("pred_mode_flag", style.intra):
            self._intra(x, y, log2_size, part, is_bypass)
        else:
            self._inter(log2_size, depth, is_bypass)

    def _skip_flag(self, x, y):
        state = self._state
        beside = (
            state.available(*place) and state.is_skipped[place[1] >> 2, place[0] >> 2]
            for place in ((x - 1, y), (x, y - 1))
        )
        return state.coin("cu_skip_flag", state.style.skip, sum(map(int, beside)))

    def _inter(self, log2_size, depth, is_bypass):
        state = self._state
        part_mode = write_inter_part_mode(state, log2_size)
        state.written["inter " + PART_NAMES[part_mode]] += 1
        is_merged = self._prediction.write_parts(log2_size, depth, part_mode)
        if part_mode == PART_2Nx2N and is_merged:
            has_residual = True
        else:
            has_residual = state.coin("rqt_root_cbf", state.style.residual)
        if has_residual:
            self._transform.write(CodingUnit(log2_size, False, is_bypass, part_mode))

    def _intra(self, x, y, log2_size, part, is_bypass):
        state = self._state
        part_mode = PART_2Nx2N
        if log2_size == state.layout.min_cb_log2 and not state.coin("part_mode", 0.5):
            part_mode = PART_NxN
        if part_mode == PART_2Nx2N and self._may_be_pcm(log2_size):
            is_pcm = bool(state.random.rand() < state.style.pcm)
            state.encoder.terminate(int(is_pcm))
            if is_pcm:
                self._pcm(1 << log2_size)
                return
        modes = self._luma_modes(x, y, log2_size, part_mode)
        chroma_mode = self._chroma_mode(modes[0]) if state.layout.has_chroma else DC
        state.written[f"intra {PART_NAMES[part_mode]}"] += 1
        self._transform.write(CodingUnit(log2_size, True, is_bypass, part_mode, modes, chroma_mode))

    def _may_be_pcm(self, log2_size):
        sps = self._state.sps
        smallest = sps.log2_min_pcm_luma_coding_block_size_minus3 + 3
        largest = smallest + sps.log2_diff_max_min_pcm_luma_coding_block_size
        return sps.pcm_enabled_flag and smallest <= log2_size <= largest

    def _pcm(self, size):
        """pcm_sample() (7.3.8.7): noise round a level, or zeros, which need emulation prevention."""
        state = self._state
        sps, bits = state.sps, state.encoder.bits
        bits.u(1, 1).align()
        counts = (size * size, size * size // 2 if state.layout.has_chroma else 0)
        depths = (
            sps.pcm_sample_bit_depth_luma_minus1 + 1,
            sps.pcm_sample_bit_depth_chroma_minus1 + 1,
        )
        is_black = state.random.rand() < 0.15
        for count, depth in zip(counts, depths):
            top = 1 << depth
            base = int(state.random.randint(top // 4, top - top // 4 + 1))
            noise = state.random.randint(-(top // 16), top // 16 + 1, count)
            for sample in np.clip(base + noise, 0, top - 1).tolist():
                bits.u(depth, 0 if is_black else sample)
        state.encoder.restart()
        state.written[f"pcm {size}"] += 1

    # Intra modes ---------------------------------------------------------------------------

    def _luma_modes(self, x, y, log2_size, part_mode):
        """Writes the luma modes of one or four parts; returns IntraPredModeY of four."""
        state = self._state
        size = 1 << (log2_size - (part_mode == PART_NxN))
        corners = [(x, y)]
        if part_mode == PART_NxN:
            corners += [(x + size, y), (x, y + size), (x + size, y + size)]
        are_probable = [state.coin("prev_intra_luma_pred_flag", 0.5) for _ in corners]
        modes = []
        for (left, top), is_probable in zip(corners, are_probable):
            mode = self._luma_mode(self._probable_modes(left, top), is_probable)
            state.intra_mode[top >> 2 : (top + size) >> 2, left >> 2 : (left + size) >> 2] = mode
            modes.append(mode)
        return tuple(modes) if len(modes) == 4 else tuple(modes) * 4

    def _luma_mode(self, probable, is_probable):
        """8.4.2, from (8-25) on."""
        state = self._state
        if is_probable:
            index = int(state.random.randint(0, 3))
            state.encoder.truncated_unary(index, 2)
            return probable[index]
        mode = int(state.random.randint(0, 32))
        state.encoder.bypass_bits(5, mode)
        for candidate in sorted(probable):
            mode += mode >= candidate
        return mode

    def _probable_modes(self, x, y):
        """candModeList (8.4.2)."""
        left = self._mode_at(x - 1, y)
        above_is_in_ctb = y & ((1 << self._state.layout.ctb_log2) - 1)
        above = self._mode_at(x, y - 1) if above_is_in_ctb else DC
        if left != above:
            third = next(mode for mode in (PLANAR, DC, VERTICAL) if mode not in (left, above))
            return [left, above, third]
        if left < 2:
            return [PLANAR, DC, VERTICAL]
        return [left, 2 + (left + 29) % 32, 2 + (left - 2 + 1) % 32]

    def _mode_at(self, x, y):
        state = self._state
        return int(state.intra_mode[y >> 2, x >> 2]) if state.available(x, y) else DC

    def _chroma_mode(self, luma_mode):
        """Writes intra_chroma_pred_mode; returns IntraPredModeC (Table 8-2)."""
        state = self._state
        choice = int(state.random.randint(0, 5))
        state.written[f"intra_chroma_pred_mode {choice}"] += 1
        if not state.encoder.flag("intra_chroma_pred_mode", choice != 4):
            return luma_mode
        state.encoder.bypass_bits(2, choice)
        mode = (PLANAR, VERTICAL, HORIZONTAL, DC)[choice]
        return 34 if mode == luma_mode else mode
