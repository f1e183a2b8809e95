/* The luma of the picture that a decoder shows of a baseline JPEG, from coefficients: no file is written or read.
 *
 * Step by step libjpeg-turbo's: BT.601 in fixed point, chroma halved with alternating bias, quantised, brought back by
 * the triangle filter, clipped to RGB (jccolor, jcsample, jdsample, jdcolor). Planes are decoded eight rows at a time,
 * the two latest bands of chroma are kept, because the filter looks at the rows above and below. */
#include <stdlib.h>

#include "kernels.h"

/* Bytes that rows of scratch memory are a multiple of, so that vectors may read and write past the last pixel. */
enum { ROOM = 128 };

struct jpeg_level {
    /* Cb and Cr of the first pixels of a row, of three or four bytes each; returns how many it wrote. */
    int (*chroma)(const uint8_t *from, ptrdiff_t pixel, int width, uint8_t *blue, uint8_t *red);
    /* The means of 2x2 pixels of two rows, rounded up a half in even columns and down in odd ones. */
    void (*halve)(const uint8_t *top, const uint8_t *bottom, int columns, uint8_t *out);
    /* Three times the nearer row of chroma and the other once. */
    void (*blend)(const uint8_t *nearer, const uint8_t *other, int columns, int16_t *sums);
    /* The luma of a row from blends of chroma, which are read one column to the left and to the right too. */
    void (*halved)(const uint8_t *y, const int16_t *blue, const int16_t *red, int width, uint8_t *out);
    /* The luma of a row from chroma of every pixel. */
    void (*whole)(const uint8_t *y, const uint8_t *blue, const uint8_t *red, int width, uint8_t *out);
};

#include "jpeg_plain.h"

#if FOVEOLA_X86
#include "simd_orders.h"

#include "simd_avx2.h"
#include "jpeg_vector.h"
#include "simd_end.h"

#include "simd_avx512.h"
#include "jpeg_vector.h"
#include "simd_end.h"

static const struct jpeg_level *const JPEG[LEVELS] = {&JPEG_plain, &JPEG_avx2, &JPEG_avx512};
#else
static const struct jpeg_level *const JPEG[LEVELS] = {&JPEG_plain, &JPEG_plain, &JPEG_plain};
#endif

/* Rows of chroma that are kept; columns of it up to which there is no filter. */
enum { RING = 16, NARROW = 2 };

static ptrdiff_t with_room(int columns) { return ((ptrdiff_t)columns + ROOM - 1) / ROOM * ROOM; }

/* Where the coefficients of the row of blocks at the rows of pixels from `top` on are. */
static size_t blocks_at(int top, int columns) {
    return (size_t)(top / 8) * (size_t)groups_across(columns) * GROUP_SIZE;
}

/* Writes Cb and Cr of a row; the last pixel is repeated up to `columns`. */
static void colour_row(int level, const uint8_t *from, ptrdiff_t pixel, int width, int columns, uint8_t *blue,
                       uint8_t *red) {
    int done = pixel == 3 || pixel == 4 ? JPEG[level]->chroma(from, pixel, width, blue, red) : 0;
    chroma_plain(from + done * pixel, pixel, width - done, blue + done, red + done);
    memset(blue + width, blue[width - 1], (size_t)(columns - width));
    memset(red + width, red[width - 1], (size_t)(columns - width));
}

/* Writes a halved row of Cb and Cr of the rows of pixels at `from` and `below` it; `scratch` holds four rows. */
static void halved_row(int level, const uint8_t *from, const uint8_t *below, ptrdiff_t pixel, int width, int columns,
                       ptrdiff_t stride, uint8_t *scratch, uint8_t *const to[2]) {
    colour_row(level, from, pixel, width, columns, scratch, scratch + stride);
    colour_row(level, below, pixel, width, columns, scratch + 2 * stride, scratch + 3 * stride);
    for (int i = 0; i < 2; i++)
        JPEG[level]->halve(scratch + i * stride, scratch + (2 + i) * stride, columns / 2, to[i]);
}

