#include "h264/residual.h"

namespace attp {
namespace h264 {
namespace {

uint32_t u(int v) { return static_cast<uint32_t>(v); }

// Four-point Hadamard transform of clause 8.5.10; wraps like int32 on streams that break the standard's bounds.
void hadamard4(uint32_t* v, int step) {
    uint32_t a = v[0] + v[step], b = v[0] - v[step], c = v[2 * step] + v[3 * step], d = v[2 * step] - v[3 * step];
    v[0] = a + c;
    v[step] = a - c;
    v[2 * step] = b - d;
    v[3 * step] = b + d;
}

}  // namespace

unsigned ResidualWriter::place_luma_dc(const int* level, int32_t scale) {
    uint32_t f[16];
    for (int i = 0; i < 16; i++) f[i] = u(level[i]);
    for (int y = 0; y < 4; y++) hadamard4(f + 4 * y, 1);
    for (int x = 0; x < 4; x++) hadamard4(f + x, 4);
    unsigned coded = 0;
    for (int i = 0; i < 16; i++) {
        int16_t dc = static_cast<int16_t>(static_cast<int32_t>(f[i] * u(scale) + 32) >> 6);
        coefficients4x4(i)[0] = dc;
        coded |= static_cast<unsigned>(dc != 0) << i;
    }
    return coded;
}

unsigned ResidualWriter::place_chroma_dc(int component, const int* level, int32_t scale) {
    uint32_t a = u(level[0]) + u(level[1]), b = u(level[0]) - u(level[1]);
    uint32_t c = u(level[2]) + u(level[3]), d = u(level[2]) - u(level[3]);
    uint32_t f[4] = {a + c, b + d, a - c, b - d};
    unsigned coded = 0;
    for (int i = 0; i < 4; i++) {
        int16_t dc = static_cast<int16_t>(static_cast<int32_t>(f[i] * u(scale)) >> 5);
        chroma_coefficients(component, i)[0] = dc;
        coded |= static_cast<unsigned>(dc != 0) << i;
    }
    return coded;
}

void ResidualWriter::write_pcm(const uint8_t* samples, bool has_chroma) {
    written_ = has_chroma ? 0xffffff : 0xffff;
    for (int y = 0; y < 16; y++)
        for (int x = 0; x < 16; x++) origin_[0][y * static_cast<ptrdiff_t>(planes_->stride_y) + x] = *samples++;
    if (!has_chroma) return;
    for (int c = 1; c < 3; c++)
        for (int y = 0; y < 8; y++)
            for (int x = 0; x < 8; x++) origin_[c][y * static_cast<ptrdiff_t>(planes_->stride_uv) + x] = *samples++;
}

}  // namespace h264
}  // namespace attp
