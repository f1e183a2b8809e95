/* The 8x8 DCT of libjpeg (accurate integer), forward once, and back through a quantiser as often as it is asked.
 *
 * Coefficients are kept 16 times too big, in groups of four blocks: each row of a group is 64 bytes, one widest vector.
 * Blocks at the edges repeat the last row and column. */
#include "kernels.h"

#include "dct_plain.h"

typedef void forward_group(const uint8_t *from, ptrdiff_t stride, int16_t *group);
/* Quantises; sets the bits of `seen` at levels that aren't 0. */
typedef void levels_of_group(const int16_t *group, const uint16_t *quantiser, int16_t *levels, uint64_t seen[GROUP]);

#if FOVEOLA_X86
#include "simd_avx2.h"
#include "dct_vector.h"
#include "simd_end.h"

#include "simd_avx512.h"
#include "dct_vector.h"
#include "simd_end.h"

#define EACH_LEVEL(name) {name##_plain, name##_avx2, name##_avx512}
#else
#define EACH_LEVEL(name) {name##_plain, name##_plain, name##_plain}
#endif

static forward_group *const FORWARD[LEVELS] = EACH_LEVEL(forward);
static levels_of_group *const QUANTISE[LEVELS] = EACH_LEVEL(levels);
decode_groups *const foveola_decode_groups[LEVELS] = EACH_LEVEL(decode);

void foveola_forward_dct(int level, const uint8_t *luma, ptrdiff_t stride, int width, int height,
                         int16_t *coefficients) {
    for (int top = 0; top < height; top += 8) {
        for (int left = 0; left < width; left += GROUP_PIXELS, coefficients += GROUP_SIZE) {
            const uint8_t *from = luma + top * stride + left;
            if (top + 8 <= height && left + GROUP_PIXELS <= width) {
                FORWARD[level](from, stride, coefficients);
                continue;
            }
            uint8_t edge[8 * GROUP_PIXELS];
            for (int i = 0; i < 8 * GROUP_PIXELS; i++) {
                int row = smaller(i / GROUP_PIXELS, height - 1 - top);
                edge[i] = from[row * stride + smaller(i % GROUP_PIXELS, width - 1 - left)];
            }
            FORWARD[level](edge, GROUP_PIXELS, coefficients);
        }
    }
}

void foveola_reconstruct(int level, const int16_t *coefficients, const uint16_t *quantiser, int width, int height,
                         uint8_t *out, ptrdiff_t stride) {
    enum { MOST = 32 };
    uint8_t band[8 * MOST * GROUP_PIXELS];
    int groups = groups_across(width);
    for (int top = 0; top < height; top += 8) {
        for (int first = 0; first < groups; first += MOST) {
            int count = smaller(MOST, groups - first), left = first * GROUP_PIXELS;
            const int16_t *from = coefficients + ((size_t)(top / 8) * (size_t)groups + (size_t)first) * GROUP_SIZE;
            foveola_decode_groups[level](from, quantiser, count, band, MOST * GROUP_PIXELS);
            for (int row = 0; row < smaller(8, height - top); row++)
                memcpy(out + (top + row) * stride + left, band + row * MOST * GROUP_PIXELS,
                       (size_t)smaller(count * GROUP_PIXELS, width - left));
        }
    }
}

/* The place in zigzag order of each position, 8 * vertical + horizontal frequency, and the other way round. */
static const uint8_t PLACE[64] = {0,  1,  5,  6,  14, 15, 27, 28, 2,  4,  7,  13, 16, 26, 29, 42,
                                  3,  8,  12, 17, 25, 30, 41, 43, 9,  11, 18, 24, 31, 40, 44, 53,
                                  10, 19, 23, 32, 39, 45, 52, 54, 20, 22, 33, 38, 46, 51, 55, 60,
                                  21, 34, 37, 47, 50, 56, 59, 61, 35, 36, 48, 49, 57, 58, 62, 63};
static const uint8_t ZIGZAG[64] = {0,  1,  8,  16, 9,  2,  3,  10, 17, 24, 32, 25, 18, 11, 4,  5,
                                   12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6,  7,  14, 21, 28,
                                   35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51,
                                   58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63};

#if defined(__GNUC__)
static inline int bits_of(int value) { return value ? 32 - __builtin_clz((unsigned)(value < 0 ? -value : value)) : 0; }
static inline int lowest(uint64_t bits) { return __builtin_ctzll(bits); }
#else
static inline int bits_of(int value) {
    int size = 0;
    for (unsigned rest = (unsigned)(value < 0 ? -value : value); rest; rest >>= 1) size++;
    return size;
}
static inline int lowest(uint64_t bits) {
    int place = 0;
    while (!(bits >> place & 1)) place++;
    return place;
}
#endif

/* Counts the symbols of the block at `levels` (rows are GROUP_PIXELS apart), whose bits in `seen` aren't 0. */
static void count_block(const int16_t *levels, uint64_t seen, int *last, int64_t *counts) {
    uint64_t order = 0;
    int before = 0;
    counts[bits_of(levels[0] - *last)]++;
    *last = levels[0];
    for (seen &= ~(uint64_t)1; seen; seen &= seen - 1) order |= (uint64_t)1 << PLACE[lowest(seen)];
    for (; order; order &= order - 1) {
        int place = lowest(order), run = place - before - 1, at = ZIGZAG[place];
        counts[16 + 0xf0] += run / 16;
        counts[16 + (run % 16 << 4 | bits_of(levels[at / 8 * GROUP_PIXELS + at % 8]))]++;
        before = place;
    }
    if (before < 63) counts[16]++;
}

void foveola_symbols(int level, const int16_t *coefficients, const uint16_t *quantiser, int width, int height,
                     int64_t *counts) {
    int last = 0;
    for (int top = 0; top < height; top += 8) {
        for (int left = 0; left < width; left += GROUP_PIXELS, coefficients += GROUP_SIZE) {
            int16_t levels[GROUP_SIZE];
            uint64_t seen[GROUP] = {0};
            QUANTISE[level](coefficients, quantiser, levels, seen);
            for (int block = 0; block < GROUP && left + 8 * block < width; block++)
                count_block(levels + 8 * block, seen[block], &last, counts);
        }
    }
}