int foveola_chroma(int level, const uint8_t *pixels, ptrdiff_t row, ptrdiff_t pixel, int width, int height, int halved,
                   int16_t *blue, int16_t *red) {
    int columns = halved ? (width + 15) / 16 * 16 : width, across = columns >> halved,
        rows = (height + halved) >> halved;
    ptrdiff_t stride = with_room(columns);
    uint8_t *bands = malloc((size_t)stride * 20);
    if (bands == NULL) return -1;
    uint8_t *scratch = bands + 16 * stride;
    for (int top = 0; top < rows; top += 8) {
        int count = smaller(8, rows - top);
        for (int k = 0; k < count; k++) {
            uint8_t *const to[2] = {bands + k * stride, bands + (8 + k) * stride};
            int y = (top + k) << halved;
            const uint8_t *from = pixels + y * row, *below = y + 1 < height ? from + row : from;
            if (halved)
                halved_row(level, from, below, pixel, width, columns, stride, scratch, to);
            else
                colour_row(level, from, pixel, width, columns, to[0], to[1]);
        }
        foveola_forward_dct(level, bands, stride, across, count, blue + blocks_at(top, across));
        foveola_forward_dct(level, bands + 8 * stride, stride, across, count, red + blocks_at(top, across));
    }
    free(bands);
    return 0;
}

/* The chroma of a picture on its way back from coefficients. */
struct chroma {
    int level, halved, columns, rows;
    const int16_t *coefficients[2];
    const uint16_t *quantiser;
    ptrdiff_t stride;
    uint8_t *rings[2];
    int16_t *sums[2];
};

static const uint8_t *chroma_row(const struct chroma *of, int i, int row) {
    row = row < 0 ? 0 : smaller(row, of->rows - 1);
    return of->rings[i] + row % RING * of->stride;
}

static void decode_chroma(const struct chroma *of, int top) {
    int coded = of->halved ? (of->columns + 7) / 8 * 8 : of->columns;
    for (int i = 0; i < 2; i++)
        foveola_decode_groups[of->level](of->coefficients[i] + blocks_at(top, coded), of->quantiser,
                                         groups_across(coded), of->rings[i] + top % RING * of->stride, of->stride);
}

/* Halved chroma of one or two columns is repeated, not filtered. */
static void show_narrow(const struct chroma *of, const uint8_t *y, int row, int width, uint8_t *out) {
    uint8_t wide[2][ROOM] = {{0}};
    for (int x = 0; x < width; x++)
        for (int i = 0; i < 2; i++) wide[i][x] = chroma_row(of, i, row / 2)[x / 2];
    JPEG[of->level]->whole(y, wide[0], wide[1], width, out);
}

static void show_row(const struct chroma *of, const uint8_t *y, int row, int width, uint8_t *out) {
    const struct jpeg_level *with = JPEG[of->level];
    if (!of->halved) {
        with->whole(y, chroma_row(of, 0, row), chroma_row(of, 1, row), width, out);
        return;
    }
    int last = of->columns - 1;
    for (int i = 0; i < 2; i++) {
        int16_t *sums = of->sums[i];
        with->blend(chroma_row(of, i, row / 2), chroma_row(of, i, row / 2 + row % 2 * 2 - 1), last + 1, sums);
        sums[-1] = sums[0], sums[last + 1] = sums[last];
    }
    with->halved(y, of->sums[0], of->sums[1], width, out);
}

int foveola_decoded_luma(int level, const int16_t *luma, const int16_t *blue, const int16_t *red,
                         const uint16_t *luma_quantiser, const uint16_t *chroma_quantiser, int width, int height,
                         int halved, uint8_t *out) {
    ptrdiff_t stride = with_room(width), room = stride + ROOM;
    uint8_t *scratch = malloc((size_t)(4 * room + (2 * RING + 8) * stride));
    if (scratch == NULL) return -1;
    int16_t *sums = (int16_t *)(void *)scratch + ROOM / 2;
    uint8_t *rings = scratch + 4 * room, *band = rings + 2 * RING * stride;
    struct chroma chroma = {level,
                            halved,
                            (width + halved) >> halved,
                            (height + halved) >> halved,
                            {blue, red},
                            chroma_quantiser,
                            stride,
                            {rings, rings + RING * stride},
                            {sums, sums + room}};
    int narrow = halved && chroma.columns <= NARROW, decoded = 0;
    for (int top = 0; top < height; top += 8) {
        int needed = smaller(halved ? top / 2 + 5 : top + 8, chroma.rows), bottom = smaller(top + 8, height);
        for (; decoded < needed; decoded += 8) decode_chroma(&chroma, decoded);
        foveola_decode_groups[level](luma + blocks_at(top, width), luma_quantiser, groups_across(width), band, stride);
        for (int row = top; row < bottom; row++, out += width)
            (narrow ? show_narrow : show_row)(&chroma, band + (row - top) * stride, row, width, out);
    }
    free(scratch);
    return 0;
}
