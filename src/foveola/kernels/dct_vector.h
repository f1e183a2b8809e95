/* The transforms in vectors of 2 * LANES 16-bit numbers: a vector holds one row of as many blocks as fit.
 *
 * Nothing crosses 16 bytes but the last step, so that the width of the vectors doesn't matter to the rest. Products are
 * summed in pairs by madd. The arithmetic is that of dct_plain.h, bit for bit. */

enum { NAME(BLOCKS) = LANES / 4 };

#define BOTH(first, second) V(set1_epi32)((int)((uint32_t)(second) << 16 | ((uint32_t)(first) & 0xffff)))

/* Transposes 8x8 numbers in each 16 bytes' column of the vectors. */
TARGET static inline __attribute__((always_inline)) void NAME(transpose)(INTS r[8]) {
    INTS s[8];
    for (int i = 0; i < 4; i++) {
        s[2 * i] = V(unpacklo_epi16)(r[i], r[i + 4]);
        s[2 * i + 1] = V(unpackhi_epi16)(r[i], r[i + 4]);
    }
    for (int i = 0; i < 4; i++) {
        r[2 * i] = V(unpacklo_epi16)(s[i], s[i + 4]);
        r[2 * i + 1] = V(unpackhi_epi16)(s[i], s[i + 4]);
    }
    for (int i = 0; i < 4; i++) {
        s[2 * i] = V(unpacklo_epi16)(r[i], r[i + 4]);
        s[2 * i + 1] = V(unpackhi_epi16)(r[i], r[i + 4]);
    }
    for (int i = 0; i < 8; i++) r[i] = s[i];
}

/* Two numbers' products with two constants, added, in each half of the vectors. */
#define MADD(half, a, b, first, second) V(madd_epi16)(V(unpack##half##_epi16)(a, b), BOTH(first, second))
#define MORE(sum, half, a, b, first, second) DOT(sum, V(unpack##half##_epi16)(a, b), BOTH(first, second))
#define DESCALE(value, bits) V(srai_epi32)(V(add_epi32)(value, V(set1_epi32)(1 << ((bits) - 1))), bits)

#define PRODUCTS(half, a, b, i, bits) DESCALE(MADD(half, a, b, EVEN[i][0], EVEN[i][1]), bits)
#define FOUR(half, d, i) MORE(MADD(half, d[0], d[1], ODD[i][0], ODD[i][1]), half, d[2], d[3], ODD[i][2], ODD[i][3])

TARGET static inline __attribute__((always_inline)) void NAME(forward_pass)(INTS r[8], int bits) {
    INTS s[4], d[4];
    for (int i = 0; i < 4; i++) s[i] = V(add_epi16)(r[i], r[7 - i]), d[i] = V(sub_epi16)(r[i], r[7 - i]);
    INTS a = V(add_epi16)(s[0], s[3]), b = V(add_epi16)(s[1], s[2]);
    INTS c = V(sub_epi16)(s[1], s[2]), e = V(sub_epi16)(s[0], s[3]);
    r[0] = V(add_epi16)(a, b), r[4] = V(sub_epi16)(a, b);
    for (int i = 0; i < 8; i += 4) /* times 8192, then descaled: a shift by 13 - bits */
        r[i] = bits < 13 ? V(slli_epi16)(r[i], 13 - bits) : V(srai_epi16)(V(add_epi16)(r[i], V(set1_epi16)(2)), 2);
#pragma GCC unroll 2
    for (int i = 0; i < 2; i++) r[2 + 4 * i] = V(packs_epi32)(PRODUCTS(lo, e, c, i, bits), PRODUCTS(hi, e, c, i, bits));
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++)
        r[1 + 2 * i] = V(packs_epi32)(DESCALE(FOUR(lo, d, i), bits), DESCALE(FOUR(hi, d, i), bits));
}

#define INVERSE_HALF(half, low, high)                                                                       \
    do {                                                                                                    \
        INTS round = V(set1_epi32)(1 << (bits - 1)), even[4];                                               \
        INTS a = MORE(round, half, r[0], r[4], 8192, 8192), b = MORE(round, half, r[0], r[4], 8192, -8192); \
        INTS c = MADD(half, r[2], r[6], EVEN[0][0], EVEN[1][0]);                                            \
        INTS d = MADD(half, r[2], r[6], EVEN[0][1], EVEN[1][1]);                                            \
        even[0] = V(add_epi32)(a, c), even[1] = V(add_epi32)(b, d);                                         \
        even[2] = V(sub_epi32)(b, d), even[3] = V(sub_epi32)(a, c);                                         \
        _Pragma("GCC unroll 4") for (int i = 0; i < 4; i++) {                                               \
            INTS odd = MADD(half, r[1], r[3], ODD[0][i], ODD[1][i]);                                        \
            odd = MORE(odd, half, r[5], r[7], ODD[2][i], ODD[3][i]);                                        \
            low[i] = V(srai_epi32)(V(add_epi32)(even[i], odd), bits);                                       \
            high[i] = V(srai_epi32)(V(sub_epi32)(even[i], odd), bits);                                      \
        }                                                                                                   \
    } while (0)

