// Fuzz targets, one function each: shared by libFuzzer and by the replay of kept reproducers, which needs no Clang. The first bytes
// of an input choose options, the rest is the stream. A target aborts where the core breaks a promise.
#pragma once

#include <cstddef>
#include <cstdint>

// The whole C interface, every result looked at.
void fuzz_stream(const uint8_t* data, size_t bytes);
void fuzz_hevc_stream(const uint8_t* data, size_t bytes);
// Pictures are the same whatever the pieces that a stream arrives in, the number of threads, on demand or not, and whether
// residuals are wanted.
void fuzz_pieces(const uint8_t* data, size_t bytes);
void fuzz_hevc_pieces(const uint8_t* data, size_t bytes);
// Annex B splitting and emulation prevention: pieces of any size give the NAL units of the whole.
void fuzz_annexb(const uint8_t* data, size_t bytes);
// Parameter sets and slice headers.
void fuzz_parameters(const uint8_t* data, size_t bytes);
void fuzz_hevc_parameters(const uint8_t* data, size_t bytes);
