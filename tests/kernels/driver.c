/* Runs every kernel at every level over odd sizes, in buffers that are exactly as big as they must be, and compares the
 * levels: meant for AddressSanitizer and UndefinedBehaviorSanitizer. Prints what differs; 0 means that nothing does. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/foveola/kernels/kernels.h"

static int failures;

static void check(int good, const char *what, int level, int width, int height) {
    if (good) return;
    failures++;
    printf("%s at level %d, %d x %d\n", what, level, width, height);
}

static void *memory(size_t size) {
    void *block = malloc(size > 0 ? size : 1);
    if (block == NULL) exit(2);
    return block;
}

static uint32_t random_bits(void) {
    static uint32_t state = 1;
    state = state * 1664525u + 1013904223u;
    return state >> 8;
}

/* kind 0: grain on a slope; 1: black and white noise; 2: flat and bright; 3: black. */
static uint8_t *plane(int kind, int width, int height) {
    uint8_t *pixels = memory((size_t)width * (size_t)height);
    for (int i = 0; i < width * height; i++) {
        int noise = (int)(random_bits() % 24);
        int value[4] = {40 + (i % width + i / width) % 160 + noise, (int)(random_bits() & 1) * 255, 255 - noise / 12,
                        0};
        pixels[i] = (uint8_t)value[kind];
    }
    return pixels;
}

static void fill_quantiser(uint16_t *quantiser, int step) {
    int shift = 0;
    while (1 << (shift + 1) < 16 * step) shift++;
    for (int i = 0; i < 64; i++) {
        quantiser[BIAS + i] = (uint16_t)(8 * step);
        quantiser[RECIPROCAL + i] = (uint16_t)(((1ll << (16 + shift)) + 16 * step - 1) / (16 * step));
        quantiser[SHIFT + i] = (uint16_t)(1 << (16 - shift));
        int lift = 1;
        while (lift <= 16 * step) lift *= 2;
        quantiser[LIFT + i] = (uint16_t)(lift / 2);
        quantiser[STEP + i] = (uint16_t)(16 * step * (32768 / lift));
    }
}

static double ssim(int level, const uint8_t *x, const uint8_t *y, int width, int height, int step, int tiles) {
    size_t size = foveola_statistics_size(level, width, height, step);
    float *statistics = memory(size * sizeof *statistics);
    int rows = (height - 11 + step) / step, across = (width - 10 + 15) / 16, down = (rows - 1) * step / 16 + 1;
    double *blocks = memory((size_t)(across * down) * sizeof *blocks), total = NAN, sum = 0;
    check(!foveola_prepare(level, x, width, width, height, step, statistics), "memory", level, width, height);
    check(!foveola_ssim(level, x, width, width, height, step, statistics, y, width, 1, 1, 0, tiles ? blocks : NULL,
                        &total),
          "memory", level, width, height);
    for (int i = 0; tiles && i < across * down; i++) sum += blocks[i];
    check(!tiles || fabs(sum - total) < 1e-6 * rows * width, "blocks", level, width, height);
    free(statistics);
    free(blocks);
    return total / rows / (width - 10);
}

/* Of single precision in a few pixels of unrelated pictures; pictures that are alike differ a hundred times less. */
#define ROUNDING 5e-5

static void check_ssim(int width, int height) {
    for (int kind = 0; kind < 16; kind++) {
        uint8_t *x = plane(kind % 4, width, height), *y = plane(kind / 4, width, height);
        for (int step = 1; step <= 3; step += 2) {
            double truth = ssim(PLAIN, x, y, width, height, step, 0);
            check(truth >= -1 && truth <= 1.00001, "range", PLAIN, width, height);
            for (int level = 0; level <= foveola_best_level(); level++) {
                check(fabs(ssim(level, x, y, width, height, step, 1) - truth) < ROUNDING, "ssim", level, width,
                      height);
                check(ssim(level, x, x, width, height, step, 1) == 1.0, "identity", level, width, height);
            }
        }
        free(x);
        free(y);
    }
}

