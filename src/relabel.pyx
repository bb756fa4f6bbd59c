"""Columns of a CSR matrix relabelled for threads, each of which learns a share of the rows.

What is used together is to lie together. So columns are counted, share by share, and numbered anew:

    [several shares have it | share 0 alone | share 1 alone | ... | nobody has it]

those of the first part by falling frequency, the others as they were. What replicas have to tell
each other is then one piece of memory, records that nobody needs take none, and frequent ones share
cache lines and pages. The entries of a row keep their order, and sums over them their bits.

The kernels trust their arguments: indices and rows inside the matrix, arrays of matching lengths
and no more columns than a number's type can count.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t
from libc.stdlib cimport calloc, free
from libc.string cimport memcpy

from dtypes cimport index_t, weight_t
from prefetch cimport ROWS_AHEAD, prefetch, prefetch_lines, prefetch_to_read

cdef enum:
    MANY = 255  # no count goes further
    BLOCK = 256
    RECORDS_AHEAD = 32


ctypedef fused number_t:
    int32_t
    int64_t


def count(
    const int64_t[::1] indptr, const index_t[::1] indices, const int64_t[::1] order,
    uint8_t[::1] counts,
):
    """Add to counts[j] how many of the rows in `order` have column j, up to 255."""
    cdef int64_t i, p, row, n = order.shape[0]
    if indices.shape[0] == 0:
        return
    with nogil:
        for i in range(n):
            row = order[min(i + ROWS_AHEAD, n - 1)]
            prefetch_lines(
                &indices[0] + indptr[row], (indptr[row + 1] - indptr[row]) * sizeof(index_t))
            for p in range(indptr[order[i]], indptr[order[i] + 1]):
                counts[indices[p]] += counts[indices[p]] < MANY


# The part of the numbers that each column of a block belongs to: by its frequency if several shares
# have it, from 0 on, then its share, then none. Without branches, of which as many would be
# predicted wrongly as columns of all parts alternate.
cdef inline void find_parts(
    const uint8_t *counts, int64_t stride, int64_t n_shares, int64_t n, uint16_t *part
) noexcept nogil:
    cdef uint16_t total[BLOCK]
    cdef uint16_t n_having[BLOCK]
    cdef uint16_t some
    cdef int64_t s, j
    for j in range(n):
        total[j], n_having[j] = 0, 0
        part[j] = <uint16_t>n_shares
    for s in range(n_shares):
        for j in range(n):
            some = counts[s * stride + j]
            total[j] += some
            total[j] = total[j] if total[j] < MANY else MANY
            n_having[j] += some > 0
            part[j] = <uint16_t>s if some > 0 else part[j]
    for j in range(n):
        part[j] = <uint16_t>(
            MANY - total[j] if n_having[j] > 1 else MANY + 1 + part[j])


def number(const uint8_t[:, ::1] counts, number_t[::1] numbers, number_t[::1] columns):
    """Number the columns by the shares' counts, (n_shares, n_columns).

    numbers[j] becomes column j's number and columns[i] the column of number i. Returns where the
    shared columns end, and then those of each share alone.
    """
    cdef int64_t n_shares = counts.shape[0], n_columns = counts.shape[1]
    cdef int64_t n_parts = MANY + 2 + n_shares
    cdef int64_t *next_of = <int64_t *>calloc(n_parts + 1, sizeof(int64_t))
    cdef uint16_t part[BLOCK]
    cdef int64_t j, n, first = 0
    if next_of == NULL:
        raise MemoryError("no memory to number columns")
    try:
        with nogil:
            while first < n_columns:
                n = min(n_columns - first, BLOCK)
                find_parts(&counts[0, first], n_columns, n_shares, n, part)
                for j in range(n):
                    next_of[part[j] + 1] += 1
                first += n
            for j in range(n_parts):
                next_of[j + 1] += next_of[j]
            first = 0
            while first < n_columns:
                n = min(n_columns - first, BLOCK)
                find_parts(&counts[0, first], n_columns, n_shares, n, part)
                for j in range(n):
                    numbers[first + j] = <number_t>next_of[part[j]]
                    columns[next_of[part[j]]] = <number_t>(first + j)
                    next_of[part[j]] += 1
                first += n
        return [next_of[MANY + j] for j in range(n_shares + 1)]
    finally:
        free(next_of)


def relabel(const index_t[::1] indices, const number_t[::1] numbers, number_t[::1] relabelled):
    """Write the numbers of the columns."""
    cdef int64_t p
    with nogil:
        for p in range(indices.shape[0]):
            relabelled[p] = numbers[indices[p]]


def gather(
    const weight_t[:, ::1] records, const number_t[::1] columns, weight_t[:, ::1] gathered
):
    """Copy the records of the columns, one after the other."""
    cdef int64_t width = records.shape[1], n = columns.shape[0], i
    with nogil:
        for i in range(n):
            prefetch_to_read(&records[columns[min(i + RECORDS_AHEAD, n - 1)], 0])
            memcpy(&gathered[i, 0], &records[columns[i], 0], width * sizeof(weight_t))


def scatter(
    const weight_t[:, ::1] gathered, const number_t[::1] columns, weight_t[:, ::1] records
):
    """Copy records back to their columns."""
    cdef int64_t width = records.shape[1], n = columns.shape[0], i
    with nogil:
        for i in range(n):
            prefetch(&records[columns[min(i + RECORDS_AHEAD, n - 1)], 0])
            memcpy(&records[columns[i], 0], &gathered[i, 0], width * sizeof(weight_t))
