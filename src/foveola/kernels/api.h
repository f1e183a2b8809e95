/* The functions of the shared library; read by the C sources and, as it is, by cffi.
 *
 * `level` is one of foveola_best_level() and below: 0 plain C, 1 AVX2, 2 AVX-512. What was prepared at one level is
 * read at the same. Nothing but spare scratch memory is kept between calls, and any number of threads may call.
 * Functions that return int give 0, or -1 where scratch memory ran out. Sizes are in pixels, strides in bytes. */

int foveola_best_level(void);

/* Y' of `channels` (3, or 4 with straight alpha over the grey `background`) bytes each `pixel` bytes. */
void foveola_luma(int level, const uint8_t *pixels, ptrdiff_t row, ptrdiff_t pixel, int channels, int width, int height,
                  int background, uint8_t *out);

/* Gaussian statistics of a reference (sides of 11 at least) for the map rows 0, step, 2 step...; how many floats. */
size_t foveola_statistics_size(int level, int width, int height, int step);
int foveola_prepare(int level, const uint8_t *luma, ptrdiff_t stride, int width, int height, int step,
                    float *statistics);

/* The sum of the SSIM map, or of its rows 0, step, 2 step...; where `blocks` isn't NULL, that of its 16x16 blocks too, row
 * by row. The candidate is as in foveola_luma, or a luma plane where `channels` and `pixel` are 1. */
int foveola_ssim(int level, const uint8_t *luma, ptrdiff_t stride, int width, int height, int step,
                 const float *statistics, const uint8_t *candidate, ptrdiff_t row, ptrdiff_t pixel, int channels,
                 int background, double *blocks, double *total);

/* 16 times the JPEG coefficients: rows of blocks, groups of four blocks, 8 vertical frequencies, 4 blocks, 8 horizontal
 * frequencies. `quantiser` is five 8x8 tables (see quantiser.py). */
void foveola_forward_dct(int level, const uint8_t *luma, ptrdiff_t stride, int width, int height,
                         int16_t *coefficients);
int foveola_probe(int level, const uint8_t *luma, ptrdiff_t stride, int width, int height, int step,
                  const float *statistics, const int16_t *coefficients, const uint16_t *quantiser,
                  double *blocks, double *total);
void foveola_reconstruct(int level, const int16_t *coefficients, const uint16_t *quantiser, int width, int height,
                         uint8_t *out, ptrdiff_t stride);

/* Adds to 272 counts: DC categories, then AC run/size symbols. */
void foveola_symbols(int level, const int16_t *coefficients, const uint16_t *quantiser, int width, int height,
                     int64_t *counts);

/* What a decoder shows of a JPEG of (R, G, B) pixels each `pixel` bytes, `halved` (4:2:0: 1, else 0): the coefficients
 * of Cb and Cr, of sides rounded up to halves and to whole blocks; then the luma of the colours that come back. */
int foveola_chroma(int level, const uint8_t *pixels, ptrdiff_t row, ptrdiff_t pixel, int width, int height, int halved,
                   int16_t *blue, int16_t *red);
int foveola_decoded_luma(int level, const int16_t *luma, const int16_t *blue, const int16_t *red,
                         const uint16_t *luma_quantiser, const uint16_t *chroma_quantiser, int width, int height,
                         int halved, uint8_t *out);

/* The scan of a baseline JPEG, of a grey one where `blue` is NULL. First tokens (64 a block at most, 4:2:0 up to whole
 * units) and, added to 544 counts, those of luma's 272 symbols, then chroma's. Then for each alphabet of `symbols` the
 * code that is best: how many codes of 1..16 bits, the values by length, and for each symbol length << 16 | code;
 * returns how many values. Then the bytes, of codes of 544 symbols; returns how many. */
int foveola_tokens(int level, const int16_t *luma, const int16_t *blue, const int16_t *red,
                   const uint16_t *luma_quantiser, const uint16_t *chroma_quantiser, int width, int height, int halved,
                   uint32_t *tokens, size_t *count, int64_t *counts);
int foveola_huffman(const int64_t *counts, int symbols, uint8_t *numbers, uint8_t *values, uint32_t *codes);
size_t foveola_code(const uint32_t *tokens, size_t count, const uint32_t *codes, uint8_t *out);
