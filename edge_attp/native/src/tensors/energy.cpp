// See energy.h. Columns are summed first, because that loop runs along memory and over whole vectors.
#include "tensors/energy.h"

#include <algorithm>
#include <cstdlib>
#include <new>

namespace attp {

namespace {

const int32_t kBlock = 4;

}  // namespace

bool EnergyRows::init(const int16_t* luma, int64_t row_bytes, int32_t width, int32_t height, const Axis& x,
                      const Axis& y) {
    bytes_ = reinterpret_cast<const uint8_t*>(luma);
    row_bytes_ = row_bytes;
    width_ = width;
    height_ = height;
    begin_ = x.begin();
    end_ = x.end();
    kept_ = y.taps();
    next_ = y.begin();
    const int64_t columns = end_ - begin_;
    sums_.reset(new (std::nothrow) int32_t[columns * kBlock]);
    means_.reset(new (std::nothrow) float[columns * kept_]);
    return sums_ && means_;
}

const float* EnergyRows::row(int32_t index, int64_t column) {
    const int64_t columns = end_ - begin_;
    for (; next_ <= index; ++next_) {
        add_samples(next_);
        set_means(next_, &means_[next_ % kept_ * columns]);
    }
    return &means_[index % kept_ * columns + column - begin_];
}

// Sums of |luma| over the rows of a row of blocks, for each column; 0 beyond the right edge.
void EnergyRows::add_samples(int32_t index) {
    const int64_t first = int64_t{begin_} * kBlock, columns = int64_t{end_ - begin_} * kBlock;
    const int64_t present = std::min(columns, width_ - first);
    int32_t* sums = sums_.get();
    std::fill(sums, sums + columns, 0);
    const int32_t above = index * kBlock, below = std::min(above + kBlock, height_);
    for (int32_t y = above; y < below; ++y) {
        const int16_t* samples = reinterpret_cast<const int16_t*>(bytes_ + int64_t{y} * row_bytes_) + first;
        for (int64_t x = 0; x < present; ++x) sums[x] += std::abs(int32_t{samples[x]});
    }
}

void EnergyRows::set_means(int32_t index, float* means) const {
    const int32_t rows = std::min(kBlock, height_ - index * kBlock);
    const float share = 1.0f / float(kBlock * rows);
    const int64_t columns = end_ - begin_;
    const int32_t* sums = sums_.get();
    for (int64_t block = 0; block < columns; ++block) {
        const int32_t* of = sums + block * kBlock;
        means[block] = float(of[0] + of[1] + of[2] + of[3]) * share;
    }
    const int32_t last = width_ - (end_ - 1) * kBlock;
    if (last < kBlock) means[columns - 1] *= float(kBlock) / float(last);
}

}  // namespace attp
