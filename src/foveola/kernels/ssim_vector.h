/* SSIM's row functions in vectors of LANES floats.
 *
 * A step takes 4 * LANES pixels. They are dealt to four phases as soon as they are read (a byte shuffle), the products
 * are summed down in 16-bit pairs and 32-bit sums, and across by reading each neighbour once for the four phases.
 * Products are kept negated where the sum of two rows would be 32768 otherwise: -128 * -128 * 2. */

enum { NAME(UNIT) = 4 * LANES };
#define UNIT NAME(UNIT)
#define INLINE static inline __attribute__((always_inline))

/* A row has `rest` where a difference is beyond -128..127 (`wide`): d^2 and (x - 128) d then have three more parts,
 * for d = a + b with a within -127..127: -a b, -b^2 and (x - 128) b. */
struct NAME(row) {
    _Alignas(ALIGNMENT) int16_t d[PITCH], dd[PITCH], xd[PITCH], rest[3 * PITCH];
    int wide;
};

TARGET INLINE INTS NAME(read_pixels)(const uint8_t *from, int count) {
    static const uint8_t DEAL[16] = {0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15};
    uint8_t part[UNIT];
    if (count < UNIT) {
        memset(part, 0, sizeof part);
        memcpy(part, from, (size_t)count);
        from = part;
    }
    return V(shuffle_epi8)(LOAD(from), EACH128(DEAL));
}

TARGET INLINE void NAME(multiply)(struct NAME(row) * into, int at, INTS x, INTS y) {
    INTS d = V(sub_epi16)(y, x), minus = V(sub_epi16)(x, y);
    STORE(into->d + at, d);
    STORE(into->dd + at, V(mullo_epi16)(d, minus));
    STORE(into->xd + at, V(mullo_epi16)(V(sub_epi16)(x, V(set1_epi16)(128)), minus));
}

TARGET static void NAME(multiply_wide)(struct NAME(row) * into, int at, INTS x, INTS y) {
    INTS d = V(sub_epi16)(y, x), most = V(set1_epi16)(127), centred = V(sub_epi16)(x, V(set1_epi16)(128));
    INTS a = V(max_epi16)(V(min_epi16)(d, most), V(set1_epi16)(-127)), b = V(sub_epi16)(d, a);
    INTS minus = V(sub_epi16)(ZERO(), a);
    STORE(into->dd + at, V(mullo_epi16)(a, minus));
    STORE(into->xd + at, V(mullo_epi16)(centred, minus));
    STORE(into->rest + at, V(mullo_epi16)(minus, b));
    STORE(into->rest + PITCH + at, V(mullo_epi16)(b, V(sub_epi16)(ZERO(), b)));
    STORE(into->rest + 2 * PITCH + at, V(mullo_epi16)(centred, b));
}

TARGET static void NAME(products)(void *slot, const uint8_t *x, const uint8_t *y, int pixels) {
    struct NAME(row) *into = slot;
    INTS none = ZERO(), seen = none;
    for (int at = 0; at < pixels; at += UNIT) {
        INTS a = NAME(read_pixels)(x + at, pixels - at), b = NAME(read_pixels)(y + at, pixels - at);
        INTS fall = V(subs_epu8)(V(subs_epu8)(a, b), V(set1_epi8)(1)), rise = V(subs_epu8)(b, a);
        seen = OR(seen, OR(rise, fall));
        NAME(multiply)(into, at, V(unpacklo_epi8)(a, none), V(unpacklo_epi8)(b, none));
        NAME(multiply)(into, at + 2 * LANES, V(unpackhi_epi8)(a, none), V(unpackhi_epi8)(b, none));
    }
    into->wide = ANY_HIGH_BIT(seen);
    for (int at = 0; into->wide && at < pixels; at += UNIT) {
        INTS a = NAME(read_pixels)(x + at, pixels - at), b = NAME(read_pixels)(y + at, pixels - at);
        NAME(multiply_wide)(into, at, V(unpacklo_epi8)(a, none), V(unpacklo_epi8)(b, none));
        NAME(multiply_wide)(into, at + 2 * LANES, V(unpackhi_epi8)(a, none), V(unpackhi_epi8)(b, none));
    }
}

