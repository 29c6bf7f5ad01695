// slice_segment_data() and coding_tree_unit() (clauses 7.3.8.1 to 7.3.8.4), with the sub-streams of tiles and of entropy coding
// synchronization (clause 9.3.1).
#include <algorithm>

#include "hevc/coding_unit.h"

namespace attp {
namespace hevc {
namespace {

template <bool kResidual>
class SliceReader {
  public:
    SliceReader(const Slice& slice, const SliceMotion& slice_motion, PictureState* picture, Fault* fault)
        : s_(slice, slice_motion, picture, fault),
          p_(*picture),
          layout_(picture->layout),
          coding_unit_(&s_),
          log2_ctb_(s_.sps.log2_ctb_size),
          width_ctbs_(s_.sps.width_ctbs()) {}

    bool read() {
        p_.motion.start_slice(&s_.slice_motion);
        const bool ok = start() && read_coding_tree_units();
        p_.has_end_state = ok;
        if (kResidual && is_inside_ctb_) p_.residual.abandon_ctb();
        return ok;
    }

  private:
    // ---- sub-streams ----

    bool start() {
        const SliceHeader& h = s_.header;
        ts_ = layout_.rs_to_ts[h.slice_segment_address];
        locate();
        if (h.dependent_slice_segment_flag && !(p_.has_end_state && p_.next_ctb_ts == ts_))
            return s_.fail("dependent_slice_segment_flag", "follows a slice segment that is missing");
        const size_t byte = s_.slice.data_bit / 8;
        if (byte >= s_.slice.rbsp_bytes) return s_.fail("slice_segment_data", "is empty");
        if (!h.dependent_slice_segment_flag || is_first_in_tile())
            new_stamp();
        else
            use_stamp(p_.stamp);
        start_sub_stream(byte);
        // What is not the first of a tile or a row goes on where the slice segment before it ended.
        if (h.dependent_slice_segment_flag && !is_first_in_tile() && !is_first_in_synchronized_row()) {
            s_.contexts = p_.end_contexts;
            s_.quantization.start_section(p_.last_qp_y);
        }
        return true;
    }

    // The engine starts at this byte, with contexts as clause 9.3.1 gives them for what is not a dependent slice segment.
    void start_sub_stream(size_t byte) {
        s_.start_engine(byte);
        s_.quantization.start_section(s_.header.slice_qp);
        if (is_first_in_synchronized_row() && !is_first_in_tile() && is_upper_right_available())
            s_.contexts = p_.sync_contexts;
        else
            init_contexts(init_type(), s_.header.slice_qp, &s_.contexts);
    }
    int init_type() const {
        if (s_.header.slice_type == kI) return 0;
        return (s_.header.slice_type == kP) != s_.header.cabac_init_flag ? 1 : 2;
    }
    bool is_first_in_tile() const { return ts_ == 0 || layout_.tile_id[ts_] != layout_.tile_id[ts_ - 1]; }
    bool is_first_in_synchronized_row() const {
        return s_.pps.entropy_coding_sync_enabled_flag &&
               s_.ctb_x == layout_.column_of_ctb[static_cast<size_t>(s_.ctb_x)];
    }
    bool is_upper_right_available() const {
        if (s_.ctb_y == 0 || s_.ctb_x + 1 >= width_ctbs_) return false;
        return s_.grid.at((s_.ctb_x + 1) << log2_ctb_, (s_.ctb_y << log2_ctb_) - 1)->stamp == s_.stamp;
    }
    void new_stamp() { use_stamp(++s_.grid.last_stamp); }
    void use_stamp(uint32_t stamp) {
        s_.stamp = p_.stamp = stamp;
        p_.motion.start_stamp(stamp);
    }
    void locate() {
        rs_ = layout_.ts_to_rs[ts_];
        s_.ctb_x = static_cast<int>(rs_) % width_ctbs_;
        s_.ctb_y = static_cast<int>(rs_) / width_ctbs_;
    }

    // After a terminating bin of 1: the last bit that the engine has read is the stop or alignment bit, and zeros fill its byte.
    bool is_aligned_end(size_t* next_byte) const {
        const size_t last = s_.bit_position() - 1;
        const std::vector<uint8_t>& rbsp = s_.slice.rbsp;
        *next_byte = last / 8 + 1;
        if (*next_byte > s_.slice.rbsp_bytes) return false;
        const int bits = 8 - static_cast<int>(last & 7);
        return (rbsp[last / 8] & ((1 << bits) - 1)) == 1 << (bits - 1);
    }

