#include "h264/parser.h"

#include <algorithm>

#include "h26x/sei.h"

namespace attp {
namespace h264 {
namespace {

// Co-located pictures of an on-demand stream that may wait for each other.
constexpr int kMaxColocatedDepth = 16;

// Longer than any slice header: the largest part, pred_weight_table(), has 2 x 32 entries of 12 bytes at most.
constexpr size_t kMaxHeaderBytes = 2048;

size_t mb_count(const Sps& sps) {
    return static_cast<size_t>(sps.pic_width_in_mbs) * static_cast<size_t>(sps.height_in_mbs());
}

}  // namespace

void H264Parser::forget_references() {
    current_.reset();
    sei_recovery_frame_cnt_ = -1;
    has_delimiter_ = has_end_of_sequence_ = false;
    begin_again();
}

// Forgets everything that later pictures could refer to.
void H264Parser::begin_again() {
    dpb_.clear();
    recovery_in_ = -1;
    has_begun_ = has_join_ = false;
    is_broken_ = true;
}

bool H264Parser::begins_nal(const uint8_t* nal, size_t bytes) const {
    if (bytes == 0 || nal[0] & 0x80) return false;  // forbidden_zero_bit
    const int type = nal[0] & 31, nal_ref_idc = nal[0] >> 5;
    return type >= kNalSlice && type <= kNalLastOfTable && (type != kNalIdr || nal_ref_idc != 0);
}

void H264Parser::read_nal(const uint8_t* nal, size_t bytes) {
    Fault fault;
    int type = nal[0] & 31;
    switch (type) {
        case kNalSlice:
        case kNalIdr:
            read_slice(nal, bytes);
            break;
        case kNalPartitionA:
        case kNalPartitionB:
        case kNalPartitionC:
            // In any other profile, this is a damaged byte.
            if (active_sps_ && active_sps_->profile_idc != kExtendedProfile) {
                fault.set(ATTP_CORRUPT, "nal_unit_type", 3, "this profile has no data partitions");
                damaged_nal(fault);
            } else {
                fault.unsupported("data partitioning (Extended profile, nal_unit_type 2 to 4)");
                refuse(fault);
            }
            break;
        // Some encoders send these before each slice of a picture; the next slice tells whether another picture begins.
        case kNalSei:
            has_delimiter_ = true;
            read_sei(nal, bytes);
            break;
        case kNalSps:
            has_delimiter_ = true;
            read_sps(nal, bytes);
            break;
        case kNalPps:
            has_delimiter_ = true;
            read_pps(nal, bytes);
            break;
        case kNalAud:
            has_delimiter_ = true;
            sei_recovery_frame_cnt_ = -1;  // of a picture that was lost
            break;
        case kNalEndOfSequence:
        case kNalEndOfStream:
            finish_picture();
            has_end_of_sequence_ = true;
            break;
        default:  // other layers, auxiliary pictures, filler data
            ignored_nal_units_++;
    }
}

void H264Parser::read_sps(const uint8_t* nal, size_t bytes) {
    size_t rbsp_bytes = unescape(nal + 1, bytes - 1, &scratch_);
    BitReader reader(scratch_.data(), rbsp_bytes);
    auto sps = std::make_shared<Sps>();
    Fault fault;
    parse_sps(&reader, options_.limits, sps.get(), &fault);
    size_t id = static_cast<size_t>(sps->seq_parameter_set_id);
    if (fault.status == ATTP_CORRUPT) {
        parameter_fault_ = fault;
        damaged_nal(fault);
        return;
    }
    if (!sps_.store(id, sps, scratch_, fault)) return;
    if (fault) parameter_fault_ = fault;
    for (auto& pps : pps_bytes_) {
        if (pps.empty()) continue;
        std::vector<uint8_t> copy = pps;
        BitReader pps_reader(copy.data(), copy.size() - kRbspPadding);
        pps_reader.ue();
        if (pps_reader.ue() == id) store_pps(copy, copy.size() - kRbspPadding);
    }
}

void H264Parser::read_pps(const uint8_t* nal, size_t bytes) {
    size_t rbsp_bytes = unescape(nal + 1, bytes - 1, &scratch_);
    BitReader reader(scratch_.data(), rbsp_bytes);
    uint32_t id = reader.ue();
    if (id < kMaxPps && pps_[id] && scratch_ == pps_bytes_[id]) return;
    store_pps(scratch_, rbsp_bytes);
}

void H264Parser::store_pps(const std::vector<uint8_t>& rbsp, size_t rbsp_bytes) {
    BitReader reader(rbsp.data(), rbsp_bytes);
    auto pps = std::make_shared<Pps>();
    Fault fault;
    if (!parse_pps(&reader, sps_.table(), pps.get(), &fault)) {
        damaged_nal(fault);
        return;
    }
    size_t id = static_cast<size_t>(pps->pic_parameter_set_id);
    if (&rbsp != &pps_bytes_[id]) pps_bytes_[id] = rbsp;
    pps_[id] = pps;
}

// Reads the recovery point and nothing else.
void H264Parser::read_sei(const uint8_t* nal, size_t bytes) {
    size_t rbsp_bytes = unescape(nal + 1, bytes - 1, &scratch_);
    for_each_sei_message(scratch_.data(), rbsp_bytes, [this](size_t payload_type, const uint8_t* data, size_t n) {
        if (payload_type == kRecoveryPoint) sei_recovery_frame_cnt_ = BitReader(data, n).ue();
    });
}

void H264Parser::read_slice(const uint8_t* nal, size_t bytes) {
    auto slice = std::unique_ptr<Slice>(new Slice);
    // Only the header, because the rest may never be needed, or another thread may do the work.
    size_t header_bytes = unescape(nal + 1, std::min(bytes - 1, kMaxHeaderBytes), &scratch_);
    BitReader reader(scratch_.data(), header_bytes);
    SliceHeader& header = slice->header;
    Fault fault;
    // If a parameter set cannot be used, that is the reason to report, not how this header reads with it.
    reader.ue();
    reader.ue();
    uint32_t pps_id = reader.ue();
    if (pps_id < kMaxPps && pps_[pps_id]) {
        const Fault& sps_fault = sps_.fault_of(pps_[pps_id]->seq_parameter_set_id);
        if (sps_fault) {
            refuse(sps_fault);
            return;
        }
    }
    reader.seek(0);
    if (!parse_slice_header(&reader, nal[0], sps_.table(), pps_, &header, &fault)) {
        if (fault.status == ATTP_UNSUPPORTED)
            refuse(fault);
        else
            damaged_nal(fault);
        return;
    }
    if (header.redundant_pic_cnt > 0) {
        ignored_nal_units_++;
        return;
    }
    if (current_ && begins_next_picture(header)) finish_picture();
    has_delimiter_ = false;
    if (!current_) begin_picture(header, nal[0] & 31);
    take_recovery_point();
    if (current_->has_slice_at(header.first_mb_in_slice)) {  // sent twice
        ignored_nal_units_++;
        return;
    }
    if (current_->slices.size() >= mb_count(*header.sps)) {
        fault.set(ATTP_CORRUPT, "first_mb_in_slice", -1, "there are more slices than macroblocks");
        damaged_nal(fault);
        return;
    }
    note_tools(header);
    std::shared_ptr<H264Picture> colocated = dpb_.make_lists(header, &slice->references);
    if (colocated) add_colocated(current_.get(), colocated, kMaxColocatedDepth);
    slice->colocated = colocated.get();
    current_->note_slice("PBI"[header.slice_type], header.pred_weight_table.is_present || header.has_implicit_weights(),
                         slice->references);
    slice->data_bit = reader.position();
    slice->payload.assign(nal + 1, nal + bytes);
    current_->info.packet_bytes += static_cast<int64_t>(bytes);
    current_->slices.push_back(std::move(slice));
}

// Some encoders give all their pictures the same number, IDR pictures above all.
bool H264Parser::begins_next_picture(const SliceHeader& header) const {
    if (begins_new_picture(current_->slices[0]->header, header)) return true;
    if (has_delimiter_ && header.first_mb_in_slice == 0) return true;
    return (has_delimiter_ || header.idr) && current_->has_slice_at(header.first_mb_in_slice);
}

// Returns whether another coded video sequence must begin here.
bool H264Parser::activate(const std::shared_ptr<const Sps>& sps) {
    const bool is_other = !are_alike(sps, active_sps_);
    active_sps_ = sps;
    if (!is_other) return false;
    if (!memory_ || memory_->width_mbs != sps->pic_width_in_mbs || memory_->height_mbs != sps->height_in_mbs())
        memory_ = std::make_shared<PictureMemory>(sps->pic_width_in_mbs, sps->height_in_mbs());
    begin_sequence_parameters();
    return true;
}

void H264Parser::begin_picture(const SliceHeader& header, int nal_unit_type) {
    // An IDR picture follows, or a gap that a live source marks this way, up to a picture at which reading can begin. If the very
    // next picture follows, the sequence goes on.
    if (has_end_of_sequence_ && (header.idr || header.slice_type == kI || sei_recovery_frame_cnt_ >= 0)) begin_again();
    has_end_of_sequence_ = false;
    if (activate(header.sps) && !header.idr) dpb_.clear();
    const Sps& sps = *header.sps;
    current_ = std::make_shared<H264Picture>(memory_, kernels_);
    picture_recovery_frame_cnt_ = -1;
    comes_after_loss_ = !dpb_.fill_frame_num_gap(header);
    if (comes_after_loss_) is_broken_ = true;
    start_picture(current_.get());
    current_->set_size(sps.width_px(), sps.height_px(), sps.crop_left_px, sps.crop_top_px);
    attp_picture_info& info = current_->info;
    info.poc = dpb_.begin_picture(header);
    info.is_idr = header.idr;
    info.is_reference = header.nal_ref_idc != 0;
    info.frame_num = static_cast<int32_t>(header.frame_num);
    current_->is_shown_as_decoded = sps.pic_order_cnt_type == 2;
    info.nal_unit_type = nal_unit_type;
}

// A recovery point SEI message after the last slice belongs to the current picture.
void H264Parser::take_recovery_point() {
    if (sei_recovery_frame_cnt_ >= 0) picture_recovery_frame_cnt_ = sei_recovery_frame_cnt_;
    sei_recovery_frame_cnt_ = -1;
}

// The recovery point is the reference picture whose frame_num is recovery_frame_cnt increments ahead. The earliest one
// counts; later messages, which some encoders send with each picture, do not postpone it.
bool H264Parser::reaches_recovery(const SliceHeader& header) {
    const uint32_t max_frame_num = 1u << header.sps->log2_max_frame_num;
    const uint32_t increments = (header.frame_num - last_frame_num_) & (max_frame_num - 1);
    last_frame_num_ = header.has_operation_5() ? 0 : header.frame_num;
    if (header.idr || comes_after_loss_) recovery_in_ = -1;
    const bool goes_on = increments < max_frame_num / 2;  // not backwards, as in a disordered stream
    if (recovery_in_ > 0 && goes_on) recovery_in_ = std::max<int64_t>(0, recovery_in_ - increments);
    // After a loss, a message may belong to the lost picture.
    const int64_t next = comes_after_loss_ ? -1 : picture_recovery_frame_cnt_;
    if (next >= 0 && (recovery_in_ < 0 || next < recovery_in_)) recovery_in_ = next;
    if (recovery_in_ != 0 || header.nal_ref_idc == 0) return false;
    recovery_in_ = -1;
    return true;
}

void H264Parser::end_access_unit() {
    if (current_) take_recovery_point();
    finish_picture();
}

void H264Parser::finish_picture() {
    if (!current_) return;
    std::shared_ptr<H264Picture> picture = std::move(current_);
    current_.reset();
    attp_picture_info& info = picture->info;
    const SliceHeader& first = picture->slices[0]->header;
    info.is_random_access = info.is_idr || (info.kind == 'I' && picture_recovery_frame_cnt_ == 0);
    picture->is_recovery_point = reaches_recovery(first);
    dpb_.end_picture(first, picture, static_cast<int32_t>(info.decode_index), picture->health);
    note_breaks(picture.get(), first);
    give_out(picture, first.idr || first.has_operation_5());
}

// Lost pictures, or beginning in mid-stream, break the chain of references until the next random-access picture. Pictures that
// precede it in display order may still refer to missing ones (clause D.2.8).
void H264Parser::note_breaks(H264Picture* picture, const SliceHeader& header) {
    const attp_picture_info& info = picture->info;
    const bool is_first = !has_begun_;
    has_begun_ = true;
    if (header.idr || header.has_operation_5()) has_join_ = false;
    if (info.is_random_access || picture->is_recovery_point || (is_first && info.kind == 'I')) {
        if (is_broken_ && !header.idr) {
            has_join_ = true;
            join_poc_ = info.poc;
        }
        is_broken_ = false;
    } else if (is_broken_) {
        picture->damage("earlier pictures were lost, and no random-access picture has followed");
    } else if (has_join_ && info.poc < join_poc_) {
        picture->damage("precedes the random-access picture at which reading began");
    }
}

void H264Parser::note_tools(const SliceHeader& h) {
    tools_.insert(h.pps->entropy_coding_mode_flag ? "CABAC" : "CAVLC");
    if (h.pps->transform_8x8_mode_flag) tools_.insert("8x8-transform");
    if (h.pps->pic_scaling_matrix_present_flag || h.sps->seq_scaling_matrix_present_flag)
        tools_.insert("scaling-matrices");
    if (h.pred_weight_table.is_present) tools_.insert("explicit-weights");
    if (h.has_implicit_weights()) tools_.insert("implicit-weights");
    if (h.slice_type == kB) tools_.insert(h.direct_spatial_mv_pred_flag ? "spatial-direct" : "temporal-direct");
    if (h.pps->constrained_intra_pred_flag) tools_.insert("constrained-intra");
    if (h.pps->num_slice_groups > 1) tools_.insert("FMO");
    if (current_ && !current_->slices.empty()) tools_.insert("multi-slice");
    if (!h.sps->frame_mbs_only_flag) tools_.insert("interlaced-sequence");
    if (h.long_term_reference_flag || std::any_of(h.marking.begin(), h.marking.end(), [](const MarkingOperation& m) {
            return m.memory_management_control_operation == 3 || m.memory_management_control_operation == 6;
        }))
        tools_.insert("long-term-references");
}

void H264Parser::fill_stream_info(attp_stream_info* out) const {
    fill_common_info(out);
    out->ctb_size_px = 16;
    const Sps* sps = active_sps_ ? active_sps_.get() : sps_.any();
    if (sps != nullptr) {
        out->width_px = sps->width_px();
        out->height_px = sps->height_px();
        out->bit_depth_luma = sps->bit_depth_luma;
        out->chroma_format_idc = sps->chroma_format_idc;
        out->profile_idc = sps->profile_idc;
        out->constraint_flags = sps->constraint_flags;
        out->level_idc = sps->level_idc;
        out->max_num_ref_frames = sps->max_num_ref_frames;
        out->pic_order_cnt_type = sps->pic_order_cnt_type;
        out->num_units_in_tick = sps->timing.num_units_in_tick;
        out->time_scale = sps->timing.time_scale;
    }
}

}  // namespace h264
}  // namespace attp
