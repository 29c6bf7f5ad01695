/* edge_attp.h: the native core's whole interface.
 *
 * A decoder-shaped parser: open, send bytes, receive pictures, close. It takes motion vectors and coded residuals out of a
 * bitstream and reconstructs no picture. It never prints, aborts or exits, and allocates no more than its limits allow.
 *
 * Thread rules: one decoder is used by one thread at a time. Pictures are reference counted and may be read from any thread;
 * they outlive the decoder. attp_picture_parse() and attp_receive() of one decoder must not run at the same time.
 */
#ifndef EDGE_ATTP_H
#define EDGE_ATTP_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define ATTP_API __attribute__((visibility("default")))
#else
#define ATTP_API
#endif

/* Grows by one with every incompatible change of this header; the binding refuses another number. */
#define ATTP_ABI_VERSION 2

typedef struct attp_decoder attp_decoder;
typedef struct attp_picture attp_picture;

typedef enum attp_status {
    ATTP_OK = 0,
    ATTP_AGAIN = 1,        /* receive: send more first */
    ATTP_END = 2,          /* receive: drained, nothing is left */
    ATTP_UNSUPPORTED = -1, /* a feature this parser refuses; the message names it */
    ATTP_CORRUPT = -2,     /* not a valid bitstream; the message names element and bit position */
    ATTP_LIMIT = -3,       /* larger than the limits given at open */
    ATTP_NO_MEMORY = -4,
    ATTP_INVALID_ARGUMENT = -5
} attp_status;

typedef enum attp_codec { ATTP_CODEC_H264 = 1, ATTP_CODEC_HEVC = 2 } attp_codec;

/* attp_picture_info.mode entries. MISSING occurs in damaged pictures only. */
typedef enum attp_mode {
    ATTP_MODE_INTRA = 0,
    ATTP_MODE_INTER = 1,
    ATTP_MODE_SKIP = 2,
    ATTP_MODE_PCM = 3,
    ATTP_MODE_MISSING = 4
} attp_mode;

/* attp_picture_info.reference entries that are not a decode_index. */
#define ATTP_REFERENCE_NONE (-1)    /* the list is not used here */
#define ATTP_REFERENCE_MISSING (-2) /* the list is used, its picture was never received (damaged pictures only) */

#define ATTP_NO_PTS INT64_MIN

typedef struct attp_options {
    uint32_t struct_bytes;      /* sizeof(attp_options) */
    int32_t codec;              /* attp_codec */
    int32_t threads;            /* 1 parses inside attp_receive(); more start that many worker threads */
    int32_t want_residual;      /* 0: no residual planes, and no time spent on them */
    int32_t on_demand;          /* 1: headers only; slice data of a picture is parsed by attp_picture_parse() */
    int32_t nal_length_bytes;   /* 0: Annex B start codes; 1 to 4: length-prefixed NAL units (avcC, hvcC) */
    int32_t lookahead_pictures; /* headers read ahead to learn the POC step of the first sequence; 16 is a good value */
    int32_t max_width_px;       /* limits: a larger stream is refused with ATTP_LIMIT */
    int32_t max_height_px;
    int64_t max_picture_px;
    int64_t max_nal_bytes;
} attp_options;

typedef struct attp_stream_info {
    uint32_t struct_bytes;
    int32_t width_px; /* display size, after cropping */
    int32_t height_px;
    int32_t bit_depth_luma;
    int32_t chroma_format_idc;  /* 0: 4:0:0, 1: 4:2:0 */
    int32_t profile_idc;        /* HEVC: general_profile_idc */
    int32_t constraint_flags;   /* H.264: constraint_set0_flag is bit 0; HEVC: general_tier_flag is bit 0 */
    int32_t level_idc;          /* H.264: 10 x level; HEVC: general_level_idc, 30 x level */
    int32_t max_num_ref_frames; /* HEVC: sps_max_dec_pic_buffering_minus1 of the highest sub-layer */
    int32_t ctb_size_px;        /* HEVC: CtbSizeY; H.264: 16, the macroblock */
    int32_t pic_order_cnt_type;
    int32_t
        poc_step; /* POC difference that two of the last pictures, next to each other in display order, mostly have */
    uint32_t num_units_in_tick; /* 0: no timing information */
    uint32_t time_scale;
    int64_t pictures;          /* sent so far */
    int64_t nal_units;         /* sent so far */
    int64_t ignored_nal_units; /* of types that this parser skips on purpose (redundant, auxiliary, other layers) */
    int64_t damaged_nal_units; /* dropped because they could not be read */
    int64_t skipped_pictures; /* HEVC: RASL pictures whose references precede the random access that reading began at */
    char tools[512];          /* names of the coding tools seen so far, separated by blanks */
} attp_stream_info;

