/* The transforms of one block in plain C, in the fixed point of libjpeg's accurate integer DCT.
 *
 * Each pass is a sum of products with 13-bit constants, rounded once, so that any order of the additions gives the same
 * bits: forward rows then columns, inverse columns then rows (Loeffler, Ligtenberg, Moschytz, ICASSP 1989). A pass
 * goes down the eight columns together, which compilers turn into vectors; between passes the block is transposed. */

/* cos(k pi / 16) * sqrt(2) as jfdctint's rounded constants add up to it; each is used with the sign the cosine has. */
static const int32_t EVEN[2][2] = {{10703, 4433}, {4433, -10704}};
static const int32_t ODD[4][4] = {
    {11363, 9633, 6437, 2260}, {9633, -2259, -11362, -6436}, {6437, -11362, 2261, 9633}, {2260, -6436, 9633, -11363}};

#define DOWN(bits, value) (int16_t)(((value) + (1 << ((bits) - 1))) >> (bits))

static inline void forward_pass(const int16_t *restrict from, int16_t *restrict to, int bits) {
    for (int i = 0; i < 8; i++) {
        int32_t s0 = from[i] + from[56 + i], s1 = from[8 + i] + from[48 + i];
        int32_t s2 = from[16 + i] + from[40 + i], s3 = from[24 + i] + from[32 + i];
        int32_t d0 = from[i] - from[56 + i], d1 = from[8 + i] - from[48 + i];
        int32_t d2 = from[16 + i] - from[40 + i], d3 = from[24 + i] - from[32 + i];
        int32_t a = s0 + s3, b = s1 + s2, c = s1 - s2, e = s0 - s3;
        to[i] = DOWN(bits, (a + b) * 8192);
        to[32 + i] = DOWN(bits, (a - b) * 8192);
        to[16 + i] = DOWN(bits, e * EVEN[0][0] + c * EVEN[0][1]);
        to[48 + i] = DOWN(bits, e * EVEN[1][0] + c * EVEN[1][1]);
        to[8 + i] = DOWN(bits, d0 * ODD[0][0] + d1 * ODD[0][1] + d2 * ODD[0][2] + d3 * ODD[0][3]);
        to[24 + i] = DOWN(bits, d0 * ODD[1][0] + d1 * ODD[1][1] + d2 * ODD[1][2] + d3 * ODD[1][3]);
        to[40 + i] = DOWN(bits, d0 * ODD[2][0] + d1 * ODD[2][1] + d2 * ODD[2][2] + d3 * ODD[2][3]);
        to[56 + i] = DOWN(bits, d0 * ODD[3][0] + d1 * ODD[3][1] + d2 * ODD[3][2] + d3 * ODD[3][3]);
    }
}

/* Rounds to 16 bits, saturating as the vector code's packs do. */
static inline int16_t saturated(int32_t value, int bits) {
    int32_t down = (value + (1 << (bits - 1))) >> bits;
    return (int16_t)(down < -32768 ? -32768 : down > 32767 ? 32767 : down);
}

static inline void inverse_pass(const int16_t *restrict from, int16_t *restrict to, int bits) {
    for (int i = 0; i < 8; i++) {
        int32_t i1 = from[8 + i], i3 = from[24 + i], i5 = from[40 + i], i7 = from[56 + i];
        int32_t a = (from[i] + from[32 + i]) * 8192, b = (from[i] - from[32 + i]) * 8192;
        int32_t c = from[16 + i] * EVEN[0][0] + from[48 + i] * EVEN[1][0];
        int32_t d = from[16 + i] * EVEN[0][1] + from[48 + i] * EVEN[1][1];
        int32_t o0 = i1 * ODD[0][0] + i3 * ODD[1][0] + i5 * ODD[2][0] + i7 * ODD[3][0];
        int32_t o1 = i1 * ODD[0][1] + i3 * ODD[1][1] + i5 * ODD[2][1] + i7 * ODD[3][1];
        int32_t o2 = i1 * ODD[0][2] + i3 * ODD[1][2] + i5 * ODD[2][2] + i7 * ODD[3][2];
        int32_t o3 = i1 * ODD[0][3] + i3 * ODD[1][3] + i5 * ODD[2][3] + i7 * ODD[3][3];
        to[i] = saturated(a + c + o0, bits), to[56 + i] = saturated(a + c - o0, bits);
        to[8 + i] = saturated(b + d + o1, bits), to[48 + i] = saturated(b + d - o1, bits);
        to[16 + i] = saturated(b - d + o2, bits), to[40 + i] = saturated(b - d - o2, bits);
        to[24 + i] = saturated(a - c + o3, bits), to[32 + i] = saturated(a - c - o3, bits);
    }
}
#undef DOWN

