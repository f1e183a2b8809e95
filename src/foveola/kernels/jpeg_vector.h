/* The rows of a JPEG's colours in vectors of 2 * LANES 16-bit numbers. Rows of Y are taken as 16-bit numbers, too: one
 * holds the pixel of an even column and that of the odd one, and to both belongs one column of halved chroma. */

#define PAIR(first, second) V(set1_epi32)((int)((uint32_t)(second) << 16 | ((uint32_t)(first) & 0xffff)))

/* Writes Cb and Cr of all pixels but the last 6, as luma_row does. */
TARGET static int NAME(chroma)(const uint8_t *from, ptrdiff_t pixel, int width, uint8_t *blue, uint8_t *red) {
    static const int8_t PAIRS[2][3][16] = {{{0, -1, 1, -1, 3, -1, 4, -1, 6, -1, 7, -1, 9, -1, 10, -1},
                                            {1, -1, 2, -1, 4, -1, 5, -1, 7, -1, 8, -1, 10, -1, 11, -1},
                                            {2, -1, 0, -1, 5, -1, 3, -1, 8, -1, 6, -1, 11, -1, 9, -1}},
                                           {{0, -1, 1, -1, 4, -1, 5, -1, 8, -1, 9, -1, 12, -1, 13, -1},
                                            {1, -1, 2, -1, 5, -1, 6, -1, 9, -1, 10, -1, 13, -1, 14, -1},
                                            {2, -1, 0, -1, 6, -1, 4, -1, 10, -1, 8, -1, 14, -1, 12, -1}}};
    const int8_t (*pairs)[16] = PAIRS[pixel - 3];
    INTS red_green = EACH128(pairs[0]), green_blue = EACH128(pairs[1]), blue_red = EACH128(pairs[2]);
    INTS order = LOAD(pixel == 3 ? NAME(EVERY_THREE) : NAME(EVERY_FOUR)), back = LOAD(NAME(UNPACKED));
    const int step = 4 * LANES, last = width - step - 6;
    if (last < 0) return 0;
    for (int at = 0;; at = smaller(at + step, last)) {
        INTS sums[2][4], middle = V(set1_epi32)(128 * 65536 + 32767);
        for (int i = 0; i < 4; i++) {
            INTS pixels = PERMUTE32(LOAD(from + (at + i * LANES) * pixel), order);
            INTS both = V(slli_epi16)(V(shuffle_epi8)(pixels, blue_red), 6); /* times 512, half of 32768, fits */
            INTS cb = DOT(middle, both, PAIR(512, 0)), cr = DOT(middle, both, PAIR(0, 512));
            cb = DOT(cb, V(shuffle_epi8)(pixels, red_green), PAIR(-11059, -21709));
            cr = DOT(cr, V(shuffle_epi8)(pixels, green_blue), PAIR(-27439, -5329));
            sums[0][i] = V(srli_epi32)(cb, 16), sums[1][i] = V(srli_epi32)(cr, 16);
        }
        for (int i = 0; i < 2; i++) {
            INTS low = V(packs_epi32)(sums[i][0], sums[i][1]), high = V(packs_epi32)(sums[i][2], sums[i][3]);
            STORE((i == 0 ? blue : red) + at, PERMUTE32(V(packus_epi16)(low, high), back));
        }
        if (at == last) return last + step;
    }
}

TARGET static void NAME(halve)(const uint8_t *top, const uint8_t *bottom, int columns, uint8_t *out) {
    INTS ones = V(set1_epi8)(1), round = PAIR(1, 2), means[2];
    for (int at = 0; at < columns; at += 4 * LANES) {
        for (int i = 0; i < 2; i++) {
            const int from = 2 * at + i * 4 * LANES;
            INTS sum = V(add_epi16)(V(maddubs_epi16)(LOAD(top + from), ones), round);
            means[i] = V(srli_epi16)(V(add_epi16)(sum, V(maddubs_epi16)(LOAD(bottom + from), ones)), 2);
        }
        STORE(out + at, PERMUTE32(V(packus_epi16)(means[0], means[1]), LOAD(NAME(HALVES))));
    }
}

#define TRIPLE(value) V(add_epi16)(value, V(add_epi16)(value, value))

TARGET static void NAME(blend)(const uint8_t *nearer, const uint8_t *other, int columns, int16_t *sums) {
    for (int at = 0; at < columns; at += 2 * LANES) {
        INTS near = WIDEN(nearer + at);
        STORE(sums + at, V(add_epi16)(TRIPLE(near), WIDEN(other + at)));
    }
}

