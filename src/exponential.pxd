"""exp, inlined: all the steps of a row wait for its loss, and a call of the C library takes longer.

Besides, the bits are the same on every machine. Those of exp(0) = 1 are exact.
"""

from libc.stdint cimport uint64_t


cdef union DoubleBits:
    double value
    uint64_t bits


# exp(x), x <= 0, within 1.5 ulp; 0 below -708, where numbers lose their digits; a NaN stays one.
# x = n log 2 + r with |r| <= log(2) / 2, and exp(r) = 1 + r + r^2 q(r), where q interpolates
# (exp(r) - 1 - r) / r^2 in ten of Chebyshev's points. Estrin's order of terms.
cdef inline double exp_not_positive(double x) noexcept nogil:
    cdef double y = x if x > -708 else -708
    # Adding 1.5 * 2^52 rounds to a whole number, which the last bits then hold.
    cdef DoubleBits shifted, power
    cdef double n, r, square, fourth, low, middle, result
    shifted.value = y * 1.4426950408889634 + 6755399441055744.
    n = shifted.value - 6755399441055744.
    # log 2 in two parts, the first with few bits, so that n times it is exact.
    r = (y - n * 0.6931471805598903) - n * 5.497923018708371e-14
    square = r * r
    fourth = square * square
    low = (0.5 + r * 0.16666666666666669) + square * (
        0.04166666666662413 + r * 0.008333333333330062)
    middle = (0.0013888888917213717 + r * 0.00019841269863053618) + square * (
        2.4801521295954376e-05 + r * 2.7557268459997064e-06)
    low += fourth * (middle + fourth * (2.7620088445409746e-07 + r * 2.510038549551032e-08))
    power.bits = (shifted.bits << 52) + <uint64_t>0x3ff0000000000000
    result = power.value * (1 + (r + square * low))
    return result if x >= -708 else (0 if x < -708 else x)
