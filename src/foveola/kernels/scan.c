/* The entropy-coded scan of a baseline JPEG, from coefficients: how often each symbol occurs, and the bits themselves.
 *
 * A scan is made in three steps: blocks become tokens (a symbol and the bits that follow it), the counts of symbols
 * become optimal Huffman codes, and tokens become bytes. The order of the blocks, what fills the last unit, and the
 * choice among codes of equal cost are libjpeg's, so that the file is its file (ITU-T T.81, annexes F.1.2 and K.2). */
#include <stdlib.h>

#include "kernels.h"

/* The place in zigzag order of each position, 8 * vertical + horizontal frequency, and the other way round. */
static const uint8_t PLACE[64] = {0,  1,  5,  6,  14, 15, 27, 28, 2,  4,  7,  13, 16, 26, 29, 42,
                                  3,  8,  12, 17, 25, 30, 41, 43, 9,  11, 18, 24, 31, 40, 44, 53,
                                  10, 19, 23, 32, 39, 45, 52, 54, 20, 22, 33, 38, 46, 51, 55, 60,
                                  21, 34, 37, 47, 50, 56, 59, 61, 35, 36, 48, 49, 57, 58, 62, 63};
static const uint8_t ZIGZAG[64] = {0,  1,  8,  16, 9,  2,  3,  10, 17, 24, 32, 25, 18, 11, 4,  5,
                                   12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6,  7,  14, 21, 28,
                                   35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51,
                                   58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63};

enum { DC_SYMBOLS = 16, SYMBOLS = 272, LONGEST = 16, ZERO_RUN = 0xf0 };

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

/* Where tokens go: 10 bits of symbol (those of chroma after those of luma), 4 of size, 16 that follow the code. */
struct tokens {
    uint32_t *next;
    int64_t *counts;
};

static inline void put(struct tokens *to, int symbol, int size, int value) {
    uint32_t follows = (uint32_t)(value + (value >> 31)) & ((1u << size) - 1);
    to->counts[symbol]++;
    *to->next++ = (uint32_t)symbol << 20 | (uint32_t)size << 16 | follows;
}

/* Writes the tokens of the block at `levels` (rows are GROUP_PIXELS apart), whose bits in `seen` aren't 0. */
static void put_block(struct tokens *to, const int16_t *levels, uint64_t seen, int *last, int table) {
    uint64_t order = 0;
    int before = 0, difference = levels[0] - *last, runs = table + DC_SYMBOLS, size = bits_of(difference);
    put(to, table + size, size, difference);
    *last = levels[0];
    for (seen &= ~(uint64_t)1; seen; seen &= seen - 1) order |= (uint64_t)1 << PLACE[lowest(seen)];
    for (; order; order &= order - 1) {
        int place = lowest(order), run = place - before - 1, at = ZIGZAG[place];
        int level = levels[at / 8 * GROUP_PIXELS + at % 8];
        for (; run > 15; run -= 16) put(to, runs + ZERO_RUN, 0, 0);
        size = bits_of(level);
        put(to, runs + (run << 4 | size), size, level);
        before = place;
    }
    if (before < 63) put(to, runs, 0, 0);
}

/* One component: its quantised rows of blocks within a row of units, and the DC that was written last. */
struct component {
    const int16_t *coefficients;
    const uint16_t *quantiser;
    int across, down, side, table, last; /* blocks of the plane, and of a side of a unit */
    int16_t *levels;
    uint64_t *seen;
};

static size_t groups_of(const struct component *of) { return (size_t)(of->across + GROUP - 1) / GROUP; }

static void quantise_rows(int level, struct component *of, int unit_row) {
    size_t groups = groups_of(of);
    for (int row = 0; row < of->side && unit_row * of->side + row < of->down; row++) {
        const int16_t *from = of->coefficients + (size_t)(unit_row * of->side + row) * groups * GROUP_SIZE;
        uint64_t *seen = of->seen + (size_t)row * groups * GROUP;
        memset(seen, 0, groups * GROUP * sizeof *seen);
        for (size_t i = 0; i < groups; i++)
            foveola_levels_of_group[level](from + i * GROUP_SIZE, of->quantiser,
                                           of->levels + ((size_t)row * groups + i) * GROUP_SIZE, seen + i * GROUP);
    }
}

