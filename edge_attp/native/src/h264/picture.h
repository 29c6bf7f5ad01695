// One H.264 picture: its slices until they are read, and what is asked of it afterwards.
#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "h264/slice.h"
#include "h26x/picture.h"

namespace attp {
namespace h264 {

// What pictures of one size share.
struct PictureMemory {
    PictureMemory(int width_mbs_, int height_mbs_) : width_mbs(width_mbs_), height_mbs(height_mbs_) {}
    const int width_mbs, height_mbs;
    std::shared_ptr<Pool<MotionPlanes>> motion = std::make_shared<Pool<MotionPlanes>>();
    std::shared_ptr<Pool<ResidualPlanes>> residual = std::make_shared<Pool<ResidualPlanes>>();
    std::shared_ptr<Pool<Workspace>> workspaces = std::make_shared<Pool<Workspace>>();
};

class H264Picture : public Picture {
  public:
    H264Picture(std::shared_ptr<PictureMemory> memory, const Kernels* kernels)
        : memory_(std::move(memory)), kernels_(kernels) {}

    void parse() override;
    void fill_weights(attp_weights* weights) const override;
    std::vector<ReferencePoc> reference_pocs() const override;
    void resolve_inherited_damage() override;

    // Takes the memory that parse() will fill.
    void allocate(bool with_residual);
    bool has_slice_at(uint32_t first_mb_in_slice) const;
    bool is_allocated() const { return motion != nullptr; }

    std::vector<std::unique_ptr<Slice>> slices;
    std::string lost_slice;                 // why a NAL unit that came with this picture could not be used
    bool ignores_inherited_damage = false;  // a recovery point is reached here
    int colocated_depth = 0;                // unparsed co-located pictures behind this one

    // For pictures whose co-located picture is this one: reads it here unless another thread does, and waits for its rows.
    void parse_if_nobody_does();
    void wait_for_rows(int rows);

  private:
    void read_slices(Workspace* workspace);
    void fill_missing(PictureState* state);
    void finish();
    H264Picture* colocated_of(const Slice& slice);
    void set_rows_done(int rows);
    size_t slice_at(int x4, int y4) const;

    std::shared_ptr<PictureMemory> memory_;
    const Kernels* kernels_;
    std::atomic<bool> is_claimed_{false};
    std::mutex rows_mutex_;
    std::condition_variable rows_changed_;
    std::atomic<int> rows_done_{0};
    std::vector<uint16_t> slice_of_mb_;  // empty with one slice
    uint32_t used_references_[2] = {0, 0};
    std::vector<Reference> used_;
};

}  // namespace h264
}  // namespace attp
