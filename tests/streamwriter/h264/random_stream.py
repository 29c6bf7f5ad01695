"""Random valid H.264 streams: reference handling that encoders do not use, written without residual.

Reordered lists with repeated entries, long-term references, every MMCO, gaps in frame_num, POC types 0 to 2, slices of
several types and lists in one picture, explicit weights of any sign, direct prediction of both kinds over all of that.
Texture comes from I_PCM macroblocks. FFmpeg decodes these streams and so tells what is right.
"""

import numpy as np

from streamwriter.bits import B_SLICE, I_SLICE, P_SLICE, Bits, annex_b
from streamwriter.h264 import parameter_sets
from streamwriter.h264.macroblock_syntax import Cabac, Cavlc, Neighbourhood
from streamwriter.h264.random_macroblocks import Macroblocks

MAX_FRAME_NUM = 32
MAX_LSB = 128


class Frame:
    """A picture in the model of the decoded picture buffer."""

    def __init__(self, frame_num, poc, exists=True):
        self.frame_num, self.poc, self.exists = frame_num, poc, exists
        self.long_term_frame_idx = None
        self.may_use = set()  # frames that its blocks may refer to
        self.inter_slices = 0
        self.is_temporal = False  # holds vectors of temporal direct prediction
        self.age = 0


class RandomStream:
    """One stream: RandomStream(seed, ...).write(pictures) returns its bytes.

    b_slices, long_term, gaps, poc_type, inference, cabac, bottom (another POC for the bottom field): which tools occur.
    weighting: weighted_pred_flag and weighted_bipred_idc of each picture parameter set; each slice picks one of them.
    """

    def __init__(
        self,
        seed,
        b_slices=True,
        long_term=True,
        gaps=False,
        poc_type=0,
        inference=1,
        weighting=((0, 0),),
        size=(4, 3),
        cabac=False,
        bottom=False,
        profile_idc=77,
    ):
        self.random = np.random.RandomState(seed)
        self.b_slices, self.long_term, self.gaps, self.poc_type = (
            b_slices,
            long_term,
            gaps,
            poc_type,
        )
        self.weighting, self.inference, self.size = weighting, inference, size
        self.cabac, self.bottom, self.profile_idc = cabac, bottom, profile_idc
        self.most = int(self.random.randint(2, 7))  # max_num_ref_frames
        self.short, self.long, self.largest_idx = [], {}, -1
        self.prev_ref_frame_num = self.prev_frame_num = self.frame_num_offset = 0
        self.after_mmco5 = False
        self.msb_lsb = (0, 0)
        self.used_pocs = set()
        self.last_was_reference = True
        self.idr_pic_id = 0

    def write(self, pictures):
        """The whole stream, as Annex B."""
        units = [
            parameter_sets.sequence_parameter_set(
                *self.size,
                max_num_ref_frames=self.most,
                profile_idc=self.profile_idc,
                pic_order_cnt_type=self.poc_type,
                offsets=(1, 0, (2, 4)),
                gaps_in_frame_num_value_allowed_flag=int(self.gaps),
                direct_8x8_inference_flag=self.inference,
            ),
        ]
        for pps_id, (weighted, bipred) in enumerate(self.weighting):
            units.append(
                parameter_sets.picture_parameter_set(
                    pps_id,
                    weighted_pred_flag=weighted,
                    weighted_bipred_idc=bipred,
                    entropy_coding_mode_flag=int(self.cabac),
                    bottom_field_pic_order_in_frame_present_flag=int(self.bottom),
                )
            )
        for number in range(pictures):
            units += self._picture(number == 0 or self.random.rand() < 0.04)
        return annex_b(units)

    def _chance(self, share):
        return self.random.rand() < share

    # Pictures ------------------------------------------------------------------------------

    def _picture(self, is_idr):
        """NAL units of its slices."""
        is_reference = is_idr or not self.last_was_reference or self._chance(0.75)
        if is_idr:
            self.short, self.long, self.largest_idx = [], {}, -1
            frame_num, self.used_pocs = 0, set()
            self.idr_pic_id += int(
                self.random.randint(1, 9)
            )  # never that of the IDR picture before
        else:
            frame_num = self._frame_num()
        poc, order = self._order(is_idr, is_reference, frame_num)
        frame = Frame(frame_num, poc)
        marking = self._choose_marking(is_idr, frame_num) if is_reference else None
        nal = (1 if is_reference else 0, 5 if is_idr else 1)
        count = self.size[0] * self.size[1]
        starts = [0] + sorted(
            set(self.random.randint(1, count, self.random.randint(0, 3)).tolist())
        )
        self.neighbourhood = Neighbourhood(self.size)
        units = []
        for start, end in zip(starts, starts[1:] + [count]):
            bits = self._slice(frame, is_idr, is_reference, start, end, order, marking)
            units.append(parameter_sets.nal_unit(nal[0], nal[1], bits))
        if is_reference:
            self._mark(frame, is_idr, marking)
        self.last_was_reference = is_reference
        return units

    def _frame_num(self):
        # Not after a non-reference picture, whose frame_num FFmpeg leaves out of the gap.
        may_gap = self.gaps and self.last_was_reference and len(self.long) < self.most
        if may_gap and self._chance(0.2):
            for _ in range(int(self.random.randint(1, 3))):
                self.prev_ref_frame_num = (self.prev_ref_frame_num + 1) % MAX_FRAME_NUM
                self._slide()
                self._advance_offset(self.prev_ref_frame_num)
                self.short.append(Frame(self.prev_ref_frame_num, None, exists=False))
        return (self.prev_ref_frame_num + 1) % MAX_FRAME_NUM

    def _advance_offset(self, frame_num):
        """FrameNumOffset of POC types 1 and 2 (8.2.1.2)."""
        if self.after_mmco5:
            self.frame_num_offset, self.prev_frame_num, self.after_mmco5 = 0, 0, False
        if self.prev_frame_num > frame_num:
            self.frame_num_offset += MAX_FRAME_NUM
        self.prev_frame_num = frame_num

    def _order(self, is_idr, is_reference, frame_num):
        """PicOrderCnt (8.2.1) and a function that writes its syntax."""
        if self.poc_type == 0:
            return self._order_type_0(is_idr, is_reference)
        poc, first = self._order_type_1_or_2(is_idr, is_reference, frame_num)
        if self.poc_type == 2 or not self.bottom:
            return poc, first
        return poc, lambda bits: first(bits).se(2)  # delta_pic_order_cnt[1]

    def _order_type_1_or_2(self, is_idr, is_reference, frame_num):
        if is_idr:
            self.frame_num_offset, self.prev_frame_num, self.after_mmco5 = 0, 0, False
        else:
            self._advance_offset(frame_num)
        number = self.frame_num_offset + frame_num
        if self.poc_type == 2:
            return (0 if is_idr else 2 * number - (not is_reference)), lambda bits: bits
        if not is_reference and number > 0:
            number -= 1
        poc = (number // 2) * 6 + (2 if number % 2 else 0) if number > 0 else 0
        # offset_for_ref_frame is (2, 4): 2 after odd numbers, 6 after each cycle of two.
        return poc + (not is_reference), lambda bits: bits.se(0)

    def _order_type_0(self, is_idr, is_reference):
        last = self.msb_lsb[0] + self.msb_lsb[1]
        top = max(self.used_pocs) if self.used_pocs else 0
        free = [
            poc for poc in range(max(2, top - 16, last - 40), top, 2) if poc not in self.used_pocs
        ]
        if is_idr:
            poc, self.msb_lsb = 0, (0, 0)
        elif free and self._chance(0.6):
            poc = int(self.random.choice(free))
        else:
            poc = top + 2 * int(self.random.randint(1, 4))
        self.used_pocs.add(poc)
        lsb = poc % MAX_LSB
        if is_reference:
            self.msb_lsb = (poc - lsb, lsb)
        if not self.bottom:
            return poc, lambda bits: bits.u(7, lsb)
        delta = 0 if is_idr else int(self.random.randint(-1, 2))
        return poc + min(delta, 0), lambda bits: bits.u(7, lsb).se(delta)

    # Marking (8.2.5) -----------------------------------------------------------------------

    def _slide(self):
        if len(self.short) + len(self.long) >= self.most:
            self.short.pop(0)

    def _choose_marking(self, is_idr, frame_num):
        """None for the sliding window, else a list of (memory_management_control_operation, operands...)."""
        if is_idr:
            return [("idr", int(self.long_term and self._chance(0.3)))]
        full = len(self.short) + len(self.long) >= self.most
        if not self.long_term or (self._chance(0.4) and (self.short or not full)):
            return None
        # Not with B slices: FFmpeg keeps the old POC of such a picture where the standard resets it.
        # frame_num begins again after it: the next picture must not look like a part of this one (7.4.1.2.4).
        if not self.b_slices and frame_num > 3 and self._chance(0.06):
            return [(5,)]
        commands = []
        short, long = [frame for frame in self.short if frame.exists], dict(self.long)
        largest = self.largest_idx
        gone = []
        if largest < 1 or self._chance(0.1):
            largest = int(self.random.randint(0, self.most))
            commands.append((4, largest + 1))
            long = {idx: frame for idx, frame in long.items() if idx <= largest}
        if short and self._chance(0.4):
            frame, idx = self.random.choice(short), int(self.random.randint(0, largest + 1))
            commands.append((3, frame, idx))
            short.remove(frame)
            gone.append(frame)
            long[idx] = frame
        if long and self._chance(0.2):
            idx = int(self.random.choice(sorted(long)))
            commands.append((2, idx))
            del long[idx]
        current_idx = int(self.random.randint(0, largest + 1)) if self._chance(0.2) else None
        all_short = [frame for frame in self.short if frame not in gone]
        needed = len(all_short) + len([idx for idx in long if idx != current_idx]) + 1 - self.most
        old = [frame for frame in all_short if frame.age > 18]
        for frame in (old + [frame for frame in all_short if frame not in old])[
            : max(needed, len(old))
        ]:
            commands.append((1, frame))
            needed -= 1
        for idx in [idx for idx in sorted(long) if idx != current_idx][: max(needed, 0)]:
            commands.append((2, idx))
        if current_idx is not None:
            commands.append((6, current_idx))
        return commands

    def _write_marking(self, bits, marking, frame_num):
        if marking and marking[0][0] == "idr":
            bits.u(1, 0).u(1, marking[0][1])
            return
        bits.u(1, int(marking is not None))
        if marking is None:
            return
        for operation, *operands in marking:
            bits.ue(operation)
            for operand in operands:
                if isinstance(operand, Frame):
                    operand = frame_num - self._pic_num(operand, frame_num) - 1
                bits.ue(operand)
        bits.ue(0)

    def _mark(self, frame, is_idr, marking):
        for stored in self.short:
            stored.age += 1
        self.prev_ref_frame_num = frame.frame_num
        if marking is None:
            self._slide()
        for operation, *operands in marking or ():
            self._apply(operation, operands, frame)
        if frame.long_term_frame_idx is None:
            self.short.append(frame)
        assert len(self.short) + len(self.long) <= self.most

    def _apply(self, operation, operands, frame):
        if operation == "idr" and operands[0]:
            self.largest_idx = 0
            self._make_long(frame, 0)
        elif operation == 1:
            self.short.remove(operands[0])
        elif operation == 2:
            del self.long[operands[0]]
        elif operation == 3:
            self.short.remove(operands[0])
            self._make_long(*operands)
        elif operation == 4:
            self.largest_idx = operands[0] - 1
            self.long = {
                idx: stored for idx, stored in self.long.items() if idx <= self.largest_idx
            }
        elif operation == 5:
            self.short, self.long, self.largest_idx = [], {}, -1
            frame.frame_num = frame.poc = self.prev_ref_frame_num = 0
            self.used_pocs, self.msb_lsb, self.after_mmco5 = {0}, (0, 0), True
        elif operation == 6:
            self._make_long(frame, operands[0])

    def _make_long(self, frame, idx):
        self.long[idx] = frame
        frame.long_term_frame_idx = idx

    # Lists (8.2.4) -------------------------------------------------------------------------

    def _pic_num(self, frame, frame_num):
        return frame.frame_num - (MAX_FRAME_NUM if frame.frame_num > frame_num else 0)

    def _initial_list(self, slice_type, number, current):
        long = [self.long[idx] for idx in sorted(self.long)]
        if slice_type == P_SLICE:
            return (
                sorted(self.short, key=lambda frame: -self._pic_num(frame, current.frame_num))
                + long
            )
        before = sorted((f for f in self.short if f.poc < current.poc), key=lambda f: -f.poc)
        after = sorted((f for f in self.short if f.poc > current.poc), key=lambda f: f.poc)
        lists = [before + after + long, after + before + long]
        if len(lists[1]) > 1 and lists[0] == lists[1]:
            lists[1][0], lists[1][1] = lists[1][1], lists[1][0]
        return lists[number]

    def _write_modification(self, bits, frames, current):
        """Commands that put exactly these frames, in this order, at the beginning of the list (8.2.4.3)."""
        predicted = current.frame_num
        for frame in frames:
            if frame.long_term_frame_idx is not None:
                bits.ue(2).ue(frame.long_term_frame_idx)
                continue
            pic_num = self._pic_num(frame, current.frame_num)
            difference = pic_num - predicted
            if difference == 0:
                bits.ue(1).ue(MAX_FRAME_NUM - 1)  # once around
            else:
                bits.ue(int(difference > 0)).ue(abs(difference) - 1)
            predicted = pic_num
        bits.ue(3)

    # Slices --------------------------------------------------------------------------------

    def _slice(self, frame, is_idr, is_reference, start, end, order, marking):
        references = [stored for stored in self.short + list(self.long.values()) if stored.exists]
        types = [I_SLICE]
        if references and not is_idr:
            types += 5 * [P_SLICE] + (8 * [B_SLICE] if self.b_slices else [])
        slice_type = int(self.random.choice(types))
        pps_id = int(self.random.randint(0, len(self.weighting)))
        weighted, bipred = self.weighting[pps_id]
        bits = Bits().ue(start).ue(slice_type).ue(pps_id).u(5, frame.frame_num)
        if is_idr:
            bits.ue(self.idr_pic_id)
        order(bits)
        lists, spatial = [], True
        if slice_type != I_SLICE:
            lists = [
                self._choose_list(slice_type, number, frame, references)
                for number in range(2 - (slice_type == P_SLICE))
            ]
            if slice_type == B_SLICE:
                spatial = not self._may_be_temporal(lists) or self._chance(0.3)
                bits.u(1, int(spatial))
                frame.is_temporal |= not spatial
            self._write_lists(bits, lists, frame)
            frame.inter_slices += 1
            frame.may_use |= {stored for one in lists for stored in one[0]}
        if (slice_type == P_SLICE and weighted) or (slice_type == B_SLICE and bipred == 1):
            self._write_weights(bits, lists, slice_type)
        if is_reference:
            self._write_marking(bits, marking, frame.frame_num)
        cabac_init_idc = int(self.random.randint(0, 3))
        if self.cabac and slice_type != I_SLICE:
            bits.ue(cabac_init_idc)
        bits.se(0)  # slice_qp_delta
        if self.cabac:
            syntax = Cabac(bits, slice_type, cabac_init_idc, self.neighbourhood, start)
        else:
            syntax = Cavlc(bits, slice_type)
        Macroblocks(self.random, syntax, slice_type, [one[0] for one in lists]).write(start, end)
        return bits

    def _choose_list(self, slice_type, number, frame, references):
        """(frames of the list in use, whether commands are needed)."""
        initial = self._initial_list(slice_type, number, frame)
        if self._chance(0.4) and initial[0].exists:
            return initial[: self.random.randint(1, len(initial) + 1)], False
        count = int(self.random.randint(1, len(initial) + 3))
        return [references[k] for k in self.random.randint(0, len(references), count)], True

    def _may_be_temporal(self, lists):
        """The co-located picture's references must all be in list 0, and vectors must not grow again and again."""
        colocated = lists[1][0][0]
        known = colocated.may_use <= set(lists[0][0])
        # FFmpeg remembers the lists of one slice only.
        return known and colocated.inter_slices < 2 and not colocated.is_temporal

    def _write_lists(self, bits, lists, frame):
        bits.u(1, 1)  # num_ref_idx_active_override_flag
        for frames, _ in lists:
            bits.ue(len(frames) - 1)
        for frames, has_commands in lists:
            bits.u(1, int(has_commands))
            if has_commands:
                self._write_modification(bits, frames, frame)

    def _write_weights(self, bits, lists, slice_type):
        """pred_weight_table() (7.3.3.2); two weights of a bi-predicted block must not add up to more than 128."""
        denominators = [int(self.random.randint(0, 7)) for _ in range(2)]
        bits.ue(denominators[0]).ue(denominators[1])
        for frames, _ in lists:
            for _ in frames:
                for planes in (1, 2):
                    has_weights = self._chance(0.6)
                    bits.u(1, int(has_weights))
                    for _ in range(planes if has_weights else 0):
                        bits.se(int(self.random.randint(-60, 64))).se(
                            int(self.random.randint(-128, 128))
                        )
