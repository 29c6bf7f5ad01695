// H.264 from bytes to pictures: NAL units, parameter sets, access units, references. Slice data is read by the pictures themselves.
#pragma once

#include <array>
#include <deque>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "bits/nal.h"
#include "h264/dpb.h"
#include "h264/picture.h"
#include "h26x/parser.h"
#include "h26x/poc_step.h"
#include "h26x/workers.h"

namespace attp {
namespace h264 {

class H264Parser : public Parser {
  public:
    H264Parser(const ParserOptions& options, const Kernels* kernels);
    ~H264Parser() override;

    void send(const Packet& packet) override;
    void drain() override;
    void flush() override;
    attp_status receive(std::shared_ptr<Picture>* picture) override;
    void fill_stream_info(attp_stream_info* info) const override;
    const Fault& fault() const override { return fault_; }

  private:
    void read_annexb(const Packet& packet);
    void read_nal(const uint8_t* nal, size_t bytes);
    void read_length_prefixed(const uint8_t* data, size_t bytes);
    void read_sps(const uint8_t* nal, size_t bytes);
    void read_pps(const uint8_t* nal, size_t bytes);
    void store_pps(const std::vector<uint8_t>& rbsp, size_t rbsp_bytes);
    void read_sei(const uint8_t* nal, size_t bytes);
    void read_slice(const uint8_t* nal, size_t bytes);
    void refuse(const Fault& fault);
    void damaged_nal(const Fault& fault);

    void begin_picture(const SliceHeader& header);
    void finish_picture();
    void activate(const std::shared_ptr<const Sps>& sps);
    void note_breaks(H264Picture* picture, const SliceHeader& header);
    void learn_poc_step(const H264Picture& picture, bool starts_sequence);
    void release_held();
    void enqueue(const std::shared_ptr<H264Picture>& picture);
    void feed_workers();
    size_t window() const { return 2 * static_cast<size_t>(options_.threads); }
    void note_tools(const SliceHeader& header);
    bool reaches_recovery(const SliceHeader& header);

    const ParserOptions options_;
    const Kernels* const kernels_;
    AnnexBSplitter splitter_;
    Packet packet_;          // whose bytes are being read
    Fault fault_;            // ends the stream once what came before it is given out
    Fault parameter_fault_;  // why the last parameter set could not be used

    SpsTable sps_;
    std::array<Fault, kMaxSps> sps_fault_;
    std::array<std::vector<uint8_t>, kMaxSps> sps_bytes_;
    PpsTable pps_;
    std::array<std::vector<uint8_t>, kMaxPps> pps_bytes_;  // unescaped, to be read again when their SPS changes
    std::shared_ptr<const Sps> active_sps_;
    std::shared_ptr<PictureMemory> memory_;
    std::vector<uint8_t> scratch_;

    Dpb dpb_;
    std::shared_ptr<H264Picture> current_;
    int64_t next_decode_index_ = 0;
    bool drained_ = false;

    // Recovery point SEI (clause D.2.8).
    int64_t sei_recovery_frame_cnt_ = -1;  // of the next picture
    int64_t recovery_frame_num_ = -1;      // frame_num at which the pictures are right again

    bool has_begun_ = false;  // since opening or flush()
    bool is_broken_ = true;   // no random-access picture since the beginning, or since pictures were lost
    bool has_join_ = false;   // the chain began again at a picture that is no IDR picture, with this POC
    int32_t join_poc_ = 0;

    PocStep poc_step_;
    bool is_step_known_ = false;
    int pictures_of_step_ = 0;
    std::deque<std::shared_ptr<H264Picture>> held_;   // until the POC step is known
    std::deque<std::shared_ptr<H264Picture>> ready_;  // to be received
    size_t submitted_ = 0;                            // how many of them, from the front, the workers have
    std::unique_ptr<Workers> workers_;

    int64_t nal_units_ = 0, ignored_nal_units_ = 0, damaged_nal_units_ = 0;
    std::set<std::string> tools_;
};

}  // namespace h264
}  // namespace attp
