// Every SIMD kernel against its scalar twin, and the scalar ones against their definition: sparse, dense, lone and full-range
// data, with guards around what may be written.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <random>
#include <vector>

#include "kernels/kernels.h"

namespace {

using attp_kernels::Kernels;
using Transform = std::function<void(int16_t* dst, ptrdiff_t stride, int16_t* coefficients)>;

constexpr int16_t kGuard = 0x5a5a;

// The block's coefficients, aligned as the kernels may expect, between guards.
struct Coefficients {
    alignas(64) int16_t before[32];
    int16_t at[32 * 32];
    int16_t after[32];
};

struct Result {
    std::vector<int16_t> output;
    bool cleared;
};

// The output has a row of guards above and below, and rows are `stride` apart; it is aligned to no more than 8 bytes.
constexpr size_t kMargin = 4;

Result run(const Transform& transform, const Coefficients& coefficients, int size, int stride) {
    Coefficients c = coefficients;
    Result r;
    r.output.assign(static_cast<size_t>(stride) * (size + 2) + kMargin, kGuard);
    std::fill(std::begin(c.before), std::end(c.before), kGuard);
    std::fill(c.at + size * size, std::end(c.after), kGuard);
    transform(r.output.data() + stride + kMargin, stride, c.at);
    r.cleared = std::all_of(c.at, c.at + size * size, [](int16_t v) { return v == 0; }) &&
                std::all_of(std::begin(c.before), std::end(c.before), [](int16_t v) { return v == kGuard; }) &&
                std::all_of(c.at + size * size, std::end(c.after), [](int16_t v) { return v == kGuard; });
    return r;
}

bool same(const Transform& expected, const Transform& actual, const Coefficients& coefficients, int size) {
    for (int stride : {size, size + 20}) {
        Result a = run(expected, coefficients, size, stride), b = run(actual, coefficients, size, stride);
        if (a.output != b.output || !a.cleared || !b.cleared) return false;
    }
    return true;
}

struct Data {
    const char* name;
    int density_percent;  // 0: a lone coefficient, the last one
    int low, high;
};
constexpr Data kData[] = {
    {"typical", 15, -512, 512},       {"dense", 100, -2048, 2048}, {"full range", 100, -32768, 32767},
    {"extreme", 100, -32768, -32768}, {"lone", 0, -32768, 32767},
};

// Nothing but zeros outside the first `width` columns and `height` rows.
Coefficients draw(const Data& data, std::mt19937& random, int size, int width, int height) {
    Coefficients c{};
    std::uniform_int_distribution<int> level(data.low, data.high);
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++) {
            bool last = y == height - 1 && x == width - 1;
            bool drawn = static_cast<int>(random() % 100) < data.density_percent;
            if (drawn || (data.density_percent == 0 && last)) c.at[y * size + x] = static_cast<int16_t>(level(random));
        }
    return c;
}

bool check_h264(const char* name, const Transform& scalar, const Transform& simd, int size) {
    std::mt19937 random(1234);
    for (const Data& data : kData)
        for (int round = 0; round < 2000; round++) {
            if (same(scalar, simd, draw(data, random, size, size, size), size)) continue;
            std::printf("FAILED %s h264 %dx%d: %s data, round %d\n", name, size, size, data.name, round);
            return false;
        }
    return true;
}

// A lone DC coefficient gives a flat block, rounded as clause 8.5.12.2 says.
bool check_h264_dc(const Transform& scalar, int size) {
    auto flat = [size](int16_t* dst, ptrdiff_t stride, int16_t* coefficients) {
        for (int y = 0; y < size; y++)
            std::fill_n(dst + y * stride, size, static_cast<int16_t>((coefficients[0] + 32) >> 6));
        coefficients[0] = 0;
    };
    for (int dc = -4096; dc <= 4096; dc += 31) {
        Coefficients c{};
        c.at[0] = static_cast<int16_t>(dc);
        if (same(flat, scalar, c, size)) continue;
        std::printf("FAILED scalar h264 %dx%d: DC %d\n", size, size, dc);
        return false;
    }
    return true;
}

// The 32-point matrix of HEVC is 64 * sqrt(2) * cos(k * (2 n + 1) * pi / 64), adjusted by hand: kCosine[i] stands for the cosine
// of i * pi / 64. The 4-point DST is not adjusted.
constexpr int kCosine[32] = {64, 90, 90, 90, 89, 88, 87, 85, 83, 82, 80, 78, 75, 73, 70, 67,
                             64, 61, 57, 54, 50, 46, 43, 38, 36, 31, 25, 22, 18, 13, 9,  4};
const double kPi = std::acos(-1.0);

int64_t dct_factor(int size, int k, int n) {
    if (k == 0) return 64;
    int angle = k * (32 / size) * (2 * n + 1) % 128;
    if (angle > 64) angle = 128 - angle;
    return angle < 32 ? kCosine[angle] : -kCosine[64 - angle];
}

int64_t dst_factor(int, int k, int n) { return std::lround(256.0 / 3 * std::sin(kPi * (2 * k + 1) * (n + 1) / 9)); }