/* Everything about one picture. Planes are views into the picture: row strides are in bytes, and rows of several planes may lie
 * further apart than their width. mv, reference and mode have height4 rows of width4 entries, one per 4x4 luma block. */
typedef struct attp_picture_info {
    uint32_t struct_bytes;
    int32_t kind;         /* 'I', 'P' or 'B' */
    int64_t decode_index; /* 0 for the first picture after open */
    int64_t pts;          /* of the packet in which the picture began, or ATTP_NO_PTS */
    int64_t dts;
    int32_t poc;      /* PicOrderCnt(), H.264 clause 8.2.1; PicOrderCntVal, HEVC clause 8.3.1 */
    int32_t poc_step; /* see attp_stream_info, as known when this picture was received */
    int32_t is_idr;
    int32_t is_random_access; /* IDR, or an intra picture at a recovery point with recovery_frame_cnt 0; HEVC: IRAP */
    int32_t is_reference;
    int32_t is_damaged;
    int32_t is_parsed; /* 0: on_demand and attp_picture_parse() not called yet; all planes are NULL then */
    int32_t width_px, height_px;
    int32_t width4, height4;
    int32_t frame_num; /* H.264 */
    int32_t nal_unit_type;
    int32_t temporal_id; /* HEVC: TemporalId */
    int32_t slices;
    int32_t is_weighted;  /* explicit or implicit weighted prediction in some slice */
    int64_t packet_bytes; /* NAL units of this picture */
    int32_t count_intra, count_inter, count_skip, count_pcm; /* macroblocks; HEVC: 8x8 luma blocks */

    const int16_t* mv;        /* list 0; list 1 lies mv_list_bytes further; x then y, quarter luma samples */
    const int32_t* reference; /* list 0; list 1 lies reference_list_bytes further */
    const uint8_t* mode;
    int64_t mv_row_bytes, mv_list_bytes;
    int64_t reference_row_bytes, reference_list_bytes;
    int64_t mode_row_bytes;

    const int16_t* y; /* residual; NULL without want_residual */
    const int16_t* u;
    const int16_t* v;
    int64_t y_row_bytes, uv_row_bytes;
    int32_t uv_width, uv_height; /* ceil(width / 2), ceil(height / 2) */

    char damage[192]; /* the first thing that was wrong with this picture, empty if nothing was */
} attp_picture_info;

/* Weighted prediction of one picture (H.264 clause 8.4.2.3, HEVC clause 8.5.3.3.4.3; offsets in units of the stream's bit depth),
 * arrays of 2 x height4 x width4 each. */
typedef struct attp_weights {
    uint32_t struct_bytes;
    int32_t log2_denom; /* luma; one for the whole picture: slices with a smaller one are scaled up, which is exact */
    int32_t chroma_log2_denom;
    int16_t* weight;
    int16_t* offset;
    int16_t* cb_weight; /* the chroma arrays may be NULL */
    int16_t* cb_offset;
    int16_t* cr_weight;
    int16_t* cr_offset;
} attp_weights;

/* What the coding quadtree of one HEVC picture looks like. All zero for H.264. */
typedef struct attp_block_counts {
    uint32_t struct_bytes;
    int32_t coding_tree_units;
    int32_t coding_units[4];    /* of 8, 16, 32 and 64 luma samples */
    int32_t prediction_units;   /* inter only */
    int32_t merged;             /* of them: vectors taken over from a merge candidate, skipped units included */
    int32_t bi_predicted;       /* of them: both lists used */
    int32_t luma_transforms[4]; /* coded luma transform blocks of 4, 8, 16 and 32 samples */
} attp_block_counts;

typedef struct attp_error {
    uint32_t struct_bytes;
    int32_t status;       /* attp_status */
    int64_t decode_index; /* picture being read, -1 if none */
    int64_t bit_position; /* inside the NAL unit's payload, -1 if unknown */
    char element[64];     /* syntax element or feature */
    char message[256];    /* one whole sentence */
} attp_error;

