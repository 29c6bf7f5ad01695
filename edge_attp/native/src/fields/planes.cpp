#include "fields/planes.h"

namespace attp {
namespace {

void clear_block(int16_t* p, ptrdiff_t stride, int size) {
    for (int y = 0; y < size; y++) std::memset(p + y * stride, 0, static_cast<size_t>(size) * sizeof(int16_t));
}

}  // namespace

void ResidualPlanes::clear(int mb, uint32_t blocks) {
    constexpr int kFirstChroma = 16;
    const int x = mb % width_mbs, y = mb / width_mbs;
    int16_t* luma = plane[0] + static_cast<ptrdiff_t>(y) * 16 * stride_y + x * 16;
    auto luma_block = [&](int block) {
        return luma + (block >> 2) * 4 * static_cast<ptrdiff_t>(stride_y) + (block & 3) * 4;
    };
    if ((blocks & 0xffff) == 0xffff) {
        clear_block(luma, stride_y, 16);
        blocks &= ~0xffffu;
    }
    for (int block : {0, 2, 8, 10}) {
        const uint32_t four = 0x33u << block;
        if ((blocks & four) != four) continue;
        clear_block(luma_block(block), stride_y, 8);
        blocks &= ~four;
    }
    for (; blocks != 0; blocks &= blocks - 1) {
        const int block = __builtin_ctz(blocks);
        if (block < kFirstChroma) {
            clear_block(luma_block(block), stride_y, 4);
            continue;
        }
        const int component = 1 + ((block - kFirstChroma) >> 2), part = block & 3;
        int16_t* chroma = plane[component] + static_cast<ptrdiff_t>(y) * 8 * stride_uv + x * 8;
        clear_block(chroma + (part >> 1) * 4 * static_cast<ptrdiff_t>(stride_uv) + (part & 1) * 4, stride_uv, 4);
    }
}

}  // namespace attp
