"""One look at a CSR matrix before the kernels trust it."""

from libc.stdint cimport int64_t, uint64_t

from dtypes cimport index_t, weight_t


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


def inspect(
    const int64_t[::1] indptr, const index_t[::1] indices, const weight_t[::1] data,
    int64_t n_columns,
):
    """Return (number out of range, number unsorted or duplicate, largest |value|) of the entries.

    The largest value is not finite if any value is not finite. indptr must have passed
    first_bad_row.
    """
    cdef int64_t row, p, out_of_range = 0, unsorted = 0
    cdef double largest = 0
    cdef weight_t size
    with nogil:
        for row in range(indptr.shape[0] - 1):
            for p in range(indptr[row], indptr[row + 1]):
                out_of_range += indices[p] < 0 or indices[p] >= n_columns
                unsorted += p > indptr[row] and indices[p] <= indices[p - 1]
                size = data[p] if data[p] > 0 else -data[p]
                # Written so that NaN wins and stays.
                largest = largest if largest >= size or largest != largest else size
    return out_of_range, unsorted, largest


def square_sums(
    const int64_t[::1] indptr, const weight_t[::1] data, const double[::1] sample_weight
):
    """Return (sum of s x^2, sum of s over the entries that are not zero) of weighted rows."""
    cdef int64_t row, p, n_nonzero
    cdef double squares, total = 0, count = 0
    with nogil:
        for row in range(sample_weight.shape[0]):
            squares, n_nonzero = 0, 0
            for p in range(indptr[row], indptr[row + 1]):
                squares += <double>data[p] * data[p]
                n_nonzero += data[p] != 0
            total += sample_weight[row] * squares
            count += sample_weight[row] * n_nonzero
    return total, count


cdef union Bits:
    double value
    uint64_t bits


# splitmix64's finaliser (Steele, Lea, Flood 2014).
cdef inline uint64_t mixed(uint64_t word) noexcept nogil:
    word = (word ^ (word >> 30)) * <uint64_t>0xbf58476d1ce4e5b9
    word = (word ^ (word >> 27)) * <uint64_t>0x94d049bb133111eb
    return word ^ (word >> 31)


def row_keys(
    const int64_t[::1] indptr, const index_t[::1] indices, const weight_t[::1] data,
    uint64_t[::1] keys,
):
    """Mix each row's columns and values into its key in place; explicit zeros do not count.

    A sum over the entries, which need not wait for one another as a chain would.
    """
    cdef int64_t row, p
    cdef uint64_t key
    cdef Bits word
    with nogil:
        for row in range(indptr.shape[0] - 1):
            key = mixed(keys[row])
            for p in range(indptr[row], indptr[row + 1]):
                if data[p] != 0:
                    word.value = data[p]
                    key += mixed(word.bits ^ mixed(<uint64_t>indices[p] + 1))
            keys[row] = key
