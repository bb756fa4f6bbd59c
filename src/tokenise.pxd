# A document as the units its n-grams are made of, laid out so that every n-gram is one stretch of
# bytes: n-gram i..i+n-1 is text[starts[i] : starts[i + n] - gap].
#
#     word      the tokens of `(?u)\b\w\w+\b`, each followed by one space          gap 1
#     char      the code points, runs of two or more spaces being one space        gap 0
#     char_wb   the code points of " w1 w2 ... ", w being what str.split() gives   gap 0
#
# as scikit-learn's analysers define them, letters in lower case first where asked.

from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy, memset

from codepoints cimport (
    CAPITAL_I_WITH_DOT, COMBINING_DOT_ABOVE, IS_SPACE, IS_WORD, LOWER_MASK, count_trailing_zeros,
    look_up_codepoint, utf8_decode, utf8_encode, utf8_length,
)

cdef enum:
    BLOCK = 16
    # Blocks, words of a hash and groups of edges are read and written whole, past the end.
    PADDING = 64

cdef struct Units:
    uint8_t* lowered    # the text in lower case
    uint64_t* is_word   # one bit for each of its bytes
    uint32_t* edges     # where that bit changes
    uint8_t* text
    uint32_t* starts    # count + 1 of them
    Py_ssize_t count
    Py_ssize_t size     # of text, in bytes
    Py_ssize_t capacity


cdef inline void units_free(Units* units) noexcept nogil:
    free(units.lowered)
    free(units.is_word)
    free(units.edges)
    free(units.text)
    free(units.starts)
    memset(units, 0, sizeof(Units))