    // end_of_subset_one_bit, byte_alignment().
    bool next_sub_stream() {
        if (!s_.engine.terminate()) return s_.fail("end_of_subset_one_bit", "is 0");
        size_t byte;
        if (!is_aligned_end(&byte)) return s_.fail("byte_alignment()", "is not where the sub-stream ends");
        const std::vector<size_t>& entries = s_.slice.entry_points;
        if (!entries.empty() && (sub_stream_ >= entries.size() || entries[sub_stream_] != byte))
            return s_.fail("entry_point_offset_minus1", "is not where the sub-stream ends");
        sub_stream_++;
        if (byte >= s_.slice.rbsp_bytes) return s_.fail("slice_segment_data", "ends too early");
        if (is_first_in_tile()) new_stamp();
        start_sub_stream(byte);
        return true;
    }

    bool end_slice() {
        size_t byte;
        if (!is_aligned_end(&byte)) return s_.fail("rbsp_slice_segment_trailing_bits", "are not where the slice ends");
        const size_t end = byte;
        // Only cabac_zero_words may follow.
        const SliceData& data = s_.slice;
        for (; byte < data.rbsp_bytes; byte++)
            if (data.rbsp[byte] != 0 && data.rbsp[byte] != 3)
                return s_.fail("rbsp_slice_segment_trailing_bits", "are not where the slice ends");
        // Some encoders list the sub-streams of the dependent slice segments that follow as well.
        const std::vector<size_t>& entries = s_.slice.entry_points;
        if (sub_stream_ < entries.size() && entries[sub_stream_] < end)
            return s_.fail("entry_point_offset_minus1", "is not where a sub-stream begins");
        p_.end_contexts = s_.contexts;
        p_.last_qp_y = s_.quantization.last_qp_y();
        p_.next_ctb_ts = ts_ + 1;
        return true;
    }

    // ---- coding tree units ----

    bool read_coding_tree_units() {
        for (;;) {
            if (p_.is_ctb_read[rs_]) return s_.fail("slice_segment_data", "runs into another slice");
            if (!read_coding_tree_unit()) return false;
            if (s_.engine.overrun()) return s_.fail("slice_segment_data", "ends too early");
            // Clause 9.3.2.4: the second one of a row is what the row below begins with.
            if (s_.pps.entropy_coding_sync_enabled_flag &&
                s_.ctb_x == layout_.column_of_ctb[static_cast<size_t>(s_.ctb_x)] + 1)
                p_.sync_contexts = s_.contexts;
            const bool is_last = s_.engine.terminate();  // end_of_slice_segment_flag
            end_coding_tree_unit();
            if (is_last) return end_slice();
            if (++ts_ >= layout_.ts_to_rs.size())
                return s_.fail("slice_segment_data", "continues after the last coding tree block");
            locate();
            const bool begins_tile = s_.pps.tiles_enabled_flag && is_first_in_tile();
            if ((begins_tile || is_first_in_synchronized_row()) && !next_sub_stream()) return false;
        }
    }

    bool read_coding_tree_unit() {
        const int x = s_.ctb_x << log2_ctb_, y = s_.ctb_y << log2_ctb_;
        if (s_.slice_motion.colocated != nullptr && p_.wait_for_colocated != nullptr && s_.ctb_y != waited_row_) {
            p_.wait_for_colocated(p_.callback_data, s_.ctb_y);
            waited_row_ = s_.ctb_y;
        }
        if (kResidual) p_.residual.start_ctb(x, y, 1 << log2_ctb_);
        is_inside_ctb_ = true;
        p_.blocks.coding_tree_units++;
        if (s_.header.slice_sao_flag[0] || s_.header.slice_sao_flag[1]) read_sao(x, y);
        return read_quadtree(x, y, log2_ctb_, 0);
    }

