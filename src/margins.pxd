# The margins of one row: z_k = sum_j x_j W_jk + b_k, over its stored entries first..last-1.
#
# One output has two partial sums, since float addition is a chain of latencies; several outputs
# have one each, and the records of W are asked for as `ahead` walks on.

from libc.stdint cimport int64_t

from dtypes cimport index_t, weight_t
from prefetch cimport Ahead, ask_across_rows


cdef inline void row_margins(
    Ahead *ahead, const weight_t *w, int64_t n_outputs, const double *intercept,
    const index_t *columns, const weight_t *values, int64_t first, int64_t last, weight_t *z,
) noexcept nogil:
    cdef weight_t s0 = 0, s1 = 0
    cdef int64_t p, k
    if n_outputs == 1:
        for p in range(first, last - 1, 2):
            ask_across_rows(ahead, 2, w, n_outputs, columns, values)
            s0 += w[columns[p]] * values[p]
            s1 += w[columns[p + 1]] * values[p + 1]
        if (last - first) % 2:
            ask_across_rows(ahead, 1, w, n_outputs, columns, values)
            s0 += w[columns[last - 1]] * values[last - 1]
        z[0] = s0 + s1 + <weight_t>intercept[0]
        return
    for k in range(n_outputs):
        z[k] = 0
    for p in range(first, last):
        ask_across_rows(ahead, 1, w, n_outputs, columns, values)
        for k in range(n_outputs):
            z[k] += w[columns[p] * n_outputs + k] * values[p]
    for k in range(n_outputs):
        z[k] += <weight_t>intercept[k]
