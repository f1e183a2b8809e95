/* Which vector code this processor runs, asked of the processor and its operating system. */
#include "kernels.h"

int foveola_best_level(void) {
#if FOVEOLA_X86
    __builtin_cpu_init();
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) return PLAIN;
    int wide = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
               __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
               __builtin_cpu_supports("avx512vnni");
    return wide ? AVX512 : AVX2;
#else
    return PLAIN;
#endif
}