    void end_coding_tree_unit() {
        is_inside_ctb_ = false;
        if (kResidual) p_.residual.end_ctb();
        p_.is_ctb_read[rs_] = 1;
        if (p_.slice_of_ctb != nullptr) (*p_.slice_of_ctb)[rs_] = p_.slice_number;
        p_.ctbs_left_in_row[static_cast<size_t>(s_.ctb_y)]--;
        const int before = p_.rows_done;
        while (p_.rows_done < static_cast<int>(p_.ctbs_left_in_row.size()) &&
               p_.ctbs_left_in_row[static_cast<size_t>(p_.rows_done)] == 0)
            p_.rows_done++;
        if (p_.rows_done != before && p_.row_done != nullptr) p_.row_done(p_.callback_data, p_.rows_done);
    }

    // sao() (clause 7.3.8.3): read and ignored.
    void read_sao(int x, int y) {
        Cabac::Run run(&s_.engine);
        CabacContext* const merge = &s_.contexts[kSaoMergeFlag];
        if (s_.ctb_x > 0 && s_.grid.at(x - 1, y)->stamp == s_.stamp && run.decision(merge)) return;
        if (s_.ctb_y > 0 && s_.grid.at(x, y - 1)->stamp == s_.stamp && run.decision(merge)) return;
        int type = 0;
        for (int c_idx = 0; c_idx < (s_.sps.has_chroma() ? 3 : 1); c_idx++) {
            if (!s_.header.slice_sao_flag[c_idx > 0]) continue;
            if (c_idx < 2) {
                type = 0;
                if (run.decision(&s_.contexts[kSaoTypeIdx])) type = run.bypass() ? kEdgeOffset : kBandOffset;
            }
            if (type == 0) continue;
            const int depth = c_idx ? s_.sps.bit_depth_chroma : s_.sps.bit_depth_luma;
            const int most = (1 << (std::min(depth, 10) - 5)) - 1;
            int nonzero = 0;
            for (int i = 0; i < 4; i++) {
                int abs = 0;
                while (abs < most && run.bypass()) abs++;
                nonzero += abs > 0;
            }
            if (type == kBandOffset)
                run.bypass_bits(nonzero + 5);  // sao_offset_sign, sao_band_position
            else if (c_idx < 2)
                run.bypass_bits(2);  // sao_eo_class
        }
    }

    bool read_quadtree(int x, int y, int log2_size, int depth) {
        const int size = 1 << log2_size;
        const int width = s_.sps.pic_width_in_luma_samples, height = s_.sps.pic_height_in_luma_samples;
        bool splits = log2_size > s_.sps.log2_min_cb_size;
        if (splits && x + size <= width && y + size <= height) splits = read_split_cu_flag(x, y, depth);
        s_.quantization.start_node(x, y, log2_size);
        if (!splits) return coding_unit_.read(x, y, log2_size, depth);
        const int half = size / 2;
        for (int i = 0; i < 4; i++) {
            const int x_part = x + (i & 1) * half, y_part = y + (i >> 1) * half;
            if (x_part < width && y_part < height && !read_quadtree(x_part, y_part, log2_size - 1, depth + 1))
                return false;
        }
        return true;
    }

    bool read_split_cu_flag(int x, int y, int depth) {
        const CuInfo& left = *s_.grid.at(x - 1, y);
        const CuInfo& above = *s_.grid.at(x, y - 1);
        const int ctx =
            (left.stamp == s_.stamp && left.ct_depth > depth) + (above.stamp == s_.stamp && above.ct_depth > depth);
        return s_.decision(kSplitCuFlag + ctx);
    }

    static constexpr int kBandOffset = 1, kEdgeOffset = 2;

    SliceContext s_;
    PictureState& p_;
    const Layout& layout_;
    CodingUnitReader<kResidual> coding_unit_;
    const int log2_ctb_;
    const int width_ctbs_;
    uint32_t ts_ = 0, rs_ = 0;  // CtbAddrInTs, CtbAddrInRs
    size_t sub_stream_ = 0;
    int waited_row_ = -1;
    bool is_inside_ctb_ = false;
};

}  // namespace

template <bool kResidual>
bool read_slice(const Slice& slice, const SliceMotion& slice_motion, PictureState* picture, Fault* fault) {
    return SliceReader<kResidual>(slice, slice_motion, picture, fault).read();
}

template bool read_slice<true>(const Slice&, const SliceMotion&, PictureState*, Fault*);
template bool read_slice<false>(const Slice&, const SliceMotion&, PictureState*, Fault*);

}  // namespace hevc
}  // namespace attp
