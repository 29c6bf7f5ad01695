// One HEVC picture: its slice segments until they are read, and what remains afterwards.
#pragma once

#include <memory>
#include <vector>

#include "h26x/picture.h"
#include "hevc/slice.h"

namespace attp {
namespace hevc {

// What pictures of one size share.
struct PictureMemory {
    PictureMemory(int width_px_, int height_px_) : width_px(width_px_), height_px(height_px_) {}
    const int width_px, height_px;  // pic_width_in_luma_samples, pic_height_in_luma_samples
    std::shared_ptr<Pool<MotionPlanes>> motion = std::make_shared<Pool<MotionPlanes>>();
    std::shared_ptr<Pool<ResidualPlanes>> residual = std::make_shared<Pool<ResidualPlanes>>();
    std::shared_ptr<Pool<ColocatedMotion>> colocated = std::make_shared<Pool<ColocatedMotion>>();
    std::shared_ptr<Pool<BlockGrid>> grids = std::make_shared<Pool<BlockGrid>>();
};

class HevcPicture : public Picture {
  public:
    HevcPicture(std::shared_ptr<PictureMemory> memory, std::shared_ptr<const Layout> layout,
                std::shared_ptr<const Sps> sps, const Kernels* kernels)
        : memory_(std::move(memory)), layout_(std::move(layout)), sps_(std::move(sps)), kernels_(kernels) {}

    void allocate(bool with_residual) override;
    void fill_weights(attp_weights* weights) const override;
    void fill_block_counts(attp_block_counts* counts) const override;
    bool has_slice_at(uint32_t slice_segment_address) const;

    std::vector<std::unique_ptr<Slice>> slices;  // slice segments, by rising address

  private:
    void read() override;
    void finish() override;
    void free_planes() override;
    void read_slice(size_t number, PictureState* state);
    void fill_missing(PictureState* state);
    const ColocatedMotion* colocated_motion_of(HevcPicture* colocated) const;
    size_t slice_at(int x4, int y4) const;

    std::shared_ptr<PictureMemory> memory_;
    std::shared_ptr<const Layout> layout_;
    std::shared_ptr<const Sps> sps_;
    const Kernels* kernels_;
    std::shared_ptr<ColocatedMotion> colocated_motion_;  // nullptr where no later picture can ask for it
    std::vector<uint16_t> slice_of_ctb_;                 // empty with one slice segment
    attp_block_counts block_counts_ = {};
};

}  // namespace hevc
}  // namespace attp
