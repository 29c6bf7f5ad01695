// H.264 from bytes to pictures: NAL units, parameter sets, access units, references. Slice data is read by the pictures themselves.
#pragma once

#include <array>
#include <memory>
#include <vector>

#include "h264/dpb.h"
#include "h264/picture.h"
#include "h26x/sequence_sets.h"
#include "h26x/stream_parser.h"

namespace attp {
namespace h264 {

class H264Parser : public StreamParser {
  public:
    H264Parser(const ParserOptions& options, const Kernels* kernels)
        : StreamParser(options, kUsualPocStep), kernels_(kernels) {}

    void fill_stream_info(attp_stream_info* info) const override;

  private:
    static constexpr int32_t kUsualPocStep = 2;  // two fields to a frame

    void read_nal(const uint8_t* nal, size_t bytes) override;
    void finish_picture() override;
    Picture* open_picture() override { return current_.get(); }
    void forget_references() override;

    void read_sps(const uint8_t* nal, size_t bytes);
    void read_pps(const uint8_t* nal, size_t bytes);
    void store_pps(const std::vector<uint8_t>& rbsp, size_t rbsp_bytes);
    void read_sei(const uint8_t* nal, size_t bytes);
    void read_slice(const uint8_t* nal, size_t bytes);

    void begin_picture(const SliceHeader& header, int nal_unit_type);
    void activate(const std::shared_ptr<const Sps>& sps);
    void note_breaks(H264Picture* picture, const SliceHeader& header);
    void note_tools(const SliceHeader& header);
    bool reaches_recovery(const SliceHeader& header);

    const Kernels* const kernels_;

    SequenceSets<Sps, kMaxSps> sps_;
    PpsTable pps_;
    std::array<std::vector<uint8_t>, kMaxPps> pps_bytes_;  // unescaped, to be read again when their SPS changes
    std::shared_ptr<const Sps> active_sps_;
    std::shared_ptr<PictureMemory> memory_;

    Dpb dpb_;
    std::shared_ptr<H264Picture> current_;

    // Recovery point SEI (clause D.2.8).
    int64_t sei_recovery_frame_cnt_ = -1;  // of the next picture
    int64_t recovery_frame_num_ = -1;      // frame_num at which the pictures are right again

    bool has_begun_ = false;  // since opening or flush()
    bool is_broken_ = true;   // no random-access picture since the beginning, or since pictures were lost
    bool has_join_ = false;   // the chain began again at a picture that is no IDR picture, with this POC
    int32_t join_poc_ = 0;
};

}  // namespace h264
}  // namespace attp
