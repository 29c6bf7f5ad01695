/* edge_attp.h: motion vectors and coded residuals of H.264 and HEVC video, without decoding it.
 *
 * The library works like a decoder: open one, send it bytes, receive pictures, close it. No picture is ever reconstructed.
 *
 *     attp_options options;
 *     attp_options_init(&options, ATTP_CODEC_H264);
 *     attp_decoder_open(&options, &decoder);
 *     attp_decoder_send(decoder, data, bytes, ATTP_NO_PTS, ATTP_NO_PTS, 0);      as often as there are bytes
 *     while (attp_decoder_receive(decoder, &picture) == ATTP_OK) {               after each of them
 *         attp_picture_get_info(picture, &info);
 *         attp_picture_release(picture);
 *     }
 *     attp_decoder_drain(decoder);                                               at the end; then receive the rest
 *     attp_decoder_close(decoder);
 *
 * examples/vectors.c is a complete program. Network inputs are the subject of edge_attp_tensors.h.
 *
 * Names      Functions are called attp_<object>_<verb>. Sizes carry their unit: _px luma samples, _bytes bytes; width4 and
 *            height4 count 4x4 luma blocks.
 * Results    Functions that can fail return an attp_status; the others cannot fail. NULL where a pointer is required gives
 *            ATTP_INVALID_ARGUMENT. Releasing, closing and flushing NULL does nothing.
 * Structs    They have no size member: their layout belongs to ATTP_ABI_VERSION, and every change of it changes that number.
 *            A program that loads the library at run time compares attp_library_version() with it first. The library fills
 *            whole structs, so those that it only writes need no initialisation.
 * Ownership  A decoder belongs to the caller until attp_decoder_close(), a picture until attp_picture_release(). Pictures
 *            outlive their decoder, except those of an on_demand decoder that are not parsed yet. Pointers inside an
 *            attp_picture_info point into the picture and are valid until it is released.
 * Threads    One decoder serves one thread at a time; different decoders are independent. Pictures may be read, retained and
 *            released from any thread. attp_picture_parse() counts as a call of the picture's decoder.
 * Conduct    The library never prints, aborts or exits, and allocates no more than its limits allow.
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

/* Grows by one with every incompatible change of this header or of edge_attp_tensors.h. */
#define ATTP_ABI_VERSION 4

typedef struct attp_decoder attp_decoder;
typedef struct attp_picture attp_picture;

typedef enum attp_status {
    ATTP_OK = 0,
    ATTP_AGAIN = 1,        /* attp_decoder_receive(): send more first */
    ATTP_END = 2,          /* attp_decoder_receive(): drained, and every picture has been received */
    ATTP_UNSUPPORTED = -1, /* the stream uses a feature that this parser refuses; the message names it */
    ATTP_CORRUPT = -2,     /* not a valid bitstream; the message names the element and the bit position */
    ATTP_LIMIT = -3,       /* larger than the limits in attp_options */
    ATTP_NO_MEMORY = -4,
    ATTP_INVALID_ARGUMENT = -5 /* a mistake of the caller */
} attp_status;

typedef enum attp_codec { ATTP_CODEC_H264 = 1, ATTP_CODEC_HEVC = 2 } attp_codec;

/* Entries of attp_picture_info.mode. */
typedef enum attp_mode {
    ATTP_MODE_INTRA = 0,
    ATTP_MODE_INTER = 1,
    ATTP_MODE_SKIP = 2,
    ATTP_MODE_PCM = 3,
    ATTP_MODE_MISSING = 4 /* never received; in damaged pictures only */
} attp_mode;

/* Entries of attp_picture_info.reference that are no decode_index. */
#define ATTP_REFERENCE_NONE (-1) /* the block does not use the list */
#define ATTP_REFERENCE_MISSING \
    (-2) /* the block uses the list, but the picture was never received; in damaged pictures only */

/* A pts or dts that is not known. */
#define ATTP_NO_PTS INT64_MIN

/* The library */

/* The ATTP_ABI_VERSION that the library was built with. */
ATTP_API uint32_t attp_library_version(void);

