/* The rows of a JPEG's colours in plain C: 16-bit fixed point, as jccolor and jdcolor have it. */

static int chroma_plain(const uint8_t *from, ptrdiff_t pixel, int width, uint8_t *restrict blue,
                        uint8_t *restrict red) {
    for (int i = 0; i < width; i++, from += pixel) {
        int r = from[0], g = from[1], b = from[2], middle = 128 * 65536 + 32767;
        blue[i] = (uint8_t)((middle - 11059 * r - 21709 * g + 32768 * b) >> 16);
        red[i] = (uint8_t)((middle + 32768 * r - 27439 * g - 5329 * b) >> 16);
    }
    return width;
}

static void halve_plain(const uint8_t *top, const uint8_t *bottom, int columns, uint8_t *restrict out) {
    for (int i = 0; i < columns; i++)
        out[i] = (uint8_t)((top[2 * i] + top[2 * i + 1] + bottom[2 * i] + bottom[2 * i + 1] + 1 + i % 2) >> 2);
}

static void blend_plain(const uint8_t *nearer, const uint8_t *other, int columns, int16_t *restrict sums) {
    for (int i = 0; i < columns; i++) sums[i] = (int16_t)(3 * nearer[i] + other[i]);
}

static inline int clipped(int value) { return value < 0 ? 0 : value > 255 ? 255 : value; }

/* From Y, Cb and Cr by way of clipped colours to luma. */
static inline uint8_t shown_plain(int y, int blue, int red) {
    blue -= 128, red -= 128;
    int r = clipped(y + ((91881 * red + 32768) >> 16)), b = clipped(y + ((116130 * blue + 32768) >> 16));
    int g = clipped(y + ((32768 - 22554 * blue - 46802 * red) >> 16));
    return (uint8_t)((19595 * r + 38470 * g + 7471 * b + 32768) >> 16);
}

/* The luma of column x, of its half-column i, towards the column beside it. */
#define SHOWN(x, i, side, round) \
    shown_plain(y[x], (3 * blue[i] + blue[side] + (round)) >> 4, (3 * red[i] + red[side] + (round)) >> 4)

static void halved_plain(const uint8_t *restrict y, const int16_t *restrict blue, const int16_t *restrict red,
                         int width, uint8_t *restrict out) {
    for (int i = 0; i < width / 2; i++) {
        out[2 * i] = SHOWN(2 * i, i, i - 1, 8);
        out[2 * i + 1] = SHOWN(2 * i + 1, i, i + 1, 7);
    }
    if (width % 2) out[width - 1] = SHOWN(width - 1, width / 2, width / 2 - 1, 8);
}
#undef SHOWN

static void whole_plain(const uint8_t *restrict y, const uint8_t *restrict blue, const uint8_t *restrict red, int width,
                        uint8_t *restrict out) {
    for (int x = 0; x < width; x++) out[x] = shown_plain(y[x], blue[x], red[x]);
}

static const struct jpeg_level JPEG_plain = {chroma_plain, halve_plain, blend_plain, halved_plain, whole_plain};
