/* Where the 32-bit words of 4 * LANES bytes go: pixels of three or four bytes to every fourth word's place; what two
 * packs, or one, have interleaved back in order. */
static const int32_t EVERY_THREE_avx2[8] = {0, 1, 2, 0, 3, 4, 5, 0}, EVERY_FOUR_avx2[8] = {0, 1, 2, 3, 4, 5, 6, 7};
static const int32_t UNPACKED_avx2[8] = {0, 4, 1, 5, 2, 6, 3, 7}, HALVES_avx2[8] = {0, 1, 4, 5, 2, 3, 6, 7};

static const int32_t EVERY_THREE_avx512[16] = {0, 1, 2, 0, 3, 4, 5, 0, 6, 7, 8, 0, 9, 10, 11, 0};
static const int32_t EVERY_FOUR_avx512[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
static const int32_t UNPACKED_avx512[16] = {0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15};
static const int32_t HALVES_avx512[16] = {0, 1, 4, 5, 8, 9, 12, 13, 2, 3, 6, 7, 10, 11, 14, 15};
