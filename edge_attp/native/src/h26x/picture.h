// One picture of either codec: what the C interface shows of it, its planes, and who reads its slices when.
//
// The thread that claims the picture first reads its slices. It claims and reads the co-located pictures, whose vectors the slices
// need, before that; if another thread has claimed one already, it waits for rows as it needs them. This cannot deadlock: a thread
// waits only while it reads the earliest picture it has claimed, and only for still earlier pictures.
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

    // Allocates what read() fills: `residual` if it is wanted, then `motion`.
    virtual void allocate(bool with_residual) = 0;
    virtual void fill_weights(attp_weights* weights) const = 0;
    // All zero unless the codec has coding blocks to count.
    virtual void fill_block_counts(attp_block_counts* counts) const;

    // Reads the slices unless they have been read. Any thread may call this.
    void parse();
    // The same, but returns at once if another thread is reading them.
    void parse_if_nobody_does();
    // Rows are macroblocks or coding tree blocks, as the codec counts. 0: `motion` is allocated, unless memory ran out.
    void wait_for_rows(int rows);

    // Records a slice of kind 'I', 'P' or 'B' with these lists.
    void note_slice(char kind, bool is_weighted, const ReferenceLists& references);
    // Records that slices of this picture need the vectors of `colocated`, which is kept until they are read. If that made a
    // chain of more than `max_depth` unread pictures, `colocated` is read at once, which bounds the memory of a stream whose
    // pictures nobody wants.
    void add_colocated(const std::shared_ptr<Picture>& colocated, int max_depth);

    // Counts the distances to the references. To be called once the POCs of the surrounding pictures are known, before anybody else
    // sees this one.
    void count_distances(const PocStep& poc_step);

    // Inherits damage from the references. To be called in decoding order, after parse(), before anybody else sees the picture.
    void resolve_inherited_damage();

    // Frees the planes that later pictures do not need, or sees to it that they are never made.
    void release_planes();

    // Sets the display size and its position in the coded picture.
    void set_size(int width_px, int height_px, int left_px, int top_px);
    void fill_info(attp_picture_info* info) const;
    // See attp_picture_get_flow().
    void fill_flow(float* flow) const;
    // Of all references at a known distance.
    std::vector<FlowScale> flow_scales() const;
    // The display area in 4x4 blocks of the coded picture.
    BlockWindow window() const { return {crop_left_px / 4, crop_top_px / 4, info.width4, info.height4}; }
    void damage(const char* format, ...) __attribute__((format(printf, 2, 3)));

    attp_picture_info info = {};  // planes are filled in by fill_info()
    bool parsed = false;
    std::atomic<bool> wants_residual{false};
    int crop_left_px = 0, crop_top_px = 0;
    std::string lost_slice;          // why a NAL unit that came with this picture could not be used
    bool is_recovery_point = false;  // in display order, pictures are right from this one on
    int64_t trusted_before = 0;      // damage of references decoded before this one is ignored
    // Display order is decoding order, and POC differences are no distances (H.264 clause 8.2.1.3).
    bool is_shown_as_decoded = false;
    std::shared_ptr<MotionPlanes> motion;
    std::shared_ptr<ResidualPlanes> residual;
    std::shared_ptr<Health> health = std::make_shared<Health>();

  protected:
    // Reads all slices into the planes, calling set_rows_done() and note_used(). Throws nothing but std::bad_alloc.
    virtual void read() = 0;
    // Frees the planes that only the user of a picture needs.
    virtual void free_planes() { residual.reset(); }
    // Frees what only read() needed.
    virtual void finish() = 0;

    void set_rows_done(int rows);
    // The vectors of a co-located picture, or nullptr if it has none of this picture's size.
    const MotionPlanes* motion_of(Picture* colocated) const;
    void set_mode_counts(const ModeCounts& counts);
    // Blocks of a slice use the entries of its lists whose bits are set.
    void note_used(const ReferenceLists& references, const uint32_t used[2]);

    std::vector<Reference> used_;  // references that some block uses

  private:
    static constexpr int kAllRows = 1 << 30;

    Picture* claim_colocated();
    void read_claimed();

    std::vector<ReferencePoc> reference_pocs_;         // pictures that this one may refer to, without repetition
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
