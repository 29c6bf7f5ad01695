// One picture, whatever its codec: what the C interface sees of it, the planes, and who reads its slices when.
//
// Slices are read once, by the thread that claims the picture first. Pictures whose vectors they need, the co-located ones, are
// claimed and read before, and where another thread has claimed them already, rows are waited for as they are needed. That never
// locks up: a thread only waits while it reads the earliest of the pictures that it has claimed, and for pictures still earlier.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "edge_attp.h"
#include "fields/flow.h"
#include "fields/planes.h"
#include "h26x/poc_step.h"
#include "h26x/reference.h"

namespace attp {

// Blocks read, by mode, in whatever unit the codec counts in.
struct ModeCounts {
    int intra = 0, inter = 0, skip = 0, pcm = 0;
};

class Picture {
  public:
    virtual ~Picture();

    // Takes the memory that read() will fill: `residual` if it is wanted, then `motion`.
    virtual void allocate(bool with_residual) = 0;
    virtual void fill_weights(attp_weights* weights) const = 0;
    // All zero unless the codec has coding blocks to count.
    virtual void fill_block_counts(attp_block_counts* counts) const;

    // Reads the slices, unless that is done. May be called from any thread.
    void parse();
    // The same, but if another thread is reading them, returns at once.
    void parse_if_nobody_does();
    // Rows are what the codec counts in: macroblocks or coding tree blocks. 0: `motion` is there, unless memory is out.
    void wait_for_rows(int rows);

    // A slice of kind 'I', 'P' or 'B' was received, with these lists.
    void note_slice(char kind, bool is_weighted, const ReferenceLists& references);
    // Slices of this picture need the vectors of `colocated`, which lives until they are read. If `max_depth` unread pictures would wait for each other then,
    // `colocated` is read at once: that bounds the memory of a stream of which no picture is wanted.
    void add_colocated(const std::shared_ptr<Picture>& colocated, int max_depth);

    // The POCs of the pictures around this one are known, as far as they ever will be. To be called before anybody else sees it.
    void count_distances(const PocStep& poc_step);

    // Damage that comes with the references. To be called in decoding order, after parse(), before anybody else sees the picture.
    void resolve_inherited_damage();

    // Nobody looks at the planes any more: those that later pictures do not need are freed, or never made.
    void release_planes();

    // Display size and where it lies in the coded picture.
    void set_size(int width_px, int height_px, int left_px, int top_px);
    void fill_info(attp_picture_info* info) const;
    // See attp_picture_get_flow().
    void fill_flow(float* flow) const;
    void damage(const char* format, ...) __attribute__((format(printf, 2, 3)));

    attp_picture_info info = {};  // planes are filled in by fill_info()
    bool parsed = false;
    std::atomic<bool> wants_residual{false};
    int crop_left_px = 0, crop_top_px = 0;
    std::string lost_slice;          // why a NAL unit that came with this picture could not be used
    bool is_recovery_point = false;  // pictures are right from this one on, in display order
    int64_t trusted_before = 0;      // references that were decoded before this one do no harm, damaged or not
    // Display order is decoding order, and POC differences are no distances (H.264 clause 8.2.1.3).
    bool is_shown_as_decoded = false;
    std::shared_ptr<MotionPlanes> motion;
    std::shared_ptr<ResidualPlanes> residual;
    std::shared_ptr<Health> health = std::make_shared<Health>();

  protected:
    // Reads all slices into the planes, tells set_rows_done() and adds to used_. Throws nothing but std::bad_alloc.
    virtual void read() = 0;
    // The planes that only the user of a picture needs.
    virtual void free_planes() { residual.reset(); }
    // Frees what only read() needed.
    virtual void finish() = 0;

    void set_rows_done(int rows);
    // The vectors of a co-located picture, or nullptr where that has none of this picture's size.
    const MotionPlanes* motion_of(Picture* colocated) const;
    // The display area in 4x4 blocks of the coded picture.
    BlockWindow window() const { return {crop_left_px / 4, crop_top_px / 4, info.width4, info.height4}; }

    void set_mode_counts(const ModeCounts& counts);
    // Blocks of a slice use the entries of its lists whose bits are set.
    void note_used(const ReferenceLists& references, const uint32_t used[2]);

    std::vector<Reference> used_;  // references that some block uses

  private:
    static constexpr int kAllRows = 1 << 30;

    Picture* claim_colocated();
    void read_claimed();

    std::vector<ReferencePoc> reference_pocs_;         // each picture that this one may refer to, once
    std::vector<std::shared_ptr<Picture>> colocated_;  // until this picture is read
    std::atomic<int> colocated_depth_{0};              // unread co-located pictures behind this one
    Picture* waiting_ = nullptr;                       // what the thread that claimed this picture reads after it
    std::shared_ptr<Picture> next_unused_;             // see the destructor
    std::atomic<bool> is_claimed_{false};
    std::atomic<bool> is_released_{false};
    std::mutex rows_mutex_;
    std::condition_variable rows_changed_;
    std::atomic<int> rows_done_{-1};
};

}  // namespace attp
