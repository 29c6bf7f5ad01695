// HEVC from bytes to pictures: NAL units, parameter sets, access units, references. Slice data is read by the pictures themselves.
#pragma once

#include <array>
#include <deque>
#include <memory>
#include <vector>

#include "h26x/sequence_sets.h"
#include "h26x/stream_parser.h"
#include "hevc/dpb.h"
#include "hevc/picture.h"

namespace attp {
namespace hevc {

class HevcParser : public StreamParser {
  public:
    HevcParser(const ParserOptions& options, const Kernels* kernels)
        : StreamParser(options, kUsualPocStep), kernels_(kernels) {}

    void fill_stream_info(attp_stream_info* info) const override;

  private:
    static constexpr int32_t kUsualPocStep = 1;

    void read_nal(const uint8_t* nal, size_t bytes) override;
    void finish_picture() override;
    Picture* open_picture() override { return current_.get(); }
    void forget_references() override;

    void read_vps(const uint8_t* nal, size_t bytes);
    void read_sps(const uint8_t* nal, size_t bytes);
    void read_pps(const uint8_t* nal, size_t bytes);
    void read_sei(const uint8_t* nal, size_t bytes);
    void read_slice(const uint8_t* nal, size_t bytes);
    bool read_header(const uint8_t* nal, size_t bytes, SliceHeader* header, size_t* data_bit, Fault* fault);
    const Fault* refusal_of(const uint8_t* nal, size_t rbsp_bytes) const;
    bool follows_last_slice(const SliceHeader& header) const;
    bool begins_new_picture(const SliceHeader& header) const;
    bool is_skipped(const SliceHeader& header);
    bool begin_picture(const SliceHeader& header, Fault* fault);
    bool activate(const SliceHeader& header, Fault* fault);
    bool reaches_recovery(const SliceHeader& header, int32_t poc);
    void note_breaks(const SliceHeader& header);
    void note_tools(const SliceHeader& header);

    const Kernels* const kernels_;

    std::array<Timing, kMaxVps> vps_timing_;
    SequenceSets<Sps, kMaxSps> sps_;
    PpsTable pps_;
    std::array<std::vector<uint8_t>, kMaxPps> pps_bytes_;
    std::shared_ptr<const Sps> active_sps_;
    std::shared_ptr<const Pps> active_pps_;
    std::shared_ptr<const Layout> layout_;  // of the active sets
    std::shared_ptr<PictureMemory> memory_;

    Dpb dpb_;
    std::shared_ptr<HevcPicture> current_;
    bool starts_sequence_ = false;  // the current picture does: IRAP with NoRaslOutputFlag

    // The next picture is the first of the stream, or of what follows an end of sequence.
    bool awaits_first_ = true;
    // RASL pictures belong to an IRAP picture with NoRaslOutputFlag: their references are not there.
    bool skips_rasl_ = false;
    bool is_skipping_ = false;  // the picture whose slice segments arrive is skipped
    int64_t skipped_pictures_ = 0;

    std::deque<int32_t> recent_pocs_;  // of the coded video sequence
    bool is_broken_ = false;           // pictures were lost, and no random-access picture came since

    // Recovery point SEI (clause D.3.8).
    bool has_sei_recovery_ = false;  // for the next picture
    int32_t sei_recovery_poc_cnt_ = 0;
    bool awaits_recovery_ = false;
    int32_t recovery_poc_ = 0;  // POC from which on the pictures are right again
};

}  // namespace hevc
}  // namespace attp
