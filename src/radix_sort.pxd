# Least-significant-digit radix sort of n-gram keys (column << 1 | sign) by column. Hashed columns
# are spread evenly, and unlike a comparison sort or a hash table it has no branch to mispredict.

from libc.stdint cimport uint32_t
from libc.string cimport memset

cdef enum:
    MAX_DIGIT_BITS = 11
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


# Sort keys whose column is at most `largest`; the result is in the array returned, which is one
# of the two given.
cdef inline uint32_t* radix_sort(
    uint32_t* keys, uint32_t* spare, Py_ssize_t count, uint32_t largest
) noexcept nogil:
    cdef uint32_t[1 << MAX_DIGIT_BITS] ends
    cdef int bits = 0, passes, digit_bits, shift
    cdef uint32_t mask, digit, total, size
    cdef Py_ssize_t i, p
    if count <= INSERTION_LIMIT:
        insertion_sort(keys, count)
        return keys
    while bits < 32 and largest >> bits:
        bits += 1
    # A pass costs about the number of keys plus the number of digits.
    digit_bits = 7 if count < 200 else 8 if count < 300 else 10 if count < 2000 else MAX_DIGIT_BITS
    passes = (bits + digit_bits - 1) // digit_bits
    if passes:
        digit_bits = (bits + passes - 1) // passes
    mask = (<uint32_t>1 << digit_bits) - 1
    for p in range(passes):
        shift = 1 + p * digit_bits
        memset(ends, 0, sizeof(uint32_t) << digit_bits)
        for i in range(count):
            ends[(keys[i] >> shift) & mask] += 1
        total = 0
        for i in range(1 << digit_bits):
            size = ends[i]
            ends[i] = total
            total += size
        for i in range(count):
            digit = (keys[i] >> shift) & mask
            spare[ends[digit]] = keys[i]
            ends[digit] += 1
        keys, spare = spare, keys
    return keys
