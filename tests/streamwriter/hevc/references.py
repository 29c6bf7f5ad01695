"""A model of HEVC's decoded picture buffer for writing streams: which pictures a picture keeps and refers to (8.3.2).

Random, but valid: what a set names was decoded, and long-term pictures are named without ambiguity.
"""

from typing import NamedTuple, Optional, Tuple

from streamwriter.bits import Bits
from streamwriter.hevc.rps import ordered, write_short_term_set
from streamwriter.hevc.slice_header import bits_for


class Stored:
    """A decoded picture. is_sub_layer_reference: other pictures of its TemporalId may refer to it."""

    def __init__(self, poc, temporal_id, is_sub_layer_reference):
        self.poc, self.temporal_id = poc, temporal_id
        self.is_sub_layer_reference = is_sub_layer_reference
        self.is_long_term = False


class LongTerm(NamedTuple):
    """lt_idx_sps: None where the slice header names the picture; msb_cycle: DeltaPocMsbCycleLt, None: not sent."""

    stored: Stored
    is_used: bool
    lt_idx_sps: Optional[int]
    msb_cycle: Optional[int]


class References(NamedTuple):
    """The reference picture set of a picture at `poc`. short_term: pairs of Stored and whether it is used."""

    poc: int
    short_term: Tuple
    long_term: Tuple
    sps_index: Optional[int]  # short_term_ref_pic_set_idx

    def kept(self):
        return [stored for stored, _ in self.short_term] + [one.stored for one in self.long_term]

    def initial_list(self, number, count):
        """RefPicListTemp0 or 1 (8-8, 8-10): at least `count` and all pictures, again and again."""
        used = [stored for stored, is_used in self.short_term if is_used]
        before = sorted((one for one in used if one.poc < self.poc), key=lambda one: -one.poc)
        after = sorted((one for one in used if one.poc > self.poc), key=lambda one: one.poc)
        long_term = [one.stored for one in self.long_term if one.is_used]
        once = (before + after if number == 0 else after + before) + long_term
        return (once * count)[: max(count, len(once))] if once else []


NOTHING = References(0, (), (), None)


