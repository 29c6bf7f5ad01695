"""Slices of one random HEVC picture: headers, segments, and the sub-streams of tiles and wavefronts (7.3.6, 9.3.1)."""

from types import SimpleNamespace

from streamwriter.bits import B_SLICE, I_SLICE, P_SLICE, Bits, escaped
from streamwriter.hevc import cabac as hevc_cabac
from streamwriter.hevc.coding_tree import CodingTree, State
from streamwriter.hevc.parameter_sets import nal_unit
from streamwriter.hevc.slice_header import (
    MAX_WEIGHT_FLAGS,
    bits_for,
    has_weights,
    is_irap,
    write_header,
)

_SLICE_NAMES = {I_SLICE: "I slice", P_SLICE: "P slice", B_SLICE: "B slice"}


class PictureWriter:
    """Writes one picture.

    picture: namespace of what all slices share (nal_unit_type, temporal_id, poc, references, reference_bits,
    pic_output_flag, no_output_of_prior_pics_flag); options: slices, segments, in_rows, slice_types and faults of a
    random_stream.RandomStream.
    """

    def __init__(self, random, sps, pps, layout, style, picture, options, written):
        self._random, self._sps, self._pps, self._layout = random, sps, pps, layout
        self._picture, self._options, self._written = picture, options, written
        self._state = State(random, sps, pps, layout, style, written)
        self._tree = CodingTree(self._state)
        references = picture.references
        used = [is_used for _, is_used in references.short_term]
        used += [one.is_used for one in references.long_term]
        self._num_pic_total_curr = sum(map(int, used))
        self._row_states = self._segment_states = None

    def write(self):
        """NAL units of all slice segments."""
        parts = self._parts()
        self._choose_collocated([header for header, _, _, is_first in parts if is_first])
        units = []
        for header, start, end, is_first in parts:
            if is_first:
                self._state.begin_slice(header, header.slice_qp)
                self._written[_SLICE_NAMES[header.slice_type]] += 1
            units.append(self._segment(header, start, end))
        self._written["several slices"] += sum(1 for part in parts if part[3]) > 1
        return units

    def _parts(self):
        """(header, first address, end, whether a slice begins) of each slice segment, addresses in tile scan."""
        random, layout, options = self._random, self._layout, self._options
        in_rows = layout.syncs or options.in_rows
        starts = [0]
        if options.slices > 1:
            starts = layout.cut(random, 0, layout.ctbs, options.slices, in_rows)
        parts = []
        for start, end in zip(starts, starts[1:] + [layout.ctbs]):
            header = self._header(layout.rs_of[start])
            inner = [start]
            if options.segments > 1 and self._pps.dependent_slice_segments_enabled_flag:
                inner = layout.cut(random, start, end, options.segments, in_rows)
            for first, last in zip(inner, inner[1:] + [end]):
                segment = header if first == start else SimpleNamespace()
                segment.slice_segment_address = layout.rs_of[first]
                segment.dependent_slice_segment_flag = int(first != start)
                segment.extension = random.randint(0, 4, random.randint(0, 5)).tolist()
                parts.append((segment, first, last, first == start))
        return parts

    # Headers -------------------------------------------------------------------------------

    def _chance(self, share):
        return int(self._random.rand() < share)

    def _header(self, address):
        random, sps, pps = self._random, self._sps, self._pps
        header = SimpleNamespace(slice_address=address, slice_type=self._slice_type())
        header.slice_reserved_flags = int(random.randint(0, 1 << pps.num_extra_slice_header_bits))
        sao = sps.sample_adaptive_offset_enabled_flag
        header.slice_sao_luma_flag = sao and self._chance(0.8)
        header.slice_sao_chroma_flag = sao and sps.chroma_format_idc and self._chance(0.8)
        header.slice_qp = int(random.randint(10, 33))
        header.slice_qp_delta = header.slice_qp - 26 - pps.init_qp_minus26
        header.slice_cb_qp_offset = _second_offset(random, pps.pps_cb_qp_offset)
        header.slice_cr_qp_offset = _second_offset(random, pps.pps_cr_qp_offset)
        header.cu_chroma_qp_offset_enabled_flag = (
            self._chance(0.8) if pps.chroma_qp_offset_list else 0
        )
        header.deblocking_override = None
        if pps.deblocking_filter_override_enabled_flag and self._chance(0.6):
            header.deblocking_override = (self._chance(0.4), *random.randint(-6, 7, 2).tolist())
        header.slice_loop_filter_across_slices_enabled_flag = self._chance(0.5)
        if header.slice_type != I_SLICE:
            self._choose_inter(header)
        return header

    def _slice_type(self):
        if is_irap(self._picture.nal_unit_type) or not self._num_pic_total_curr:
            return I_SLICE
        return int(self._random.choice(self._options.slice_types))

    def _choose_inter(self, header):
        random, pps = self._random, self._pps
        header.num_pic_total_curr = self._num_pic_total_curr
        header.num_ref_idx, header.list_entries, header.lists = (), [], []
        for number in range(2 if header.slice_type == B_SLICE else 1):
            count = int(random.randint(1, min(self._num_pic_total_curr + 3, 15) + 1))
            pictures = self._picture.references.initial_list(number, count)
            entries = None
            modifies = pps.lists_modification_present_flag and self._num_pic_total_curr > 1
            if modifies and self._chance(0.6):
                entries = random.randint(0, self._num_pic_total_curr, count).tolist()
                pictures = [pictures[entry] for entry in entries]
                self._written["list modification"] += 1
            pictures = pictures[:count]
            self._written["a picture twice in a list"] += len(set(pictures)) < count
            header.num_ref_idx += (count,)
            header.list_entries.append(entries)
            header.lists.append(pictures)
        header.mvd_l1_zero_flag = self._chance(0.3)
        header.cabac_init_flag = pps.cabac_init_present_flag and self._chance(0.5)
        self._written["cabac_init_flag"] += header.cabac_init_flag
        header.max_num_merge_cand = int(random.randint(1, 6))
        header.weights = None
        if has_weights(header.slice_type, pps):
            header.weights = self._weights(header.num_ref_idx)
            self._written["weights"] += 1

    def _weights(self, counts):
        random = self._random
        luma_denom = int(random.randint(0, 8))
        delta = int(random.randint(0, 8)) - luma_denom
        budget = MAX_WEIGHT_FLAGS
        lists = []
        for count in counts:
            entries = []
            for _ in range(count):
                luma = chroma = None
                if self._chance(0.6) and budget >= 1:
                    luma = (self._weight(luma_denom), self._offset(127))
                    budget -= 1
                if self._sps.chroma_format_idc and self._chance(0.6) and budget >= 2:
                    chroma = ()
                    for _ in range(2):
                        chroma += (self._weight(luma_denom + delta), self._offset(511))
                    budget -= 2
                entries.append((luma, chroma))
            lists.append(entries)
        return SimpleNamespace(
            luma_log2_weight_denom=luma_denom, delta_chroma_log2_weight_denom=delta, lists=lists
        )

    def _weight(self, log2_denom):
        """delta_luma_weight or delta_chroma_weight: mostly a weight near 1, else anything."""
        if self._chance(0.2):
            return int(self._random.choice([-128, 127, int(self._random.randint(-128, 128))]))
        most = max(1, (1 << log2_denom) // 4)
        return int(self._random.randint(-most, most + 1))

    def _offset(self, most):
        if self._chance(0.2):
            return int(
                self._random.choice([-most - 1, most, self._random.randint(-most - 1, most + 1)])
            )
        return int(self._random.randint(-10, 11))

    def _choose_collocated(self, headers):
        """One picture that every inter slice has in a list: all must name the same (7.4.7.1)."""
        picture = self._picture
        inter = [header for header in headers if header.slice_type != I_SLICE]
        picture.slice_temporal_mvp_enabled_flag = 0
        if not self._sps.sps_temporal_mvp_enabled_flag:
            return
        common = [
            stored
            for stored in picture.references.kept()
            if all(any(stored in one for one in header.lists) for header in inter)
        ]
        if inter and (not common or not self._chance(0.75)):
            self._written["slice_temporal_mvp off"] += 1
            return
        picture.slice_temporal_mvp_enabled_flag = 1
        for header in inter:
            chosen = common[0]
            places = [
                (number, index)
                for number, one in enumerate(header.lists)
                for index, stored in enumerate(one)
                if stored is chosen
            ]
            number, index = places[self._random.randint(0, len(places))]
            header.collocated_from_l0_flag, header.collocated_ref_idx = 1 - number, index
            self._written["collocated_ref_idx"] += index > 0
            self._written["collocated from list 1"] += number
            self._written["collocated long-term"] += chosen.is_long_term

    # Slice segments ------------------------------------------------------------------------

    def _segment(self, header, start, end):
        """One NAL unit. Offsets count bytes with emulation prevention, which never crosses sub-streams (7.4.7.1)."""
        sub_streams = self._harmed(self._sub_streams(header, start, end))
        sub_streams = [escaped(data) for data in sub_streams]
        offsets = [len(data) for data in sub_streams[:-1]]
        self._written["entry points"] += len(offsets)
        self._written["dependent slice segment"] += header.dependent_slice_segment_flag
        self._written["emulation prevention before an entry point"] += any(
            b"\x00\x00\x03" in data for data in sub_streams[:-1]
        )
        if "entry point" in self._options.faults and offsets:
            offsets[0] += 1
        length = bits_for(max(offsets + [2]))
        length = int(self._random.choice([length, min(length + 5, 32), 32]))
        bits = write_header(
            header, self._picture, self._sps, self._pps, self._layout, (length, offsets)
        )
        payload = escaped(bits.whole_bytes()) + b"".join(sub_streams)
        return nal_unit(self._picture.nal_unit_type, payload, temporal_id=self._picture.temporal_id)

    def _harmed(self, sub_streams):
        """What the faults among the options make of them."""
        faults = self._options.faults
        if "longer sub-stream" in faults and len(sub_streams) > 1:
            sub_streams[0] += b"\x80"
        if "alignment bit" in faults and len(sub_streams) > 1:
            sub_streams[0] = _without_last_one(sub_streams[0])
        if "trailing bits" in faults:
            sub_streams[-1] = _without_last_one(sub_streams[-1])
        return sub_streams

    def _sub_streams(self, header, start, end):
        """slice_segment_data() (7.3.8.1), cut where the entropy coder starts again."""
        state, layout = self._state, self._layout
        data = []
        for ts in range(start, end):
            state.begin_unit(layout.rs_of[ts])
            if ts == start or layout.begins_sub_stream(ts):
                states = self._states(ts, header if ts == start else None)
                state.encoder = hevc_cabac.Encoder(Bits(), states)
            self._tree.write(layout.rs_of[ts])
            if layout.syncs and ts and layout.begins_row[ts - 1] and not layout.begins_row[ts]:
                self._row_states = hevc_cabac.copied(state.encoder.states)
            is_last = ts + 1 == end
            state.encoder.terminate(int(is_last))  # end_of_slice_segment_flag
            if is_last or layout.begins_sub_stream(ts + 1):
                data.append(self._end_sub_stream(is_last))
        self._segment_states = hevc_cabac.copied(state.encoder.states)
        return data

    def _end_sub_stream(self, is_last):
        encoder = self._state.encoder
        if not is_last:
            if "end_of_subset_one_bit" in self._options.faults:
                encoder.terminate(0)
            encoder.terminate(1)  # end_of_subset_one_bit
        return encoder.bits.payload()

    def _states(self, ts, beginning):
        """9.3.1: contexts at the beginning of a sub-stream. beginning: header of the slice segment that begins here."""
        state, layout = self._state, self._layout
        if not layout.begins_tile(ts):
            if layout.syncs and layout.begins_row[ts]:
                return self._states_of_row_above(ts)
            if beginning is not None and beginning.dependent_slice_segment_flag:
                self._written["contexts of the segment before"] += 1
                return hevc_cabac.copied(self._segment_states)
        return self._fresh_states(state.slice)

    def _states_of_row_above(self, ts):
        state, layout = self._state, self._layout
        x, y = (part << layout.ctb_log2 for part in layout.place(ts))
        if state.available(x + (1 << layout.ctb_log2), y - 1):
            self._written["contexts of the row above"] += 1
            return hevc_cabac.copied(self._row_states)
        return self._fresh_states(state.slice)

    @staticmethod
    def _fresh_states(header):
        init_type = 0
        if header.slice_type == P_SLICE:
            init_type = 1 + header.cabac_init_flag
        elif header.slice_type == B_SLICE:
            init_type = 2 - header.cabac_init_flag
        return hevc_cabac.initial_states(init_type, header.slice_qp)


def _without_last_one(data):
    """Without alignment_bit_equal_to_one or rbsp_stop_one_bit."""
    bits = int.from_bytes(data, "big")
    return (bits & (bits - 1)).to_bytes(len(data), "big")


def _second_offset(random, first):
    """slice_cb_qp_offset or slice_cr_qp_offset: the sum with that of the PPS is -12 to 12 too."""
    return int(random.randint(max(-12, -12 - first), min(12, 12 - first) + 1))