#define GREEN(half) \
    V(srai_epi32)(DOT(V(set1_epi32)(1 << 14), V(unpack##half##_epi16)(blue, red), PAIR(-11277, 9367)), 15)
#define LUMA(half) V(srai_epi32)(DOT(V(set1_epi32)(1 << 15), V(unpack##half##_epi16)(r, b), PAIR(19595, 7471)), 16)
#define CLIPPED(value) V(max_epi16)(V(min_epi16)(value, V(set1_epi16)(255)), ZERO())

/* From Y, Cb and Cr by way of clipped colours to luma. Whole parts are taken off the factors, halves of the rest fit
 * mulhrs: of the odd one, 26345, the half is rounded, which changes the product of no Cr. */
TARGET static inline __attribute__((always_inline)) INTS NAME(shown)(INTS y, INTS blue, INTS red) {
    blue = V(sub_epi16)(blue, V(set1_epi16)(128)), red = V(sub_epi16)(red, V(set1_epi16)(128));
    INTS r = V(add_epi16)(V(add_epi16)(y, red), V(mulhrs_epi16)(red, V(set1_epi16)(13173)));
    INTS b = V(add_epi16)(V(add_epi16)(blue, blue), V(mulhrs_epi16)(blue, V(set1_epi16)(-7471)));
    INTS g = V(sub_epi16)(V(add_epi16)(y, V(packs_epi32)(GREEN(lo), GREEN(hi))), red);
    r = CLIPPED(r), g = CLIPPED(g), b = CLIPPED(V(add_epi16)(y, b));
    r = V(sub_epi16)(r, g), b = V(sub_epi16)(b, g); /* the factors of luma add up to 1 */
    return V(add_epi16)(g, V(packs_epi32)(LUMA(lo), LUMA(hi)));
}

#define LOW_BYTE(value) V(srli_epi16)(V(slli_epi16)(value, 8), 8)
#define HIGH_BYTE(value) V(srli_epi16)(value, 8)

/* Writes the luma of even and odd columns from `at` on, none from `width` on. */
TARGET static inline void NAME(write)(INTS even, INTS odd, int at, int width, uint8_t *out) {
    INTS both = OR(even, V(slli_epi16)(odd, 8));
    if (at + 4 * LANES <= width) {
        STORE(out + at, both);
        return;
    }
    uint8_t last[4 * LANES];
    STORE(last, both);
    memcpy(out + at, last, (size_t)(width - at));
}

#define SIDE(from, round) V(srli_epi16)(V(add_epi16)(V(add_epi16)(three, LOAD(from)), V(set1_epi16)(round)), 4)

TARGET static void NAME(halved)(const uint8_t *y, const int16_t *blue, const int16_t *red, int width, uint8_t *out) {
    for (int at = 0; at < width; at += 4 * LANES) {
        INTS both = LOAD(y + at), chroma[2][2];
        for (int i = 0; i < 2; i++) {
            const int16_t *sums = (i == 0 ? blue : red) + at / 2;
            INTS sum = LOAD(sums), three = TRIPLE(sum);
            chroma[0][i] = SIDE(sums - 1, 8), chroma[1][i] = SIDE(sums + 1, 7);
        }
        INTS even = NAME(shown)(LOW_BYTE(both), chroma[0][0], chroma[0][1]);
        NAME(write)(even, NAME(shown)(HIGH_BYTE(both), chroma[1][0], chroma[1][1]), at, width, out);
    }
}

TARGET static void NAME(whole)(const uint8_t *y, const uint8_t *blue, const uint8_t *red, int width, uint8_t *out) {
    for (int at = 0; at < width; at += 4 * LANES) {
        INTS both = LOAD(y + at), cb = LOAD(blue + at), cr = LOAD(red + at);
        INTS even = NAME(shown)(LOW_BYTE(both), LOW_BYTE(cb), LOW_BYTE(cr));
        NAME(write)(even, NAME(shown)(HIGH_BYTE(both), HIGH_BYTE(cb), HIGH_BYTE(cr)), at, width, out);
    }
}

static const struct jpeg_level NAME(JPEG) = {NAME(chroma), NAME(halve), NAME(blend), NAME(halved), NAME(whole)};

#undef PAIR
#undef TRIPLE
#undef GREEN
#undef LUMA
#undef CLIPPED
#undef LOW_BYTE
#undef HIGH_BYTE
#undef SIDE
