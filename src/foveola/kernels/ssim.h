/* The parts of SSIM that exist once a level: small functions on the rows of one strip of the picture.
 *
 * With d = y - x, everything is said by the reference's own statistics and three sums over the window: of d, d^2 and
 * (x - 128) d. For N1 = 2 mx my + C1 and N2 = 2 cov(x, y) + C2,
 *     SSIM = N1 N2 / ((N1 + mean(d)^2) (N2 + var(d))),
 * which is exactly 1 for equal pictures, and loses no digits where a picture is flat, however bright: single precision
 * is within 1e-5 of the definition, but for pictures that are both flat and over 48 levels apart (1e-4). */
#ifndef FOVEOLA_SSIM_H
#define FOVEOLA_SSIM_H

#include "kernels.h"

enum {
    WINDOW = 11,
    RING = WINDOW,  /* rows of products kept */
    ALIGNMENT = 64, /* bytes, of the arrays that the widest vectors read */
    TILE = 16,      /* rows and columns of a block of the map */
    STRIP = 496,    /* columns of the map computed together: 16 * 31, so that strips end with blocks */
    STRIP_PIXELS = STRIP + WINDOW - 1,
    PITCH = 512,             /* STRIP_PIXELS rounded up to whole vectors of pixels */
    QUARTER = PITCH / 4 + 16 /* floats of one phase, and room to read past its end */
};

/* The window's halves. Rows are weighted by integers, exact to 9e-7 of their sum; columns by floats. The sum is 16
 * times a small number, so that it times the square of a flat difference (to 48) is a float without rounding. */
enum { ROW_SUM = 115664 };
static const int16_t ROW_TAPS[6] = {119, 879, 4164, 12649, 24637, 30768};
static const float TAPS[6] = {0.00102838008447911f, 0.00759875813523919f, 0.03600077212843083f,
                              0.10936068950970002f, 0.21300553771125370f, 0.26601172486179436f};

#define CENTRE 128.0f
#define C1 6.5025f
#define C2 58.5225f

/* Windowed sums down the columns. Vector code keeps every fourth pixel together (four phases), so that neighbours of a
 * vector's pixels are read once for four outputs; plain code keeps the pixels in their order. */
struct sums {
    float d[4 * QUARTER], dd[4 * QUARTER], xd[4 * QUARTER];
};

/* Writes the products of a row of the reference and a row of the candidate into a slot of the ring. */
typedef void row_products(void *slot, const uint8_t *x, const uint8_t *y, int pixels);
/* Sums the window's rows, slots top..top+10 of the ring. */
typedef void column_sums(struct sums *into, const void *ring, int top, int pixels);
/* Writes mean less 128 and 2 * variance + C2 of a row of the map, from column statistics of d = x - 128: the variance
 * in a window is the mean of its columns' variances and the variance of their means, so nothing cancels. */
typedef void row_statistics(const struct sums *sums, int columns, float *statistics);
/* Adds a row of the map to totals of neighbouring columns. */
typedef void row_ssim(const struct sums *sums, int columns, const float *statistics, float *totals);

struct ssim_level {
    size_t slot; /* bytes */
    int unit;    /* columns of the map are computed, and their statistics kept, in multiples of this */
    int per_sum; /* neighbouring columns in one of the totals */
    row_products *products;
    column_sums *sums;              /* of d, d^2 and (x - 128) d, times ROW_SUM */
    column_sums *column_statistics; /* of d: in `d` the mean times ROW_SUM, in `dd` the variance */
    row_statistics *statistics;
    row_ssim *ssim;
};

#endif
