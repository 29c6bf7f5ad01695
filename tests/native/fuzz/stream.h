// One fuzz input through the whole C interface, every result looked at. Shared by the libFuzzer target and by the replay of kept
// reproducers, which needs no Clang.
#pragma once

#include <cstddef>
#include <cstdint>

// The first two bytes choose options, the rest is the stream.
void fuzz_stream(const uint8_t* data, size_t bytes);
// Annex B splitting and emulation prevention: pieces of any size give the NAL units of the whole.
void fuzz_annexb(const uint8_t* data, size_t bytes);
// Parameter sets and slice headers.
void fuzz_parameters(const uint8_t* data, size_t bytes);
