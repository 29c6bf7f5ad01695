/* edge_attp_regions.h: where something moves in a video, from motion vectors and residuals alone.
 *
 * A finder takes the pictures of one stream in decoding order. It estimates the motion of the camera and takes it out; what moves or
 * changes all the same, in connected areas and for more than a moment, becomes a region: a square window around it with a number
 * that stays. Windows move seldom, so that what is computed for one serves many pictures. The same pictures always give the same
 * regions.
 *
 * A finder may be used in one thread at a time. The rules for structs and names are those of edge_attp.h.
 */
#ifndef EDGE_ATTP_REGIONS_H
#define EDGE_ATTP_REGIONS_H

#include "edge_attp.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct attp_finder attp_finder;

typedef struct attp_finder_options {
    int32_t width_px, height_px; /* of the pictures */
    int32_t bit_depth;           /* of luma */
    int32_t max_regions;         /* 1 to ATTP_MAX_REGIONS */
    float pictures_per_s;
} attp_finder_options;

#define ATTP_MAX_REGIONS 16

typedef struct attp_region {
    int32_t id;                  /* from 0, of this finder */
    int32_t x_px, y_px, side_px; /* the window, multiples of 8 luma samples, inside the picture */
    int32_t box_left_px, box_top_px, box_right_px,
        box_bottom_px; /* around what is active; right and bottom are outside */
    float activity;    /* share of the picture that is active, weighted by how much */
} attp_region;

/* Apparent motion of a background at (x, y), in luma samples from the middle of the picture: u = x_px + zoom x - turn y,
 * v = y_px + turn x + zoom y, in luma samples per picture interval. */
typedef struct attp_camera_motion {
    float x_px, y_px;
    float zoom, turn;
    float support; /* share of the picture that follows it, weighted by texture, 0 to 1 */
} attp_camera_motion;

typedef struct attp_finder_result {
    int32_t count; /* of regions, the most active first; 0: nothing moves */
    attp_region regions[ATTP_MAX_REGIONS];
    attp_camera_motion camera;
} attp_finder_result;

/* ATTP_INVALID_ARGUMENT for sides below 16 or above 65536, a bit depth outside 8 to 16, more regions than ATTP_MAX_REGIONS or a rate
 * that is not positive. The caller closes the finder. */
ATTP_API attp_status attp_finder_open(const attp_finder_options* options, attp_finder** finder);
ATTP_API void attp_finder_close(attp_finder* finder);

/* Takes the next parsed picture and fills in what is known after it. An intra picture has no motion and changes nothing. The residual
 * is optional, but tells texture from flat areas, and change without motion. ATTP_INVALID_ARGUMENT for a picture that is not parsed
 * or has another size. */
ATTP_API attp_status attp_finder_add_picture(attp_finder* finder, const attp_picture* picture,
                                             attp_finder_result* result);

/* The activity map: rows of cells, each cell_px luma samples wide and high, 0 (nothing) to 1. */
ATTP_API attp_status attp_finder_get_grid(const attp_finder* finder, int32_t* width, int32_t* height, int32_t* cell_px);
ATTP_API attp_status attp_finder_get_activity(const attp_finder* finder, float* activity);

#ifdef __cplusplus
}
#endif

#endif
