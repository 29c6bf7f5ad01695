// Lets every allocation of the core fail once, stream by stream: it must say so or give a damaged picture, and neither abort nor
// leave the decoder in a state that breaks later.
//   memory_check codec stream...     The streams are inputs of fuzz/: their first two bytes are not part of the stream.
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <new>
#include <string>
#include <vector>

#include "edge_attp.h"

namespace {

constexpr long kNever = -1;
std::atomic<long> allocations{0};
std::atomic<long> failing{kNever};

void* allocate(size_t bytes) {
    if (allocations++ == failing) throw std::bad_alloc();
    void* memory = std::malloc(bytes);
    if (memory == nullptr) throw std::bad_alloc();
    return memory;
}

}  // namespace

void* operator new(size_t bytes) { return allocate(bytes); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, size_t) noexcept { std::free(memory); }

namespace {

struct Setup {
    int threads, on_demand;
};

attp_options make_options(int codec, const Setup& setup) {
    attp_options options = {};
    options.codec = codec;
    options.threads = setup.threads;
    options.on_demand = setup.on_demand;
    options.want_residual = 1;
    options.lookahead_pictures = 2;
    options.max_width_px = options.max_height_px = 512;
    options.max_picture_px = 512 * 512;
    options.max_nal_bytes = 1 << 20;
    return options;
}

int receive_all(attp_decoder* decoder, bool on_demand) {
    attp_picture* picture = nullptr;
    int whole = 0;
    while (attp_decoder_receive(decoder, &picture) == ATTP_OK) {
        if (on_demand) attp_picture_parse(picture);
        attp_picture_info info = {};
        attp_picture_get_info(picture, &info);
        whole += info.mv != nullptr && !info.is_damaged;
        attp_picture_release(picture);
    }
    return whole;
}

// The number of pictures that came without damage.
int read(int codec, const Setup& setup, const std::vector<char>& bytes) {
    constexpr size_t kPiece = 200;
    const attp_options options = make_options(codec, setup);
    attp_decoder* decoder = nullptr;
    if (attp_decoder_open(&options, &decoder) != ATTP_OK) return 0;
    int whole = 0;
    for (size_t at = 2; at < bytes.size(); at += kPiece) {
        const size_t part = bytes.size() - at < kPiece ? bytes.size() - at : kPiece;
        attp_decoder_send(decoder, reinterpret_cast<const uint8_t*>(bytes.data()) + at, part, ATTP_NO_PTS, ATTP_NO_PTS,
                          0);
        whole += receive_all(decoder, options.on_demand != 0);
    }
    attp_decoder_drain(decoder);
    whole += receive_all(decoder, options.on_demand != 0);
    attp_decoder_close(decoder);
    return whole;
}

bool check(int codec, const Setup& setup, const char* path) {
    std::ifstream in(path, std::ios::binary);
    const std::vector<char> bytes((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
    allocations = 0;
    failing = kNever;
    const int pictures = read(codec, setup, bytes);
    const long count = allocations;
    if (pictures == 0) {
        std::printf("%s: no picture\n", path);
        return false;
    }
    for (long at = 0; at < count; at++) {
        allocations = 0;
        failing = at;
        const int whole = read(codec, setup, bytes);
        if (whole > pictures) {
            std::printf("%s: %d whole pictures without allocation %ld, %d with it\n", path, whole, at, pictures);
            return false;
        }
    }
    failing = kNever;
    std::printf("%s, %d threads%s: %ld allocations\n", path, setup.threads, setup.on_demand ? ", on demand" : "",
                count);
    return true;
}

}  // namespace

int main(int argc, char** argv) {
    const Setup setups[] = {{1, 0}, {2, 0}, {1, 1}};
    const int codec = argc > 1 && std::string(argv[1]) == "hevc" ? ATTP_CODEC_HEVC : ATTP_CODEC_H264;
    for (int i = 2; i < argc; i++)
        for (const Setup& setup : setups)
            if (!check(codec, setup, argv[i])) return 1;
    return argc > 2 ? 0 : 1;
}
