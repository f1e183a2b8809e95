/* What the sources share: the levels of vector code, and the functions one source offers the others. */
#ifndef FOVEOLA_KERNELS_H
#define FOVEOLA_KERNELS_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__GNUC__) && (defined(__x86_64__) || defined(__i386__)) && !defined(FOVEOLA_PLAIN)
#define FOVEOLA_X86 1
#include <immintrin.h>
#else
#define FOVEOLA_X86 0
#endif

#if defined(__GNUC__)
#pragma GCC visibility push(default)
#endif
#include "api.h"
#if defined(__GNUC__)
#pragma GCC visibility pop
#endif

enum { PLAIN, AVX2, AVX512, LEVELS };
enum { GROUP = 4, GROUP_PIXELS = 8 * GROUP, GROUP_SIZE = 64 * GROUP };

static inline int smaller(int a, int b) { return a < b ? a : b; }
static inline int groups_across(int width) { return (width + GROUP_PIXELS - 1) / GROUP_PIXELS; }

/* Writes `count` groups of one row of blocks as 8 rows of pixels. */
typedef void decode_groups(const int16_t *coefficients, const uint16_t *quantiser, int count, uint8_t *out,
                           ptrdiff_t stride);
extern decode_groups *const foveola_decode_groups[LEVELS];

/* Quantises; sets the bits of `seen` at levels that aren't 0. */
typedef void levels_of_group(const int16_t *group, const uint16_t *quantiser, int16_t *levels, uint64_t seen[GROUP]);
extern levels_of_group *const foveola_levels_of_group[LEVELS];

/* The five tables of a quantiser, 64 entries each: level = ((|c| + BIAS) * RECIPROCAL >> 16) * SHIFT >> 16, and 16
 * times the value = -(-2 * level * LIFT * STEP >> 15), rounded, for levels without their sign: white at a step that is a
 * power of two comes to -2^15, which has no positive twin in 16 bits. */
enum { BIAS, RECIPROCAL = 64, SHIFT = 128, LIFT = 192, STEP = 256 };

#endif