static inline void transpose_plain(const int16_t *restrict from, int16_t *restrict to) {
    for (int i = 0; i < 64; i++) to[i] = from[i % 8 * 8 + i / 8];
}

static void forward_plain(const uint8_t *from, ptrdiff_t stride, int16_t *group) {
    for (int block = 0; block < GROUP; block++) {
        int16_t one[64], two[64];
        for (int i = 0; i < 64; i++) one[i] = (int16_t)(from[i % 8 * stride + 8 * block + i / 8] - 128);
        forward_pass(one, two, 11);
        transpose_plain(two, one);
        forward_pass(one, two, 15);
        for (int i = 0; i < 8; i++)
            for (int k = 0; k < 8; k++) group[i * GROUP_PIXELS + 8 * block + k] = (int16_t)(2 * two[8 * i + k]);
    }
}

/* Quantises one row of one block. */
static inline void levels_of_row(const int16_t *restrict row, const uint16_t *restrict entry,
                                 int16_t *restrict levels) {
    for (int i = 0; i < 8; i++) {
        int32_t value = row[i], sign = value >> 15;
        uint32_t size = (uint32_t)((value ^ sign) - sign) + entry[BIAS + i];
        int32_t level = (int32_t)(((size * entry[RECIPROCAL + i] >> 16) * entry[SHIFT + i]) >> 16);
        levels[i] = (int16_t)((level ^ sign) - sign);
    }
}

static void levels_plain(const int16_t *group, const uint16_t *quantiser, int16_t *levels, uint64_t seen[GROUP]) {
    for (int i = 0; i < GROUP_SIZE; i += 8) {
        levels_of_row(group + i, quantiser + i / GROUP_PIXELS * 8, levels + i);
        for (int k = 0; k < 8; k++)
            seen[i % GROUP_PIXELS / 8] |= (uint64_t)(levels[i + k] != 0) << (i / GROUP_PIXELS * 8 + k);
    }
}

static void decode_plain(const int16_t *coefficients, const uint16_t *quantiser, int count, uint8_t *out,
                         ptrdiff_t stride) {
    for (int block = 0; block < GROUP * count; block++) {
        const int16_t *from = coefficients + block / GROUP * GROUP_SIZE + block % GROUP * 8;
        int16_t one[64], two[64];
        for (int i = 0; i < 64; i += 8) {
            levels_of_row(from + i / 8 * GROUP_PIXELS, quantiser + i, two + i);
            for (int k = i; k < i + 8; k++) {
                int32_t size = two[k] < 0 ? -two[k] : two[k];
                int32_t below = (-2 * size * quantiser[LIFT + k] * quantiser[STEP + k] + 0x4000) >> 15;
                one[k] = (int16_t)(two[k] < 0 ? below : -below);
            }
        }
        inverse_pass(one, two, 15);
        transpose_plain(two, one);
        inverse_pass(one, two, 18);
        for (int i = 0; i < 64; i++) {
            int value = two[i % 8 * 8 + i / 8] + 128;
            out[i / 8 * stride + 8 * block + i % 8] = (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
        }
    }
}
