// Every SIMD kernel against its scalar twin: typical, dense and full-range data, with guards around the output.
#include <cstdio>
#include <cstring>
#include <random>
#include <vector>

#include "kernels/kernels.h"

namespace {

constexpr int kStride = 24;
constexpr int16_t kGuard = 0x5a5a;

struct Data {
    const char* name;
    int density_percent;
    int low, high;
};
constexpr Data kData[] = {{"typical", 15, -512, 512}, {"dense", 100, -2048, 2048}, {"full range", 100, -32768, 32767}};

using Transform = void (*)(int16_t*, ptrdiff_t, int16_t*);

struct Result {
    std::vector<int16_t> output, coefficients;
};

Result run(Transform transform, const std::vector<int16_t>& coefficients, int size) {
    Result r;
    r.coefficients = coefficients;
    r.output.assign(static_cast<size_t>(kStride) * (size + 2), kGuard);
    transform(r.output.data() + kStride + 8, kStride, r.coefficients.data());
    return r;
}

bool check(const char* kernel, Transform scalar, Transform simd, int size) {
    std::mt19937 random(1234);
    for (const Data& data : kData)
        for (int round = 0; round < 4000; round++) {
            std::vector<int16_t> coefficients(static_cast<size_t>(size * size), 0);
            for (int16_t& c : coefficients)
                if (static_cast<int>(random() % 100) < data.density_percent)
                    c = static_cast<int16_t>(std::uniform_int_distribution<int>(data.low, data.high)(random));
            Result expected = run(scalar, coefficients, size), actual = run(simd, coefficients, size);
            if (expected.output == actual.output && expected.coefficients == actual.coefficients) continue;
            std::printf("FAILED %s %dx%d: %s data, round %d\n", kernel, size, size, data.name, round);
            return false;
        }
    return true;
}

// The scalar kernels themselves: a lone DC coefficient gives a flat block, rounded as clause 8.5.12.2 says.
bool check_dc(Transform scalar, int size) {
    for (int dc = -4096; dc <= 4096; dc += 31) {
        std::vector<int16_t> coefficients(static_cast<size_t>(size * size), 0);
        coefficients[0] = static_cast<int16_t>(dc);
        Result r = run(scalar, coefficients, size);
        for (int y = 0; y < size; y++)
            for (int x = 0; x < size; x++)
                if (r.output[static_cast<size_t>((y + 1) * kStride + 8 + x)] != (dc + 32) >> 6) {
                    std::printf("FAILED scalar %dx%d: DC %d\n", size, size, dc);
                    return false;
                }
    }
    return true;
}

}  // namespace

int main() {
    const attp::Kernels* kernels[4];
    int count = attp::available_kernels(kernels);
    bool ok = check_dc(kernels[0]->idct4x4, 4) && check_dc(kernels[0]->idct8x8, 8);
    for (int i = 1; i < count; i++) {
        ok &= check(kernels[i]->name, kernels[0]->idct4x4, kernels[i]->idct4x4, 4);
        ok &= check(kernels[i]->name, kernels[0]->idct8x8, kernels[i]->idct8x8, 8);
        std::printf("%s checked against scalar\n", kernels[i]->name);
    }
    return ok ? 0 : 1;
}
