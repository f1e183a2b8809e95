/* Luma in vectors of LANES pixels of three or four bytes. */

/* Composites pixels of four bytes over a grey: (colour * alpha + ground * (255 - alpha) + 127) / 255 in 16 bits. */
TARGET static inline INTS NAME(over)(INTS halves, INTS alpha, INTS ground) {
    INTS rest = V(sub_epi16)(V(set1_epi16)(255), alpha);
    INTS sum = V(add_epi16)(V(mullo_epi16)(halves, alpha), V(mullo_epi16)(ground, rest));
    sum = V(add_epi16)(sum, V(set1_epi16)(127));
    sum = V(add_epi16)(V(add_epi16)(sum, V(srli_epi16)(sum, 8)), V(set1_epi16)(1)); /* exact division by 255 */
    return V(srli_epi16)(sum, 8);
}

TARGET static inline INTS NAME(opaque)(INTS pixels, INTS ground) {
    static const int8_t FIRST[16] = {3, -1, 3, -1, 3, -1, 3, -1, 7, -1, 7, -1, 7, -1, 7, -1};
    static const int8_t SECOND[16] = {11, -1, 11, -1, 11, -1, 11, -1, 15, -1, 15, -1, 15, -1, 15, -1};
    INTS low = V(unpacklo_epi8)(pixels, ZERO()), high = V(unpackhi_epi8)(pixels, ZERO());
    low = NAME(over)(low, V(shuffle_epi8)(pixels, EACH128(FIRST)), ground);
    high = NAME(over)(high, V(shuffle_epi8)(pixels, EACH128(SECOND)), ground);
    return V(packus_epi16)(low, high);
}

/* Writes the luma of all pixels but the last 6, in steps of 4 * LANES of which the last overlaps the one before;
 * returns how many it wrote, 0 where a step is too wide. A step reads up to 6 pixels further than it writes. */
TARGET static int NAME(luma_row)(const uint8_t *from, int pixel, int alpha, int width, uint8_t ground, uint8_t *out) {
    static const int8_t RED_GREEN[2][16] = {{0, -1, 1, -1, 3, -1, 4, -1, 6, -1, 7, -1, 9, -1, 10, -1},
                                            {0, -1, 1, -1, 4, -1, 5, -1, 8, -1, 9, -1, 12, -1, 13, -1}};
    static const int8_t GREEN_BLUE[2][16] = {{1, -1, 2, -1, 4, -1, 5, -1, 7, -1, 8, -1, 10, -1, 11, -1},
                                             {1, -1, 2, -1, 5, -1, 6, -1, 9, -1, 10, -1, 13, -1, 14, -1}};
    INTS first = EACH128(RED_GREEN[pixel - 3]), second = EACH128(GREEN_BLUE[pixel - 3]);
    INTS behind = V(set1_epi16)(ground), order = LOAD(pixel == 3 ? NAME(EVERY_THREE) : NAME(EVERY_FOUR));
    INTS one = V(set1_epi32)(19235 << 16 | 19595), two = V(set1_epi32)(7471 << 16 | 19235); /* 38470 = 2 * 19235 */
    const int step = 4 * LANES, last = width - step - 6;
    if (last < 0) return 0;
    for (int at = 0;; at = smaller(at + step, last)) {
        INTS sums[4];
        for (int i = 0; i < 4; i++) {
            INTS pixels = PERMUTE32(LOAD(from + (at + i * LANES) * pixel), order);
            if (alpha) pixels = NAME(opaque)(pixels, behind);
            INTS sum = DOT(V(set1_epi32)(0x8000), V(shuffle_epi8)(pixels, first), one);
            sums[i] = V(srli_epi32)(DOT(sum, V(shuffle_epi8)(pixels, second), two), 16);
        }
        INTS low = V(packs_epi32)(sums[0], sums[1]), high = V(packs_epi32)(sums[2], sums[3]);
        STORE(out + at, PERMUTE32(V(packus_epi16)(low, high), LOAD(NAME(UNPACKED))));
        if (at == last) return last + step;
    }
}