static double probe(int level, const uint8_t *x, const int16_t *coefficients, const uint16_t *quantiser, int width,
                    int height) {
    double total = NAN;
    float *statistics = memory(foveola_statistics_size(level, width, height, 3) * sizeof *statistics);
    check(!foveola_prepare(level, x, width, width, height, 3, statistics), "memory", level, width, height);
    check(!foveola_probe(level, x, width, width, height, 3, statistics, coefficients, quantiser, NULL, &total), "memory",
          level, width, height);
    free(statistics);
    return total / ((height - 11 + 3) / 3) / (width - 10);
}

/* A grey scan has the symbols that were counted, and stays within its room. */
static void check_scan(int level, const int16_t *coefficients, size_t size, const uint16_t *quantiser, int width,
                       int height, const int64_t symbols[272]) {
    int64_t counts[544] = {0};
    uint32_t *tokens = memory(size * sizeof *tokens), *codes = memory(544 * sizeof *codes);
    uint8_t numbers[16], values[256];
    size_t count = 0, bits = 0;
    check(!foveola_tokens(level, coefficients, NULL, NULL, quantiser, quantiser, width, height, 0, tokens, &count,
                          counts),
          "memory", level, width, height);
    check(!memcmp(symbols, counts, 272 * sizeof *counts), "tokens", level, width, height);
    foveola_huffman(counts, 16, numbers, values, codes);
    foveola_huffman(counts + 16, 256, numbers, values, codes + 16);
    for (size_t i = 0; i < count; i++) bits += (codes[tokens[i] >> 20] >> 16) + (tokens[i] >> 16 & 15);
    uint8_t *out = memory(2 * (bits / 8 + 4));
    size_t written = foveola_code(tokens, count, codes, out);
    check(written >= (bits + 7) / 8 && written <= 2 * (bits / 8 + 1), "code", level, width, height);
    free(tokens), free(codes), free(out);
}

static void check_transform(int width, int height, int kind, int step) {
    size_t size = (size_t)((height + 7) / 8) * (size_t)((width + 31) / 32) * GROUP_SIZE,
           area = (size_t)width * (size_t)height;
    uint8_t *x = plane(kind, width, height), *truth = memory(area), *out = memory(area);
    int16_t *first = memory(size * sizeof *first), *other = memory(size * sizeof *other);
    uint16_t *quantiser = memory(320 * sizeof *quantiser);
    fill_quantiser(quantiser, step);
    foveola_forward_dct(PLAIN, x, width, width, height, first);
    foveola_reconstruct(PLAIN, first, quantiser, width, height, truth, width);
    int64_t symbols[272] = {0};
    foveola_symbols(PLAIN, first, quantiser, width, height, symbols);
    for (int level = 0; level <= foveola_best_level(); level++) {
        int64_t counts[272] = {0};
        foveola_forward_dct(level, x, width, width, height, other);
        check(!memcmp(first, other, size * sizeof *first), "forward", level, width, height);
        foveola_reconstruct(level, first, quantiser, width, height, out, width);
        check(!memcmp(truth, out, area), "reconstruct", level, width, height);
        foveola_symbols(level, first, quantiser, width, height, counts);
        check(!memcmp(symbols, counts, sizeof counts), "symbols", level, width, height);
        check_scan(level, first, size, quantiser, width, height, symbols);
        if (width < 11 || height < 11) continue;
        double seen = probe(level, x, first, quantiser, width, height);
        check(fabs(seen - ssim(level, x, out, width, height, 3, 0)) < 1e-9, "probe", level, width, height);
    }
    free(x), free(truth), free(out), free(first), free(other), free(quantiser);
}

/* A candidate's colours give the digits that its luma gives. */
static void check_colours(int level, const uint8_t *pixels, int pixel, int channels, int ground, const uint8_t *luma,
                          int width, int height) {
    if (width < 11 || height < 11) return;
    double colours = NAN, plain = NAN;
    float *statistics = memory(foveola_statistics_size(level, width, height, 3) * sizeof *statistics);
    check(!foveola_prepare(level, luma, width, width, height, 3, statistics), "memory", level, width, height);
    check(!foveola_ssim(level, luma, width, width, height, 3, statistics, pixels, (ptrdiff_t)width * pixel, pixel,
                        channels, ground, NULL, &colours),
          "memory", level, width, height);
    check(!foveola_ssim(level, luma, width, width, height, 3, statistics, luma, width, 1, 1, 0, NULL, &plain), "memory",
          level, width, height);
    check(colours == plain, "colours", level, width, height);
    free(statistics);
}

