# MurmurHash3_x86_32 (Austin Appleby, public domain), in parts so that a hash can be continued:
#
#     h = seed; h = murmur_block(h, word) for each whole 4-byte word
#     murmur_finish(h ^ length, load_tail(rest, length)), for many at once
#
# The n-grams that start at one token share their first words, so the state after the words of the
# shorter one is where the longer one goes on.
#
# Words are read in the byte order of the machine, as scikit-learn's copy of the hash does.

from libc.stdint cimport uint8_t, uint32_t
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


# The last length % 4 bytes, read as a whole word and masked, which takes no branch: an empty tail
# scrambles to 0. Four bytes must be readable.
cdef inline uint32_t load_tail(const uint8_t* tail, uint32_t length) noexcept nogil:
    return load_word(tail) & ((<uint32_t>1 << (8 * (length & 3))) - 1)


cdef extern from *:
    """
    #include <stddef.h>
    #include <stdint.h>
    /* The loader takes the copy that fits the processor: multiplications of 32 bits, which SSE2
       lacks, are what AVX2 saves. Whole numbers are the same bits in any copy. */
    #if defined(__x86_64__) && defined(__GLIBC__) && defined(__has_attribute)
    #if __has_attribute(target_clones)
    #define FASTADA_COPIES __attribute__((target_clones("avx2", "default")))
    #endif
    #endif
    #ifndef FASTADA_COPIES
    #define FASTADA_COPIES
    #endif
    static inline uint32_t fastada_murmur_block(uint32_t h, uint32_t word) {
        uint32_t k = word * 0xCC9E2D51u;
        h ^= (k << 15 | k >> 17) * 0x1B873593u;
        return (h << 13 | h >> 19) * 5 + 0xE6546B64u;
    }
    FASTADA_COPIES
    static void fastada_murmur_heads(uint32_t *words, ptrdiff_t stride, ptrdiff_t count) {
        uint32_t *restrict first = words, *restrict second = words + stride;
        uint32_t *restrict third = words + 2 * stride, *restrict fourth = words + 3 * stride;
        for (ptrdiff_t i = 0; i < count; i++) {
            uint32_t h = fastada_murmur_block(0, first[i]);
            first[i] = h;
            second[i] = h = fastada_murmur_block(h, second[i]);
            third[i] = h = fastada_murmur_block(h, third[i]);
            fourth[i] = fastada_murmur_block(h, fourth[i]);
        }
    }
    FASTADA_COPIES
    static void fastada_murmur_finish(uint32_t *hashes, const uint32_t *tails, ptrdiff_t count) {
        for (ptrdiff_t i = 0; i < count; i++) {
            uint32_t k = tails[i] * 0xCC9E2D51u;
            uint32_t h = hashes[i] ^ ((k << 15 | k >> 17) * 0x1B873593u);
            h = (h ^ (h >> 16)) * 0x85EBCA6Bu;
            h = (h ^ (h >> 13)) * 0xC2B2AE35u;
            hashes[i] = h ^ (h >> 16);
        }
    }
    """
    # From the first four words of many keys to the states after each, in place; those of one place
    # in the keys stand together, `stride` from those of the next.
    void murmur_heads "fastada_murmur_heads" (
        uint32_t* words, Py_ssize_t stride, Py_ssize_t count
    ) noexcept nogil
    # From (state after the whole words) ^ length, and the tail, to the hash, in place.
    void murmur_finish "fastada_murmur_finish" (
        uint32_t* hashes, const uint32_t* tails, Py_ssize_t count
    ) noexcept nogil
