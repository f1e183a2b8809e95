/* Luma of interleaved sRGB bytes, rounded as Pillow rounds it: (19595 R + 38470 G + 7471 B + 0x8000) >> 16. */
#include "kernels.h"

static inline uint8_t luma_of(uint32_t r, uint32_t g, uint32_t b) {
    return (uint8_t)((19595 * r + 38470 * g + 7471 * b + 0x8000) >> 16);
}

static inline uint32_t over(uint32_t colour, uint32_t alpha, uint32_t ground) {
    return (colour * alpha + ground * (255 - alpha) + 127) / 255;
}

static void opaque_row(const uint8_t *from, ptrdiff_t pixel, int width, uint8_t *restrict out) {
    for (int i = 0; i < width; i++, from += pixel) out[i] = luma_of(from[0], from[1], from[2]);
}

static void alpha_row(const uint8_t *from, ptrdiff_t pixel, int width, uint32_t ground, uint8_t *restrict out) {
    for (int i = 0; i < width; i++, from += pixel) {
        uint32_t a = from[3];
        out[i] = luma_of(over(from[0], a, ground), over(from[1], a, ground), over(from[2], a, ground));
    }
}

typedef int luma_row(const uint8_t *from, int pixel, int alpha, int width, uint8_t ground, uint8_t *out);

#if FOVEOLA_X86
#include "simd_orders.h"

#include "simd_avx2.h"
#include "luma_vector.h"
#include "simd_end.h"

#include "simd_avx512.h"
#include "luma_vector.h"
#include "simd_end.h"

static luma_row *const ROW[LEVELS] = {NULL, luma_row_avx2, luma_row_avx512};
#else
static luma_row *const ROW[LEVELS] = {NULL, NULL, NULL};
#endif

void foveola_luma(int level, const uint8_t *pixels, ptrdiff_t row, ptrdiff_t pixel, int channels, int width, int height,
                  int background, uint8_t *out) {
    luma_row *vectors = pixel == 3 || pixel == 4 ? ROW[level] : NULL;
    for (int y = 0; y < height; y++, pixels += row, out += width) {
        int done = vectors ? vectors(pixels, (int)pixel, channels == 4, width, (uint8_t)background, out) : 0;
        const uint8_t *from = pixels + done * pixel;
        if (channels == 4)
            alpha_row(from, pixel, width - done, (uint32_t)background, out + done);
        else
            opaque_row(from, pixel, width - done, out + done);
    }
}