static void check_luma(int width, int height) {
    for (int kind = 0; kind < 3; kind++) {
        int pixel = kind == 0 ? 3 : 4, channels = kind == 2 ? 4 : 3;
        size_t area = (size_t)width * (size_t)height;
        uint8_t *pixels = memory(area * (size_t)pixel), *truth = memory(area), *out = memory(area);
        for (size_t i = 0; i < area * (size_t)pixel; i++) pixels[i] = (uint8_t)random_bits();
        for (int ground = 0; ground < 256; ground += 85) {
            foveola_luma(PLAIN, pixels, (ptrdiff_t)width * pixel, pixel, channels, width, height, ground, truth);
            for (int level = 0; level <= foveola_best_level(); level++) {
                foveola_luma(level, pixels, (ptrdiff_t)width * pixel, pixel, channels, width, height, ground, out);
                check(!memcmp(truth, out, area), "luma", level, width, height);
                check_colours(level, pixels, pixel, channels, ground, truth, width, height);
            }
        }
        free(pixels), free(truth), free(out);
    }
}

/* Coefficients and decoded luma of a JPEG are the same at every level, whatever the pixels are apart. */
static void check_jpeg(int width, int height, int halved, int step) {
    int columns = halved ? (width + 15) / 16 * 8 : width, rows = (height + halved) >> halved, pixel = 3 + step % 3;
    size_t area = (size_t)width * (size_t)height, most = area * (size_t)pixel;
    size_t size = (size_t)((height + 7) / 8) * (size_t)((width + 31) / 32) * GROUP_SIZE * sizeof(int16_t);
    size_t part = (size_t)((rows + 7) / 8) * (size_t)((columns + 31) / 32) * GROUP_SIZE * sizeof(int16_t);
    uint8_t *pixels = memory(most), *y = memory(area), *truth = memory(area), *out = memory(area);
    int16_t *luma = memory(size), *planes[2][2];
    uint16_t *quantiser = memory(320 * sizeof *quantiser);
    for (int i = 0; i < 4; i++) planes[i / 2][i % 2] = memory(part);
    for (size_t i = 0; i < most; i++) pixels[i] = (uint8_t)(step % 2 ? (random_bits() & 1) * 255 : random_bits());
    fill_quantiser(quantiser, step);
    foveola_luma(PLAIN, pixels, (ptrdiff_t)width * pixel, pixel, 3, width, height, 0, y);
    foveola_forward_dct(PLAIN, y, width, width, height, luma);
    for (int level = 0; level <= foveola_best_level(); level++) {
        int16_t **to = planes[level > 0];
        check(!foveola_chroma(level, pixels, (ptrdiff_t)width * pixel, pixel, width, height, halved, to[0], to[1]),
              "memory", level, width, height);
        for (int i = 0; i < 2; i++) check(!memcmp(planes[0][i], to[i], part), "chroma", level, width, height);
        uint8_t *seen = level > 0 ? out : truth;
        check(!foveola_decoded_luma(level, luma, to[0], to[1], quantiser, quantiser, width, height, halved, seen),
              "memory", level, width, height);
        check(!memcmp(truth, seen, area), "decoded luma", level, width, height);
    }
    for (int i = 0; i < 4; i++) free(planes[i / 2][i % 2]);
    free(pixels), free(y), free(truth), free(out), free(luma), free(quantiser);
}

int main(void) {
    static const int SIDES[] = {1, 2, 3, 7, 8, 9, 11, 12, 17, 26, 33, 42, 65, 75, 131, 506, 507, 1003};
    enum { COUNT = sizeof SIDES / sizeof *SIDES, LARGEST = 9000 };
    for (int i = 0; i < COUNT; i++) {
        for (int k = 0; k < COUNT; k++) {
            int width = SIDES[i], height = SIDES[k];
            if (width * height > LARGEST) continue;
            check_luma(width, height);
            for (int kind = 0; kind < 8; kind++) check_jpeg(width, height, kind % 2, 9 * kind + 1);
            for (int kind = 0; kind < 4; kind++) check_transform(width, height, kind, kind == 1 ? 1 : 40 * kind + 7);
            if (width >= 11 && height >= 11) check_ssim(width, height);
        }
    }
    printf("levels up to %d, %d failures\n", foveola_best_level(), failures);
    return failures > 0;
}
