// The part of parsing that both codecs share: packets are cut into NAL units, pictures wait until the POC step is known, worker
// threads read them, and the caller receives them in decoding order. The codec decides what a NAL unit means.
#pragma once

#include <deque>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "bits/nal.h"
#include "h26x/parser.h"
#include "h26x/poc_step.h"
#include "h26x/workers.h"

namespace attp {

class StreamParser : public Parser {
  public:
    StreamParser(const ParserOptions& options, int32_t usual_poc_step);

    void send(const Packet& packet) final;
    void drain() final;
    void flush() final;
    attp_status receive(std::shared_ptr<Picture>* picture) final;
    const Fault& fault() const final { return fault_; }

  protected:
    // Whether a NAL unit of the base layer may begin with these bytes.
    virtual bool begins_nal(const uint8_t* nal, size_t bytes) const = 0;
    // Called with every NAL unit within the size limit, header included, as long as there is no fault.
    virtual void read_nal(const uint8_t* nal, size_t bytes) = 0;
    // Passes the picture whose slices are being collected, if any, to give_out().
    virtual void finish_picture() = 0;
    // Called where an access unit ends with a packet.
    virtual void end_access_unit() = 0;
    // The picture whose slices are being collected, or nullptr.
    virtual Picture* open_picture() = 0;
    // Forgets all earlier pictures and drops the open one.
    virtual void forget_references() = 0;

    // Stops reading; pictures before the fault are still given out.
    void refuse(const Fault& fault);
    // Counts a lost NAL unit. The pictures that lack its blocks become damaged, and those that refer to them, but not simply the
    // picture that happens to be open.
    void damaged_nal(const Fault& fault);
    // Called where another sequence parameter set applies from the picture that begins now.
    void begin_sequence_parameters();
    // Gives a new picture its decode index, packet and times.
    void start_picture(Picture* picture);
    // A picture learns the number of its packet. The times belong to the first picture that begins in the packet, even if that
    // one is not given out.
    void take_times(attp_picture_info* info);
    // Slices of `picture` need the vectors of `colocated`. See Picture::add_colocated(): max_depth counts for on-demand streams.
    void add_colocated(Picture* picture, const std::shared_ptr<Picture>& colocated, int max_depth) const;
    // Takes the next complete picture in decoding order. starts_sequence: its POC is unrelated to earlier ones.
    void give_out(const std::shared_ptr<Picture>& picture, bool starts_sequence);
    // Clears `info` and fills in what does not depend on the codec.
    void fill_common_info(attp_stream_info* info) const;

    const ParserOptions options_;
    Packet packet_;          // whose bytes are being read
    Fault parameter_fault_;  // why the last parameter set could not be used
    std::vector<uint8_t> scratch_;
    int64_t ignored_nal_units_ = 0;
    std::set<std::string> tools_;

  private:
    template <typename Action>
    void end_if_out_of_memory(Action&& action);
    void read_annexb(const Packet& packet);
    void read_sample(const Packet& packet);
    void take_nal(const uint8_t* nal, size_t bytes);
    void trust_recovered(Picture* picture, bool starts_sequence);
    void learn_poc_step(int32_t poc, bool starts_sequence);
    void release_held();
    void feed_workers();
    size_t window() const { return 2 * static_cast<size_t>(options_.threads); }

    AnnexBSplitter splitter_;
    Fault fault_;  // ends the stream once all pictures before it were received
    bool drained_ = false;
    int64_t next_decode_index_ = 0;
    int64_t nal_units_ = 0, damaged_nal_units_ = 0;

    int64_t recovered_at_ = -1;  // decode_index of the last recovery point, while its POC counts
    int32_t recovered_poc_ = 0;

    PocStep poc_step_;
    bool is_step_known_ = false;
    int pictures_of_step_ = 0;
    std::deque<std::shared_ptr<Picture>> held_;   // until the POC step is known
    std::deque<std::shared_ptr<Picture>> ready_;  // to be received
    size_t submitted_ = 0;                        // how many of them, from the front, were given to the workers
    std::unique_ptr<Workers> workers_;
};

}  // namespace attp
