"""expm1(-k log1p(kappa)), the shrinkage of k skipped L2 steps, minus one.

One skipped step divides a weight by 1 + kappa, so k of them multiply it by
a = (1 + kappa)^-k. The kernels need a - 1 = expm1(-k log1p(kappa)), which
keeps its digits when kappa is tiny. float64 calls the C library. float32 uses
the polynomials below, which a compiler can vectorise; both of their
arguments are finite, kappa >= 0 and k >= 0.
"""

from libc.math cimport expm1, log1p
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
    u.value = 1 + x
    # 0x3f3504f3 is sqrt(1/2): the bits above it count the powers of two.
    n = (u.bits - 0x3f3504f3) >> 23
    u.bits -= n << 23
    # While n = 0, x itself has the digits that 1 + x has rounded away.
    f = x if n == 0 else u.value - 1
    s = f / (2 + f)
    square = s * s
    return <float>0.693147180559945 * <float>n + s * (
        2 + square * (<float>0.666666666666667 + square * (
            <float>0.4 + square * (<float>0.285714285714286 + square * <float>0.222222222222222))))


# expm1(y), y <= 0, within 3 ulp: y = n log 2 + r with |r| <= log(2) / 2, then
# 2^n (expm1(r) + 1) - 1 with the Taylor polynomial of degree 7 for expm1(r).
cdef inline float expm1_float(float y) noexcept nogil:
    cdef Bits power
    cdef float n, r, p
    y = y if y > -87 else -87
    # Adding and taking away 1.5 * 2^23 rounds to a whole number.
    n = (y * <float>1.44269504088896 + <float>12582912.) - <float>12582912.
    # log 2 in two parts, the first with few bits, so that n times it is exact.
    r = (y - n * <float>0.693359375) + n * <float>2.12194440054691e-4
    p = r + r * r * (<float>0.5 + r * (
        <float>0.166666666666667 + r * (<float>0.0416666666666667 + r * (
            <float>0.00833333333333333 + r * (
                <float>0.00138888888888889 + r * <float>0.000198412698412698)))))
    power.bits = (<int32_t>n + 127) << 23
    return power.value * p + (power.value - 1)


cdef inline weight_t decay_minus_one(weight_t kappa, weight_t k) noexcept nogil:
    if weight_t is float:
        return expm1_float(-k * log1p_float(kappa))
    else:
        return expm1(-k * log1p(kappa))
