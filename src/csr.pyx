"""One look at a CSR matrix before the kernels trust it, and copies of some of its rows."""

from libc.math cimport log
from libc.stdint cimport int32_t, int64_t, uint8_t, uint64_t

from dtypes cimport index_t, weight_t
from prefetch cimport ROWS_AHEAD, prefetch_to_read


def first_bad_row(const int64_t[::1] indptr, int64_t n_entries):
    """Return the first row whose indptr runs backwards or past n_entries, or -1."""
    cdef int64_t row, bad = -1
    if indptr[0] != 0:
        return 0
    with nogil:
        for row in range(indptr.shape[0] - 1):
            if indptr[row + 1] < indptr[row] or indptr[row + 1] > n_entries:
                bad = row
                break
    return bad


cdef union Single:
    float value
    int32_t bits


cdef union Bits:
    double value
    uint64_t bits


# How many columns are not above the one before them. The sum is of the columns' own width, for the
# loop to vectorise, and so of no more than a block.
cdef inline int32_t count_descents(const index_t *columns, int64_t n) noexcept nogil:
    cdef int32_t count = 0
    cdef int64_t p
    for p in range(1, n):
        count += columns[p] <= columns[p - 1]
    return count


cdef inline int32_t size_bits(float value) noexcept nogil:
    cdef Single word
    word.value = value
    return word.bits & <int32_t>0x7fffffff


# The largest |value|. Without their signs, floating-point numbers have the order of their bits, NaN
# being the largest; and the largest integer is found by a loop that vectorises.
cdef inline weight_t largest_size(const weight_t *values, int64_t n) noexcept nogil:
    cdef Single single
    cdef Bits word
    cdef int32_t size, of_single = 0
    cdef int64_t p, of_double = 0
    if weight_t is float:
        for p in range(n):
            size = size_bits(values[p])
            of_single = size if size > of_single else of_single
        single.bits = of_single
        return single.value
    else:
        for p in range(n):
            word.value = values[p]
            of_double = max(of_double, <int64_t>(word.bits & <uint64_t>0x7fffffffffffffff))
        word.bits = <uint64_t>of_double
        return word.value


def inspect(
    const int64_t[::1] indptr, const index_t[::1] indices, const weight_t[::1] data,
    int64_t n_columns,
):
    """Return (number out of range, number unsorted or duplicate, largest |value|) of the entries.

    The largest value is not finite if any value is not finite. indptr must have passed
    first_bad_row.
    """
    cdef int64_t row, p, end, n, first = indptr[0], last = indptr[indptr.shape[0] - 1]
    cdef int64_t out_of_range = 0, unsorted = 0
    cdef weight_t size, largest = 0
    with nogil:
        for p in range(first, last, 2048):  # which stay in the nearest cache
            n = min(last - p, 2048)
            unsorted += count_descents(&indices[p], n) + (
                p > first and indices[p] <= indices[p - 1])
            size = largest_size(&data[p], n)
            # Written so that NaN wins and stays.
            largest = largest if largest >= size or largest != largest else size
        for row in range(indptr.shape[0] - 1):
            p, end = indptr[row], indptr[row + 1]
            if p < end:
                # The first of a row may be below the last of the row before.
                unsorted -= p > first and indices[p] <= indices[p - 1]
                out_of_range += indices[p] < 0 or indices[end - 1] >= n_columns
        if unsorted or out_of_range:
            out_of_range = 0
            for p in range(first, last):
                out_of_range += indices[p] < 0 or indices[p] >= n_columns
    return out_of_range, unsorted, largest


def square_sums(
    const int64_t[::1] indptr, const weight_t[::1] data, const double[::1] sample_weight
):
    """Return sums over rows of weight s, of those with squares that are not zero.

    (sum of s |x|^2, sum of s log(|x|^2 / the row's entries that are not zero), sum of s).
    """
    cdef int64_t row, p, k, end, n_nonzero
    # Of neighbours each, since a sum is a chain of additions.
    cdef double squares[4]
    cdef double square, total = 0, logarithms = 0, weight = 0
    with nogil:
        for row in range(sample_weight.shape[0]):
            n_nonzero, end = 0, indptr[row + 1]
            for k in range(4):
                squares[k] = 0
            for p in range(indptr[row], end - 3, 4):
                for k in range(4):
                    squares[k] += <double>data[p + k] * data[p + k]
            for p in range(end - (end - indptr[row]) % 4, end):
                squares[0] += <double>data[p] * data[p]
            for p in range(indptr[row], end):
                n_nonzero += data[p] != 0
            square = (squares[0] + squares[1]) + (squares[2] + squares[3])
            if square > 0 and sample_weight[row] > 0:
                total += sample_weight[row] * square
                logarithms += sample_weight[row] * log(square / n_nonzero)
                weight += sample_weight[row]
    return total, logarithms, weight


