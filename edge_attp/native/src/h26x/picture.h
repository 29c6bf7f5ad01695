// One picture as the C interface sees it, whatever its codec: what was sent, what was found, and the planes.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "edge_attp.h"
#include "fields/planes.h"

namespace attp {

struct ReferencePoc {
    int32_t decode_index;
    int32_t poc;
};

// What later pictures must know about a picture that they refer to.
struct Health {
    bool damaged = false;  // written once, when the picture is given out; read by pictures given out later
};

class Picture {
  public:
    virtual ~Picture() = default;

    // Reads the slice data, once; later calls return at once. May be called from any thread.
    virtual void parse() = 0;
    virtual void fill_weights(attp_weights* weights) const = 0;
    // Each picture that this one may refer to, once.
    virtual std::vector<ReferencePoc> reference_pocs() const = 0;

    // Damage that comes with the references. To be called in decoding order, after parse(), before anybody else sees the picture.
    virtual void resolve_inherited_damage() = 0;

    // Nobody looks at the residual any more: it is freed, or never made.
    void drop_residual() {
        residual.reset();
        wants_residual = false;
    }

    void fill_info(attp_picture_info* info) const;
    // See attp_picture_flow().
    void fill_flow(float* flow) const;
    void damage(const char* format, ...) __attribute__((format(printf, 2, 3)));

    attp_picture_info info = {};  // planes are filled in by fill_info()
    bool parsed = false;
    bool wants_residual = false;
    int crop_left_px = 0, crop_top_px = 0;
    std::shared_ptr<MotionPlanes> motion;
    std::shared_ptr<ResidualPlanes> residual;
    std::shared_ptr<Health> health = std::make_shared<Health>();
};

}  // namespace attp
