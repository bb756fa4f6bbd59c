"""Powers of one number, many of them: two small tables in place of a call to exp for each.

base^k = base^(k mod 64) base^(64 (k div 64)), either factor exact to rounding. Where 1 - base^k has
to keep its digits the tables hold powers minus one, which combine as l + h + l h.
"""

from libc.math cimport exp, expm1, log
from libc.stdint cimport int64_t


cdef enum:
    BITS = 6
    SIDE = 64  # 2^BITS


cdef struct Powers:
    double log_base
    double low[SIDE]
    double high[SIDE]


cdef inline Powers powers_of(double base, bint minus_one) noexcept nogil:
    cdef Powers powers
    cdef int k
    powers.log_base = log(base)
    powers.low[0] = powers.high[0] = 0 if minus_one else 1
    for k in range(1, SIDE):
        if minus_one:
            powers.low[k] = expm1(k * powers.log_base)
            powers.high[k] = expm1(k * SIDE * powers.log_base)
        else:
            powers.low[k] = exp(k * powers.log_base)
            powers.high[k] = exp(k * SIDE * powers.log_base)
    return powers


# base^k, k >= 0, from tables of powers.
cdef inline double power(const Powers *powers, int64_t k) noexcept nogil:
    if k < SIDE * SIDE:
        return powers.low[k & (SIDE - 1)] * powers.high[k >> BITS]
    return exp(<double>k * powers.log_base)


# base^k - 1, k >= 0, from tables of powers minus one.
cdef inline double power_minus_one(const Powers *powers, int64_t k) noexcept nogil:
    cdef double low, high
    if k < SIDE * SIDE:
        low, high = powers.low[k & (SIDE - 1)], powers.high[k >> BITS]
        return low + high + low * high
    return expm1(<double>k * powers.log_base)
