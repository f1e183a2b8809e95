/* SSIM of two planes by 11x11 Gaussian windows (Wang et al. 2004), the reference's half of it computed once.
 *
 * The picture is taken in strips of a few hundred columns, so that the products of the last rows stay near the
 * processor. A candidate's rows come from luma or colours, or from DCT coefficients eight at a time, as they are
 * needed. */
#include <stdatomic.h>
#include <stdlib.h>

#include "ssim.h"
#include "ssim_plain.h"

#if FOVEOLA_X86
#include "simd_avx2.h"
#include "ssim_vector.h"
#include "simd_end.h"

#include "simd_avx512.h"
#include "ssim_vector.h"
#include "simd_end.h"

static const struct ssim_level *const SSIM[LEVELS] = {&SSIM_plain, &SSIM_avx2, &SSIM_avx512};
#else
static const struct ssim_level *const SSIM[LEVELS] = {&SSIM_plain, &SSIM_plain, &SSIM_plain};
#endif

struct reference {
    const uint8_t *luma;
    ptrdiff_t stride;
    int width, height, step;
};

/* Where a candidate's rows come from: a luma plane, or by way of `band` colours or coefficients. */
struct candidate {
    const uint8_t *pixels;
    ptrdiff_t row, pixel;
    int channels, background;
    const int16_t *coefficients;
    const uint16_t *quantiser;
    decode_groups *decode;
    uint8_t *band;
};

enum { BAND_STRIDE = STRIP_PIXELS / GROUP_PIXELS * GROUP_PIXELS + 2 * GROUP_PIXELS };

static int padded(const struct ssim_level *level, int columns) {
    return (columns + level->unit - 1) / level->unit * level->unit;
}

size_t foveola_statistics_size(int level, int width, int height, int step) {
    int columns = width - WINDOW + 1, rows = (height - WINDOW + step) / step;
    size_t across = (size_t)(columns / STRIP * padded(SSIM[level], STRIP) + padded(SSIM[level], columns % STRIP));
    return 2 * across * (size_t)rows;
}

/* One row of the candidate, from column `left`; rows are asked for in order. */
static const uint8_t *candidate_row(int level, const struct candidate *from, const struct reference *ref, int row,
                                    int left, int pixels) {
    if (from->pixels != NULL) {
        const uint8_t *start = from->pixels + row * from->row + left * from->pixel;
        if (from->channels == 1) return start;
        foveola_luma(level, start, 0, from->pixel, from->channels, pixels, 1, from->background, from->band);
        return from->band;
    }
    int first = left / GROUP_PIXELS, last = groups_across(left + pixels);
    if (row % 8 == 0) {
        size_t group = (size_t)(row / 8) * (size_t)groups_across(ref->width) + (size_t)first;
        from->decode(from->coefficients + group * GROUP_SIZE, from->quantiser, last - first, from->band, BAND_STRIDE);
    }
    return from->band + row % 8 * BAND_STRIDE + left - first * GROUP_PIXELS;
}

/* Moves the totals of a strip into the blocks of the map and their sum, and clears them. */
static double flush(const struct ssim_level *level, float *totals, int columns, double *blocks) {
    double sum = 0;
    int each = TILE / level->per_sum, count = padded(level, columns) / level->per_sum;
    for (int block = 0; block * TILE < columns; block++) {
        double part = 0;
        for (int i = block * each; i < smaller((block + 1) * each, count); i++) part += (double)totals[i];
        if (blocks != NULL) blocks[block] = part;
        sum += part;
    }
    memset(totals, 0, sizeof(float) * (size_t)count);
    return sum;
}

struct strip {
    int left, columns;
};

/* The memory of one call. The last one that was given back is kept, as fresh pages cost more than a small picture. */
struct scratch {
    _Alignas(ALIGNMENT) struct sums sums;
    float totals[PITCH]; /* sums of SSIM down up to 16 rows of the map */
    _Alignas(ALIGNMENT) unsigned char ring[];
};

static _Atomic(struct scratch *) spare[LEVELS];

static struct scratch *take_scratch(int level) {
    struct scratch *scratch = atomic_exchange(&spare[level], NULL);
    if (scratch != NULL) return scratch;
    size_t size = sizeof *scratch + RING * SSIM[level]->slot;
    scratch = aligned_alloc(ALIGNMENT, size);
    return scratch == NULL ? NULL : memset(scratch, 0, size);
}

