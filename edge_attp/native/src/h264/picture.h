// One H.264 picture: its slices until they are read, and what remains afterwards.
#pragma once

#include <memory>
#include <vector>

#include "h264/slice.h"
#include "h26x/picture.h"

namespace attp {
namespace h264 {

// Memory that pictures of one size share.
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

    void allocate(bool with_residual) override;
    void fill_weights(attp_weights* weights) const override;
    bool has_slice_at(uint32_t first_mb_in_slice) const;

    std::vector<std::unique_ptr<Slice>> slices;

  private:
    void read() override;
    void finish() override;
    void read_slice(size_t number, PictureState* state);
    void fill_missing(PictureState* state);
    size_t slice_at(int x4, int y4) const;

    std::shared_ptr<PictureMemory> memory_;
    const Kernels* kernels_;
    std::vector<uint16_t> slice_of_mb_;  // empty with one slice
};

}  // namespace h264
}  // namespace attp
