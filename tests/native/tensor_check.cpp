// Network inputs: each function reads and writes what it may and nothing else, which the sanitizers see because every buffer is
// exactly as large as it must be; and the energy of a residual is what its definition says.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <vector>

#include "edge_attp_tensors.h"

namespace {

struct Size {
    int32_t width, height;
};

const Size kPictures[] = {{1, 1}, {2, 3}, {5, 4}, {61, 97}, {176, 144}, {341, 255}};
const attp_tensor_grid kGrids[] = {{1, 1, 1, 1}, {85, 64, 56, 56}, {9, 5, 9, 5}, {340, 256, 224, 31}};

std::vector<int16_t> random_plane(int64_t samples, int low, int high) {
    std::mt19937 random(7);
    std::uniform_int_distribution<int> draw(low, high);
    std::vector<int16_t> plane(samples);
    std::generate(plane.begin(), plane.end(), [&] { return static_cast<int16_t>(draw(random)); });
    return plane;
}

// The weight of plane sample `index` in output `k` of an axis, by its definition in edge_attp_tensors.h.
double axis_weight(int32_t length, int32_t step, int32_t resized, int32_t k, int32_t index) {
    const int32_t samples = (length + step - 1) / step;
    if (length > int64_t{resized} * step) {
        const double from = double(k) * length / resized, to = double(k + 1) * length / resized;
        const double overlap = std::min(to, double(index + 1) * step) - std::max(from, double(index) * step);
        return std::max(0.0, overlap) / (to - from);
    }
    const double position = std::min(std::max((k + 0.5) * length / resized / step - 0.5, 0.0), samples - 1.0);
    return std::max(0.0, 1.0 - std::fabs(position - index));
}

double block_mean(const std::vector<int16_t>& luma, int64_t row, const Size& size, int32_t block_x, int32_t block_y) {
    double sum = 0;
    int samples = 0;
    for (int32_t y = 4 * block_y; y < std::min(4 * block_y + 4, size.height); ++y)
        for (int32_t x = 4 * block_x; x < std::min(4 * block_x + 4, size.width); ++x, ++samples)
            sum += std::abs(int(luma[y * row + x]));
    return sum / samples;
}

bool is_energy(const std::vector<float>& out, const std::vector<int16_t>& luma, int64_t row, const Size& size,
               const attp_tensor_grid& grid) {
    const int32_t width4 = (size.width + 3) / 4, height4 = (size.height + 3) / 4;
    std::vector<double> blocks(size_t(width4) * height4);
    for (int32_t y = 0; y < height4; ++y)
        for (int32_t x = 0; x < width4; ++x) blocks[size_t(y) * width4 + x] = block_mean(luma, row, size, x, y);
    const int32_t left = (grid.resize_width - grid.crop_width) / 2, top = (grid.resize_height - grid.crop_height) / 2;
    for (int32_t v = 0; v < grid.crop_height; ++v)
        for (int32_t u = 0; u < grid.crop_width; ++u) {
            double sum = 0;
            for (int32_t y = 0; y < height4; ++y) {
                const double down = axis_weight(size.height, 4, grid.resize_height, top + v, y);
                for (int32_t x = 0; down != 0 && x < width4; ++x)
                    sum += down * axis_weight(size.width, 4, grid.resize_width, left + u, x) * blocks[y * width4 + x];
            }
            const double found = out[size_t(v) * grid.crop_width + u];
            if (std::fabs(found - sum) > 1e-5 * std::max(1.0, std::fabs(sum))) return false;
        }
    return true;
}

bool check_energy(const Size& size, const attp_tensor_grid& grid, int32_t beyond, int low, int high) {
    const int64_t row = size.width + beyond, samples = row * (size.height - 1) + size.width;
    const std::vector<int16_t> luma = random_plane(samples, low, high);
    std::vector<float> out(size_t(grid.crop_width) * grid.crop_height);
    const attp_status status =
        attp_tensor_fill_energy(luma.data(), 2 * row, size.width, size.height, &grid, 1.0f, 0.0f, out.data());
    return status == ATTP_OK && is_energy(out, luma, row, size, grid);
}

// The other inputs: that they stay inside their buffers.
bool check_others(const Size& size, const attp_tensor_grid& grid) {
    const int32_t width4 = (size.width + 3) / 4, height4 = (size.height + 3) / 4;
    const int64_t half = int64_t{(size.width + 1) / 2} * ((size.height + 1) / 2);
    const float gain[3] = {1, 1, 1}, bias[3] = {0, 0, 0};
    const size_t plane = size_t(grid.crop_width) * grid.crop_height;
    std::vector<float> two(2 * plane), three(3 * plane), flow(2 * size_t(width4) * height4, 1.0f);
    const std::vector<uint8_t> rgb(3 * size_t(size.width) * size.height, 9);
    const std::vector<int16_t> y = random_plane(int64_t{size.width} * size.height, -255, 255);
    const std::vector<int16_t> u = random_plane(half, -255, 255), v = u;
    return attp_tensor_fill_flow(flow.data(), size.width, size.height, &grid, 1.0f, two.data()) == ATTP_OK &&
           attp_tensor_fill_rgb(rgb.data(), 3 * size.width, size.width, size.height, &grid, gain, bias, three.data()) ==
               ATTP_OK &&
           attp_tensor_fill_residual(y.data(), 2 * size.width, u.data(), v.data(), 2 * ((size.width + 1) / 2),
                                     size.width, size.height, &grid, gain, bias, three.data()) == ATTP_OK;
}

bool refuses_wrong_arguments() {
    const int16_t luma[16] = {};
    const attp_tensor_grid grid = {2, 2, 1, 1}, wide = {2, 2, 3, 1};
    float out = 0;
    return attp_tensor_fill_energy(nullptr, 8, 4, 4, &grid, 1, 0, &out) == ATTP_INVALID_ARGUMENT &&
           attp_tensor_fill_energy(luma, 8, 4, 4, nullptr, 1, 0, &out) == ATTP_INVALID_ARGUMENT &&
           attp_tensor_fill_energy(luma, 8, 4, 4, &grid, 1, 0, nullptr) == ATTP_INVALID_ARGUMENT &&
           attp_tensor_fill_energy(luma, 8, 0, 4, &grid, 1, 0, &out) == ATTP_INVALID_ARGUMENT &&
           attp_tensor_fill_energy(luma, 8, 4, 4, &wide, 1, 0, &out) == ATTP_INVALID_ARGUMENT;
}

}  // namespace

int main() {
    for (const Size& size : kPictures)
        for (const attp_tensor_grid& grid : kGrids) {
            const bool is_right = check_energy(size, grid, 0, -255, 255) &&
                                  check_energy(size, grid, 13, -32768, 32767) && check_energy(size, grid, 0, 0, 0) &&
                                  check_others(size, grid);
            if (!is_right) {
                std::printf("wrong: %dx%d to %dx%d\n", size.width, size.height, grid.resize_width, grid.resize_height);
                return 1;
            }
        }
    if (!refuses_wrong_arguments()) {
        std::printf("wrong arguments are accepted\n");
        return 1;
    }
    std::printf("network inputs: as they should be\n");
    return 0;
}
