// Resampling of one plane to the grid of a network input: the mean over the area where the plane shrinks, linear
// between sample centres where it grows, each axis by itself. Only the rows and columns of the crop are computed.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>

namespace attp {

// One axis of a resampling. A plane sample covers `step` luma samples: 1 for luma and RGB, 2 for chroma, 4 for motion.
struct AxisShape {
    int32_t length;  // of the picture, in luma samples
    int32_t step;
    int32_t resized;  // the whole axis after resizing
    int32_t cropped;  // its middle part, which is computed
};

// The weights of one axis: output i is the sum of weight(i)[t] * input[first[i] + t], t < taps.
class Axis {
  public:
    // False: out of memory. The shape must be valid: all members > 0, cropped <= resized.
    bool init(const AxisShape& shape);

    int32_t outputs() const { return outputs_; }
    int32_t taps() const { return taps_; }
    int32_t first(int32_t output) const { return first_[output]; }
    const float* weights(int32_t output) const { return &weights_[int64_t{output} * taps_]; }
    // The inputs that any output reads: [begin, end).
    int32_t begin() const { return begin_; }
    int32_t end() const { return end_; }

  private:
    void set_area(const AxisShape& shape, int32_t samples, int32_t output);
    void set_linear(const AxisShape& shape, int32_t samples, int32_t output);

    int32_t outputs_ = 0, taps_ = 0, begin_ = 0, end_ = 0;
    std::unique_ptr<int32_t[]> first_;
    std::unique_ptr<float[]> weights_;
};

// Rows of a plane in memory. Samples of several channels may be interleaved; columns count single samples.
template <typename Sample>
class PlaneRows {
  public:
    PlaneRows(const Sample* samples, int64_t row_bytes)
        : bytes_(reinterpret_cast<const uint8_t*>(samples)), row_bytes_(row_bytes) {}

    const Sample* row(int32_t index, int64_t column) {
        return reinterpret_cast<const Sample*>(bytes_ + int64_t{index} * row_bytes_) + column;
    }

  private:
    const uint8_t* bytes_;
    int64_t row_bytes_;
};

// The way a plane is resampled.
class Resampler {
  public:
    // False: out of memory.
    bool init(int32_t channels, const AxisShape& x, const AxisShape& y);

    const Axis& x() const { return x_; }
    const Axis& y() const { return y_; }

    // One output row, `channels` times x().outputs() floats, channel after channel. To be called in ascending order: `rows`
    // may keep no more than the last y().taps() rows.
    template <typename Rows>
    void row(Rows& rows, int32_t output, float* out) {
        add_rows(rows, output);
        for (int32_t channel = 0; channel < channels_; ++channel) add_columns(channel, out);
    }

  private:
    template <typename Rows>
    void add_rows(Rows& rows, int32_t output);
    void add_columns(int32_t channel, float* out);

    int32_t channels_ = 0;
    Axis x_, y_;
    std::unique_ptr<float[]> sums_;  // columns x_.begin() to x_.end() of one output row
};

template <typename Rows>
void Resampler::add_rows(Rows& rows, int32_t output) {
    const int64_t columns = int64_t{x_.end() - x_.begin()} * channels_;
    const float* weights = y_.weights(output);
    float* sums = sums_.get();
    std::fill(sums, sums + columns, 0.0f);
    for (int32_t tap = 0; tap < y_.taps(); ++tap) {
        const float weight = weights[tap];
        if (weight == 0.0f) continue;
        const auto* samples = rows.row(y_.first(output) + tap, int64_t{x_.begin()} * channels_);
        for (int64_t column = 0; column < columns; ++column) sums[column] += weight * float(samples[column]);
    }
}

}  // namespace attp
