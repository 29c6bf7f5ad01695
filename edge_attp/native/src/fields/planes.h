// The memory of pictures: motion and residual planes, and the pools that keep allocation flat.
#pragma once

#include <sys/mman.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <mutex>
#include <new>
#include <vector>

#include "edge_attp.h"

namespace attp {

struct Mv {
    int16_t x, y;
};
inline bool operator==(Mv a, Mv b) { return a.x == b.x && a.y == b.y; }

// Rows of four equal entries, as wide stores.
inline void fill_16x16(Mv* p, int stride, Mv mv) {
    uint32_t one;
    std::memcpy(&one, &mv, 4);
    const uint64_t pair = static_cast<uint64_t>(one) << 32 | one;
    for (int j = 0; j < 4; j++, p += stride) {
        std::memcpy(p, &pair, 8);
        std::memcpy(p + 2, &pair, 8);
    }
}

// Zeroed memory, aligned for every instruction set. Untouched pages cost nothing: calloc() takes large blocks from the system,
// which hands them out zeroed.
class AlignedBytes {
  public:
    explicit AlignedBytes(size_t bytes) {
        const size_t alignment = bytes >= kHugePage ? kHugePage : 64;
        raw_ = std::calloc(1, bytes + alignment);
        if (raw_ == nullptr) throw std::bad_alloc();
        const uintptr_t address = (reinterpret_cast<uintptr_t>(raw_) + alignment - 1) / alignment * alignment;
        data_ = reinterpret_cast<uint8_t*>(address);
#if defined(MADV_HUGEPAGE)
        // Planes are walked in many rows at once, more than the TLB holds of small pages.
        if (bytes >= kHugePage) madvise(data_, bytes / kHugePage * kHugePage, MADV_HUGEPAGE);
#endif
    }
    ~AlignedBytes() { std::free(raw_); }
    AlignedBytes(const AlignedBytes&) = delete;
    AlignedBytes& operator=(const AlignedBytes&) = delete;
    uint8_t* data() const { return data_; }

  private:
    static constexpr size_t kHugePage = size_t{1} << 21;
    void* raw_;
    uint8_t* data_;
};

// Motion of one picture, one entry per 4x4 luma block of the coded (not yet cropped) picture. A border of one row above and
// kPad columns on both sides may be read, so that neighbours outside the picture need no test.
class MotionPlanes {
  public:
    static constexpr int kPad = 4;

    // ref_idx has one entry per 8x8 luma block with a shift of 1 (H.264), per 4x4 with 0 (HEVC).
    MotionPlanes(int width4_, int height4_, int ref_idx_shift_)
        : width4(width4_),
          height4(height4_),
          stride4(width4_ + 2 * kPad),
          ref_idx_shift(ref_idx_shift_),
          ref_idx_stride(ref_idx_size(width4_) + 2 * kPad),
          bytes_(plane_bytes(2 * sizeof(Mv)) + plane_bytes(2 * sizeof(int32_t)) + plane_bytes(1) + 2 * ref_idx_bytes() +
                 256) {
        uint8_t* p = bytes_.data();
        for (int list = 0; list < 2; list++) {
            mv[list] = reinterpret_cast<Mv*>(p) + stride4 + kPad;
            p += plane_bytes(sizeof(Mv));
        }
        for (int list = 0; list < 2; list++) {
            reference[list] = reinterpret_cast<int32_t*>(p) + stride4 + kPad;
            p += plane_bytes(sizeof(int32_t));
        }
        mode = p + stride4 + kPad;
        p += plane_bytes(1);
        for (int list = 0; list < 2; list++) {
            ref_idx[list] = reinterpret_cast<int8_t*>(p) + ref_idx_stride + kPad;
            p += ref_idx_bytes();
        }
    }

    // Marks a list as unused everywhere. Costs nothing if it already is.
    void blank_list(int list) {
        if (is_blank[list]) return;
        for (int y = 0; y < height4; y++) {
            std::memset(mv[list] + y * stride4, 0, static_cast<size_t>(width4) * sizeof(Mv));
            std::memset(reference[list] + y * stride4, 0xff, static_cast<size_t>(width4) * sizeof(int32_t));
        }
        for (int y = 0; y < ref_idx_size(height4); y++)
            std::memset(ref_idx[list] + y * ref_idx_stride, 0xff, static_cast<size_t>(ref_idx_size(width4)));
        is_blank[list] = true;
    }
    // Prepares for a picture that writes this many lists; the others are blanked.
    void use_lists(int lists) {
        for (int list = 0; list < 2; list++) {
            if (list < lists)
                is_blank[list] = false;
            else
                blank_list(list);
        }
    }
    // Sets the same mode everywhere, without motion.
    void blank(uint8_t mode_everywhere) {
        for (int list = 0; list < 2; list++) blank_list(list);
        for (int y = 0; y < height4; y++) std::memset(mode + y * stride4, mode_everywhere, static_cast<size_t>(width4));
    }