class Chooser:
    """Chooses reference picture sets and writes them.

    beyond_ffmpeg: writes the same sets with syntax that FFmpeg reads otherwise than the standard wants.
    """

    def __init__(self, random, sps, written, beyond_ffmpeg):
        self._random, self._sps, self._written = random, sps, written
        self._beyond_ffmpeg = beyond_ffmpeg
        self._max_lsb = 1 << (sps.log2_max_pic_order_cnt_lsb_minus4 + 4)

    def choose(self, poc, allowed, usable, recent):
        """allowed: pictures that may be kept; usable: those of them that this picture may refer to; recent: POCs of the
        latest pictures of the coded video sequence."""
        wanted = self._wanted(allowed)
        short = [one for one in wanted if not one.is_long_term]
        turned = []
        if self._sps.long_term_ref_pics_present_flag:
            turned = [one for one in short if self._random.rand() < 0.25]
        sps_index = self._fitting_sps_set(poc, short, usable)
        if sps_index is not None and self._random.rand() < 0.6:
            by_delta = {one.poc - poc: one for one in short}
            pairs = [
                (by_delta[delta], is_used)
                for delta, is_used in self._sps.short_term_ref_pic_sets[sps_index]
            ]
            turned = [one for one in turned if one not in by_delta.values()]
        else:
            sps_index = None
            pairs = [(one, self._is_used(one, usable)) for one in short if one not in turned]
        long_term = [one for one in wanted if one.is_long_term] + turned
        named = self._name_long_term(poc, long_term, usable, recent)
        return References(poc, tuple(pairs), tuple(named), sps_index)

    def _wanted(self, allowed):
        """Some of them. The rest of the buffer is for pictures that wait for their turn in output order (C.5.2.2)."""
        most = self._sps.sps_max_dec_pic_buffering_minus1 - self._sps.sps_max_num_reorder_pics
        wanted = [one for one in allowed if self._random.rand() < 0.92]
        while len(wanted) > most:
            wanted.pop(int(self._random.randint(0, len(wanted))))
        return wanted

    def _is_used(self, one, usable):
        return bool(one in usable and self._random.rand() < 0.8)

    def _fitting_sps_set(self, poc, short, usable):
        """Index of a set in the SPS that names only pictures that are there, or None."""
        deltas = {one.poc - poc: one for one in short}
        fitting = [
            index
            for index, entries in enumerate(self._sps.short_term_ref_pic_sets)
            if entries
            and all(
                delta in deltas and (not used or deltas[delta] in usable) for delta, used in entries
            )
        ]
        return int(self._random.choice(fitting)) if fitting else None

    def _name_long_term(self, poc, pictures, usable, recent):
        """LongTerm entries: those of the SPS first, both groups from the latest picture to the earliest."""
        named = []
        for one in sorted(pictures, key=lambda one: -one.poc):
            is_used = self._is_used(one, usable)
            lsb = one.poc % self._max_lsb
            entry = (lsb, int(is_used))
            lt_idx_sps = None
            if entry in self._sps.lt_ref_pics_sps and self._random.rand() < 0.7:
                lt_idx_sps = self._sps.lt_ref_pics_sps.index(entry)
            cycle = (poc - poc % self._max_lsb - one.poc + lsb) // self._max_lsb
            named.append((one, is_used, lt_idx_sps, cycle))
        named.sort(key=lambda entry: entry[2] is None)
        entries = []
        for one, is_used, lt_idx_sps, cycle in named:
            is_first_of_slice = lt_idx_sps is None and all(
                e.lt_idx_sps is not None for e in entries
            )
            is_same = [
                other for other in recent if other % self._max_lsb == one.poc % self._max_lsb
            ]
            # FFmpeg carries DeltaPocMsbCycleLt over from the last entry of the SPS where the standard does not (7-52),
            # if this entry has none.
            is_carried = bool(is_first_of_slice and entries)
            needs_msb = len(is_same) > 1
            wants_msb = self._random.rand() < 0.3
            if cycle < 0 and (needs_msb or is_carried):
                continue
            sends = (
                needs_msb or (cycle >= 0 and wants_msb) or (is_carried and not self._beyond_ffmpeg)
            )
            self._written["entry of the slice without MSB"] += is_carried and not sends
            entries.append(LongTerm(one, is_used, lt_idx_sps, cycle if sends else None))
        return entries

    def write(self, references):
        """Bits of slice_pic_order_cnt_lsb and the reference picture set (7.3.6.1)."""
        sps, poc = self._sps, references.poc
        bits = Bits().u(sps.log2_max_pic_order_cnt_lsb_minus4 + 4, poc % self._max_lsb)
        sets = sps.short_term_ref_pic_sets
        bits.u(1, int(references.sps_index is not None))
        if references.sps_index is None:
            target = ordered((one.poc - poc, used) for one, used in references.short_term)
            is_predicted = write_short_term_set(
                self._random, bits, target, sets, True, self._beyond_ffmpeg
            )
            self._written["RPS predicted in a slice"] += is_predicted
        elif len(sets) > 1:
            bits.u(bits_for(len(sets)), references.sps_index)
        self._written["RPS of the SPS"] += references.sps_index is not None
        if sps.long_term_ref_pics_present_flag:
            self._write_long_term(bits, references.long_term)
        return bits

    def _write_long_term(self, bits, entries):
        sps = self._sps
        in_sps = sum(1 for one in entries if one.lt_idx_sps is not None)
        if sps.lt_ref_pics_sps:
            bits.ue(in_sps)
        bits.ue(len(entries) - in_sps)
        last_cycle = 0
        for k, one in enumerate(entries):
            if one.lt_idx_sps is not None:
                bits.u(bits_for(len(sps.lt_ref_pics_sps)), one.lt_idx_sps)
            else:
                bits.u(sps.log2_max_pic_order_cnt_lsb_minus4 + 4, one.stored.poc % self._max_lsb)
                bits.u(1, int(one.is_used))
            if k in (0, in_sps):
                last_cycle = 0
            bits.u(1, int(one.msb_cycle is not None))
            if one.msb_cycle is not None:
                bits.ue(one.msb_cycle - last_cycle)
                last_cycle = one.msb_cycle
                self._written["delta_poc_msb_cycle_lt"] += one.msb_cycle > 0
            self._written["long-term from the SPS"] += one.lt_idx_sps is not None
            self._written["long-term from the slice"] += one.lt_idx_sps is None
