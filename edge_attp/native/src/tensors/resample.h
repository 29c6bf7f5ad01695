// Resampling of one plane to the grid of a network input: the mean over the area where the plane shrinks, linear
// between sample centres where it grows, each axis by itself. Only the rows and columns of the crop are computed.
#pragma once

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

// A plane and the way it is resampled. Samples of several channels may be interleaved.
template <typename Sample>
class Resampler {
  public:
    bool init(const Sample* samples, int64_t row_bytes, int32_t channels, const AxisShape& x, const AxisShape& y);

    // One output row, `channels` times x.cropped floats, channel after channel.
    void row(int32_t output, float* out);

  private:
    void add_rows(int32_t output);

    const uint8_t* samples_ = nullptr;
    int64_t row_bytes_ = 0;
    int32_t channels_ = 0;
    Axis x_, y_;
    std::unique_ptr<float[]> sums_;  // columns x_.begin() to x_.end() of one output row
};

}  // namespace attp