TARGET static inline __attribute__((always_inline)) void NAME(inverse_pass)(INTS r[8], const int bits) {
    INTS low[4], high[4], low2[4], high2[4];
    INVERSE_HALF(lo, low, high);
    INVERSE_HALF(hi, low2, high2);
    for (int i = 0; i < 4; i++) {
        r[i] = V(packs_epi32)(low[i], low2[i]);
        r[7 - i] = V(packs_epi32)(high[i], high2[i]);
    }
}

TARGET static void NAME(forward)(const uint8_t *from, ptrdiff_t stride, int16_t *group) {
    for (int block = 0; block < GROUP; block += NAME(BLOCKS)) {
        INTS r[8];
        for (int i = 0; i < 8; i++) r[i] = V(sub_epi16)(WIDEN(from + i * stride + 8 * block), V(set1_epi16)(128));
        NAME(transpose)(r);
        NAME(forward_pass)(r, 11);
        NAME(transpose)(r);
        NAME(forward_pass)(r, 15);
        for (int i = 0; i < 8; i++) STORE(group + i * GROUP_PIXELS + 8 * block, V(add_epi16)(r[i], r[i]));
    }
}

TARGET static inline INTS NAME(levels_of)(INTS coefficients, const uint16_t *entry) {
    INTS level = V(add_epi16)(V(abs_epi16)(coefficients), EACH128(entry + BIAS));
    level = V(mulhi_epu16)(V(mulhi_epu16)(level, EACH128(entry + RECIPROCAL)), EACH128(entry + SHIFT));
    return SIGNED_AS(level, coefficients);
}

TARGET static void NAME(levels)(const int16_t *group, const uint16_t *quantiser, int16_t *levels,
                                uint64_t seen[GROUP]) {
    for (int i = 0; i < GROUP_SIZE; i += 2 * LANES)
        STORE(levels + i, NAME(levels_of)(LOAD(group + i), quantiser + i / GROUP_PIXELS * 8));
    for (int row = 0; row < 8; row++) {
        uint32_t bits = NOT_ZERO(levels + row * GROUP_PIXELS);
        for (int block = 0; block < GROUP; block++) seen[block] |= (uint64_t)(bits >> 8 * block & 0xff) << 8 * row;
    }
}

/* Writes 8 columns of blocks as 8 rows of bytes. */
TARGET static inline void NAME(write_blocks)(const INTS column[8], uint8_t *out, ptrdiff_t stride) {
    INTS p[4], q[4], half = V(set1_epi8)((char)0x80);
    for (int i = 0; i < 4; i++) p[i] = XOR(V(packs_epi16)(column[i], column[i + 4]), half);
    q[0] = V(unpacklo_epi8)(p[0], p[2]), q[1] = V(unpacklo_epi8)(p[1], p[3]);
    q[2] = V(unpackhi_epi8)(p[0], p[2]), q[3] = V(unpackhi_epi8)(p[1], p[3]);
    for (int i = 0; i < 2; i++) {
        p[2 * i] = V(unpacklo_epi8)(q[2 * i], q[2 * i + 1]);
        p[2 * i + 1] = V(unpackhi_epi8)(q[2 * i], q[2 * i + 1]);
    }
    q[0] = V(unpacklo_epi32)(p[0], p[2]), q[1] = V(unpackhi_epi32)(p[0], p[2]);
    q[2] = V(unpacklo_epi32)(p[1], p[3]), q[3] = V(unpackhi_epi32)(p[1], p[3]);
    for (int i = 0; i < 4; i++) WRITE_TWO_ROWS(out + 2 * i * stride, stride, q[i]);
}

TARGET static void NAME(decode)(const int16_t *coefficients, const uint16_t *quantiser, int count, uint8_t *out,
                                ptrdiff_t stride) {
    for (int block = 0; block < GROUP * count; block += NAME(BLOCKS)) {
        const int16_t *from = coefficients + block / GROUP * GROUP_SIZE + block % GROUP * 8;
        INTS r[8];
        for (int i = 0; i < 8; i++) {
            const uint16_t *entry = quantiser + 8 * i;
            INTS given = LOAD(from + i * GROUP_PIXELS), level = NAME(levels_of)(given, entry);
            INTS half = V(mullo_epi16)(V(abs_epi16)(level), EACH128(entry + LIFT));
            INTS below = V(sub_epi16)(V(sub_epi16)(ZERO(), half), half);
            r[i] = SIGNED_AS(V(sub_epi16)(ZERO(), V(mulhrs_epi16)(below, EACH128(entry + STEP))), given);
        }
        NAME(inverse_pass)(r, 15);
        NAME(transpose)(r);
        NAME(inverse_pass)(r, 18);
        NAME(write_blocks)(r, out + 8 * block, stride);
    }
}

#undef BOTH
#undef MADD
#undef MORE
#undef DESCALE
#undef PRODUCTS
#undef FOUR
#undef INVERSE_HALF
