"""How far Adam carries a weight whose gradient stays zero.

After step t a weight holds m and s. At step t + j without gradient Adam moves it by rate times

    m b1^j / (1 - b1^(t+j)) / (epsilon + sqrt(s b2^j / (1 - b2^(t+j))))
        = m p_j / (sqrt(s) + epsilon x_j),

    p_j = r^j c_j / (1 - b1^(t+j)),  x_j = c_j b2^(-j/2),
    c_j = sqrt(1 - b2^(t+j)),        r = b1 / sqrt(b2).

How many skipped steps matter: p_j falls as r^j; c_j grows to 1 at most, from sqrt(1 - b2) at least,
and 1 - b1^(t+j) grows. So all steps past J together are at most r^J / ((1 - r) sqrt(1 - b2)) of
the first, below 2^-54 of it for

    J = log(2^-54 (1 - r) sqrt(1 - b2)) / log r,

412 steps for the usual b1 = 0.9, b2 = 0.999. Adam needs r < 1 for this (and to converge: Reddi,
Kale, Kumar 2018). Over those, p_j and x_j are the same for all weights, so the whole way left is
a power series in z = epsilon / sqrt(s), alternating, whose coefficients are summed once per step:

    way(t, m, s) = sum_j m p_j / (sqrt(s) + epsilon x_j)
                 = (m / sqrt(s)) sum_n (-z)^n sum_j p_j x_j^n.

N_TERMS of them are exact to rounding while z < nearest, where the first term left out is below
2^-54 of the sum; N_FEW of them for most weights, whose sqrt(s) is far larger than epsilon. k missed
steps then go way(t, m, s) - way(t + k, b1^k m, b2^k s), the former kept in the record since the
last visit. Weights too close to epsilon for that walk step by step.
"""

from libc.math cimport ceil, expm1, log, pow, sqrt
from libc.stdint cimport int64_t

from dtypes cimport weight_t
from powers cimport Powers, power, powers_of


cdef enum:
    N_TERMS = 10
    N_FEW = 4


# The series for weights as of one step.
cdef struct Series:
    double scale                  # epsilon / nearest, so that z / nearest = scale / sqrt(s)
    double nearest_few            # the same for N_FEW terms, over that for N_TERMS
    double coefficients[N_TERMS]  # of (z / nearest)^n


cdef struct Coasting:
    double beta_1
    double beta_2
    double epsilon
    int64_t step              # the one about to be taken
    int64_t horizon           # J
    Powers powers_1           # of beta_1
    Powers powers_2           # of beta_2
    Series before             # as of step - 1
    Series after              # as of step


# The z below which n_terms are enough. Without any moments (b1 = 0) there is nothing to coast on.
cdef inline double reach(const double *moments, int n_terms) noexcept nogil:
    return 1 if moments[0] == 0 else pow(2. ** -54 * moments[0] / moments[n_terms], 1. / n_terms)


cdef inline void scale_series(Series *series, double epsilon, const double *moments) noexcept nogil:
    cdef double factor = 1
    cdef double nearest = reach(moments, N_TERMS)
    cdef int n
    series.scale = epsilon / nearest
    series.nearest_few = reach(moments, N_FEW) / nearest
    for n in range(N_TERMS):
        series.coefficients[n] = factor * moments[n]
        factor *= -nearest


cdef inline Coasting coast_from(
    int64_t step, double beta_1, double beta_2, double epsilon
) noexcept nogil:
    cdef Coasting c
    cdef double ratio = beta_1 / sqrt(beta_2)
    cdef double growth = 1 / sqrt(beta_2)
    c.beta_1, c.beta_2, c.epsilon, c.step = beta_1, beta_2, epsilon, step
    c.powers_1, c.powers_2 = powers_of(beta_1, False), powers_of(beta_2, False)
    c.horizon = <int64_t>ceil(
        log(2. ** -54 * (1 - ratio) * sqrt(1 - beta_2)) / log(ratio))
    # b1^s, 1 - b2^s, r^j and b2^(-j/2) as j and s = step + j go on from j = 0.
    cdef double power_1 = pow(beta_1, step)
    cdef double room = -expm1(step * c.powers_2.log_base)
    cdef double decay = 1, widening = 1
    cdef double moments[N_TERMS + 1]
    cdef double first_p = sqrt(room) / (1 - power_1)
    cdef double first_x = sqrt(room)
    cdef double p, x
    cdef int64_t _j
    cdef int n
    for n in range(N_TERMS + 1):
        moments[n] = 0
    for _j in range(c.horizon):
        power_1 *= beta_1
        room = beta_2 * room + (1 - beta_2)
        decay *= ratio
        widening *= growth
        x = sqrt(room)
        p = decay * x / (1 - power_1)
        x *= widening
        for n in range(N_TERMS + 1):
            moments[n] += p
            p *= x
    scale_series(&c.after, epsilon, moments)
    # As of a step earlier, all of these lie one step further off, behind that of `step` itself.
    for n in range(N_TERMS + 1):
        moments[n] = ratio * (moments[n] + first_p)
        first_p *= first_x
        ratio *= growth
    scale_series(&c.before, epsilon, moments)
    return c


# way(t, m, s) from root = sqrt(s), or 0 where the series does not reach.
cdef inline weight_t way_left(const Series *series, weight_t m, weight_t root) noexcept nogil:
    cdef weight_t inverse
    cdef double z, square, even, odd
    cdef int n, last
    if not root > series.scale:
        return 0
    inverse = <weight_t>1 / root
    z = series.scale * inverse
    square = z * z
    last = (N_FEW if z < series.nearest_few else N_TERMS) - 2
    even = series.coefficients[last]
    odd = series.coefficients[last + 1]
    for n in range(last - 2, -1, -2):
        even = even * square + series.coefficients[n]
        odd = odd * square + series.coefficients[n + 1]
    return m * inverse * <weight_t>(even + z * odd)


# The same step by step.
cdef inline double walk(const Coasting *c, double m, double s, int64_t missed) noexcept nogil:
    cdef int64_t start = c.step - 1 - missed
    cdef double power_1 = pow(c.beta_1, start)
    cdef double room = -expm1(start * c.powers_2.log_base)
    cdef double total = 0
    cdef int64_t _j
    for _j in range(min(missed, c.horizon)):
        power_1 *= c.beta_1
        room = c.beta_2 * room + (1 - c.beta_2)
        m *= c.beta_1
        s *= c.beta_2
        total += m / (1 - power_1) / (sqrt(s / room) + c.epsilon)
    return total


# The way gone over `missed` steps, over the rate; m, s and the way left become those after it.
cdef inline weight_t coast(
    const Coasting *c, weight_t *m, weight_t *s, weight_t *way, int64_t missed
) noexcept nogil:
    cdef weight_t before = way[0]
    cdef weight_t m_before = m[0], s_before = s[0]
    m[0] *= <weight_t>power(&c.powers_1, missed)
    s[0] *= <weight_t>power(&c.powers_2, missed)
    way[0] = way_left(&c.before, m[0], <weight_t>sqrt(s[0]))
    if m_before == 0:
        return 0
    # Past the horizon nothing is left, in reach of the series or not.
    if before == 0 or (way[0] == 0 and missed < c.horizon):
        return <weight_t>walk(c, m_before, s_before, missed)
    return before - way[0]
