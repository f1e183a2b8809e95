/* Names for 64-byte vectors; the bodies in *_vector.h are written in them. Undone by simd_end.h. */
#define TARGET __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx2,fma")))
#define NAME(name) name##_avx512
#define LANES 16
#define FLOATS __m512
#define INTS __m512i
#define V(name) _mm512_##name
#define LOAD(from) _mm512_loadu_si512((const void *)(from))
#define STORE(to, value) _mm512_storeu_si512((void *)(to), value)
#define ZERO() _mm512_setzero_si512()
#define EACH128(from) _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)(from)))
#define AND_FLOATS(value, mask) _mm512_and_ps(value, _mm512_castsi512_ps(mask))
#define XOR(a, b) _mm512_xor_si512(a, b)
#define SIGNED_AS(value, like) _mm512_mask_sub_epi16(value, _mm512_movepi16_mask(like), _mm512_setzero_si512(), value)
/* Bytes to 16-bit numbers. */
#define WIDEN(from) _mm512_cvtepu8_epi16(_mm256_loadu_si256((const __m256i *)(from)))
/* Each 16 bytes hold 8 bytes of a row and 8 of the next. */
#define WRITE_TWO_ROWS(out, stride, value)                                                         \
    do {                                                                                           \
        __m512i rows = _mm512_permutexvar_epi64(_mm512_setr_epi64(0, 2, 4, 6, 1, 3, 5, 7), value); \
        _mm256_storeu_si256((__m256i *)(out), _mm512_castsi512_si256(rows));                       \
        _mm256_storeu_si256((__m256i *)((out) + (stride)), _mm512_extracti64x4_epi64(rows, 1));    \
    } while (0)
#define OR(a, b) _mm512_or_si512(a, b)
#define ANY_HIGH_BIT(bytes) (_mm512_movepi8_mask(bytes) != 0)
/* `sum` and the products of pairs of 16-bit numbers, added. */
#define DOT(sum, a, b) _mm512_dpwssd_epi32(sum, a, b)
#define PERMUTE32(value, order) _mm512_permutexvar_epi32(order, value)
/* Of 16-bit numbers of four blocks, a bit for each that isn't 0. */
#define NOT_ZERO(from) _mm512_test_epi16_mask(LOAD(from), LOAD(from))
