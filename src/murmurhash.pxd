# MurmurHash3_x86_32 (Austin Appleby, public domain), in parts so that a hash can be continued:
#
#     h = seed; h = murmur_block(h, word) for each whole 4-byte word; murmur_finish(h, tail, length)
#
# The n-grams that start at one token share their first words, so the state after the words of the
# shorter one is where the longer one goes on.
#
# Words are read in the byte order of the machine, as scikit-learn's copy of the hash does.

from libc.stdint cimport int32_t, uint8_t, uint32_t
from libc.string cimport memcpy


cdef inline uint32_t rotate_left(uint32_t x, int bits) noexcept nogil:
    return (x << bits) | (x >> (32 - bits))


cdef inline uint32_t load_word(const uint8_t* p) noexcept nogil:
    cdef uint32_t word
    memcpy(&word, p, 4)
    return word


cdef inline uint32_t murmur_scramble(uint32_t k) noexcept nogil:
    return rotate_left(k * <uint32_t>0xCC9E2D51, 15) * <uint32_t>0x1B873593


cdef inline uint32_t murmur_block(uint32_t h, uint32_t word) noexcept nogil:
    return rotate_left(h ^ murmur_scramble(word), 13) * 5 + <uint32_t>0xE6546B64


# The last length % 4 bytes are read as a whole word and masked, which takes no branch: an empty
# tail scrambles to 0. Four bytes must be readable at `tail`.
cdef inline int32_t murmur_finish(
    uint32_t h, const uint8_t* tail, uint32_t length
) noexcept nogil:
    h ^= murmur_scramble(load_word(tail) & ((<uint32_t>1 << (8 * (length & 3))) - 1))
    h ^= length
    h = (h ^ (h >> 16)) * <uint32_t>0x85EBCA6B
    h = (h ^ (h >> 13)) * <uint32_t>0xC2B2AE35
    return <int32_t>(h ^ (h >> 16))
