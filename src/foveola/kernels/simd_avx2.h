/* Names for 32-byte vectors; the bodies in *_vector.h are written in them. Undone by simd_end.h. */
#define TARGET __attribute__((target("avx2,fma")))
#define NAME(name) name##_avx2
#define LANES 8
#define FLOATS __m256
#define INTS __m256i
#define V(name) _mm256_##name
#define LOAD(from) _mm256_loadu_si256((const __m256i *)(from))
#define STORE(to, value) _mm256_storeu_si256((__m256i *)(to), value)
#define ZERO() _mm256_setzero_si256()
#define EACH128(from) _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)(from)))
#define AND_FLOATS(value, mask) _mm256_and_ps(value, _mm256_castsi256_ps(mask))
#define XOR(a, b) _mm256_xor_si256(a, b)
#define SIGNED_AS(value, like) _mm256_sign_epi16(value, like)
/* Bytes to 16-bit numbers. */
#define WIDEN(from) _mm256_cvtepu8_epi16(_mm_loadu_si128((const __m128i *)(from)))
/* Each 16 bytes hold 8 bytes of a row and 8 of the next. */
#define WRITE_TWO_ROWS(out, stride, value)                                                  \
    do {                                                                                    \
        __m256i rows = _mm256_permute4x64_epi64(value, 0xd8);                               \
        _mm_storeu_si128((__m128i *)(out), _mm256_castsi256_si128(rows));                   \
        _mm_storeu_si128((__m128i *)((out) + (stride)), _mm256_extracti128_si256(rows, 1)); \
    } while (0)
#define OR(a, b) _mm256_or_si256(a, b)
#define ANY_HIGH_BIT(bytes) (_mm256_movemask_epi8(bytes) != 0)
/* `sum` and the products of pairs of 16-bit numbers, added. */
#define DOT(sum, a, b) _mm256_add_epi32(sum, _mm256_madd_epi16(a, b))
#define PERMUTE32(value, order) _mm256_permutevar8x32_epi32(value, order)
/* Of 16-bit numbers of four blocks, a bit for each that isn't 0. */
#define NOT_ZERO(from)                                                                                             \
    ~(uint32_t)_mm256_movemask_epi8(_mm256_permute4x64_epi64(                                                      \
        _mm256_packs_epi16(_mm256_cmpeq_epi16(LOAD(from), ZERO()), _mm256_cmpeq_epi16(LOAD((from) + 16), ZERO())), \
        0xd8))
