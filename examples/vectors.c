/* vectors: prints kind, size and motion vectors of every picture of a raw H.264 or HEVC file (Annex B).
 *
 *     cc -std=c99 -I edge_attp/native/include examples/vectors.c edge_attp/native/libedge_attp.so \
 *         -Wl,-rpath,"$PWD/edge_attp/native" -o vectors
 *     ./vectors h264 FILE
 *
 * One line per picture in decoding order: decode index, kind, width x height, number of vectors (one per 4x4 luma block and list
 * used), and their mean in luma samples, x right and y down, from the block to its reference.
 */
#include <edge_attp.h>
#include <stdio.h>
#include <string.h>

static void print_picture(const attp_picture* picture) {
    attp_picture_info info;
    long count = 0, sum_x = 0, sum_y = 0;
    attp_picture_get_info(picture, &info);
    for (int list = 0; list < 2; list++)
        for (int y4 = 0; y4 < info.height4; y4++) {
            const int16_t* mv =
                (const int16_t*)((const char*)info.mv + list * info.mv_list_bytes + y4 * info.mv_row_bytes);
            const int32_t* reference = (const int32_t*)((const char*)info.reference + list * info.reference_list_bytes +
                                                        y4 * info.reference_row_bytes);
            for (int x4 = 0; x4 < info.width4; x4++) {
                if (reference[x4] == ATTP_REFERENCE_NONE) continue;
                count++;
                sum_x += mv[2 * x4];
                sum_y += mv[2 * x4 + 1];
            }
        }
    printf("%lld %c %dx%d %ld", (long long)info.decode_index, (char)info.kind, info.width_px, info.height_px, count);
    if (count > 0) printf(" %.3f %.3f", sum_x / 4.0 / count, sum_y / 4.0 / count);
    printf(info.is_damaged ? " damaged: %s\n" : "\n", info.damage);
}

static int fail(const attp_decoder* decoder, const char* path) {
    attp_error error;
    attp_decoder_get_error(decoder, &error);
    fprintf(stderr, "vectors: %s: %s (status %d)\n", path, error.message[0] ? error.message : "failed", error.status);
    return 1;
}

/* Prints the pictures that the bytes sent so far complete. */
static attp_status print_pictures(attp_decoder* decoder) {
    attp_picture* picture;
    attp_status status;
    while ((status = attp_decoder_receive(decoder, &picture)) == ATTP_OK) {
        print_picture(picture);
        attp_picture_release(picture);
    }
    return status; /* ATTP_AGAIN or ATTP_END, or why the stream ended early */
}

static int print_stream(attp_decoder* decoder, FILE* file, const char* path) {
    static uint8_t buffer[1 << 16];
    size_t bytes;
    while ((bytes = fread(buffer, 1, sizeof buffer, file)) > 0) {
        if (attp_decoder_send(decoder, buffer, bytes, ATTP_NO_PTS, ATTP_NO_PTS, 0) != ATTP_OK)
            return fail(decoder, path);
        if (print_pictures(decoder) < 0) return fail(decoder, path);
    }
    if (ferror(file)) {
        perror(path);
        return 1;
    }
    if (attp_decoder_drain(decoder) != ATTP_OK || print_pictures(decoder) < 0) return fail(decoder, path);
    return 0;
}

int main(int argc, char** argv) {
    attp_options options;
    attp_decoder* decoder;
    FILE* file;
    int result;
    if (argc != 3 || (strcmp(argv[1], "h264") != 0 && strcmp(argv[1], "hevc") != 0)) {
        fprintf(stderr, "usage: vectors h264|hevc FILE\n");
        return 2;
    }
    if (attp_library_version() != ATTP_ABI_VERSION) {
        fprintf(stderr, "vectors: built for another version of libedge_attp\n");
        return 1;
    }
    if ((file = fopen(argv[2], "rb")) == NULL) {
        perror(argv[2]);
        return 1;
    }
    attp_options_init(&options, strcmp(argv[1], "hevc") == 0 ? ATTP_CODEC_HEVC : ATTP_CODEC_H264);
    options.want_residual = 0;
    if (attp_decoder_open(&options, &decoder) != ATTP_OK) {
        fprintf(stderr, "vectors: no decoder could be opened\n");
        fclose(file);
        return 1;
    }
    result = print_stream(decoder, file, argv[2]);
    attp_decoder_close(decoder);
    fclose(file);
    return result;
}
