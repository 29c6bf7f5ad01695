// H.264 from bytes to pictures: NAL units, parameter sets, access units, references. The pictures themselves read their slice data.
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

    bool begins_nal(const uint8_t* nal, size_t bytes) const override;
    void read_nal(const uint8_t* nal, size_t bytes) override;
    void finish_picture() override;
    void end_access_unit() override;
    Picture* open_picture() override { return current_.get(); }
    void forget_references() override;

    void read_sps(const uint8_t* nal, size_t bytes);
    void read_pps(const uint8_t* nal, size_t bytes);
    void store_pps(const std::vector<uint8_t>& rbsp, size_t rbsp_bytes);
    void read_sei(const uint8_t* nal, size_t bytes);
    void read_slice(const uint8_t* nal, size_t bytes);

    bool begins_next_picture(const SliceHeader& header) const;
    void begin_picture(const SliceHeader& header, int nal_unit_type);
    void begin_again();
    bool activate(const std::shared_ptr<const Sps>& sps);
    void take_recovery_point();
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

    // A NAL unit that may stand between two pictures came after the last slice (clause 7.4.1.2.3).
    bool has_delimiter_ = false;
    bool has_end_of_sequence_ = false;

    // Recovery point SEI (clause D.2.8).
    int64_t sei_recovery_frame_cnt_ = -1;      // sent, of a picture that is not known yet
    int64_t picture_recovery_frame_cnt_ = -1;  // of the current picture
    int64_t recovery_in_ = -1;  // frame_num increments until pictures are right again; -1: no recovery point ahead
    uint32_t last_frame_num_ = 0;
    bool comes_after_loss_ = false;  // the current picture does

    bool has_begun_ = false;  // since opening or flush()
    bool is_broken_ = true;   // no random-access picture since the beginning, or since a loss
    bool has_join_ = false;   // the chain of references restarted at a non-IDR picture, with this POC
    int32_t join_poc_ = 0;
};

}  // namespace h264
}  // namespace attp
