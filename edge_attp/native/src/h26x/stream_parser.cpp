#include "h26x/stream_parser.h"

#include <climits>
#include <cstdio>
#include <new>

namespace attp {

StreamParser::StreamParser(const ParserOptions& options, int32_t usual_poc_step)
    : options_(options), splitter_(options.limits.max_nal_bytes), poc_step_(usual_poc_step) {
    if (options.threads > 1 && !options.on_demand) workers_.reset(new Workers(options.threads));
}

// Reading cannot continue after memory ran out in the middle.
template <typename Action>
void StreamParser::end_if_out_of_memory(Action&& action) {
    try {
        action();
    } catch (const std::bad_alloc&) {
        forget_references();
        fault_.set(ATTP_NO_MEMORY, "", -1, "out of memory");
        throw;
    }
}

void StreamParser::send(const Packet& packet) {
    if (fault_) return;
    end_if_out_of_memory([&] {
        if (options_.nal_length_bytes > 0)
            read_sample(packet);
        else
            read_annexb(packet);
        if (packet.is_complete) end_access_unit();
    });
}

void StreamParser::read_annexb(const Packet& packet) {
    // The first NAL unit may have begun in an earlier packet, whose times it gets.
    bool is_earlier = splitter_.is_inside();
    if (!is_earlier) packet_ = packet;
    splitter_.push(packet.data, packet.bytes, packet.is_complete, [&](const uint8_t* nal, size_t bytes) {
        take_nal(nal, bytes);
        if (is_earlier) packet_ = packet;
        is_earlier = false;
    });
}

void StreamParser::read_sample(const Packet& packet) {
    packet_ = packet;
    // What remains of the unit may still be most of a slice.
    auto cut_off = [this](size_t length, size_t left) {
        Fault fault;
        fault.set(ATTP_CORRUPT, "NALUnitLength", -1, "a NAL unit of %zu bytes has only %zu left in its packet", length,
                  left);
        damaged_nal(fault);
    };
    split_sample(
        packet.data, packet.data + packet.bytes, static_cast<size_t>(options_.nal_length_bytes),
        [this](const uint8_t* nal, size_t bytes) { return begins_nal(nal, bytes); }, cut_off,
        [this](const uint8_t* nal, size_t bytes) { take_nal(nal, bytes); });
}

void StreamParser::take_nal(const uint8_t* nal, size_t bytes) {
    if (fault_) return;
    nal_units_++;
    Fault fault;
    if (bytes > options_.limits.max_nal_bytes) {
        fault.set(ATTP_LIMIT, "NAL unit", -1, "a NAL unit of %zu bytes exceeds the limit", bytes);
        damaged_nal(fault);
    } else if (nal[0] & 0x80) {
        fault.set(ATTP_CORRUPT, "forbidden_zero_bit", 0, "a NAL unit has its forbidden_zero_bit set");
        damaged_nal(fault);
    } else {
        read_nal(nal, bytes);
    }
}

void StreamParser::drain() {
    end_if_out_of_memory([this] {
        if (options_.nal_length_bytes == 0 && !fault_)
            splitter_.push(nullptr, 0, true, [this](const uint8_t* nal, size_t bytes) { take_nal(nal, bytes); });
        finish_picture();
        release_held();
    });
    drained_ = true;
    if (next_decode_index_ == 0 && !fault_ && parameter_fault_) fault_ = parameter_fault_;
}

void StreamParser::flush() {
    splitter_.reset();
    forget_references();
    held_.clear();
    ready_.clear();
    submitted_ = 0;
    recovered_at_ = -1;
    poc_step_.start_sequence();
    drained_ = false;
}

attp_status StreamParser::receive(std::shared_ptr<Picture>* out) {
    bool wait_for_more = workers_ && !drained_ && !fault_ && ready_.size() < window();
    if (ready_.empty() || wait_for_more) {
        if (ready_.empty() && fault_) return fault_.status;
        return drained_ && ready_.empty() ? ATTP_END : ATTP_AGAIN;
    }
    std::shared_ptr<Picture> picture = ready_.front();
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

void StreamParser::refuse(const Fault& fault) {
    finish_picture();
    release_held();
    fault_ = fault;
    fault_.decode_index = next_decode_index_;
}

void StreamParser::damaged_nal(const Fault& fault) {
    damaged_nal_units_++;
    Picture* picture = open_picture();
    if (picture != nullptr && picture->lost_slice.empty()) picture->lost_slice = fault.message;
}

void StreamParser::begin_sequence_parameters() {
    release_held();
    poc_step_.forget();
    is_step_known_ = false;
    pictures_of_step_ = 0;
}

void StreamParser::start_picture(Picture* picture) {
    picture->wants_residual = options_.want_residual;
    picture->info.decode_index = next_decode_index_++;
    take_times(&picture->info);
}

void StreamParser::take_times(attp_picture_info* info) {
    info->packet = packet_.number;
    info->is_first_in_packet = !packet_.has_picture;
    info->pts = packet_.has_picture ? ATTP_NO_PTS : packet_.pts;
    info->dts = packet_.has_picture ? ATTP_NO_PTS : packet_.dts;
    packet_.has_picture = true;
}

void StreamParser::add_colocated(Picture* picture, const std::shared_ptr<Picture>& colocated, int max_depth) const {
    picture->add_colocated(colocated, options_.on_demand ? max_depth : INT_MAX);
}

void StreamParser::give_out(const std::shared_ptr<Picture>& picture, bool starts_sequence) {
    trust_recovered(picture.get(), starts_sequence);
    learn_poc_step(picture->info.poc, starts_sequence);
    held_.push_back(picture);
    if (is_step_known_) release_held();
}

// Pictures that follow a recovery point in display order are right even if they refer to damaged pictures before it (H.264
// clause D.2.8, HEVC clause D.3.8).
void StreamParser::trust_recovered(Picture* picture, bool starts_sequence) {
    const attp_picture_info& info = picture->info;
    if (starts_sequence) recovered_at_ = -1;
    if (picture->is_recovery_point) {
        recovered_at_ = info.decode_index;
        recovered_poc_ = info.poc;
    }
    if (recovered_at_ >= 0 && info.poc >= recovered_poc_) picture->trusted_before = recovered_at_;
}

void StreamParser::learn_poc_step(int32_t poc, bool starts_sequence) {
    if (starts_sequence) {
        if (pictures_of_step_ > 0) is_step_known_ = true;
        release_held();
        poc_step_.start_sequence();
    }
    poc_step_.observe(poc);
    if (++pictures_of_step_ > options_.lookahead_pictures) is_step_known_ = true;
}

void StreamParser::release_held() {
    while (!held_.empty()) {
        held_.front()->count_distances(poc_step_);
        ready_.push_back(held_.front());
        held_.pop_front();
    }
    feed_workers();
}

// Submitting a picture allocates its memory, so no more are submitted than keep the threads busy. Pictures that the workers do not
// get are read when they are received.
void StreamParser::feed_workers() {
    if (!workers_) return;
    try {
        for (; submitted_ < ready_.size() && submitted_ < window(); submitted_++) {
            ready_[submitted_]->allocate(options_.want_residual);
            workers_->submit(ready_[submitted_]);
        }
    } catch (const std::bad_alloc&) {
    }
}

void StreamParser::fill_common_info(attp_stream_info* out) const {
    *out = {};
    out->poc_step = poc_step_.value();
    out->pictures = next_decode_index_;
    out->nal_units = nal_units_;
    out->ignored_nal_units = ignored_nal_units_;
    out->damaged_nal_units = damaged_nal_units_ + splitter_.oversized();
    std::string tools;
    for (const std::string& tool : tools_) tools += (tools.empty() ? "" : " ") + tool;
    std::snprintf(out->tools, sizeof out->tools, "%s", tools.c_str());
}

}  // namespace attp
