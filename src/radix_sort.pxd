# Least-significant-digit radix sort of n-gram keys (column << 1 | sign) by column. Hashed columns
# are spread evenly, and unlike a comparison sort or a hash table it has no branch to mispredict.

from libc.stdint cimport uint32_t
from libc.string cimport memset

cdef enum:
    MAX_DIGIT_BITS = 11
    MAX_DIGITS = 5      # 31 bits of 7
    # At and below this many keys moving them past one another costs less than counting digits.
    INSERTION_LIMIT = 24


cdef inline void insertion_sort(uint32_t* keys, Py_ssize_t count) noexcept nogil:
    cdef Py_ssize_t i, j
    cdef uint32_t key
    for i in range(1, count):
        key = keys[i]
        j = i
        while j > 0 and keys[j - 1] > key:
            keys[j] = keys[j - 1]
            j -= 1
        keys[j] = key


# Where the groups of equal digits begin, for each digit of the keys: counted in one walk over the
# keys and summed in one over the counts, since one digit's sum does not wait for the other's. The
# compiler unrolls the loops over the digits where their number is known.
cdef inline void begin_groups(
    const uint32_t* keys, Py_ssize_t count, int digit_bits, int n_digits, uint32_t* begins
) noexcept nogil:
    cdef uint32_t[MAX_DIGITS] totals
    cdef uint32_t mask = (<uint32_t>1 << digit_bits) - 1, column, size
    cdef Py_ssize_t i, d
    memset(begins, 0, (sizeof(uint32_t) * n_digits) << digit_bits)
    for i in range(count):
        column = keys[i] >> 1
        for d in range(n_digits):
            begins[(d << digit_bits) + ((column >> (d * digit_bits)) & mask)] += 1
    for d in range(n_digits):
        totals[d] = 0
    for i in range(<Py_ssize_t>mask + 1):
        for d in range(n_digits):
            size = begins[(d << digit_bits) + i]
            begins[(d << digit_bits) + i] = totals[d]
            totals[d] += size


# Sort keys whose column is at most `largest`; the result is in the array returned, which is one
# of the two given.
cdef inline uint32_t* radix_sort(
    uint32_t* keys, uint32_t* spare, Py_ssize_t count, uint32_t largest
) noexcept nogil:
    cdef uint32_t[3 << MAX_DIGIT_BITS] begins
    cdef uint32_t* ends
    cdef int bits = 0, n_digits, digit_bits, shift
    cdef uint32_t mask, digit
    cdef Py_ssize_t i, d
    if count <= INSERTION_LIMIT:
        insertion_sort(keys, count)
        return keys
    while bits < 31 and largest >> bits:
        bits += 1
    if bits == 0:
        return keys
    # A pass costs about the number of keys plus the number of digits.
    digit_bits = 7 if count < 400 else 10 if count < 2000 else MAX_DIGIT_BITS
    n_digits = (bits + digit_bits - 1) // digit_bits
    digit_bits = (bits + n_digits - 1) // n_digits
    mask = (<uint32_t>1 << digit_bits) - 1
    if n_digits == 2:
        begin_groups(keys, count, digit_bits, 2, begins)
    elif n_digits == 3:
        begin_groups(keys, count, digit_bits, 3, begins)
    else:
        begin_groups(keys, count, digit_bits, n_digits, begins)
    for d in range(n_digits):
        shift = 1 + d * digit_bits
        ends = &begins[d << digit_bits]
        for i in range(count):
            digit = (keys[i] >> shift) & mask
            spare[ends[digit]] = keys[i]
            ends[digit] += 1
        keys, spare = spare, keys
    return keys