static void give_scratch(int level, struct scratch *scratch) { free(atomic_exchange(&spare[level], scratch)); }

static int map_rows(const struct reference *ref) { return (ref->height - WINDOW + ref->step) / ref->step; }

/* Makes the products of the rows that `row` of the map needs, from `next` on; returns the next row. A reference alone
 * is held against the middle grey. */
static int fill_ring(int level, unsigned char *ring, const struct reference *ref, const struct candidate *from,
                     struct strip strip, int row, int next) {
    int pixels = strip.columns + WINDOW - 1, until = row * ref->step + WINDOW;
    uint8_t grey[PITCH];
    if (from == NULL) memset(grey, 128, sizeof grey);
    for (; next < until; next++) {
        const uint8_t *x = ref->luma + next * ref->stride + strip.left, *y = x;
        if (from == NULL)
            x = grey;
        else
            y = candidate_row(level, from, ref, next, strip.left, pixels);
        SSIM[level]->products(ring + (size_t)(next % RING) * SSIM[level]->slot, x, y, pixels);
    }
    return next;
}

int foveola_prepare(int level, const uint8_t *luma, ptrdiff_t stride, int width, int height, int step,
                    float *statistics) {
    struct reference ref = {luma, stride, width, height, step};
    const struct ssim_level *with = SSIM[level];
    struct scratch *scratch = take_scratch(level);
    if (scratch == NULL) return -1;
    for (struct strip strip = {0, 0}; strip.left < width - WINDOW + 1; strip.left += STRIP) {
        strip.columns = smaller(STRIP, width - WINDOW + 1 - strip.left);
        for (int row = 0, next = 0; row < map_rows(&ref); row++) {
            next = fill_ring(level, scratch->ring, &ref, NULL, strip, row, next);
            with->column_statistics(&scratch->sums, scratch->ring, row * step, strip.columns + WINDOW - 1);
            with->statistics(&scratch->sums, strip.columns, statistics);
            statistics += 2 * padded(with, strip.columns);
        }
    }
    give_scratch(level, scratch);
    return 0;
}

static int compare(int level, const struct reference *ref, const float *statistics, const struct candidate *from,
                   double *blocks, double *total) {
    int columns = ref->width - WINDOW + 1, across = (columns + TILE - 1) / TILE, rows = map_rows(ref);
    const struct ssim_level *with = SSIM[level];
    struct scratch *scratch = take_scratch(level);
    if (scratch == NULL) return -1;
    memset(scratch->totals, 0, sizeof scratch->totals);
    *total = 0;
    for (struct strip strip = {0, 0}; strip.left < columns; strip.left += STRIP) {
        strip.columns = smaller(STRIP, columns - strip.left);
        double *tile = blocks == NULL ? NULL : blocks + strip.left / TILE;
        for (int row = 0, next = 0; row < rows; row++) {
            next = fill_ring(level, scratch->ring, ref, from, strip, row, next);
            with->sums(&scratch->sums, scratch->ring, row * ref->step, strip.columns + WINDOW - 1);
            with->ssim(&scratch->sums, strip.columns, statistics, scratch->totals);
            statistics += 2 * padded(with, strip.columns);
            if (row * ref->step / TILE == (row + 1) * ref->step / TILE && row < rows - 1) continue;
            *total += flush(with, scratch->totals, strip.columns, tile);
            if (tile != NULL) tile += across;
        }
    }
    give_scratch(level, scratch);
    return 0;
}

int foveola_ssim(int level, const uint8_t *luma, ptrdiff_t stride, int width, int height, int step,
                 const float *statistics, const uint8_t *candidate, ptrdiff_t row, ptrdiff_t pixel, int channels,
                 int background, double *blocks, double *total) {
    struct reference ref = {luma, stride, width, height, step};
    uint8_t band[PITCH];
    struct candidate from = {candidate, row, pixel, channels, background, NULL, NULL, NULL, band};
    return compare(level, &ref, statistics, &from, blocks, total);
}

int foveola_probe(int level, const uint8_t *luma, ptrdiff_t stride, int width, int height, int step,
                  const float *statistics, const int16_t *coefficients, const uint16_t *quantiser,
                  double *blocks, double *total) {
    struct reference ref = {luma, stride, width, height, step};
    uint8_t band[8 * BAND_STRIDE];
    struct candidate from = {NULL, 0, 0, 0, 0, coefficients, quantiser, foveola_decode_groups[level], band};
    return compare(level, &ref, statistics, &from, blocks, total);
}
