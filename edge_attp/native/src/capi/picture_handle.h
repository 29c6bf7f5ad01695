// The picture behind the C functions, and how C++ exceptions are kept inside. Built once for each core.
#pragma once

#include <memory>
#include <new>

#include "capi/handles.h"
#include "h26x/picture.h"

namespace attp {

template <typename Action>
attp_status guarded(Action&& action) {
    try {
        return action();
    } catch (const std::bad_alloc&) {
        return ATTP_NO_MEMORY;
    } catch (...) {
        return ATTP_INVALID_ARGUMENT;
    }
}

// A picture may live on as a reference when its last user is gone; most of its planes do not.
struct PictureHandle final : attp_picture {
    ~PictureHandle() override {
        if (picture) picture->release_planes();
    }
    attp_status parse() override {
        return guarded([this] {
            picture->parse();
            picture->resolve_inherited_damage();
            return ATTP_OK;
        });
    }
    bool is_parsed() const override { return picture->parsed && picture->motion; }
    void get_info(attp_picture_info* info) const override { picture->fill_info(info); }
    void get_block_counts(attp_block_counts* counts) const override { picture->fill_block_counts(counts); }
    void get_weights(attp_weights* weights) const override { picture->fill_weights(weights); }
    attp_status get_flow(float* flow) const override {
        return guarded([&] {
            picture->fill_flow(flow);
            return ATTP_OK;
        });
    }

    std::shared_ptr<Picture> picture;
};

}  // namespace attp