# Make room for a document of `size` bytes; -1 if there is no memory. Lower case can take more
# bytes than the text had, never twice as many.
cdef inline int units_reserve(Units* units, Py_ssize_t size) noexcept nogil:
    cdef Py_ssize_t capacity = 2 * size + PADDING
    if capacity <= units.capacity:
        return 0
    units_free(units)
    units.lowered = <uint8_t*>malloc(capacity + PADDING)
    units.is_word = <uint64_t*>malloc((capacity // 64 + 4) * sizeof(uint64_t))
    units.edges = <uint32_t*>malloc((capacity + PADDING) * sizeof(uint32_t))
    units.text = <uint8_t*>malloc(capacity + PADDING)
    units.starts = <uint32_t*>malloc((capacity + PADDING) * sizeof(uint32_t))
    if (
        units.lowered == NULL or units.is_word == NULL or units.edges == NULL
        or units.text == NULL or units.starts == NULL
    ):
        units_free(units)
        return -1
    units.capacity = capacity
    return 0


cdef inline void append_bits(
    uint64_t* bits, Py_ssize_t position, uint64_t value, Py_ssize_t width
) noexcept nogil:
    cdef int shift = position & 63
    bits[position >> 6] |= value << shift
    if shift + width > 64:
        bits[(position >> 6) + 1] = value >> (64 - shift)


cdef extern from *:
    """
    #include <stdint.h>
    #if defined(__SSE2__) || defined(_M_X64)
    #include <emmintrin.h>
    /* Unsigned first <= c < first + count, by a signed comparison: first is moved to the bottom. */
    static inline __m128i fastada_between(__m128i c, int first, int count) {
        __m128i moved = _mm_sub_epi8(c, _mm_set1_epi8((char)(first + 128)));
        return _mm_cmplt_epi8(moved, _mm_set1_epi8((char)(count - 128)));
    }
    static inline uint32_t fastada_lower_block(
        const uint8_t *source, uint8_t case_bit, uint8_t *lowered, uint32_t *is_word
    ) {
        __m128i c = _mm_loadu_si128((const __m128i *)source), word;
        uint32_t beyond = (uint32_t)_mm_movemask_epi8(c);
        __m128i capital = fastada_between(c, 'A', 26);
        c = _mm_or_si128(c, _mm_and_si128(capital, _mm_set1_epi8((char)case_bit)));
        _mm_storeu_si128((__m128i *)lowered, c);
        word = fastada_between(_mm_or_si128(c, _mm_set1_epi8(32)), 'a', 26);
        word = _mm_or_si128(word, fastada_between(c, '0', 10));
        word = _mm_or_si128(word, _mm_cmpeq_epi8(c, _mm_set1_epi8('_')));
        *is_word = (uint32_t)_mm_movemask_epi8(word);
        return beyond;
    }
    #else
    static inline uint32_t fastada_lower_block(
        const uint8_t *source, uint8_t case_bit, uint8_t *lowered, uint32_t *is_word
    ) {
        uint32_t beyond = 0, word = 0;
        for (int j = 0; j < 16; j++) {
            uint8_t c = source[j];
            beyond |= (uint32_t)(c >> 7) << j;
            c |= (uint8_t)-((uint8_t)(c - 65) < 26) & case_bit;
            lowered[j] = c;
            word |= (uint32_t)(
                ((uint8_t)((c | 32) - 97) < 26) | ((uint8_t)(c - 48) < 10) | (c == 95)) << j;
        }
        *is_word = word;
        return beyond;
    }
    #endif
    """
    # Lower-case and classify 16 bytes, one bit each: those of word characters, and as the result
    # those that are not ASCII, of which nothing else is right.
    uint32_t lower_block "fastada_lower_block" (
        const uint8_t* source, uint8_t case_bit, uint8_t* lowered, uint32_t* is_word
    ) noexcept nogil


# Lower-case the text and mark the bytes of word characters; return its length in lower case.
# Without `lowercase`, `table` must be the plain one.
cdef inline Py_ssize_t lower_text(
    Units* units, const uint8_t* text, Py_ssize_t size, const uint32_t* table, bint lowercase
) noexcept nogil:
    cdef uint8_t[BLOCK] last
    cdef uint8_t* lowered = units.lowered
    cdef uint64_t* word_bits = units.is_word
    cdef uint8_t case_bit = 32 if lowercase else 0
    cdef Py_ssize_t i = 0, out = 0, take, length, k
    cdef uint64_t bits
    cdef uint32_t c, entry, is_word, beyond
    memset(word_bits, 0, (2 * size // 64 + 4) * sizeof(uint64_t))
    while i < size:
        while size - i >= 4 * BLOCK:
            beyond, bits = 0, 0
            for k in range(4):
                beyond |= lower_block(
                    text + i + k * BLOCK, case_bit, lowered + out + k * BLOCK, &is_word
                )
                if beyond:
                    break
                bits |= <uint64_t>is_word << (k * BLOCK)
            if beyond:
                break
            append_bits(word_bits, out, bits, 4 * BLOCK)
            i += 4 * BLOCK
            out += 4 * BLOCK
        take = min(BLOCK, size - i)
        if take == BLOCK:
            beyond = lower_block(text + i, case_bit, lowered + out, &is_word)
        else:
            memset(last, 0, BLOCK)
            memcpy(last, text + i, take)
            beyond = lower_block(last, case_bit, lowered + out, &is_word)
        if beyond:
            take = count_trailing_zeros(beyond)
        if take:
            append_bits(word_bits, out, is_word & ((<uint32_t>1 << take) - 1), take)
            i += take
            out += take
        while i < size and text[i] >= 0x80:
            i += utf8_decode(text + i, &c)
            entry = look_up_codepoint(table, c, lowercase)
            length = utf8_encode(entry & LOWER_MASK, lowered + out)
            append_bits(
                word_bits, out, (<uint64_t>1 << length) - 1 if entry & IS_WORD else 0, length
            )
            out += length
            if c == CAPITAL_I_WITH_DOT and lowercase:
                length = utf8_encode(COMBINING_DOT_ABOVE, lowered + out)
                append_bits(word_bits, out, 0, length)
                out += length
    return out


cdef inline Py_ssize_t find_edges(Units* units, Py_ssize_t size) noexcept nogil:
    cdef Py_ssize_t k, count = 0
    cdef uint64_t word, change, carry = 0
    for k in range(size // 64 + 1):
        word = units.is_word[k]
        change = word ^ (word << 1 | carry)
        carry = word >> 63
        while change:
            units.edges[count] = <uint32_t>(64 * k + count_trailing_zeros(change))
            count += 1
            change &= change - 1
    return count


# Runs of word characters, two characters or longer, each followed by a space. Whether a run is
# kept decides only how far the ends move on, so no branch depends on the text but for long runs.
cdef inline void word_units(Units* units, Py_ssize_t size) noexcept nogil:
    # Copies: stores of bytes might change what is behind a pointer.
    cdef const uint8_t* lowered = units.lowered
    cdef const uint32_t* edges = units.edges
    cdef uint8_t* text = units.text
    cdef uint32_t* starts = units.starts
    cdef Py_ssize_t k, length, out = 0, count = 0, n_edges = find_edges(units, size)
    cdef const uint8_t* run
    cdef bint keep
    for k in range(0, n_edges, 2):
        run = lowered + edges[k]
        length = edges[k + 1] - edges[k]
        memcpy(text + out, run, BLOCK)
        if length > BLOCK:
            memcpy(text + out + BLOCK, run + BLOCK, length - BLOCK)
        text[out + length] = 32
        starts[count] = <uint32_t>out
        keep = length > utf8_length(run[0])
        out += (length + 1) & -<Py_ssize_t>keep
        count += keep
    starts[count] = <uint32_t>out
    units.count = count
    units.size = out


cdef inline bint is_space(uint32_t c, const uint32_t* plain) noexcept nogil:
    return (look_up_codepoint(plain, c, False) & IS_SPACE) != 0


# `\s\s+` becomes one space; a whitespace character on its own stays what it is.
cdef inline void char_units(Units* units, Py_ssize_t size, const uint32_t* plain) noexcept nogil:
    cdef Py_ssize_t i = 0, length, out = 0, count = 0
    cdef bint in_space = False, space
    cdef uint32_t c
    while i < size:
        length = utf8_decode(units.lowered + i, &c)
        space = is_space(c, plain)
        if space and in_space:
            out = units.starts[count - 1]
            units.text[out] = 32
            out += 1
        else:
            units.starts[count] = <uint32_t>out
            memcpy(units.text + out, units.lowered + i, 4)
            out += length
            count += 1
        in_space = space
        i += length
    units.starts[count] = <uint32_t>out
    units.count = count
    units.size = out


cdef inline void char_wb_units(Units* units, Py_ssize_t size, const uint32_t* plain) noexcept nogil:
    cdef Py_ssize_t i = 0, length, out = 1, count = 1
    cdef bint in_word = False, space
    cdef uint32_t c
    units.text[0] = 32
    units.starts[0] = 0
    while i < size:
        length = utf8_decode(units.lowered + i, &c)
        space = is_space(c, plain)
        if not space or in_word:
            units.starts[count] = <uint32_t>out
            count += 1
            if space:
                units.text[out] = 32
                out += 1
            else:
                memcpy(units.text + out, units.lowered + i, 4)
                out += length
        in_word = not space
        i += length
    if in_word:
        units.starts[count] = <uint32_t>out
        units.text[out] = 32
        out += 1
        count += 1
    units.starts[count] = <uint32_t>out
    units.count = count
    units.size = out