/* Blocks beyond the plane repeat the DC that was written last in the row, or in the unit above. */
static void put_unit(struct tokens *to, struct component *of, int unit_row, int unit) {
    for (int row = 0; row < of->side; row++)
        for (int column = unit * of->side; column < (unit + 1) * of->side; column++) {
            size_t block = (size_t)row * groups_of(of) * GROUP + (size_t)column;
            if (column < of->across && unit_row * of->side + row < of->down) {
                const int16_t *levels = of->levels + block / GROUP * GROUP_SIZE + block % GROUP * 8;
                put_block(to, levels, of->seen[block], &of->last, of->table);
            } else {
                put(to, of->table, 0, 0);
                put(to, of->table + DC_SYMBOLS, 0, 0);
            }
        }
}

static int put_units(int level, struct tokens *to, struct component *of, int count, int down, int across) {
    for (int i = 0; i < count; i++) {
        size_t blocks = groups_of(of + i) * GROUP * (size_t)of[i].side;
        of[i].levels = malloc(blocks * 64 * sizeof(int16_t));
        of[i].seen = malloc(blocks * sizeof(uint64_t));
    }
    int failed = 0;
    for (int i = 0; i < count; i++) failed |= of[i].levels == NULL || of[i].seen == NULL;
    for (int row = 0; row < down && !failed; row++) {
        for (int i = 0; i < count; i++) quantise_rows(level, of + i, row);
        for (int unit = 0; unit < across; unit++)
            for (int i = 0; i < count; i++) put_unit(to, of + i, row, unit);
    }
    for (int i = 0; i < count; i++) free(of[i].levels), free(of[i].seen);
    return -failed;
}

static int blocks_in(int pixels) { return (pixels + 7) / 8; }

int foveola_tokens(int level, const int16_t *luma, const int16_t *blue, const int16_t *red,
                   const uint16_t *luma_quantiser, const uint16_t *chroma_quantiser, int width, int height, int halved,
                   uint32_t *tokens, size_t *count, int64_t *counts) {
    int side = blue != NULL && halved ? 2 : 1, across = blocks_in(width), down = blocks_in(height);
    int columns = blocks_in((width + side - 1) / side), rows = blocks_in((height + side - 1) / side);
    struct component components[3] = {{luma, luma_quantiser, across, down, side, 0, 0, NULL, NULL},
                                      {blue, chroma_quantiser, columns, rows, 1, SYMBOLS, 0, NULL, NULL},
                                      {red, chroma_quantiser, columns, rows, 1, SYMBOLS, 0, NULL, NULL}};
    struct tokens to = {tokens, counts};
    int status = put_units(level, &to, components, blue == NULL ? 1 : 3, rows, columns);
    *count = (size_t)(to.next - tokens);
    return status;
}

void foveola_symbols(int level, const int16_t *coefficients, const uint16_t *quantiser, int width, int height,
                     int64_t *counts) {
    int last = 0;
    for (int top = 0; top < height; top += 8) {
        for (int left = 0; left < width; left += GROUP_PIXELS, coefficients += GROUP_SIZE) {
            int16_t levels[GROUP_SIZE];
            uint64_t seen[GROUP] = {0};
            foveola_levels_of_group[level](coefficients, quantiser, levels, seen);
            for (int block = 0; block < GROUP && left + 8 * block < width; block++) {
                uint32_t unread[64];
                struct tokens to = {unread, counts};
                put_block(&to, levels + 8 * block, seen[block], &last, 0);
            }
        }
    }
}