bool check_cosines() {
    for (int i = 1; i < 32; i++)
        if (std::abs(kCosine[i] - 64 * std::sqrt(2.0) * std::cos(i * kPi / 64)) > 1.5) {
            std::printf("FAILED cosine %d\n", i);
            return false;
        }
    return true;
}

using HevcKernel = void (*)(int16_t*, ptrdiff_t, int16_t*, int, int, int);
using HevcFactor = int64_t (*)(int size, int k, int n);

// Clause 8.6.4.2 in 64 bits, all coefficients always.
Transform hevc_definition(HevcFactor factor, int size, int bd_shift) {
    std::vector<int64_t> matrix(static_cast<size_t>(size * size));
    for (int i = 0; i < size * size; i++) matrix[static_cast<size_t>(i)] = factor(size, i / size, i % size);
    return [=](int16_t* dst, ptrdiff_t stride, int16_t* coefficients) {
        auto clip = [](int64_t v) { return std::min<int64_t>(std::max<int64_t>(v, -32768), 32767); };
        std::vector<int64_t> columns(static_cast<size_t>(size * size));
        for (int i = 0; i < size * size; i++) {
            int64_t sum = 64;
            for (int k = 0; k < size; k++)
                sum += matrix[static_cast<size_t>(k * size + i / size)] * coefficients[k * size + i % size];
            columns[static_cast<size_t>(i)] = clip(sum >> 7);
        }
        for (int i = 0; i < size * size; i++) {
            int64_t sum = int64_t{1} << (bd_shift - 1);
            for (int k = 0; k < size; k++)
                sum += matrix[static_cast<size_t>(k * size + i % size)] *
                       columns[static_cast<size_t>(i / size * size + k)];
            dst[i / size * stride + i % size] = static_cast<int16_t>(clip(sum >> bd_shift));
        }
        std::fill_n(coefficients, size * size, int16_t{0});
    };
}

// `step`: of the widths and heights.
template <class Expected>
bool check_hevc(const char* name, const char* kind, int size, int step, HevcKernel kernel, Expected expected) {
    std::mt19937 random(1234);
    for (const Data& data : kData)
        for (int bd_shift = 10; bd_shift <= 12; bd_shift++)
            for (int width = size; width > 0; width -= step)
                for (int height = size; height > 0; height -= step) {
                    Transform actual = [=](int16_t* dst, ptrdiff_t stride, int16_t* coefficients) {
                        kernel(dst, stride, coefficients, bd_shift, width, height);
                    };
                    Coefficients c = draw(data, random, size, width, height);
                    if (same(expected(bd_shift, width, height), actual, c, size)) continue;
                    std::printf("FAILED %s hevc %s %dx%d: %s data, bd_shift %d, width %d, height %d\n", name, kind,
                                size, size, data.name, bd_shift, width, height);
                    return false;
                }
    return true;
}

bool check_hevc_scalar(const char* kind, int size, HevcKernel scalar, HevcFactor factor) {
    auto definition = [=](int bd_shift, int, int) { return hevc_definition(factor, size, bd_shift); };
    return check_hevc("scalar", kind, size, size > 8 ? 5 : 1, scalar, definition);
}

bool check_hevc_simd(const char* name, const char* kind, int size, HevcKernel scalar, HevcKernel simd) {
    auto twin = [=](int bd_shift, int width, int height) {
        return [=](int16_t* dst, ptrdiff_t stride, int16_t* coefficients) {
            scalar(dst, stride, coefficients, bd_shift, width, height);
        };
    };
    return check_hevc(name, kind, size, 1, simd, twin);
}

bool check_scalar(const Kernels& scalar) {
    bool ok = check_h264_dc(scalar.idct4x4, 4) && check_h264_dc(scalar.idct8x8, 8) && check_cosines();
    for (int i = 0; i < 4; i++) ok &= check_hevc_scalar("DCT", 4 << i, scalar.hevc_idct[i], dct_factor);
    return ok & check_hevc_scalar("DST", 4, scalar.hevc_idst4x4, dst_factor);
}

bool check_simd(const Kernels& scalar, const Kernels& simd) {
    bool ok = check_h264(simd.name, scalar.idct4x4, simd.idct4x4, 4);
    ok &= check_h264(simd.name, scalar.idct8x8, simd.idct8x8, 8);
    for (int i = 0; i < 4; i++) ok &= check_hevc_simd(simd.name, "DCT", 4 << i, scalar.hevc_idct[i], simd.hevc_idct[i]);
    return ok & check_hevc_simd(simd.name, "DST", 4, scalar.hevc_idst4x4, simd.hevc_idst4x4);
}

}  // namespace

int main() {
    const Kernels* kernels[4];
    int count = attp_kernels::available_kernels(kernels);
    bool ok = check_scalar(*kernels[0]);
    for (int i = 1; i < count; i++) {
        ok &= check_simd(*kernels[0], *kernels[i]);
        std::printf("%s checked against scalar\n", kernels[i]->name);
    }
    return ok ? 0 : 1;
}
