# A row of counts in half the memory of a sparse matrix's: n-grams and entries it has, then the
# entries, column << COUNT_BITS | count, in ascending order of columns.
#
#     size = pack_row(columns, values, stored, ngrams, row)    numbers written, 0 if it does not fit
#     stored = unpack_row(row, columns, values)                entries written

from libc.stdint cimport int32_t, uint32_t

from hashing cimport value_t

cdef enum:
    COUNT_BITS = 8
    LARGEST_COUNT = (1 << COUNT_BITS) - 1
    MOST_COLUMNS = 1 << (32 - COUNT_BITS)
    PACKED_HEAD = 2

cdef inline uint32_t packed_ngrams(const uint32_t* row) noexcept nogil:
    return row[0]


cdef inline uint32_t packed_entries(const uint32_t* row) noexcept nogil:
    return row[1]


# Counts are at least 1, and columns less than MOST_COLUMNS.
cdef inline Py_ssize_t pack_row(
    const int32_t* columns, const float* values, Py_ssize_t stored, Py_ssize_t ngrams,
    uint32_t* row,
) noexcept nogil:
    cdef Py_ssize_t k
    cdef uint32_t count, beyond = 0
    row[0], row[1] = <uint32_t>ngrams, <uint32_t>stored
    for k in range(stored):
        count = <uint32_t><int32_t>values[k]
        beyond |= count >> COUNT_BITS
        row[PACKED_HEAD + k] = <uint32_t>columns[k] << COUNT_BITS | count
    return 0 if beyond else PACKED_HEAD + stored


cdef inline Py_ssize_t unpack_row(
    const uint32_t* row, int32_t* columns, value_t* values
) noexcept nogil:
    cdef Py_ssize_t k, stored = packed_entries(row)
    for k in range(stored):
        columns[k] = <int32_t>(row[PACKED_HEAD + k] >> COUNT_BITS)
        values[k] = <value_t><int32_t>(row[PACKED_HEAD + k] & LARGEST_COUNT)
    return stored
