"""log1p and expm1, the shrinkage of skipped L2 steps.

One skipped step divides a weight by 1 + kappa, so k of them multiply it by
a = (1 + kappa)^-k = exp(-k log1p(kappa)). The kernels need a, and a - 1 by
expm1, which keeps its digits when kappa is tiny. float64 calls the C library. float32 uses
the polynomials below, which a compiler can vectorise. (The casts of constants matter:
Cython writes a bare 1 as a double, and all around it would be computed in doubles.)
"""

from libc.math cimport exp, expm1, log1p
from libc.stdint cimport int32_t

from dtypes cimport weight_t


cdef union Bits:
    float value
    int32_t bits


# log1p(x), x >= 0, within 3 ulp: 1 + x = 2^n m with m in [sqrt(1/2), sqrt(2)), then
# log m = 2 atanh(f / (2 + f)), f = m - 1, by its odd series in s = f / (2 + f), |s| < 0.172.
cdef inline float log1p_float(float x) noexcept nogil:
    cdef Bits u
    cdef int32_t n
    cdef float f, s, square
    u.value = <float>1 + x
    # 0x3f3504f3 is sqrt(1/2): the bits above it count the powers of two.
    n = (u.bits - 0x3f3504f3) >> 23
    u.bits -= n << 23
    # While n = 0, x itself has the digits that 1 + x has rounded away.
    f = x if n == 0 else u.value - <float>1
    s = f / (<float>2 + f)
    square = s * s
    return <float>0.693147180559945 * <float>n + s * (
        <float>2 + square * (<float>0.666666666666667 + square * (
            <float>0.4 + square * (<float>0.285714285714286 + square * <float>0.222222222222222))))


# exp(y) = 2^n (1 + p), y <= 0: y = n log 2 + r with |r| <= log(2) / 2, and p the Taylor polynomial
# of degree 7 for expm1(r). Returns 2^n. From these exp and expm1 within 3 ulp.
cdef inline float split_exp(float y, float *p) noexcept nogil:
    cdef Bits power
    cdef float n, r
    y = y if y > <float>-87 else <float>-87
    # Adding and taking away 1.5 * 2^23 rounds to a whole number.
    n = (y * <float>1.44269504088896 + <float>12582912.) - <float>12582912.
    # log 2 in two parts, the first with few bits, so that n times it is exact.
    r = (y - n * <float>0.693359375) + n * <float>2.12194440054691e-4
    p[0] = r + r * r * (<float>0.5 + r * (
        <float>0.166666666666667 + r * (<float>0.0416666666666667 + r * (
            <float>0.00833333333333333 + r * (
                <float>0.00138888888888889 + r * <float>0.000198412698412698)))))
    power.bits = (<int32_t>n + 127) << 23
    return power.value


cdef inline float exp_float(float y) noexcept nogil:
    cdef float p
    cdef float power = split_exp(y, &p)
    return power * p + power


cdef inline float expm1_float(float y) noexcept nogil:
    cdef float p
    cdef float power = split_exp(y, &p)
    return power * p + (power - <float>1)


# The same near zero, where one polynomial does: log(1 + x) for 0 <= x <= 1/256 by Taylor's series,
# exp(y) - 1 by interpolation of (exp(y) - 1) / y in Chebyshev's points for -1 <= y <= 0; 2 ulp.
# Estrin's order of terms: while Horner's waits for each, a row's weights wait.
cdef extern from *:
    """
    #define FASTADA_LARGEST_NEAR_ZERO 0.00390625
    """
    const double LARGEST_NEAR_ZERO "FASTADA_LARGEST_NEAR_ZERO"


cdef inline float log1p_near_zero(float x) noexcept nogil:
    return x - x * x * (<float>0.5 - x * <float>0.333333333333333)


cdef inline float expm1_near_zero(float y) noexcept nogil:
    cdef float square = y * y
    cdef float fourth = square * square
    cdef float low = (<float>0.4999997972521332 + y * <float>0.1666634031151738) + square * (
        <float>0.0416468493140589 + y * <float>0.008275504844831973)
    cdef float high = <float>0.001300774959016086 + y * <float>0.000129076310551162
    return y + square * (low + fourth * high)


cdef inline weight_t log1plus(weight_t x) noexcept nogil:
    if weight_t is float:
        return log1p_float(x)
    else:
        return log1p(x)


cdef inline weight_t exponential(weight_t y) noexcept nogil:
    if weight_t is float:
        return exp_float(y)
    else:
        return exp(y)


cdef inline weight_t exp_minus_one(weight_t y) noexcept nogil:
    if weight_t is float:
        return expm1_float(y)
    else:
        return expm1(y)
