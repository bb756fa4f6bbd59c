# The margins of one row: z_k = sum_j x_j W_jk + b_k, over its stored entries.
#
# One output has two partial sums, since float addition is a chain of latencies; several outputs
# have one each. The weights of the first entries have been asked for, and those of a later row are.

from libc.stdint cimport int64_t

from dtypes cimport index_t, weight_t
from prefetch cimport ask_beside, ask_for_rest


cdef inline void row_margins(
    const weight_t *w, int64_t n_outputs, const double *intercept,
    const index_t *columns, const weight_t *values, int64_t length,
    const index_t *later, int64_t n_later, weight_t *z,
) noexcept nogil:
    cdef weight_t s0 = 0, s1 = 0
    cdef int64_t p, k
    if n_outputs == 1:
        for p in range(0, length - 1, 2):
            ask_beside(w, 1, columns, length, later, n_later, p, 2)
            s0 += w[columns[p]] * values[p]
            s1 += w[columns[p + 1]] * values[p + 1]
        if length % 2:
            s0 += w[columns[length - 1]] * values[length - 1]
        ask_for_rest(w, 1, length, later, n_later)
        z[0] = s0 + s1 + <weight_t>intercept[0]
        return
    for k in range(n_outputs):
        z[k] = 0
    for p in range(length):
        ask_beside(w, n_outputs, columns, length, later, n_later, p, 1)
        for k in range(n_outputs):
            z[k] += w[columns[p] * n_outputs + k] * values[p]
    ask_for_rest(w, n_outputs, length, later, n_later)
    for k in range(n_outputs):
        z[k] += <weight_t>intercept[k]