# splitmix64's finaliser (Steele, Lea, Flood 2014).
cdef inline uint64_t mixed(uint64_t word) noexcept nogil:
    word = (word ^ (word >> 30)) * <uint64_t>0xbf58476d1ce4e5b9
    word = (word ^ (word >> 27)) * <uint64_t>0x94d049bb133111eb
    return word ^ (word >> 31)


def row_keys(
    const int64_t[::1] indptr, const index_t[::1] indices, const weight_t[::1] data,
    const int64_t[::1] rows, int64_t most, uint64_t[::1] keys,
):
    """Mix the first `most` columns of each of the rows that are not zero into its key, in place.

    A sum over the columns, which need not wait for one another as a chain would.
    """
    cdef int64_t i, p, n, row, n_rows = rows.shape[0]
    cdef uint64_t key
    if data.shape[0] == 0:
        return
    with nogil:
        for i in range(n_rows):
            row = rows[min(i + ROWS_AHEAD, n_rows - 1)]
            prefetch_to_read(&indices[0] + indptr[row])
            prefetch_to_read(&data[0] + indptr[row])
            key = mixed(keys[i])
            n = 0
            for p in range(indptr[rows[i]], indptr[rows[i] + 1]):
                if n == most:
                    break
                if data[p] != 0:
                    n += 1
                    key += mixed(<uint64_t>indices[p] + 1)
            keys[i] = key


def projections(
    const int64_t[::1] indptr, const index_t[::1] indices, const weight_t[::1] data,
    const int64_t[::1] rows, double[::1] projected,
):
    """Write the product of each of the rows with a vector of numbers that are as good as random.

    Rows that differ in any entry differ in it, and times a factor they keep its order.
    """
    cdef int64_t i, p
    cdef double total
    with nogil:
        for i in range(rows.shape[0]):
            total = 0
            for p in range(indptr[rows[i]], indptr[rows[i] + 1]):
                total += <double>data[p] * <double>mixed(<uint64_t>indices[p] + 1)
            projected[i] = total


def mark_columns(
    const int64_t[::1] indptr, const index_t[::1] indices, const int64_t[::1] rows,
    uint8_t[::1] occurs,
):
    """Write 1 for every column that one of the rows has an entry of."""
    cdef int64_t i, p, n_rows = rows.shape[0]
    if indices.shape[0] == 0:
        return
    with nogil:
        for i in range(n_rows):
            prefetch_to_read(&indices[0] + indptr[rows[min(i + ROWS_AHEAD, n_rows - 1)]])
            for p in range(indptr[rows[i]], indptr[rows[i] + 1]):
                occurs[indices[p]] = 1


def take_rows(
    const int64_t[::1] indptr, const index_t[::1] indices, const weight_t[::1] data,
    const int64_t[::1] rows, index_t[::1] numbers, index_t[::1] taken_indices,
    weight_t[::1] taken_data,
):
    """Copy the entries of the rows, one row after the other, with their columns numbered anew.

    Columns get their numbers as they occur first, so that a record of each takes as little memory
    as can be, and rows that follow one another find theirs together. `numbers` begins as zeros, one
    a column, and ends with 1 + the number of each column that occurs. Returns how many do.
    """
    cdef int64_t i, p, row, n_rows = rows.shape[0], q = 0
    cdef index_t column, n_columns = 0
    if taken_indices.shape[0] == 0:
        return 0
    with nogil:
        for i in range(n_rows):
            row = rows[min(i + ROWS_AHEAD, n_rows - 1)]
            prefetch_to_read(&indices[0] + indptr[row])
            prefetch_to_read(&data[0] + indptr[row])
            for p in range(indptr[rows[i]], indptr[rows[i] + 1]):
                column = indices[p]
                if numbers[column] == 0:
                    n_columns += 1
                    numbers[column] = n_columns
                taken_indices[q] = numbers[column] - 1
                taken_data[q] = data[p]
                q += 1
    return n_columns
