#include "hevc/parser.h"

#include <algorithm>

#include "h26x/sei.h"
#include "hevc/vui.h"

namespace attp {
namespace hevc {
namespace {

// Co-located pictures of an on-demand stream that may wait for each other: bounds the memory of what is not read yet.
constexpr int kMaxColocatedDepth = 256;

// MaxSliceSegmentsPerPicture of level 6.2 (Table A.8): bounds the memory of headers and reference lists.
constexpr size_t kMaxSliceSegments = 600;

// Nearly all slice segment headers are shorter; entry points make some longer.
constexpr size_t kUsualHeaderBytes = 1024;

}  // namespace

void HevcParser::forget_references() {
    current_.reset();
    dpb_.clear();
    awaits_first_ = true;
    skips_rasl_ = is_skipping_ = has_delimiter_ = has_end_of_sequence_ = has_sei_recovery_ = awaits_recovery_ =
        is_broken_ = false;
    recent_pocs_.clear();
}

bool HevcParser::begins_nal(const uint8_t* nal, size_t bytes) const {
    if (bytes < kNalHeaderBytes || nal[0] & 0x80) return false;  // forbidden_zero_bit
    const NalHeader header(nal);
    return header.nuh_layer_id == 0 && header.temporal_id >= 0;
}

void HevcParser::read_nal(const uint8_t* nal, size_t bytes) {
    Fault fault;
    if (bytes < kNalHeaderBytes || NalHeader(nal).temporal_id < 0) {
        fault.set(ATTP_CORRUPT, "nuh_temporal_id_plus1", 13, "a NAL unit ends inside its header");
        damaged_nal(fault);
        return;
    }
    const NalHeader header(nal);
    if (header.nuh_layer_id > 0) {
        ignored_nal_units_++;
        return;
    }
    if (is_slice_segment(header.nal_unit_type)) {
        read_slice(nal, bytes);
        return;
    }
    switch (header.nal_unit_type) {
        // Some encoders send these before each slice of a picture; the next slice segment tells whether another picture begins.
        case kNalAud:
            has_sei_recovery_ = false;  // of a picture that was lost, or of the current one, which has read it
            has_delimiter_ = true;
            break;
        case kNalVps:
            has_delimiter_ = true;
            read_vps(nal, bytes);
            break;
        case kNalPrefixSei:
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
        case kNalEndOfSequence:
        case kNalEndOfStream:
            finish_picture();
            has_end_of_sequence_ = true;
            break;
        default:  // filler data, SEI behind the picture, reserved types
            ignored_nal_units_++;
    }
}

void HevcParser::read_vps(const uint8_t* nal, size_t bytes) {
    size_t rbsp_bytes = unescape(nal + kNalHeaderBytes, bytes - kNalHeaderBytes, &scratch_);
    BitReader reader(scratch_.data(), rbsp_bytes);
    Timing timing;
    size_t id = static_cast<size_t>(parse_vps_timing(&reader, &timing));
    vps_timing_[id] = timing;
}

void HevcParser::read_sps(const uint8_t* nal, size_t bytes) {
    size_t rbsp_bytes = unescape(nal + kNalHeaderBytes, bytes - kNalHeaderBytes, &scratch_);
    BitReader reader(scratch_.data(), rbsp_bytes);
    auto sps = std::make_shared<Sps>();
    Fault fault;
    parse_sps(&reader, options_.limits, sps.get(), &fault);
    if (fault.status == ATTP_CORRUPT) {
        parameter_fault_ = fault;
        damaged_nal(fault);
        return;
    }
    size_t id = static_cast<size_t>(sps->sps_seq_parameter_set_id);
    if (sps_.store(id, sps, scratch_, fault) && fault) parameter_fault_ = fault;
}

void HevcParser::read_pps(const uint8_t* nal, size_t bytes) {
    size_t rbsp_bytes = unescape(nal + kNalHeaderBytes, bytes - kNalHeaderBytes, &scratch_);
    BitReader reader(scratch_.data(), rbsp_bytes);
    auto pps = std::make_shared<Pps>();
    Fault fault;
    if (!parse_pps(&reader, pps.get(), &fault)) {
        damaged_nal(fault);
        return;
    }
    size_t id = static_cast<size_t>(pps->pps_pic_parameter_set_id);
    if (scratch_ == pps_bytes_[id]) return;
    pps_bytes_[id] = scratch_;
    pps_[id] = pps;
}

// Reads the recovery point and nothing else.
void HevcParser::read_sei(const uint8_t* nal, size_t bytes) {
    size_t rbsp_bytes = unescape(nal + kNalHeaderBytes, bytes - kNalHeaderBytes, &scratch_);
    for_each_sei_message(scratch_.data(), rbsp_bytes, [this](size_t payload_type, const uint8_t* data, size_t n) {
        if (payload_type != kRecoveryPoint) return;
        has_sei_recovery_ = true;
        sei_recovery_poc_cnt_ = BitReader(data, n).se();
    });
}

// Why pictures of this slice segment's parameter sets cannot be read, or nullptr.
const Fault* HevcParser::refusal_of(const uint8_t* nal, size_t rbsp_bytes) const {
    BitReader reader(scratch_.data(), rbsp_bytes);
    reader.u(1);  // first_slice_segment_in_pic_flag
    if (is_irap(NalHeader(nal).nal_unit_type)) reader.u(1);
    uint32_t pps_id = reader.ue();
    if (pps_id >= kMaxPps || !pps_[pps_id]) return nullptr;
    const Fault& sps_fault = sps_.fault_of(pps_[pps_id]->pps_seq_parameter_set_id);
    if (sps_fault) return &sps_fault;
    return pps_[pps_id]->refusal ? &pps_[pps_id]->refusal : nullptr;
}

bool HevcParser::read_header(const uint8_t* nal, size_t bytes, SliceHeader* header, size_t* data_bit, Fault* fault) {
    const SliceHeader* previous = current_ ? &current_->slices.back()->header : nullptr;
    // Not all of it, because the rest may never be needed, or another thread may do the work.
    for (size_t part : {std::min(bytes, kUsualHeaderBytes), bytes}) {
        size_t rbsp_bytes = unescape(nal + kNalHeaderBytes, part - kNalHeaderBytes, &scratch_);
        if (const Fault* refusal = refusal_of(nal, rbsp_bytes)) {
            *fault = *refusal;
            return false;
        }
        BitReader reader(scratch_.data(), rbsp_bytes);
        *header = SliceHeader();
        *fault = Fault();
        const bool ok = parse_slice_header(&reader, NalHeader(nal), sps_.table(), pps_, previous, header, fault);
        *data_bit = reader.position();
        if (ok || part == bytes) return ok;
    }
    return false;
}

// Addresses rise within a picture, in tile scan (clause 7.4.7.1).
bool HevcParser::follows_last_slice(const SliceHeader& header) const {
    const uint32_t last = current_->slices.back()->header.slice_segment_address;
    return layout_->rs_to_ts[header.slice_segment_address] > layout_->rs_to_ts[last];
}

bool HevcParser::begins_new_picture(const SliceHeader& header) const {
    const SliceHeader& first = current_->slices.front()->header;
    const bool is_same = header.nal_unit_type == first.nal_unit_type && header.temporal_id == first.temporal_id &&
                         header.pps == first.pps && header.slice_pic_order_cnt_lsb == first.slice_pic_order_cnt_lsb;
    if (!is_same) return true;
    if (follows_last_slice(header)) return false;
    if (has_delimiter_) return true;
    // All IDR pictures have the same picture order count; in other pictures this is a slice segment that was sent twice.
    if (current_->has_slice_at(header.slice_segment_address)) return is_idr(header.nal_unit_type);
    return true;  // the next picture, of which the first slice segments may be lost
}

// RASL pictures that follow a random access, or an end of sequence (clause 8.1.3).
bool HevcParser::is_skipped(const SliceHeader& header) {
    if (!is_rasl(header.nal_unit_type) || !skips_rasl_) {
        is_skipping_ = false;
        return false;
    }
    if (header.first_slice_segment_in_pic_flag || !is_skipping_) {
        skipped_pictures_++;
        attp_picture_info unused;
        take_times(&unused);
    }
    is_skipping_ = true;
    return true;
}

void HevcParser::read_slice(const uint8_t* nal, size_t bytes) {
    auto slice = std::unique_ptr<Slice>(new Slice);
    SliceHeader& header = slice->header;
    Fault fault;
    // A first slice segment begins a picture whatever the rest of its header says.
    const bool is_first = bytes > kNalHeaderBytes && (nal[kNalHeaderBytes] & 0x80) != 0;
    if (is_skipping_ && !is_first && is_rasl(NalHeader(nal).nal_unit_type)) return;
    if (!read_header(nal, bytes, &header, &slice->data_bit, &fault)) {
        if (fault.status == ATTP_UNSUPPORTED)
            refuse(fault);
        else
            damaged_nal(fault);
        return;
    }
    if (current_ && begins_new_picture(header)) finish_picture();
    has_delimiter_ = false;
    if (is_skipped(header)) return;
    if (current_ && !follows_last_slice(header)) {
        ignored_nal_units_++;
        return;
    }
    if (!current_ && header.dependent_slice_segment_flag)
        fault.set(ATTP_CORRUPT, "dependent_slice_segment_flag", -1,
                  "the slice of a dependent slice segment is missing");
    if (!current_ && (fault || !begin_picture(header, &fault))) {
        damaged_nal(fault);
        return;
    }
    has_sei_recovery_ = false;
    if (current_->slices.size() >= kMaxSliceSegments) {
        fault.set(ATTP_CORRUPT, "slice_segment_address", -1, "there are more slice segments than any level allows");
        damaged_nal(fault);
        return;
    }
    note_tools(header);
    std::shared_ptr<HevcPicture> colocated = dpb_.make_lists(header, &slice->references);
    if (colocated) add_colocated(current_.get(), colocated, kMaxColocatedDepth);
    slice->colocated = colocated.get();
    current_->note_slice("BPI"[header.slice_type], header.weights.is_present, slice->references);
    slice->payload.assign(nal + kNalHeaderBytes, nal + bytes);
    current_->info.packet_bytes += static_cast<int64_t>(bytes);
    current_->slices.push_back(std::move(slice));
}

bool HevcParser::activate(const SliceHeader& header, Fault* fault) {
    const bool is_same = are_alike(header.sps, active_sps_);
    if (is_same && header.pps == active_pps_) {
        active_sps_ = header.sps;
        return true;
    }
    const Sps& sps = *header.sps;
    auto layout = std::make_shared<Layout>();
    if (!make_layout(sps, *header.pps, layout.get(), fault)) return false;
    layout_ = layout;
    active_pps_ = header.pps;
    const bool is_first = !active_sps_;
    active_sps_ = header.sps;
    if (is_same) return true;
    const int width = sps.pic_width_in_luma_samples, height = sps.pic_height_in_luma_samples;
    if (!memory_ || memory_->width_px != width || memory_->height_px != height)
        memory_ = std::make_shared<PictureMemory>(width, height);
    begin_sequence_parameters();
    // Only an IRAP picture may change them.
    if (!is_first && !is_irap(header.nal_unit_type)) dpb_.clear();
    return true;
}

bool HevcParser::begin_picture(const SliceHeader& header, Fault* fault) {
    const int type = header.nal_unit_type;
    if (!activate(header, fault)) return false;
    const Sps& sps = *header.sps;
    // As in H.264: if the very next picture follows, the sequence goes on.
    if (has_end_of_sequence_ && (is_irap(type) || has_sei_recovery_)) awaits_first_ = true;
    has_end_of_sequence_ = false;
    starts_sequence_ = awaits_first_ || is_idr(type) || is_bla(type);
    if (is_irap(type)) skips_rasl_ = starts_sequence_;
    awaits_first_ = false;
    current_ = std::make_shared<HevcPicture>(memory_, layout_, header.sps, kernels_);
    start_picture(current_.get());
    current_->set_size(sps.width_px(), sps.height_px(), sps.crop_left_px, sps.crop_top_px);
    attp_picture_info& info = current_->info;
    info.poc = dpb_.begin_picture(header, starts_sequence_);
    info.is_idr = is_idr(type);
    info.is_random_access = is_irap(type);
    info.is_reference = !is_sub_layer_non_reference(type);
    info.nal_unit_type = type;
    info.temporal_id = header.temporal_id;
    current_->is_recovery_point = reaches_recovery(header, info.poc);
    note_breaks(header);
    return true;
}

// Within a coded video sequence no two pictures have the same picture order count. A repeated one shows that the beginning of
// another sequence was lost, and references are wrong even if all of them seem to exist.
void HevcParser::note_breaks(const SliceHeader& header) {
    constexpr size_t kRemembered = 64;
    const int32_t poc = current_->info.poc;
    if (starts_sequence_) recent_pocs_.clear();
    if (is_irap(header.nal_unit_type) || current_->is_recovery_point)
        is_broken_ = false;
    else if (std::find(recent_pocs_.begin(), recent_pocs_.end(), poc) != recent_pocs_.end())
        is_broken_ = true;
    if (is_broken_) current_->damage("earlier pictures were lost, and no random-access picture has followed");
    recent_pocs_.push_back(poc);
    if (recent_pocs_.size() > kRemembered) recent_pocs_.pop_front();
}

// Whether a reference is missing that no earlier picture missed. Pictures before the beginning of the reading are not lost.
bool HevcParser::comes_after_loss() {
    const int32_t missing = dpb_.latest_missing_poc();
    const bool is_new = !starts_sequence_ && missing > known_missing_poc_;
    known_missing_poc_ = starts_sequence_ ? missing : std::max(known_missing_poc_, missing);
    return is_new;
}

// The earliest recovery point counts: later messages, which some encoders send with each picture, do not postpone it. A loss
// does, and right after it, a message may belong to the lost picture.
bool HevcParser::reaches_recovery(const SliceHeader& header, int32_t poc) {
    if (is_irap(header.nal_unit_type)) awaits_recovery_ = false;
    if (comes_after_loss()) awaits_recovery_ = has_sei_recovery_ = false;
    if (has_sei_recovery_) {
        const int32_t point =
            static_cast<int32_t>(static_cast<uint32_t>(poc) + static_cast<uint32_t>(sei_recovery_poc_cnt_));
        recovery_poc_ = awaits_recovery_ ? std::min(recovery_poc_, point) : point;
        awaits_recovery_ = true;
    }
    if (!awaits_recovery_ || poc < recovery_poc_) return false;
    awaits_recovery_ = false;
    return true;
}

void HevcParser::end_access_unit() {
    if (current_) has_sei_recovery_ = false;
    finish_picture();
}

void HevcParser::finish_picture() {
    if (!current_) return;
    std::shared_ptr<HevcPicture> picture = std::move(current_);
    current_.reset();
    dpb_.end_picture(picture);
    give_out(picture, starts_sequence_);
}

void HevcParser::note_tools(const SliceHeader& h) {
    const Sps& sps = *h.sps;
    const Pps& pps = *h.pps;
    const struct {
        bool used;
        const char* name;
    } tools[] = {
        {sps.amp_enabled_flag, "AMP"},
        {h.slice_sao_flag[0] || h.slice_sao_flag[1], "SAO"},
        {sps.pcm_enabled_flag, "PCM"},
        {sps.scaling_list_enabled_flag, "scaling-lists"},
        {pps.transform_skip_enabled_flag, "transform-skip"},
        {pps.sign_data_hiding_enabled_flag, "sign-hiding"},
        {pps.transquant_bypass_enabled_flag, "transquant-bypass"},
        {pps.cu_qp_delta_enabled_flag, "cu-qp-delta"},
        {h.cu_chroma_qp_offset_enabled_flag, "cu-chroma-qp-offset"},
        {pps.constrained_intra_pred_flag, "constrained-intra"},
        {pps.tiles_enabled_flag, "tiles"},
        {pps.entropy_coding_sync_enabled_flag, "WPP"},
        {h.dependent_slice_segment_flag, "dependent-slices"},
        {!current_->slices.empty() && !h.dependent_slice_segment_flag, "multi-slice"},
        {h.weights.is_present, "explicit-weights"},
        {h.slice_temporal_mvp_enabled_flag && h.lists() > 0, "temporal-mvp"},
        {h.mvd_l1_zero_flag, "mvd-l1-zero"},
        {h.cabac_init_flag, "cabac-init"},
        {pps.log2_parallel_merge_level > 2, "parallel-merge"},
        {h.ref_pic_list_modification_flag[0] || h.ref_pic_list_modification_flag[1], "list-modification"},
        {!h.long_term.empty(), "long-term-references"},
        {h.temporal_id > 0, "sub-layers"},
    };
    for (const auto& tool : tools)
        if (tool.used) tools_.insert(tool.name);
}

void HevcParser::fill_stream_info(attp_stream_info* out) const {
    fill_common_info(out);
    out->skipped_pictures = skipped_pictures_;
    const Sps* sps = active_sps_ ? active_sps_.get() : sps_.any();
    if (sps == nullptr) return;
    out->width_px = sps->width_px();
    out->height_px = sps->height_px();
    out->bit_depth_luma = sps->bit_depth_luma;
    out->chroma_format_idc = sps->chroma_format_idc;
    out->profile_idc = sps->general_profile_idc;
    out->constraint_flags = sps->general_tier_flag;
    out->level_idc = sps->general_level_idc;
    out->max_num_ref_frames = sps->sps_max_dec_pic_buffering - 1;
    out->ctb_size_px = 1 << sps->log2_ctb_size;
    const Timing& in_vps = vps_timing_[static_cast<size_t>(sps->sps_video_parameter_set_id)];
    const Timing& timing = sps->timing.num_units_in_tick != 0 ? sps->timing : in_vps;
    out->num_units_in_tick = timing.num_units_in_tick;
    out->time_scale = timing.time_scale;
}

}  // namespace hevc
}  // namespace attp
