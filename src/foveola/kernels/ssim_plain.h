/* SSIM's row functions in plain C, in loops that compilers vectorise. */

struct products_plain {
    _Alignas(ALIGNMENT) int16_t d[PITCH];
    float dd[PITCH], xd[PITCH];
};

static void products_plain(void *slot, const uint8_t *x, const uint8_t *y, int pixels) {
    struct products_plain *restrict into = slot;
    for (int i = 0; i < pixels; i++) {
        int d = y[i] - x[i];
        into->d[i] = (int16_t)d;
        into->dd[i] = (float)(d * d);
        into->xd[i] = (float)((x[i] - 128) * d);
    }
}

static void rows_of(const void *ring, int top, const struct products_plain *rows[WINDOW]) {
    for (int k = 0; k < WINDOW; k++) rows[k] = (const struct products_plain *)ring + (top + k) % RING;
}

/* The window's weighted sum of `of`, an expression of the row or column it is given; from small to great, because that
 * rounds least. */
#define WEIGHTED(taps, of)                                                                                            \
    (taps[0] * (of(0) + of(10)) + taps[1] * (of(1) + of(9)) + taps[2] * (of(2) + of(8)) + taps[3] * (of(3) + of(7)) + \
     taps[4] * (of(4) + of(6)) + taps[5] * of(5))
#define D(k) rows[k]->d[i]
#define DD(k) rows[k]->dd[i]
#define XD(k) rows[k]->xd[i]
#define OFF(k) (((float)rows[k]->d[i] - mean) * ((float)rows[k]->d[i] - mean))

static void sums_plain(struct sums *restrict into, const void *ring, int top, int pixels) {
    const struct products_plain *rows[WINDOW];
    rows_of(ring, top, rows);
    for (int i = 0; i < pixels; i++) into->d[i] = (float)WEIGHTED(ROW_TAPS, D);
    for (int i = 0; i < pixels; i++) into->dd[i] = WEIGHTED(ROW_TAPS, DD);
    for (int i = 0; i < pixels; i++) into->xd[i] = WEIGHTED(ROW_TAPS, XD);
}

static void column_statistics_plain(struct sums *restrict into, const void *ring, int top, int pixels) {
    const struct products_plain *rows[WINDOW];
    rows_of(ring, top, rows);
    for (int i = 0; i < pixels; i++) {
        float sum = (float)WEIGHTED(ROW_TAPS, D), mean = sum * (1.0f / ROW_SUM);
        into->d[i] = sum;
        into->dd[i] = WEIGHTED(ROW_TAPS, OFF) * (1.0f / ROW_SUM);
    }
}

/* Of the reference: means relative to the centre of the window, so that no digits cancel. */
#define STEP(k) ((sums->d[i + (k)] - pivot) * (1.0f / ROW_SUM))
#define SPREAD(k) (sums->dd[i + (k)] + STEP(k) * STEP(k))

static void statistics_plain(const struct sums *sums, int columns, float *restrict statistics) {
    for (int i = 0; i < columns; i++) {
        float pivot = sums->d[i + 5], off = WEIGHTED(TAPS, STEP);
        statistics[i] = pivot * (1.0f / ROW_SUM) + off;
        statistics[columns + i] = 2 * (WEIGHTED(TAPS, SPREAD) - off * off) + C2;
    }
}

static inline float across_plain(const float *sums) {
#define SUM(k) sums[k]
    return WEIGHTED(TAPS, SUM) * (1.0f / ROW_SUM);
}

static void ssim_plain(const struct sums *sums, int columns, const float *restrict statistics, float *restrict totals) {
    for (int i = 0; i < columns; i++) {
        float mx = statistics[i], gap = across_plain(sums->d + i);
        float covariance = across_plain(sums->xd + i) - mx * gap;
        float variance = across_plain(sums->dd + i) - gap * gap;
        float mean = mx + CENTRE, means = 2 * mean * (mean + gap) + C1;
        float structure = statistics[columns + i] + 2 * covariance;
        totals[i] += means * structure / ((means + gap * gap) * (structure + variance));
    }
}

#undef WEIGHTED
#undef D
#undef DD
#undef XD
#undef OFF
#undef STEP
#undef SPREAD
#undef SUM

static const struct ssim_level SSIM_plain = {sizeof(struct products_plain),
                                             1,
                                             1,
                                             products_plain,
                                             sums_plain,
                                             column_statistics_plain,
                                             statistics_plain,
                                             ssim_plain};
