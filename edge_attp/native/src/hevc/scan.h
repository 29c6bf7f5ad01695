// The up-right diagonal scan (clause 6.5.3).
#pragma once

#include <cstdint>

namespace attp {
namespace hevc {

// A position inside a block.
struct Position {
    uint8_t x, y;
};

// Of a block of `size` x `size`.
constexpr void fill_diagonal_scan(Position* scan, int size) {
    int i = 0;
    for (int diagonal = 0; diagonal < 2 * size - 1; diagonal++)
        for (int x = 0; x <= diagonal; x++)
            if (x < size && diagonal - x < size)
                scan[i++] = {static_cast<uint8_t>(x), static_cast<uint8_t>(diagonal - x)};
}

}  // namespace hevc
}  // namespace attp
