// The readers that stand before slice data: Annex B, parameter sets, slice headers.
#include <cstdint>
#include <memory>
#include <vector>

#include "bits/nal.h"
#include "h264/slice_header.h"
#include "hevc/slice_header.h"
#include "promise.h"
#include "targets.h"

namespace {

// RBSPs one after the other, each with its length in a byte before it; the last has the rest.
class Structures {
  public:
    Structures(const uint8_t* data, size_t bytes) : data_(data), bytes_(bytes) {}

    // False: there is nothing left.
    bool next(bool is_last) {
        if (bytes_ == 0) return false;
        length_ = is_last || data_[0] > bytes_ - 1 ? bytes_ - 1 : data_[0];
        rbsp_bytes_ = attp::unescape(data_ + 1, length_, &rbsp_);
        data_ += 1 + length_;
        bytes_ -= 1 + length_;
        return true;
    }
    attp::BitReader reader() const { return attp::BitReader(rbsp_.data(), rbsp_bytes_); }
    // Of the current one, before emulation prevention is taken out.
    size_t length() const { return length_; }

  private:
    const uint8_t* data_;
    size_t bytes_, length_ = 0, rbsp_bytes_ = 0;
    std::vector<uint8_t> rbsp_;
};

attp::Limits wide_limits() {
    attp::Limits limits;
    limits.max_width_px = limits.max_height_px = 16384;
    limits.max_picture_px = 1 << 26;
    return limits;
}

}  // namespace

void fuzz_annexb(const uint8_t* data, size_t bytes) {
    if (bytes < 1) return;
    size_t chunk = data[0] + size_t{1};
    using Units = std::vector<std::vector<uint8_t>>;
    auto collect = [](Units* units) {
        return [units](const uint8_t* nal, size_t n) { units->emplace_back(nal, nal + n); };
    };
    Units whole, pieces;
    attp::AnnexBSplitter one(1 << 20), many(1 << 20);
    one.push(data + 1, bytes - 1, true, collect(&whole));
    for (size_t at = 1; at < bytes; at += chunk)
        many.push(data + at, bytes - at < chunk ? bytes - at : chunk, false, collect(&pieces));
    many.push(nullptr, 0, true, collect(&pieces));
    require(whole == pieces, "NAL units do not depend on the pieces a stream arrives in");
    std::vector<uint8_t> rbsp;
    for (const auto& nal : whole)
        require(attp::unescape(nal.data(), nal.size(), &rbsp) <= nal.size(), "unescaping does not grow");
}

void fuzz_parameters(const uint8_t* data, size_t bytes) {
    using namespace attp::h264;
    Structures structures(data, bytes);
    SpsTable sps_table;
    PpsTable pps_table;
    attp::Fault fault[3];
    if (!structures.next(false)) return;
    attp::BitReader reader = structures.reader();
    auto sps = std::make_shared<Sps>();
    if (parse_sps(&reader, wide_limits(), sps.get(), &fault[0])) sps_table[sps->seq_parameter_set_id] = sps;
    if (!structures.next(false)) return;
    reader = structures.reader();
    auto pps = std::make_shared<Pps>();
    if (parse_pps(&reader, sps_table, pps.get(), &fault[1])) pps_table[pps->pic_parameter_set_id] = pps;
    if (!structures.next(true)) return;
    reader = structures.reader();
    SliceHeader header;
    parse_slice_header(&reader, structures.length() & 1 ? 0x65 : 0x21, sps_table, pps_table, &header, &fault[2]);
}

// The slice segment headers come with their NAL unit headers, and are those of one picture.
void fuzz_hevc_parameters(const uint8_t* data, size_t bytes) {
    using namespace attp::hevc;
    Structures structures(data, bytes);
    SpsTable sps_table;
    PpsTable pps_table;
    attp::Fault fault[3];
    if (!structures.next(false)) return;
    attp::BitReader reader = structures.reader();
    auto sps = std::make_shared<Sps>();
    if (parse_sps(&reader, wide_limits(), sps.get(), &fault[0])) sps_table[sps->sps_seq_parameter_set_id] = sps;
    if (!structures.next(false)) return;
    reader = structures.reader();
    auto pps = std::make_shared<Pps>();
    bool has_pps = parse_pps(&reader, pps.get(), &fault[1]);
    if (has_pps) pps_table[pps->pps_pic_parameter_set_id] = pps;
    if (has_pps && sps_table[pps->pps_seq_parameter_set_id]) {
        Layout layout;
        attp::Fault contradiction;
        if (make_layout(*sps, *pps, &layout, &contradiction))
            require(layout.rs_to_ts.size() == size_t(sps->width_ctbs()) * size_t(sps->height_ctbs()),
                    "the layout covers the picture");
    }
    SliceHeader headers[2];
    const SliceHeader* previous = nullptr;
    for (SliceHeader& header : headers) {
        if (!structures.next(&header == &headers[1])) return;
        reader = structures.reader();
        const uint8_t nal[2] = {static_cast<uint8_t>(reader.u(8)), static_cast<uint8_t>(reader.u(8))};
        attp::Fault header_fault;
        if (parse_slice_header(&reader, NalHeader(nal), sps_table, pps_table, previous, &header, &header_fault))
            previous = &header;
    }
}
