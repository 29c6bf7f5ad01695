// The energy of a residual on the grid of the vectors: the mean of |luma| of each 4x4 samples, a row of blocks at a time.
#pragma once

#include <cstdint>
#include <memory>

#include "tensors/resample.h"

namespace attp {

// Rows for a Resampler. A block at the right or lower edge has the mean of the samples that it has. Each sample that the resampler
// needs is read once, and no other.
class EnergyRows {
  public:
    // False: out of memory. x, y: the axes that will be resampled; they must outlive this object.
    bool init(const int16_t* luma, int64_t row_bytes, int32_t width, int32_t height, const Axis& x, const Axis& y);

    const float* row(int32_t index, int64_t column);

  private:
    void add_samples(int32_t index);
    void set_means(int32_t index, float* means) const;

    const uint8_t* bytes_ = nullptr;
    int64_t row_bytes_ = 0;
    int32_t width_ = 0, height_ = 0;  // in luma samples
    int32_t begin_ = 0, end_ = 0;     // columns of blocks that are needed
    int32_t kept_ = 0;                // rows of blocks that are kept: row i in place i % kept_
    int32_t next_ = 0;                // the first row that has not been computed yet
    std::unique_ptr<int32_t[]> sums_;
    std::unique_ptr<float[]> means_;
};

}  // namespace attp