/* The instruction set that the library uses in this process: "scalar", "sse41", "avx2" or "neon". It is chosen at the first call:
 * the fastest of this processor, or the one that EDGE_ATTP_CPU names in the environment. "none" if EDGE_ATTP_CPU names one that
 * cannot be used here; attp_decoder_open() fails then. The string is static. */
ATTP_API const char* attp_library_cpu(void);

/* Decoders */

typedef struct attp_options {
    int32_t codec;              /* attp_codec */
    int32_t threads;            /* 1 parses inside attp_decoder_receive(); 2 to 64 start that many worker threads */
    int32_t want_residual;      /* 0: no residual planes, and no time spent on them */
    int32_t on_demand;          /* 1: only headers are read; attp_picture_parse() reads the slice data of a picture */
    int32_t nal_length_bytes;   /* 0: Annex B start codes; 1 to 4: length-prefixed NAL units (avcC, hvcC) */
    int32_t lookahead_pictures; /* headers read ahead to learn the POC step of the first sequence, 0 to 64 */
    int32_t max_width_px;       /* limits; a larger stream is refused with ATTP_LIMIT */
    int32_t max_height_px;
    int64_t max_picture_px;
    int64_t max_nal_bytes;
} attp_options;

typedef struct attp_stream_info {
    int32_t width_px; /* display size, after cropping; 0 until a sequence parameter set was read */
    int32_t height_px;
    int32_t bit_depth_luma;
    int32_t chroma_format_idc;  /* 0: 4:0:0, 1: 4:2:0 */
    int32_t profile_idc;        /* HEVC: general_profile_idc */
    int32_t constraint_flags;   /* H.264: constraint_set0_flag is bit 0; HEVC: general_tier_flag is bit 0 */
    int32_t level_idc;          /* H.264: 10 x level; HEVC: general_level_idc, 30 x level */
    int32_t max_num_ref_frames; /* HEVC: sps_max_dec_pic_buffering_minus1 of the highest sub-layer */
    int32_t ctb_size_px;        /* HEVC: CtbSizeY; H.264: 16, the macroblock */
    int32_t pic_order_cnt_type; /* H.264 */
    int32_t poc_step;           /* the most frequent POC difference of neighbours in display order, of late */
    uint32_t num_units_in_tick; /* 0: no timing information */
    uint32_t time_scale;
    int64_t pictures;          /* begun in the bytes sent so far */
    int64_t nal_units;         /* in the bytes sent so far */
    int64_t ignored_nal_units; /* of types that this parser skips on purpose (redundant, auxiliary, other layers) */
    int64_t damaged_nal_units; /* dropped because they could not be read */
    int64_t skipped_pictures; /* HEVC: RASL pictures whose references precede the random access that reading began at */
    char tools[512];          /* names of the coding tools seen so far, separated by blanks */
} attp_stream_info;

typedef struct attp_error {
    int32_t status;       /* attp_status; ATTP_OK if nothing went wrong */
    int64_t decode_index; /* the picture being read, -1 if none */
    int64_t bit_position; /* inside the NAL unit's payload, -1 if unknown */
    char element[64];     /* syntax element or feature */
    char message[256];    /* one sentence, without the name of the stream */
} attp_error;

/* Fills in one thread, residuals, no on_demand, Annex B, 16 pictures of lookahead, and limits that admit level 6.2. */
ATTP_API void attp_options_init(attp_options* options, attp_codec codec);

/* Opens a decoder, which the caller closes. ATTP_INVALID_ARGUMENT for options out of range, ATTP_UNSUPPORTED where EDGE_ATTP_CPU
 * asks for an instruction set that this processor lacks, ATTP_NO_MEMORY. *decoder is written only with ATTP_OK. */
ATTP_API attp_status attp_decoder_open(const attp_options* options, attp_decoder** decoder);

/* Ends its threads and frees it. Pictures already received stay valid. */
ATTP_API void attp_decoder_close(attp_decoder* decoder);

