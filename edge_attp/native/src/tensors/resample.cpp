// See resample.h. Rows are combined first, because that loop runs along memory, and then resampled horizontally.
#include "tensors/resample.h"

#include <algorithm>
#include <cmath>
#include <new>

namespace attp {

bool Axis::init(const AxisShape& shape) {
    const int32_t samples = (shape.length + shape.step - 1) / shape.step;
    const bool shrinks = shape.length > int64_t{shape.resized} * shape.step;
    const double ratio = double(shape.length) / (double(shape.resized) * shape.step);
    outputs_ = shape.cropped;
    // An interval of `ratio` samples touches at most ceil(ratio) + 1 of them.
    taps_ = std::min(samples, shrinks ? int32_t(std::ceil(ratio)) + 1 : 2);
    first_.reset(new (std::nothrow) int32_t[outputs_]);
    weights_.reset(new (std::nothrow) float[int64_t{outputs_} * taps_]());
    if (!first_ || !weights_) return false;
    for (int32_t output = 0; output < outputs_; ++output) {
        if (shrinks)
            set_area(shape, samples, output);
        else
            set_linear(shape, samples, output);
    }
    begin_ = first_[0];
    end_ = first_[outputs_ - 1] + taps_;
    return true;
}

// Output k of the resized axis is the mean over [k, k + 1) * length / resized, in luma samples.
void Axis::set_area(const AxisShape& shape, int32_t samples, int32_t output) {
    const int64_t k = output + (shape.resized - shape.cropped) / 2;
    const double from = double(k * shape.length) / shape.resized;
    const double to = double((k + 1) * shape.length) / shape.resized;
    const int32_t first = std::min(int32_t(from / shape.step), samples - taps_);
    first_[output] = first;
    for (int32_t tap = 0; tap < taps_; ++tap) {
        const double left = std::max(from, double(first + tap) * shape.step);
        const double right = std::min(to, double(first + tap + 1) * shape.step);
        weights_[int64_t{output} * taps_ + tap] = float(std::max(0.0, right - left) / (to - from));
    }
}

// Output k of the resized axis lies at (k + 1/2) * length / resized luma samples; beyond the outermost sample centres
// the plane continues with their values.
void Axis::set_linear(const AxisShape& shape, int32_t samples, int32_t output) {
    const int32_t k = output + (shape.resized - shape.cropped) / 2;
    const double centre = (k + 0.5) * shape.length / (double(shape.resized) * shape.step) - 0.5;
    const double position = std::min(std::max(centre, 0.0), double(samples - 1));
    const int32_t first = std::min(int32_t(position), samples - taps_);
    first_[output] = first;
    float* weights = &weights_[int64_t{output} * taps_];
    if (taps_ == 1) {
        weights[0] = 1.0f;
        return;
    }
    weights[1] = float(position - first);
    weights[0] = float(1.0 - (position - first));
}

bool Resampler::init(int32_t channels, const AxisShape& x, const AxisShape& y) {
    channels_ = channels;
    if (!x_.init(x) || !y_.init(y)) return false;
    sums_.reset(new (std::nothrow) float[int64_t{x_.end() - x_.begin()} * channels]);
    return sums_ != nullptr;
}

void Resampler::add_columns(int32_t channel, float* out) {
    for (int32_t column = 0; column < x_.outputs(); ++column) {
        const float* weights = x_.weights(column);
        const float* sums = &sums_[int64_t{x_.first(column) - x_.begin()} * channels_ + channel];
        float sum = 0.0f;
        for (int32_t tap = 0; tap < x_.taps(); ++tap) sum += weights[tap] * sums[int64_t{tap} * channels_];
        out[int64_t{channel} * x_.outputs() + column] = sum;
    }
}

}  // namespace attp
