"""HEVC's contexts (Tables 9-5 to 9-37) and binarizations (clause 9.3.3) on the CABAC encoder of cabac.py."""

from streamwriter import cabac

# initValue of each syntax element's contexts for initType 0, 1 and 2. What I slices do not have repeats another type's.
# fmt: off
_SIG_COEFF_0 = (
    111, 111, 125, 110, 110, 94, 124, 108, 124, 107, 125, 141, 179, 153, 125, 107, 125, 141, 179, 153, 125, 107,
    125, 141, 179, 153, 125, 140, 139, 182, 182, 152, 136, 152, 136, 153, 136, 139, 111, 136, 139, 111,
)
_SIG_COEFF_1 = (
    155, 154, 139, 153, 139, 123, 123, 63, 153, 166, 183, 140, 136, 153, 154, 166, 183, 140, 136, 153, 154, 166,
    183, 140, 136, 153, 154, 170, 153, 123, 123, 107, 121, 107, 121, 167, 151, 183, 140, 151, 183, 140,
)
_SIG_COEFF_2 = (
    170, 154, 139, 153, 139, 123, 123, 63, 124, 166, 183, 140, 136, 153, 154, 166, 183, 140, 136, 153, 154, 166,
    183, 140, 136, 153, 154, 170, 153, 138, 138, 122, 121, 122, 121, 167, 151, 183, 140, 151, 183, 140,
)
_LAST_0 = (110, 110, 124, 125, 140, 153, 125, 127, 140, 109, 111, 143, 127, 111, 79, 108, 123, 63)
_LAST_1 = (125, 110, 94, 110, 95, 79, 125, 111, 110, 78, 110, 111, 111, 95, 94, 108, 123, 108)
_LAST_2 = (125, 110, 124, 110, 95, 94, 125, 111, 111, 79, 125, 126, 111, 111, 79, 108, 123, 93)
_GREATER1_0 = (
    140, 92, 137, 138, 140, 152, 138, 139, 153, 74, 149, 92, 139, 107, 122, 152, 140, 179, 166, 182, 140, 227, 122, 197,
)
_GREATER1_1 = (
    154, 196, 196, 167, 154, 152, 167, 182, 182, 134, 149, 136, 153, 121, 136, 137, 169, 194, 166, 167, 154, 167, 137,
    182,
)
_GREATER1_2 = (
    154, 196, 167, 167, 154, 152, 167, 182, 182, 134, 149, 136, 153, 121, 136, 122, 169, 208, 166, 167, 154, 152, 167,
    182,
)
_INIT = (
    ("sao_merge_flag", (153,), (153,), (153,)),
    ("sao_type_idx", (200,), (185,), (160,)),
    ("split_cu_flag", (139, 141, 157), (107, 139, 126), (107, 139, 126)),
    ("cu_transquant_bypass_flag", (154,), (154,), (154,)),
    ("cu_skip_flag", (197, 185, 201), (197, 185, 201), (197, 185, 201)),
    ("pred_mode_flag", (149,), (149,), (134,)),
    ("part_mode", (184, 154, 139, 154), (154, 139, 154, 154), (154, 139, 154, 154)),
    ("prev_intra_luma_pred_flag", (184,), (154,), (183,)),
    ("intra_chroma_pred_mode", (63,), (152,), (152,)),
    ("rqt_root_cbf", (79,), (79,), (79,)),
    ("merge_flag", (110,), (110,), (154,)),
    ("merge_idx", (122,), (122,), (137,)),
    ("inter_pred_idc", (95, 79, 63, 31, 31), (95, 79, 63, 31, 31), (95, 79, 63, 31, 31)),
    ("ref_idx", (153, 153), (153, 153), (153, 153)),
    ("mvp_flag", (168,), (168,), (168,)),
    ("abs_mvd_greater0_flag", (140,), (140,), (169,)),
    ("abs_mvd_greater1_flag", (198,), (198,), (198,)),
    ("split_transform_flag", (153, 138, 138), (124, 138, 94), (224, 167, 122)),
    ("cbf_luma", (111, 141), (153, 111), (153, 111)),
    ("cbf_chroma", (94, 138, 182, 154), (149, 107, 167, 154), (149, 92, 167, 154)),
    ("cu_qp_delta_abs", (154, 154), (154, 154), (154, 154)),
    ("cu_chroma_qp_offset_flag", (154,), (154,), (154,)),
    ("cu_chroma_qp_offset_idx", (154,), (154,), (154,)),
    ("transform_skip_flag", (139, 139), (139, 139), (139, 139)),
    ("last_sig_coeff_x_prefix", _LAST_0, _LAST_1, _LAST_2),
    ("last_sig_coeff_y_prefix", _LAST_0, _LAST_1, _LAST_2),
    ("coded_sub_block_flag", (91, 171, 134, 141), (121, 140, 61, 154), (121, 140, 61, 154)),
    ("sig_coeff_flag", _SIG_COEFF_0, _SIG_COEFF_1, _SIG_COEFF_2),
    ("coeff_abs_level_greater1_flag", _GREATER1_0, _GREATER1_1, _GREATER1_2),
    ("coeff_abs_level_greater2_flag", (138, 153, 136, 167, 152, 152), (107, 167, 91, 122, 107, 167),
     (107, 167, 91, 107, 107, 167)),
)
# fmt: on


def _first_contexts():
    first, count = {}, 0
    for name, values, _, _ in _INIT:
        first[name] = count
        count += len(values)
    return first


# Number of each syntax element's first context.
FIRST = _first_contexts()


def initial_states(init_type, qp):
    """9.3.2.2. qp: SliceQpY."""
    qp = min(max(qp, 0), 51)
    values = [value for row in _INIT for value in row[1 + init_type]]
    return [
        cabac.initial_state(5 * (value >> 4) - 45, 8 * (value & 15) - 16, qp) for value in values
    ]


def copied(states):
    """States as they are now: for the synchronization processes (9.3.2.4)."""
    return [list(state) for state in states]


class Encoder(cabac.Encoder):
    """Encodes syntax elements; `inc` is ctxIdxInc."""

    def flag(self, name, value, inc=0):
        self.decision(FIRST[name] + inc, int(value))
        return value

    def truncated_unary(self, value, largest, name=None, contexts=0):
        """TR with cRiceParam 0. The first `contexts` bins have a context each, the others are bypass bins."""
        for k in range(min(value + 1, largest)):
            if k < contexts:
                self.flag(name, k < value, k)
            else:
                self.bypass(int(k < value))

    def finish(self):
        """What follows a terminating one: byte_alignment() or rbsp_trailing_bits() are in payload()."""
        self.terminate(1)
        return self.bits.payload()