    // Index of a 4x4 block's entry in ref_idx.
    int ref_idx_position(int x4, int y4) const {
        return (y4 >> ref_idx_shift) * ref_idx_stride + (x4 >> ref_idx_shift);
    }
    int ref_idx_at(int list, int x4, int y4) const { return ref_idx[list][ref_idx_position(x4, y4)]; }

    const int width4, height4;
    const int stride4;  // entries from row to row of mv, reference and mode
    const int ref_idx_shift;
    const int ref_idx_stride;
    Mv* mv[2];
    int32_t* reference[2];
    uint8_t* mode;
    int8_t* ref_idx[2];  // -1: list not used
    bool is_blank[2] = {false, false};

  private:
    int ref_idx_size(int blocks4) const { return (blocks4 + ref_idx_shift) >> ref_idx_shift; }
    size_t ref_idx_bytes() const {
        return static_cast<size_t>(ref_idx_stride) * static_cast<size_t>(ref_idx_size(height4) + 1);
    }
    size_t plane_bytes(size_t entry) const {
        return (static_cast<size_t>(stride4) * static_cast<size_t>(height4 + 1) * entry + 63) / 64 * 64;
    }
    AlignedBytes bytes_;
};

// Residual of one picture, coded size. `dirty` marks the nonzero parts of each macroblock, so that the next user of this memory
// clears nothing else.
class ResidualPlanes {
  public:
    ResidualPlanes(int width_mbs_, int height_mbs_)
        : width_mbs(width_mbs_),
          height_mbs(height_mbs_),
          stride_y(width_mbs_ * 16 + 32),
          stride_uv(width_mbs_ * 8 + 32),
          bytes_(sizeof(int16_t) * (static_cast<size_t>(stride_y) * height_mbs_ * 16 +
                                    2 * static_cast<size_t>(stride_uv) * height_mbs_ * 8)),
          dirty(static_cast<size_t>(width_mbs_) * height_mbs_, 0) {
        plane[0] = reinterpret_cast<int16_t*>(bytes_.data());
        plane[1] = plane[0] + static_cast<size_t>(stride_y) * height_mbs * 16;
        plane[2] = plane[1] + static_cast<size_t>(stride_uv) * height_mbs * 8;
    }
    // Records which blocks of a macroblock hold samples now, and clears the others that did before.
    void keep_only(int mb, uint32_t written) {
        uint32_t& before = dirty[static_cast<size_t>(mb)];
        if (before != written) clear(mb, before & ~written);
        before = written;
    }

    const int width_mbs, height_mbs;
    const int stride_y, stride_uv;  // samples
    int16_t* plane[3];

  private:
    void clear(int mb, uint32_t blocks);
    AlignedBytes bytes_;

  public:
    std::vector<uint32_t> dirty;  // bit per 4x4 block in raster order: 16 luma, 4 Cb, 4 Cr
};

// A thread-safe pool. Objects return to it when their last user is gone, in whatever thread.
template <typename T>
class Pool : public std::enable_shared_from_this<Pool<T>> {
  public:
    using Handle = std::shared_ptr<T>;

    template <typename... Args>
    Handle get(Args... args) {
        std::unique_ptr<T> object;
        {
            std::lock_guard<std::mutex> lock(mutex_);
            if (!free_.empty()) {
                object = std::move(free_.back());
                free_.pop_back();
            }
        }
        if (!object) object.reset(new T(args...));
        std::shared_ptr<Pool> pool = this->shared_from_this();
        return Handle(object.release(), [pool](T* returned) { pool->put(returned); });
    }

  private:
    void put(T* object) {
        std::unique_ptr<T> owned(object);
        std::lock_guard<std::mutex> lock(mutex_);
        try {
            free_.push_back(std::move(owned));
        } catch (const std::bad_alloc&) {  // no memory to keep it in the pool: it is freed
        }
    }
    std::mutex mutex_;
    std::vector<std::unique_ptr<T>> free_;
};

}  // namespace attp
