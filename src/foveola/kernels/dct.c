/* The 8x8 DCT of libjpeg (accurate integer), forward once, and back through a quantiser as often as it is asked.
 *
 * Coefficients are kept 16 times too big, in groups of four blocks: each row of a group is 64 bytes, one widest vector.
 * Blocks at the edges repeat the last row and column. */
#include "kernels.h"

#include "dct_plain.h"

typedef void forward_group(const uint8_t *from, ptrdiff_t stride, int16_t *group);

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
decode_groups *const foveola_decode_groups[LEVELS] = EACH_LEVEL(decode);
levels_of_group *const foveola_levels_of_group[LEVELS] = EACH_LEVEL(levels);

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