#define PAIR(low, high) V(set1_epi32)((int)((uint32_t)ROW_TAPS[high] << 16 | (uint32_t)ROW_TAPS[low]))
#define PAIRS(half)                                                                                               \
    DOT(DOT(V(madd_epi16)(V(unpack##half##_epi16)(a, b), PAIR(0, 1)), V(unpack##half##_epi16)(c, d), PAIR(2, 3)), \
        V(unpack##half##_epi16)(e, f), PAIR(4, 5))

/* Sums 2 * LANES columns of 11 rows into two phases. */
TARGET INLINE void NAME(down)(const int16_t *const rows[WINDOW], int at, INTS *first, INTS *second) {
    INTS a = V(add_epi16)(LOAD(rows[0] + at), LOAD(rows[10] + at));
    INTS b = V(add_epi16)(LOAD(rows[1] + at), LOAD(rows[9] + at));
    INTS c = V(add_epi16)(LOAD(rows[2] + at), LOAD(rows[8] + at));
    INTS d = V(add_epi16)(LOAD(rows[3] + at), LOAD(rows[7] + at));
    INTS e = V(add_epi16)(LOAD(rows[4] + at), LOAD(rows[6] + at)), f = LOAD(rows[5] + at);
    *first = PAIRS(lo);
    *second = PAIRS(hi);
}
#undef PAIR
#undef PAIRS

/* Where phase p of the pixels from `at` on is among the sums; p + 1 is QUARTER further. */
INLINE int NAME(place)(int at) { return at / (2 * LANES) % 2 * 2 * QUARTER + at / UNIT * LANES; }

TARGET INLINE void NAME(down_floats)(const int16_t *const rows[WINDOW], int at, float *into) {
    INTS first, second;
    NAME(down)(rows, at, &first, &second);
    V(storeu_ps)(into, V(cvtepi32_ps)(first));
    V(storeu_ps)(into + QUARTER, V(cvtepi32_ps)(second));
}

/* Adds what rows with differences beyond -128..127 have besides. */
TARGET static void NAME(add_rest)(struct sums *into, const struct NAME(row) * ring, int top, int whole) {
    static const int16_t NOTHING[3 * PITCH];
    const int16_t *rows[WINDOW];
    for (int k = 0; k < WINDOW; k++) {
        const struct NAME(row) *row = ring + (top + k) % RING;
        rows[k] = row->wide ? row->rest : NOTHING;
    }
    for (int at = 0; at < whole; at += 2 * LANES) {
        INTS ab[2], bb[2], xb[2];
        NAME(down)(rows, at, ab, ab + 1);
        NAME(down)(rows, at + PITCH, bb, bb + 1);
        NAME(down)(rows, at + 2 * PITCH, xb, xb + 1);
        for (int p = 0; p < 2; p++) {
            float *dd = into->dd + NAME(place)(at) + p * QUARTER, *xd = into->xd + NAME(place)(at) + p * QUARTER;
            FLOATS more = V(add_ps)(V(cvtepi32_ps)(ab[p]), V(cvtepi32_ps)(ab[p]));
            more = V(add_ps)(more, V(cvtepi32_ps)(bb[p]));
            V(storeu_ps)(dd, V(add_ps)(V(loadu_ps)(dd), more));
            V(storeu_ps)(xd, V(sub_ps)(V(loadu_ps)(xd), V(cvtepi32_ps)(xb[p])));
        }
    }
}

TARGET static void NAME(sums)(struct sums *into, const void *ring, int top, int pixels) {
    const struct NAME(row) *slots = ring;
    const int16_t *rows[WINDOW];
    int wide = 0, whole = (pixels + UNIT - 1) / UNIT * UNIT;
    for (int k = 0; k < WINDOW; k++) {
        rows[k] = slots[(top + k) % RING].d;
        wide |= slots[(top + k) % RING].wide;
    }
    for (int at = 0; at < whole; at += 2 * LANES) {
        NAME(down_floats)(rows, at, into->d + NAME(place)(at));
        NAME(down_floats)(rows, at + PITCH, into->dd + NAME(place)(at));
        NAME(down_floats)(rows, at + 2 * PITCH, into->xd + NAME(place)(at));
    }
    if (wide) NAME(add_rest)(into, slots, top, whole);
}

/* From the sums of x and -x^2 down a column to its mean times ROW_SUM and its variance, by way of the integer that is
 * nearest to the mean, so that no digits cancel. */
TARGET INLINE void NAME(column)(INTS sum, INTS squares, float *mean, float *variance) {
    FLOATS scale = V(set1_ps)(1.0f / ROW_SUM), value = V(cvtepi32_ps)(sum);
    INTS pivot = V(cvtps_epi32)(V(mul_ps)(value, scale));
    INTS left = V(sub_epi32)(sum, V(mullo_epi32)(pivot, V(set1_epi32)(ROW_SUM)));
    INTS spread = V(add_epi32)(squares, V(mullo_epi32)(pivot, V(add_epi32)(sum, left)));
    FLOATS off = V(mul_ps)(V(cvtepi32_ps)(left), scale);
    V(storeu_ps)(mean, value);
    V(storeu_ps)(variance,
                 V(sub_ps)(V(mul_ps)(V(cvtepi32_ps)(spread), V(set1_ps)(-1.0f / ROW_SUM)), V(mul_ps)(off, off)));
}

TARGET static void NAME(column_statistics)(struct sums *into, const void *ring, int top, int pixels) {
    const int16_t *rows[WINDOW];
    for (int k = 0; k < WINDOW; k++) rows[k] = ((const struct NAME(row) *)ring)[(top + k) % RING].d;
    for (int at = 0; at < (pixels + UNIT - 1) / UNIT * UNIT; at += 2 * LANES) {
        INTS sum[2], squares[2];
        NAME(down)(rows, at, sum, sum + 1);
        NAME(down)(rows, at + PITCH, squares, squares + 1);
        for (int p = 0; p < 2; p++) {
            int place = NAME(place)(at) + p * QUARTER;
            NAME(column)(sum[p], squares[p], into->d + place, into->dd + place);
        }
    }
}

/* Each of the 14 neighbours j of a pixel of four phases p counts as number j - p of the window of phase p. */
#define EACH_NEIGHBOUR(value)                                       \
    _Pragma("GCC unroll 14") for (int j = 0; j < WINDOW + 3; j++) { \
        int offset = j % 4 * QUARTER + j / 4;                       \
        value;                                                      \
        _Pragma("GCC unroll 4") for (int p = 0; p < 4; p++) {       \
            int k = j - p < 6 ? j - p : 10 - (j - p);               \
            if (k >= 0) ADD;                                        \
        }                                                           \
    }

TARGET static void NAME(statistics)(const struct sums *sums, int columns, float *statistics) {
    FLOATS taps[6], scale = V(set1_ps)(1.0f / ROW_SUM), two = V(set1_ps)(2), c2 = V(set1_ps)(C2);
    for (int k = 0; k < 6; k++) taps[k] = V(set1_ps)(TAPS[k]);
    for (int at = 0; at < columns; at += UNIT, statistics += 2 * UNIT) {
        const float *d = sums->d + at / 4, *variances = sums->dd + at / 4;
        FLOATS pivot = V(set1_ps)(*d), mean[4], square[4];
        for (int p = 0; p < 4; p++) mean[p] = square[p] = V(setzero_ps)();
#define ADD mean[p] = V(fmadd_ps)(gap, taps[k], mean[p]), square[p] = V(fmadd_ps)(both, taps[k], square[p])
        EACH_NEIGHBOUR(FLOATS gap = V(mul_ps)(V(sub_ps)(V(loadu_ps)(d + offset), pivot), scale);
                       FLOATS both = V(fmadd_ps)(gap, gap, V(loadu_ps)(variances + offset)))
#undef ADD
        for (int p = 0; p < 4; p++) {
            FLOATS variance = V(fnmadd_ps)(mean[p], mean[p], square[p]);
            V(storeu_ps)(statistics + p * LANES, V(fmadd_ps)(pivot, scale, mean[p]));
            V(storeu_ps)(statistics + (4 + p) * LANES, V(fmadd_ps)(two, variance, c2));
        }
    }
}

/* All bits of the lanes of phase `p` whose pixel is under `count`. */
TARGET static INTS NAME(inside)(int p, int count) {
    int32_t places[LANES];
    for (int i = 0; i < LANES; i++) places[i] = 4 * i + p < count ? -1 : 0;
    return LOAD(places);
}

/* SSIM of LANES pixels from the reference's statistics and the means of d, -d^2 and -(x - 128) d. */
TARGET INLINE FLOATS NAME(ssim_of)(const float *statistics, FLOATS d, FLOATS minus_dd, FLOATS minus_xd) {
    FLOATS two = V(set1_ps)(2), mx = V(loadu_ps)(statistics), doubled = V(loadu_ps)(statistics + UNIT);
    FLOATS covariance = V(fmadd_ps)(mx, d, minus_xd), variance = V(fmadd_ps)(d, d, minus_dd); /* both negated */
    FLOATS mean = V(add_ps)(mx, V(set1_ps)(CENTRE));
    FLOATS means = V(fmadd_ps)(V(add_ps)(mean, mean), V(add_ps)(mean, d), V(set1_ps)(C1));
    FLOATS structure = V(fnmadd_ps)(two, covariance, doubled);
    FLOATS below = V(mul_ps)(V(fmadd_ps)(d, d, means), V(sub_ps)(structure, variance));
    return V(div_ps)(V(mul_ps)(means, structure), below);
}

TARGET static void NAME(ssim)(const struct sums *sums, int columns, const float *statistics, float *totals) {
    FLOATS taps[6];
    for (int k = 0; k < 6; k++) taps[k] = V(set1_ps)(TAPS[k] * (1.0f / ROW_SUM));
    for (int at = 0; at < columns; at += UNIT, statistics += 2 * UNIT) {
        FLOATS total = V(loadu_ps)(totals + at / 4), mean[3][4];
        const float *const from[3] = {sums->d + at / 4, sums->dd + at / 4, sums->xd + at / 4};
#pragma GCC unroll 3
        for (int i = 0; i < 3; i++) {
            for (int p = 0; p < 4; p++) mean[i][p] = V(setzero_ps)();
#define ADD mean[i][p] = V(fmadd_ps)(value, taps[k], mean[i][p])
            EACH_NEIGHBOUR(FLOATS value = V(loadu_ps)(from[i] + offset))
#undef ADD
        }
#pragma GCC unroll 4
        for (int p = 0; p < 4; p++) {
            FLOATS ssim = NAME(ssim_of)(statistics + p * LANES, mean[0][p], mean[1][p], mean[2][p]);
            if (columns - at < UNIT) ssim = AND_FLOATS(ssim, NAME(inside)(p, columns - at));
            total = V(add_ps)(total, ssim);
        }
        V(storeu_ps)(totals + at / 4, total);
    }
}

static const struct ssim_level NAME(SSIM) = {sizeof(struct NAME(row)), UNIT,       4,
                                             NAME(products),           NAME(sums), NAME(column_statistics),
                                             NAME(statistics),         NAME(ssim)};

#undef UNIT
#undef INLINE
#undef EACH_NEIGHBOUR