/* Sends one packet: any piece of an Annex B stream, or whole length-prefixed NAL units (a sample that has start codes after all is
 * split at these). `is_complete` says that an access unit ends with this packet, as it does in every container; 0 for pieces of a
 * stream cut anywhere. pts and dts go to the first picture that begins in the packet, unchanged. Bytes are copied. Packets are
 * counted from 0, and each picture tells in which one it began.
 *
 * Damaged NAL units are no error: ATTP_OK, and the pictures say what they lack. ATTP_NO_MEMORY ends the stream. */
ATTP_API attp_status attp_decoder_send(attp_decoder* decoder, const uint8_t* data, size_t bytes, int64_t pts,
                                       int64_t dts, int is_complete);

/* Sends parameter sets that came apart from the stream (avcC, hvcC, SDP), framed as packets are, usually before the first packet.
 * They are not counted as a packet. Bytes are copied. Returns what attp_decoder_send() returns. */
ATTP_API attp_status attp_decoder_send_parameter_sets(attp_decoder* decoder, const uint8_t* data, size_t bytes);

/* Tells the decoder that no more bytes will come: attp_decoder_receive() gives out all that was held back. ATTP_OK or
 * ATTP_NO_MEMORY. */
ATTP_API attp_status attp_decoder_drain(attp_decoder* decoder);

/* Forgets all references and drops the pictures that were not received, as after a seek or a lost connection. Pictures and packets
 * are counted on. */
ATTP_API void attp_decoder_flush(attp_decoder* decoder);

/* Gives out the next picture in decoding order, parsed unless on_demand is set. The caller releases it. ATTP_OK; ATTP_AGAIN;
 * ATTP_END; or, after every picture before the fault was given out, the status that ended the stream: attp_decoder_get_error()
 * explains it. *picture is written only with ATTP_OK. */
ATTP_API attp_status attp_decoder_receive(attp_decoder* decoder, attp_picture** picture);

/* Says what is known of the stream so far. ATTP_OK or ATTP_NO_MEMORY. */
ATTP_API attp_status attp_decoder_get_info(const attp_decoder* decoder, attp_stream_info* info);

/* Says why the stream ended early. Always ATTP_OK. */
ATTP_API attp_status attp_decoder_get_error(const attp_decoder* decoder, attp_error* error);

/* Pictures */

/* Planes are views into the picture. Row and list strides are in bytes, and rows may lie further apart than their width. mv,
 * reference and mode have height4 rows of width4 entries, one per 4x4 luma block of the display size rounded up to 4. */
typedef struct attp_picture_info {
    int32_t kind;               /* 'I', 'P' or 'B': the most general slice type */
    int64_t decode_index;       /* 0 for the first picture after open, one more for each next one */
    int64_t packet;             /* in which the picture began: the one that holds the end of its first start code */
    int32_t is_first_in_packet; /* 0: another picture began in that packet before it */
    int64_t pts;                /* of the packet, if the picture is the first in it; else ATTP_NO_PTS */
    int64_t dts;
    int32_t poc;      /* PicOrderCnt(), H.264 clause 8.2.1; PicOrderCntVal, HEVC clause 8.3.1 */
    int32_t poc_step; /* see attp_stream_info; as known when this picture was given out */
    int32_t is_idr;
    int32_t is_random_access; /* IDR, or an intra picture at a recovery point with recovery_frame_cnt 0; HEVC: IRAP */
    int32_t is_reference;
    int32_t is_damaged;
    int32_t is_parsed; /* 0: on_demand, and attp_picture_parse() was not called yet; all planes are NULL then */
    int32_t width_px, height_px;
    int32_t width4, height4;
    int32_t frame_num; /* H.264 */
    int32_t nal_unit_type;
    int32_t temporal_id; /* HEVC: TemporalId */
    int32_t slices;
    int32_t is_weighted;  /* explicit or implicit weighted prediction in some slice */
    int64_t packet_bytes; /* NAL units of this picture */
    int32_t count_intra, count_inter, count_skip, count_pcm; /* macroblocks; HEVC: 8x8 luma blocks */

    const int16_t* mv; /* x (right) then y (down), in quarter luma samples from the block to its reference; list 0 */
    const int32_t* reference;            /* decode_index of the reference picture, or ATTP_REFERENCE_*; list 0 */
    const uint8_t* mode;                 /* attp_mode */
    int64_t mv_row_bytes, mv_list_bytes; /* list 1 lies so many bytes after list 0 */
    int64_t reference_row_bytes, reference_list_bytes;
    int64_t mode_row_bytes;

    const int16_t* y; /* the coded residual, before prediction is added; NULL without want_residual */
    const int16_t* u;
    const int16_t* v;
    int64_t y_row_bytes, uv_row_bytes;
    int32_t uv_width, uv_height; /* ceil(width_px / 2), ceil(height_px / 2) */

    char damage[192]; /* the first thing that was wrong with this picture, empty if nothing was */
} attp_picture_info;

