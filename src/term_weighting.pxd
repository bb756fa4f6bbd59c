# Weights of one row's terms, in place: a function of the count, times the column's inverse
# document frequency, the row divided by its norm; in the order of operations (and of the sum) of
# scikit-learn's TfidfTransformer and normalize, so that the bits are the same.

from libc.math cimport fabs, sqrt
from libc.stdint cimport int32_t

from hashing cimport value_t

cdef enum Norm:
    NO_NORM = 0
    L1 = 1
    L2 = 2


# `tf` maps counts to weights and `idf` columns to factors; either may be NULL. Returns 0, or the
# first count that `tf`, of `tf_size` numbers, does not reach (counts are then >= 0).
cdef inline Py_ssize_t weight_row(
    const int32_t* columns, value_t* values, Py_ssize_t size,
    const value_t* tf, Py_ssize_t tf_size, const value_t* idf, int norm,
) noexcept nogil:
    cdef Py_ssize_t k
    cdef value_t value
    cdef double total = 0
    # One walk: a sum in a given order is a chain of waiting, in which the rest finds its time.
    for k in range(size):
        value = values[k]
        if tf != NULL:
            if value >= tf_size:
                return <Py_ssize_t>value
            value = tf[<Py_ssize_t>value]
        if idf != NULL:
            value = value * idf[columns[k]]
        values[k] = value
        if norm == L1:
            total += fabs(value)
        elif norm == L2:
            total += <value_t>(value * value)
    if norm == NO_NORM:
        return 0
    if norm == L2:
        total = sqrt(total)
    if total != 0:
        for k in range(size):
            values[k] = <value_t>(values[k] / total)
    return 0