/* Of the symbols that occur, the rarest, and among equals the last; -1 where none is left. */
static int rarest(const int64_t *counts, int but) {
    int found = -1;
    for (int i = 0; i <= 256; i++)
        if (counts[i] > 0 && i != but && (found < 0 || counts[i] <= counts[found])) found = i;
    return found;
}

/* The lengths of optimal codes: of the symbols, and of the code of ones, which stands last and is not given away. */
static void code_lengths(int64_t counts[257], int lengths[257]) {
    int next[257];
    for (int i = 0; i <= 256; i++) next[i] = -1, lengths[i] = 0;
    for (;;) {
        int one = rarest(counts, -1), two = rarest(counts, one);
        if (two < 0) return;
        counts[one] += counts[two], counts[two] = 0;
        for (int tail = one;; tail = next[tail]) {
            lengths[tail]++;
            if (next[tail] >= 0) continue;
            next[tail] = two;
            break;
        }
        for (int i = two; i >= 0; i = next[i]) lengths[i]++;
    }
}

/* No code of more than 16 bits: a pair of the longest gives its place to one of them, and a shorter code is split. */
static void limit(int numbers[258]) {
    for (int length = 257; length > LONGEST; length--)
        while (numbers[length] > 0) {
            int shorter = length - 2;
            while (numbers[shorter] == 0) shorter--;
            numbers[length] -= 2, numbers[length - 1]++;
            numbers[shorter + 1] += 2, numbers[shorter]--;
        }
    int longest = LONGEST;
    while (numbers[longest] == 0) longest--;
    numbers[longest]--;
}

int foveola_huffman(const int64_t *counts, int symbols, uint8_t *numbers, uint8_t *values, uint32_t *codes) {
    int64_t left[257] = {0};
    int lengths[257], of_length[258] = {0}, found = 0;
    uint32_t code = 0;
    memcpy(left, counts, (size_t)symbols * sizeof *left);
    left[256] = 1;
    code_lengths(left, lengths);
    for (int i = 0; i <= 256; i++) of_length[lengths[i]] += lengths[i] > 0;
    limit(of_length);
    for (int length = 1; length <= 257; length++)
        for (int i = 0; i < symbols; i++)
            if (lengths[i] == length) values[found++] = (uint8_t)i;
    for (int length = 1, i = 0; length <= LONGEST; length++, code <<= 1) {
        numbers[length - 1] = (uint8_t)of_length[length];
        for (int k = 0; k < of_length[length]; k++) codes[values[i++]] = (uint32_t)length << 16 | code++;
    }
    return found;
}

static uint8_t *put_byte(uint8_t *to, uint8_t byte) {
    *to++ = byte;
    if (byte == 0xff) *to++ = 0;
    return to;
}

size_t foveola_code(const uint32_t *tokens, size_t count, const uint32_t *codes, uint8_t *out) {
    uint64_t bits = 0;
    int held = 0;
    uint8_t *to = out;
    for (size_t i = 0; i < count; i++) {
        uint32_t token = tokens[i], code = codes[token >> 20];
        int size = token >> 16 & 15;
        bits = (bits << (code >> 16) | (code & 0xffff)) << size | (token & 0xffff);
        held += (int)(code >> 16) + size;
        if (held < 32) continue;
        held -= 32;
        uint32_t word = (uint32_t)(bits >> held), ones = word & ~(word + 0x01010101) & 0x80808080;
        for (int shift = 24; shift >= 0; shift -= 8) to[3 - shift / 8] = (uint8_t)(word >> shift);
        if (!ones) {
            to += 4;
            continue;
        }
        for (int shift = 24; shift >= 0; shift -= 8) to = put_byte(to, (uint8_t)(word >> shift));
    }
    for (; held >= 8; held -= 8) to = put_byte(to, (uint8_t)(bits >> (held - 8)));
    if (held > 0) to = put_byte(to, (uint8_t)(bits << (8 - held) | (0xffu >> held)));
    return (size_t)(to - out);
}