/* Weighted prediction of one picture (H.264 clause 8.4.2.3, HEVC clause 8.5.3.3.4.3; offsets in units of the stream's bit depth).
 * The caller sets the pointers, each to 2 x height4 x width4 entries, list 0 first, or to NULL for an array that it does not want. */
typedef struct attp_weights {
    int32_t log2_denom; /* luma; one for the whole picture: slices with a smaller one are scaled up, which is exact */
    int32_t chroma_log2_denom;
    int16_t* weight;
    int16_t* offset;
    int16_t* cb_weight;
    int16_t* cb_offset;
    int16_t* cr_weight;
    int16_t* cr_offset;
} attp_weights;

/* The coding quadtree of one HEVC picture in numbers. All zero for H.264. */
typedef struct attp_block_counts {
    int32_t coding_tree_units;
    int32_t coding_units[4];    /* of 8, 16, 32 and 64 luma samples */
    int32_t prediction_units;   /* inter only */
    int32_t merged;             /* of them: vectors copied from a merge candidate, skipped units included */
    int32_t bi_predicted;       /* of them: both lists used */
    int32_t luma_transforms[4]; /* coded luma transform blocks of 4, 8, 16 and 32 samples */
} attp_block_counts;

/* Reads the slice data of a picture of an on_demand decoder, and first that of the co-located pictures it needs. Does nothing if
 * that was done. Damage is no error: ATTP_OK, and the picture says what it lacks. The decoder must still be open. */
ATTP_API attp_status attp_picture_parse(attp_picture* picture);

/* Adds one user; each of them calls attp_picture_release() once. */
ATTP_API void attp_picture_retain(attp_picture* picture);

/* Removes one user. With the last one, the memory goes back to the decoder's pool, or is freed. */
ATTP_API void attp_picture_release(attp_picture* picture);

/* Fills in everything about one picture. Always ATTP_OK. */
ATTP_API attp_status attp_picture_get_info(const attp_picture* picture, attp_picture_info* info);

/* Fills in the counts. ATTP_INVALID_ARGUMENT for a picture that is not parsed. */
ATTP_API attp_status attp_picture_get_block_counts(const attp_picture* picture, attp_block_counts* counts);

/* Fills in the denominators and the arrays. Blocks with default prediction get weights that give the same result.
 * ATTP_INVALID_ARGUMENT for a picture that is not parsed. */
ATTP_API attp_status attp_picture_get_weights(const attp_picture* picture, attp_weights* weights);

/* Fills in apparent motion: 2 x height4 x width4 floats, x plane then y plane, in luma samples per picture interval. It is the mean
 * over the lists used of -mv / (4 d), 0 where there is none; d says how many pictures earlier the reference is shown: the POC
 * difference in steps of poc_step, to the nearest number, and no less than the pictures seen. With pic_order_cnt_type 2, where POC
 * differences are no distances and pictures are shown as they are decoded, it is the difference of decode_index. ATTP_OK,
 * ATTP_NO_MEMORY, or ATTP_INVALID_ARGUMENT for a picture that is not parsed. */
ATTP_API attp_status attp_picture_get_flow(const attp_picture* picture, float* flow);

#ifdef __cplusplus
}
#endif

#endif
