"""Random valid HEVC streams: what encoders do not use, written with random blocks and residual.

Reference picture sets of every kind, long-term pictures, random access pictures with leading pictures, sub-layers,
slices, slice segments, tiles and wavefronts, over random syntax in every coding tree unit. FFmpeg decodes these
streams and so tells what is right.
"""

from collections import Counter
from types import SimpleNamespace

import numpy as np

from streamwriter.bits import B_SLICE, P_SLICE, Bits, annex_b
from streamwriter.hevc import parameter_sets as sets
from streamwriter.hevc.coding_tree import Style
from streamwriter.hevc.configuration import draw_pps, draw_sps
from streamwriter.hevc.layout import Layout
from streamwriter.hevc.picture import PictureWriter
from streamwriter.hevc.references import NOTHING, Chooser, References, Stored
from streamwriter.hevc.slice_header import (
    BLA_N_LP,
    BLA_W_RADL,
    CRA,
    IDR_N_LP,
    IDR_W_RADL,
    RADL,
    RASL,
    STSA,
    TRAIL,
    TSA,
    is_idr,
)

_PPS_IDS = (0, 63, 7)  # pps_pic_parameter_set_id of each PPS


class RandomStream:
    """One stream: RandomStream(seed, ...).write(pictures) returns its bytes.

    sps, pps: options of hevc_configuration, pps one or several;
    slices, segments: how many about in a picture and in a slice; in_rows: cut as wavefronts need; slice_types;
    irap: NAL unit types of random access pictures; irap_share: how often; leading: with leading pictures;
    ends: with end_of_sequence; hides: with pic_output_flag 0 and no_output_of_prior_pics_flag 1;
    changes: parameter sets are sent again with other content; extras: NAL units that say nothing about pictures;
    style: fields of Style; faults: what is wrong on purpose, of 'entry point', 'longer sub-stream',
    'end_of_subset_one_bit', 'alignment bit' and 'trailing bits';
    beyond_ffmpeg: the same pictures, but with syntax that FFmpeg reads otherwise than the standard wants.

    After write(): pictures (in the bytes), skipped (RASL pictures among them that cannot be decoded), ignored (NAL
    units of other layers, of reserved types, and SEI behind a picture), written (Counter of what occurred).
    """

    def __init__(
        self,
        seed,
        sps=None,
        pps=None,
        slices=1,
        segments=1,
        in_rows=False,
        slice_types=(P_SLICE, B_SLICE),
        irap=(IDR_W_RADL, IDR_N_LP),
        irap_share=0.08,
        leading=False,
        ends=False,
        hides=False,
        changes=False,
        extras=False,
        style=None,
        faults=(),
        beyond_ffmpeg=False,
    ):
        self._random = np.random.RandomState(seed)
        self._sps_options = sps or {}
        self._pps_options = pps if isinstance(pps, tuple) else (pps or {},)
        self._options = SimpleNamespace(
            slices=slices,
            segments=segments,
            in_rows=in_rows,
            slice_types=slice_types,
            faults=faults,
        )
        self._one_piece = SimpleNamespace(**dict(vars(self._options), slices=1, segments=1))
        self._irap, self._irap_share, self._leading = irap, irap_share, leading
        self._ends, self._hides, self._changes, self._extras = ends, hides, changes, extras
        self._style, self._beyond_ffmpeg = style or {}, beyond_ffmpeg
        self.written = Counter()
        self.pictures = self.skipped = self.ignored = 0
        self._stored, self._recent = [], []

    def write(self, pictures):
        """The whole stream as Annex B, of at least so many pictures."""
        self._units = []
        self._begins_sequence = True
        self._prev_tid0 = 0
        while self.pictures < pictures:
            if self._begins_sequence or self._chance(self._irap_share):
                self._irap_picture()
            else:
                self._trailing_picture()
            if self._ends and self._chance(0.25):
                self._units.append(
                    sets.end_of_sequence(int(self._random.choice([sets.EOS, sets.EOB])))
                )
                self._begins_sequence = True
                self.written["end of sequence"] += 1
        return annex_b(self._units)

    def _chance(self, share):
        return bool(self._random.rand() < share)

    # Parameter sets ------------------------------------------------------------------------

    def _send_parameter_sets(self):
        """All of them. A new SPS needs a random access picture that begins a coded video sequence."""
        random = self._random
        if self._changes or not self.pictures:
            self._sps = draw_sps(random, self._sps_options)
            self._pps = [self._draw_pps(k) for k in range(len(self._pps_options))]
            self._chooser = Chooser(random, self._sps, self.written, self._beyond_ffmpeg)
            self._max_lsb = 1 << (self._sps.log2_max_pic_order_cnt_lsb_minus4 + 4)
        self._units.append(sets.video_parameter_set(random, self._sps, self._sps.vui == "HRD"))
        self._sps_unit = sets.sequence_parameter_set(random, self._sps, self.written)
        self._units.append(self._sps_unit)
        self._units += [sets.picture_parameter_set(pps) for pps in self._pps]

    def _draw_pps(self, k):
        return draw_pps(self._random, self._pps_options[k], _PPS_IDS[k], self._sps, Layout)

    def _change_pps(self):
        """Another PPS of the same number, perhaps after the same SPS once more."""
        if self._chance(0.3):
            self._units.append(self._sps_unit)
            self.written["SPS sent again"] += 1
        k = int(self._random.randint(0, len(self._pps)))
        self._pps[k] = self._draw_pps(k)
        self._units.append(sets.picture_parameter_set(self._pps[k]))
        self.written["PPS with other content"] += 1

    # Order of pictures ---------------------------------------------------------------------

    def _irap_picture(self):
        """A random access picture and the leading pictures that follow it."""
        random = self._random
        kind = int(random.choice(self._irap))
        begins = self._begins_sequence or kind != CRA
        if begins and (self._changes or not self.pictures or self._chance(0.3)):
            self._send_parameter_sets()
        leading = self._choose_leading(kind, begins)
        if is_idr(kind):
            poc = 0
        elif begins:
            poc = int(random.randint(0, self._max_lsb))
        else:
            poc = self._top + 1 + len(leading)
        if begins:
            self._stored, self._recent = [], []
        references = NOTHING
        if not begins:
            references = self._chooser.choose(poc, self._stored, [], self._recent)
        self._begins_sequence, self._irap_poc = False, poc
        irap = self._picture(kind, poc, 0, references._replace(poc=poc))
        self._prev_tid0 = self._top = poc
        self._trailing = [irap]
        self._leading_pictures(irap, leading, begins)

    def _choose_leading(self, kind, begins):
        """Types of leading pictures in output order: RASL come before RADL (8.3.1)."""
        if not self._leading or kind in (IDR_N_LP, BLA_N_LP):
            return []
        most = self._sps.sps_max_num_reorder_pics
        if not begins:  # numbers between the pictures before and this one
            most = min(most, self._max_lsb // 2 - 2 - (self._top - self._prev_tid0))
        kinds = [RADL] * int(self._random.randint(0, max(most, 0) + 1))
        if kind in (IDR_W_RADL, BLA_W_RADL):
            return kinds
        if begins:  # they are never put out, so they do not count as reordered
            return [RASL] * int(self._random.randint(0, 3)) + kinds
        skipped = int(self._random.randint(0, len(kinds) + 1))
        return [RASL] * skipped + kinds[skipped:]

    def _leading_pictures(self, irap, kinds, begins):
        """In any order in the stream."""
        decodable = [irap]  # what RADL pictures may refer to
        for k in self._random.permutation(len(kinds)).tolist():
            poc = irap.poc - len(kinds) + k
            if kinds[k] == RASL and begins:
                self._skipped_picture(poc)
                continue
            usable = decodable
            if kinds[k] == RASL:
                usable = [one for one in self._stored if one not in decodable[1:]]
            references = self._chooser.choose(poc, self._stored, usable, self._recent)
            stored = self._picture(kinds[k] + 1, poc, 0, references)
            self.written["RADL" if kinds[k] == RADL else "RASL"] += 1
            if kinds[k] == RADL:
                decodable.append(stored)

    def _skipped_picture(self, poc):
        """A RASL picture without its references: they were never sent. FFmpeg wants such a one in one piece."""
        kept, recent, chances = self._stored, self._recent, self._random.get_state()
        lost = Stored(poc - 7, 0, True)
        references = References(poc, ((lost, True),), (), None)
        options = self._options if self._beyond_ffmpeg else self._one_piece
        self._picture(RASL + 1, poc, 0, references, options)
        self._stored, self._recent = kept, recent
        self._random.set_state(chances)
        self.skipped += 1
        self.written["skipped RASL"] += 1

    def _trailing_picture(self):
        random = self._random
        temporal_id = int(random.randint(0, self._sps.sps_max_sub_layers_minus1 + 1))
        is_reference = self._chance(0.7)
        if self._top - self._prev_tid0 > self._max_lsb // 2 - 5:
            temporal_id, is_reference = 0, True
        kind = TRAIL
        if temporal_id and self._chance(0.6):
            kind = int(random.choice([TSA, STSA]))
        poc = self._trailing_poc()
        allowed = [
            one
            for one in self._stored
            if one in self._trailing
            and (
                one.temporal_id < temporal_id
                or (kind == TRAIL and one.temporal_id == temporal_id and one.is_sub_layer_reference)
            )
        ]
        references = self._chooser.choose(poc, allowed, allowed, self._recent)
        self._trailing.append(self._picture(kind + is_reference, poc, temporal_id, references))
        self.written[f"TemporalId {temporal_id}"] += 1
        self._top = max(self._top, poc)
        if temporal_id == 0 and is_reference:
            self._prev_tid0 = poc

    def _trailing_poc(self):
        """A number left free between others, as far as sps_max_num_reorder_pics allows, or a new highest one."""
        most = self._sps.sps_max_num_reorder_pics
        low = max(self._irap_poc, self._prev_tid0 - self._max_lsb // 2)
        free = [
            poc
            for poc in range(low + 1, self._top)
            if poc not in self._recent and sum(1 for other in self._recent if other > poc) <= most
        ]
        if free and self._chance(0.6):
            self.written["reordered"] += 1
            return int(self._random.choice(free))
        # As far as slice_pic_order_cnt_lsb reaches (8.3.1); it always reaches further than self._top.
        return min(
            self._top + int(self._random.randint(1, 4)), self._prev_tid0 + self._max_lsb // 2 - 1
        )

    # One picture ---------------------------------------------------------------------------

    def _picture(self, nal_unit_type, poc, temporal_id, references, options=None):
        """Writes one access unit and keeps its picture."""
        if self._changes and self._chance(0.3):
            self._change_pps()
        if self._extras:
            self._write_extras(temporal_id)
        picture = SimpleNamespace(
            nal_unit_type=nal_unit_type, poc=poc, temporal_id=temporal_id, references=references
        )
        for one in references.long_term:
            one.stored.is_long_term = True
        self.written["two long-term pictures"] += len(references.long_term) > 1
        picture.reference_bits = None
        if not is_idr(nal_unit_type):
            picture.reference_bits = self._chooser.write(references)
        picture.no_output_of_prior_pics_flag = int(self._hides)
        pps = self._pps[self._random.randint(0, len(self._pps))]
        picture.pic_output_flag = 0 if self._chance(0.3) and self._hides else 1
        self.written["pic_output_flag 0"] += not picture.pic_output_flag
        writer = PictureWriter(
            *(self._random, self._sps, pps, Layout(self._sps, pps), self._draw_style(), picture),
            *(options or self._options, self.written),
        )
        self._units += writer.write()
        if self._extras:
            self._units.append(sets.sei_message(sets.SUFFIX_SEI, b"behind", temporal_id))
            self.ignored += 1
        self.pictures += 1
        self.written[f"NAL unit type {nal_unit_type}"] += 1
        stored = Stored(poc, temporal_id, nal_unit_type > 9 or nal_unit_type % 2 == 1)
        self._stored = references.kept() + [stored]
        self._recent = (self._recent + [poc])[-60:]
        return stored

    def _draw_style(self):
        """Another one for each picture: what one has plenty of, the next lacks."""
        random = self._random
        style = Style(
            split=random.uniform(0.3, 0.8),
            skip=random.uniform(0.1, 0.5),
            merge=random.uniform(0.2, 0.7),
            residual=random.uniform(0.2, 0.9),
            cbf=random.uniform(0.2, 0.7),
        )
        return style._replace(**self._style)

    def _write_extras(self, temporal_id):
        """Delimiter, SEI, and NAL units to ignore: slices of other layers, reserved and unspecified types."""
        self._units.append(sets.access_unit_delimiter(2, temporal_id))
        self._units.append(sets.sei_message(sets.PREFIX_SEI, b"before", temporal_id))
        junk = Bits().u(24, 0xA50F33)
        for nal_unit_type, layer in ((41, 0), (48, 0), (1, 5), (21, 63)):
            if self._chance(0.3):
                self._units.append(sets.nal_unit(nal_unit_type, junk, layer, temporal_id))
                self.ignored += 1
                self.written["other layer"] += layer > 0
        self.written["delimiter and SEI"] += 1
