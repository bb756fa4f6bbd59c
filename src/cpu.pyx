"""What the CPU at hand can do beyond what every CPU of its kind can."""


cdef extern from *:
    """
    #if defined(FASTADA_AVX2_BUILT)
    #define FASTADA_USES_AVX2() __builtin_cpu_supports("avx2")
    #else
    #define FASTADA_USES_AVX2() 0
    #endif
    """
    int uses_avx2_ "FASTADA_USES_AVX2"() nogil


def uses_avx2():
    """Say whether the kernels were built for AVX2 too, and the CPU and system have it."""
    return uses_avx2_() != 0