ATTP_API uint32_t attp_abi_version(void);

/* Name of the kernels in use: "scalar", "sse41", "avx2" or "neon". EDGE_ATTP_CPU in the environment forces one. */
ATTP_API const char* attp_cpu(void);

ATTP_API attp_status attp_open(const attp_options* options, attp_decoder** decoder);
ATTP_API void attp_close(attp_decoder* decoder);

/* Any bytes of an Annex B stream, or whole length-prefixed NAL units; where such a sample has start codes all the same, it is split
 * there. `complete` says that an access unit ends with this packet, as it does in every container. pts and dts belong to the first
 * picture that begins in these bytes. Bytes are copied. Returns ATTP_OK also when NAL units were damaged: the pictures tell. */
ATTP_API attp_status attp_send(attp_decoder* decoder, const uint8_t* data, size_t bytes, int64_t pts, int64_t dts,
                               int complete);

/* No more bytes will come: what is held back is given out by attp_receive(). */
ATTP_API attp_status attp_drain(attp_decoder* decoder);

/* Forgets all references, as after a seek or a lost connection; pictures already sent are dropped. */
ATTP_API void attp_flush(attp_decoder* decoder);

/* The next picture in decoding order, parsed unless on_demand. The caller releases it. */
ATTP_API attp_status attp_receive(attp_decoder* decoder, attp_picture** picture);

/* on_demand: parses the slice data of this picture and, first, of the co-located pictures it needs. */
ATTP_API attp_status attp_picture_parse(attp_picture* picture);

ATTP_API void attp_picture_retain(attp_picture* picture);
ATTP_API void attp_picture_release(attp_picture* picture);
ATTP_API attp_status attp_get_picture_info(const attp_picture* picture, attp_picture_info* info);
ATTP_API attp_status attp_get_block_counts(const attp_picture* picture, attp_block_counts* counts);
ATTP_API attp_status attp_get_stream_info(const attp_decoder* decoder, attp_stream_info* info);
ATTP_API attp_status attp_get_error(const attp_decoder* decoder, attp_error* error);

/* Fills the arrays that are not NULL. */
ATTP_API attp_status attp_picture_weights(const attp_picture* picture, attp_weights* weights);

/* Apparent motion, 2 x height4 x width4 floats: luma pixels per picture interval, x plane then y plane. The mean over the lists
 * used of -mv / (4 d), 0 where there is none. d is how many pictures earlier the reference is shown: the POC difference in
 * steps of poc_step, to the nearest number, and no less than the pictures seen. With pic_order_cnt_type 2, where POC differences are no
 * distances and pictures are shown as they are decoded, it is the difference of decode_index. */
ATTP_API attp_status attp_picture_flow(const attp_picture* picture, float* flow);

/* Tensors */

/* How a picture becomes a network input: it is resized to resize_width x resize_height (each axis by itself: the mean over the area
 * when shrinking, linear between sample centres when enlarging), and the middle crop_width x crop_height of that is written.
 * Outputs are planes of floats without gaps. The three functions have no state and may run in any thread. */
typedef struct attp_tensor_grid {
    int32_t resize_width, resize_height;
    int32_t crop_width, crop_height;
} attp_tensor_grid;

/* out[c] = resized rgb[c] * gain[c] + bias[c], three planes. rgb: interleaved bytes. */
ATTP_API attp_status attp_tensor_rgb(const uint8_t* rgb, int64_t row_bytes, int32_t width_px, int32_t height_px,
                                     const attp_tensor_grid* grid, const float* gain, const float* bias, float* out);

/* Two planes, x and y: attp_picture_flow() in pixels of the resized grid, times scale, clipped to -1..1. width_px and height_px are
 * those of the picture. */
ATTP_API attp_status attp_tensor_flow(const float* flow, int32_t width_px, int32_t height_px,
                                      const attp_tensor_grid* grid, float scale, float* out);

/* out[c] = rgb[c] * gain[c] + bias[c], three planes, where rgb is the resized residual after BT.601 YCbCr to RGB without offsets. */
ATTP_API attp_status attp_tensor_residual(const int16_t* y, int64_t y_row_bytes, const int16_t* u, const int16_t* v,
                                          int64_t uv_row_bytes, int32_t width_px, int32_t height_px,
                                          const attp_tensor_grid* grid, const float* gain, const float* bias,
                                          float* out);

#ifdef __cplusplus
}
#endif

#endif
