"""Four float32 records {value, accumulator} at a time, side by side in 16 bytes of registers.

A loop over gathered records wants to load 16 bytes, and a load cannot take what two narrower stores
have not yet brought to the cache: it waits for them. So two records are joined before they are
stored side by side, and halves of 16 bytes are stored to where they belong.

Compilers without vectors of their own get the same operations one number after the other.
"""


cdef extern from *:
    """
    #include <string.h>

    #if defined(__GNUC__) || defined(__clang__)
    typedef float fastada_four __attribute__((vector_size(16)));
    typedef long long fastada_records __attribute__((vector_size(16)));
    /* The same, wherever they lie in whatever memory. */
    typedef float fastada_any_four __attribute__((vector_size(16), aligned(4), may_alias));
    typedef long long fastada_any_records __attribute__((vector_size(16), aligned(4), may_alias));
    typedef long long fastada_any_record __attribute__((aligned(4), may_alias));

    static inline fastada_four fastada_join(const float *a, const float *b)
    {
        return (fastada_four)(fastada_records){
            *(const fastada_any_record *)a, *(const fastada_any_record *)b};
    }

    static inline fastada_four fastada_load_four(
        const float *a, const float *b, const float *c, const float *d, float *loaded)
    {
        const fastada_four ab = fastada_join(a, b), cd = fastada_join(c, d);
        *(fastada_any_four *)loaded = ab;
        *(fastada_any_four *)(loaded + 4) = cd;
    #if defined(__clang__)
        return __builtin_shufflevector(ab, cd, 0, 2, 4, 6);
    #else
        typedef int four_ints __attribute__((vector_size(16)));
        return __builtin_shuffle(ab, cd, (four_ints){0, 2, 4, 6});
    #endif
    }

    /* {value, accumulator} four times over. */
    static inline void fastada_store_four(
        float *a, float *b, float *c, float *d, const float *values, const float *accumulators)
    {
        const fastada_four v = *(const fastada_any_four *)values;
        const fastada_four g = *(const fastada_any_four *)accumulators;
    #if defined(__clang__)
        const fastada_records ab = (fastada_records)__builtin_shufflevector(v, g, 0, 4, 1, 5);
        const fastada_records cd = (fastada_records)__builtin_shufflevector(v, g, 2, 6, 3, 7);
    #else
        typedef int four_ints __attribute__((vector_size(16)));
        const fastada_records ab = (fastada_records)__builtin_shuffle(
            v, g, (four_ints){0, 4, 1, 5});
        const fastada_records cd = (fastada_records)__builtin_shuffle(
            v, g, (four_ints){2, 6, 3, 7});
    #endif
        *(fastada_any_record *)a = ab[0];
        *(fastada_any_record *)b = ab[1];
        *(fastada_any_record *)c = cd[0];
        *(fastada_any_record *)d = cd[1];
    }

    static inline fastada_four fastada_add_product(
        fastada_four sums, fastada_four values, const float *x)
    {
        return sums + *(const fastada_any_four *)x * values;
    }

    static inline float fastada_sum(fastada_four sums, float rest)
    {
        return ((sums[0] + rest) + sums[1]) + (sums[2] + sums[3]);
    }
    #else
    typedef struct { float at[4]; } fastada_four;

    static fastada_four fastada_load_four(
        const float *a, const float *b, const float *c, const float *d, float *loaded)
    {
        const fastada_four values = {{a[0], b[0], c[0], d[0]}};
        memcpy(loaded, a, 8);
        memcpy(loaded + 2, b, 8);
        memcpy(loaded + 4, c, 8);
        memcpy(loaded + 6, d, 8);
        return values;
    }

    static void fastada_store_two(float *a, float *b, const float *loaded)
    {
        memcpy(a, loaded, 8);
        memcpy(b, loaded + 2, 8);
    }

    static fastada_four fastada_add_product(
        fastada_four sums, fastada_four values, const float *x)
    {
        int k;
        for (k = 0; k < 4; k++) sums.at[k] += x[k] * values.at[k];
        return sums;
    }

    static float fastada_sum(fastada_four sums, float rest)
    {
        return ((sums.at[0] + rest) + sums.at[1]) + (sums.at[2] + sums.at[3]);
    }
    #endif

    static fastada_four fastada_zeros(void)
    {
        fastada_four zeros;
        memset(&zeros, 0, sizeof zeros);
        return zeros;
    }
    """
    ctypedef struct Four "fastada_four":
        pass
    Four zeros "fastada_zeros"() noexcept nogil
    # Put four records side by side into `loaded`; returns their values.
    Four load_four "fastada_load_four"(
        const float *a, const float *b, const float *c, const float *d, float *loaded
    ) noexcept nogil
    void store_four "fastada_store_four"(
        float *a, float *b, float *c, float *d, const float *values, const float *accumulators
    ) noexcept nogil
    Four add_product "fastada_add_product"(Four sums, Four values, const float *x) noexcept nogil
    float sum_of "fastada_sum"(Four sums, float rest) noexcept nogil
