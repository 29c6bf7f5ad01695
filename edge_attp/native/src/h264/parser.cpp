#include "h264/parser.h"

#include <algorithm>
#include <cstring>

namespace attp {
namespace h264 {
namespace {

// Co-located pictures of an on-demand stream that may wait for each other: bounds memory and recursion.
constexpr int kMaxColocatedDepth = 16;

// Longer than any slice header: its largest part, pred_weight_table(), has 2 x 32 entries of 12 bytes at most.
constexpr size_t kMaxHeaderBytes = 2048;

size_t mb_count(const Sps& sps) {
    return static_cast<size_t>(sps.pic_width_in_mbs) * static_cast<size_t>(sps.height_in_mbs());
}

}  // namespace

H264Parser::H264Parser(const ParserOptions& options, const Kernels* kernels)
    : options_(options), kernels_(kernels), splitter_(options.limits.max_nal_bytes) {
    if (options.threads > 1 && !options.on_demand) workers_.reset(new Workers(options.threads));
}

H264Parser::~H264Parser() = default;

void H264Parser::send(const Packet& packet) {
    if (fault_) return;
    if (options_.nal_length_bytes > 0) {
        packet_ = packet;
        read_length_prefixed(packet.data, packet.bytes);
    } else {
        read_annexb(packet);
    }
    if (packet.complete) {
        finish_picture();
    }
}

void H264Parser::read_annexb(const Packet& packet) {
    // The first NAL unit may have begun in an earlier packet: the times of that one are its own.
    bool is_earlier = splitter_.is_inside();
    if (!is_earlier) packet_ = packet;
    splitter_.push(packet.data, packet.bytes, packet.complete, [&](const uint8_t* nal, size_t bytes) {
        read_nal(nal, bytes);
        if (is_earlier) packet_ = packet;
        is_earlier = false;
    });
}

void H264Parser::read_length_prefixed(const uint8_t* data, size_t bytes) {
    const size_t prefix = static_cast<size_t>(options_.nal_length_bytes);
    size_t at = 0;
    while (bytes - at > prefix) {
        size_t length = 0;
        for (size_t i = 0; i < prefix; i++) length = length << 8 | data[at + i];
        at += prefix;
        if (length > bytes - at) {
            // The end was cut off: what is there may still be most of a slice.
            Fault fault;
            fault.set(ATTP_CORRUPT, "NALUnitLength", -1, "a NAL unit of %zu bytes has only %zu left in its packet",
                      length, bytes - at);
            damaged_nal(fault);
            length = bytes - at;
        }
        if (length > 0) read_nal(data + at, length);
        at += length;
    }
}

void H264Parser::drain() {
    if (options_.nal_length_bytes == 0 && !fault_)
        splitter_.push(nullptr, 0, true, [this](const uint8_t* nal, size_t bytes) { read_nal(nal, bytes); });
    finish_picture();
    release_held();
    drained_ = true;
    if (next_decode_index_ == 0 && !fault_ && parameter_fault_) fault_ = parameter_fault_;
}

void H264Parser::flush() {
    splitter_.reset();
    current_.reset();
    held_.clear();
    ready_.clear();
    submitted_ = 0;
    dpb_.clear();
    sei_recovery_frame_cnt_ = recovery_frame_num_ = -1;
    poc_step_.start_sequence();
    has_begun_ = has_join_ = drained_ = false;
    is_broken_ = true;
}

attp_status H264Parser::receive(std::shared_ptr<Picture>* out) {
    bool wait_for_more = workers_ && !drained_ && !fault_ && ready_.size() < window();
    if (ready_.empty() || wait_for_more) {
        if (ready_.empty() && fault_) return fault_.status;
        return drained_ && ready_.empty() ? ATTP_END : ATTP_AGAIN;
    }
    std::shared_ptr<H264Picture> picture = ready_.front();
    ready_.pop_front();
    if (submitted_ > 0) submitted_--;
    feed_workers();
    if (!options_.on_demand) {
        picture->parse();
        picture->resolve_inherited_damage();
    }
    *out = picture;
    return ATTP_OK;
}

// Nothing more is read; what came before is still given out.
void H264Parser::refuse(const Fault& fault) {
    finish_picture();
    release_held();
    fault_ = fault;
    fault_.decode_index = next_decode_index_;
}

// A picture that lacks this NAL unit lacks macroblocks, and so do pictures that refer to a lost one: they are damaged, not the
// picture that happens to be open.
void H264Parser::damaged_nal(const Fault& fault) {
    damaged_nal_units_++;
    if (current_ && current_->lost_slice.empty()) current_->lost_slice = fault.message;
}

void H264Parser::read_nal(const uint8_t* nal, size_t bytes) {
    if (fault_) return;
    nal_units_++;
    Fault fault;
    if (bytes > options_.limits.max_nal_bytes) {
        fault.set(ATTP_LIMIT, "NAL unit", -1, "a NAL unit of %zu bytes is above the limit", bytes);
        damaged_nal(fault);
        return;
    }
    int type = nal[0] & 31;
    if (nal[0] & 0x80) {  // forbidden_zero_bit
        fault.set(ATTP_CORRUPT, "forbidden_zero_bit", 0, "a NAL unit has its forbidden_zero_bit set");
        damaged_nal(fault);
        return;
    }
    switch (type) {
        case kNalSlice:
        case kNalIdr:
            read_slice(nal, bytes);
            break;
        case kNalPartitionA:
        case kNalPartitionB:
        case kNalPartitionC:
            // In any other profile this is a damaged byte.
            if (active_sps_ && active_sps_->profile_idc != kExtendedProfile) {
                fault.set(ATTP_CORRUPT, "nal_unit_type", 3, "data partitions do not belong into this profile");
                damaged_nal(fault);
            } else {
                fault.unsupported("data partitioning (Extended profile, nal_unit_type 2 to 4)");
                refuse(fault);
            }
            break;
        case kNalSei:
            if (!packet_.complete) finish_picture();
            read_sei(nal, bytes);
            break;
        case kNalSps:
            finish_picture();
            read_sps(nal, bytes);
            break;
        case kNalPps:
            finish_picture();
            read_pps(nal, bytes);
            break;
        case kNalAud:
        case kNalEndOfSequence:
        case kNalEndOfStream:
            finish_picture();
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
    std::vector<uint8_t> rbsp(scratch_.begin(), scratch_.begin() + static_cast<std::ptrdiff_t>(rbsp_bytes));
    if (rbsp == sps_bytes_[id]) return;
    sps_bytes_[id] = rbsp;
    // A set that cannot be used is refused when a slice refers to it.
    sps_fault_[id] = fault;
    if (fault) parameter_fault_ = fault;
    sps_[id] = sps;
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
    if (!parse_pps(&reader, sps_, pps.get(), &fault)) {
        damaged_nal(fault);
        return;
    }
    size_t id = static_cast<size_t>(pps->pic_parameter_set_id);
    if (&rbsp != &pps_bytes_[id]) pps_bytes_[id] = rbsp;
    pps_[id] = pps;
}

// Clause 7.3.2.3.1; only the recovery point is of interest.
void H264Parser::read_sei(const uint8_t* nal, size_t bytes) {
    size_t rbsp_bytes = unescape(nal + 1, bytes - 1, &scratch_);
    size_t at = 0;
    while (at + 2 < rbsp_bytes) {
        size_t type = 0, size = 0;
        while (at < rbsp_bytes && scratch_[at] == 0xff) type += scratch_[at++];
        if (at >= rbsp_bytes) return;
        type += scratch_[at++];
        while (at < rbsp_bytes && scratch_[at] == 0xff) size += scratch_[at++];
        if (at >= rbsp_bytes) return;
        size += scratch_[at++];
        if (size > rbsp_bytes - at) return;
        if (type == 6) {
            BitReader reader(scratch_.data() + at, rbsp_bytes - at);
            sei_recovery_frame_cnt_ = reader.ue();
        }
        at += size;
    }
}

void H264Parser::read_slice(const uint8_t* nal, size_t bytes) {
    auto slice = std::unique_ptr<Slice>(new Slice);
    // The header only: the rest may never be wanted, or be another thread's work.
    size_t header_bytes = unescape(nal + 1, std::min(bytes - 1, kMaxHeaderBytes), &scratch_);
    BitReader reader(scratch_.data(), header_bytes);
    SliceHeader& header = slice->header;
    Fault fault;
    // A parameter set that cannot be used is the reason to name, not what its fields make of this header.
    reader.ue();
    reader.ue();
    uint32_t pps_id = reader.ue();
    if (pps_id < kMaxPps && pps_[pps_id]) {
        const Fault& sps_fault = sps_fault_[static_cast<size_t>(pps_[pps_id]->seq_parameter_set_id)];
        if (sps_fault) {
            refuse(sps_fault);
            return;
        }
    }
    reader.seek(0);
    if (!parse_slice_header(&reader, nal[0], sps_, pps_, &header, &fault)) {
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
    if (current_ && begins_new_picture(current_->slices[0]->header, header)) finish_picture();
    if (current_ && current_->has_slice_at(header.first_mb_in_slice)) {
        // Some encoders number all their IDR pictures alike; in other pictures this is a slice that was sent twice.
        if (!header.idr) {
            ignored_nal_units_++;
            return;
        }
        finish_picture();
    }
    if (!current_) begin_picture(header);
    if (current_->slices.size() >= mb_count(*header.sps)) {
        fault.set(ATTP_CORRUPT, "first_mb_in_slice", -1, "there are more slices than macroblocks");
        damaged_nal(fault);
        return;
    }
    note_tools(header);
    dpb_.make_lists(header, &slice->references);
    if (options_.on_demand && slice->references.colocated) {
        H264Picture& col = *slice->references.colocated;
        if (col.colocated_depth >= kMaxColocatedDepth) col.parse();
        current_->colocated_depth = std::max(current_->colocated_depth, col.colocated_depth + 1);
    }
    slice->data_bit = reader.position();
    slice->payload.assign(nal + 1, nal + bytes);
    current_->info.packet_bytes += static_cast<int64_t>(bytes);
    current_->slices.push_back(std::move(slice));
}

void H264Parser::activate(const std::shared_ptr<const Sps>& sps) {
    if (sps == active_sps_) return;
    if (!memory_ || memory_->width_mbs != sps->pic_width_in_mbs || memory_->height_mbs != sps->height_in_mbs())
        memory_ = std::make_shared<PictureMemory>(sps->pic_width_in_mbs, sps->height_in_mbs());
    release_held();
    active_sps_ = sps;
    poc_step_.forget();
    is_step_known_ = false;
    pictures_of_step_ = 0;
}

void H264Parser::begin_picture(const SliceHeader& header) {
    bool changes_parameters = active_sps_ != header.sps;
    activate(header.sps);
    const Sps& sps = *header.sps;
    current_ = std::make_shared<H264Picture>(memory_, kernels_);
    current_->wants_residual = options_.want_residual;
    if (changes_parameters && !header.idr) dpb_.clear();
    if (!dpb_.fill_frame_num_gap(header)) is_broken_ = true;
    attp_picture_info& info = current_->info;
    info.decode_index = next_decode_index_++;
    info.pts = packet_.pts;
    info.dts = packet_.dts;
    info.poc = dpb_.begin_picture(header);
    info.is_idr = header.idr;
    info.is_reference = header.nal_ref_idc != 0;
    info.frame_num = static_cast<int32_t>(header.frame_num);
    info.width_px = sps.width_px();
    info.height_px = sps.height_px();
    info.width4 = (info.width_px + 3) / 4;
    info.height4 = (info.height_px + 3) / 4;
    info.uv_width = (info.width_px + 1) / 2;
    info.uv_height = (info.height_px + 1) / 2;
    current_->crop_left_px = sps.crop_left_px;
    current_->crop_top_px = sps.crop_top_px;
    // A packet's time belongs to the first picture that begins in it.
    packet_.pts = packet_.dts = ATTP_NO_PTS;
    current_->ignores_inherited_damage = reaches_recovery(header);
}

bool H264Parser::reaches_recovery(const SliceHeader& header) {
    if (header.idr) recovery_frame_num_ = -1;
    uint32_t mask = (1u << header.sps->log2_max_frame_num) - 1;
    if (sei_recovery_frame_cnt_ > 0)
        recovery_frame_num_ =
            static_cast<int64_t>((header.frame_num + static_cast<uint32_t>(sei_recovery_frame_cnt_)) & mask);
    if (recovery_frame_num_ < 0 || recovery_frame_num_ != static_cast<int64_t>(header.frame_num)) return false;
    recovery_frame_num_ = -1;
    return true;
}

void H264Parser::finish_picture() {
    if (!current_) return;
    std::shared_ptr<H264Picture> picture = std::move(current_);
    current_.reset();
    attp_picture_info& info = picture->info;
    info.slices = static_cast<int32_t>(picture->slices.size());
    info.kind = 'I';
    for (const auto& slice : picture->slices) {
        const SliceHeader& h = slice->header;
        if (h.slice_type == kB) info.kind = 'B';
        if (h.slice_type == kP && info.kind == 'I') info.kind = 'P';
        if (h.has_pred_weight_table || h.has_implicit_weights()) info.is_weighted = 1;
    }
    info.is_random_access = info.is_idr || (info.kind == 'I' && sei_recovery_frame_cnt_ == 0);
    sei_recovery_frame_cnt_ = -1;
    const SliceHeader& first = picture->slices[0]->header;
    dpb_.end_picture(first, picture, static_cast<int32_t>(info.decode_index), picture->health);
    note_breaks(picture.get(), first);
    learn_poc_step(*picture, first.idr || first.has_operation_5());
    held_.push_back(picture);
    if (is_step_known_) release_held();
}

// Reading that begins in mid-stream, or lost pictures, break the chain of references up to the next random-access picture. What
// precedes that one in display order may still refer to what is not there (clause D.2.8).
void H264Parser::note_breaks(H264Picture* picture, const SliceHeader& header) {
    const attp_picture_info& info = picture->info;
    const bool is_first = !has_begun_;
    has_begun_ = true;
    if (header.idr || header.has_operation_5()) has_join_ = false;
    if (info.is_random_access || picture->ignores_inherited_damage || (is_first && info.kind == 'I')) {
        if (is_broken_ && !header.idr) {
            has_join_ = true;
            join_poc_ = info.poc;
        }
        is_broken_ = false;
    } else if (is_broken_) {
        picture->damage("pictures before this one were lost, and no random-access picture came since");
    } else if (has_join_ && info.poc < join_poc_) {
        picture->damage("precedes the random-access picture that reading began at");
    }
}

void H264Parser::learn_poc_step(const H264Picture& picture, bool starts_sequence) {
    if (starts_sequence) {
        if (pictures_of_step_ > 0) is_step_known_ = true;
        poc_step_.start_sequence();
    }
    poc_step_.observe(picture.info.poc);
    if (++pictures_of_step_ > options_.lookahead_pictures) is_step_known_ = true;
}

void H264Parser::release_held() {
    while (!held_.empty()) {
        held_.front()->info.poc_step = poc_step_.value();
        enqueue(held_.front());
        held_.pop_front();
    }
}

void H264Parser::enqueue(const std::shared_ptr<H264Picture>& picture) {
    ready_.push_back(picture);
    feed_workers();
}

// Pictures take memory when they are submitted: no more of them than keeps the threads busy.
void H264Parser::feed_workers() {
    if (!workers_) return;
    for (; submitted_ < ready_.size() && submitted_ < window(); submitted_++) {
        ready_[submitted_]->allocate(options_.want_residual);
        workers_->submit(ready_[submitted_]);
    }
}

void H264Parser::note_tools(const SliceHeader& h) {
    tools_.insert(h.pps->entropy_coding_mode_flag ? "CABAC" : "CAVLC");
    if (h.pps->transform_8x8_mode_flag) tools_.insert("8x8-transform");
    if (h.pps->pic_scaling_matrix_present_flag || h.sps->seq_scaling_matrix_present_flag)
        tools_.insert("scaling-matrices");
    if (h.has_pred_weight_table) tools_.insert("explicit-weights");
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
    uint32_t struct_bytes = out->struct_bytes;
    *out = {};
    out->struct_bytes = struct_bytes;
    const Sps* sps = active_sps_.get();
    for (size_t i = 0; sps == nullptr && i < sps_.size(); i++)
        if (sps_[i] && !sps_fault_[i]) sps = sps_[i].get();
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
        out->num_units_in_tick = sps->num_units_in_tick;
        out->time_scale = sps->time_scale;
    }
    out->poc_step = poc_step_.value();
    out->pictures = next_decode_index_;
    out->nal_units = nal_units_;
    out->ignored_nal_units = ignored_nal_units_;
    out->damaged_nal_units = damaged_nal_units_ + splitter_.oversized();
    std::string tools;
    for (const std::string& tool : tools_) tools += (tools.empty() ? "" : " ") + tool;
    std::snprintf(out->tools, sizeof out->tools, "%s", tools.c_str());
}

}  // namespace h264
}  // namespace attp
