# What the running Python says of each code point (lower case, \w, whitespace), and UTF-8.
#
# Text is UTF-8 in which surrogates may appear, encoded as three bytes ("surrogatepass"); every
# function but utf8_inspect trusts that it is well formed.

from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy

cdef extern from *:
    # nogil: they only read Python's constant tables.
    bint Py_UNICODE_ISALNUM(Py_UCS4 ch) nogil
    bint Py_UNICODE_ISSPACE(Py_UCS4 ch) nogil
    Py_UCS4 Py_UNICODE_TOLOWER(Py_UCS4 ch) nogil

cdef extern from *:
    """
    #if defined(_MSC_VER)
    #include <intrin.h>
    static __inline int fastada_count_trailing_zeros(unsigned long long x) {
        unsigned long index;
        _BitScanForward64(&index, x);
        return (int)index;
    }
    #else
    static inline int fastada_count_trailing_zeros(unsigned long long x) {
        return __builtin_ctzll(x);
    }
    #endif
    """
    int count_trailing_zeros "fastada_count_trailing_zeros" (uint64_t x) noexcept nogil

cdef enum:
    TABLE_SIZE = 0x10000  # plane 0; the others are rare in text
    LOWER_MASK = 0x1FFFFF
    IS_WORD = 1 << 21
    IS_SPACE = 1 << 22
    CAPITAL_I_WITH_DOT = 0x130  # the one code point whose lower case is two
    COMBINING_DOT_ABOVE = 0x307

# Results of utf8_inspect.
cdef enum:
    UTF8_ASCII = 0
    UTF8_PLAIN = 1
    UTF8_SIGMA = 2     # holds U+03A3, whose lower case depends on its neighbours
    UTF8_INVALID = 3


# A code point's entry: itself or its simple lower case, and the classes of the result. \w is what
# `re` takes it to be: alphanumeric or underscore.
cdef inline uint32_t codepoint_properties(Py_UCS4 c, bint lowercase) noexcept nogil:
    if lowercase:
        c = Py_UNICODE_TOLOWER(c)
    cdef uint32_t entry = <uint32_t>c
    if Py_UNICODE_ISALNUM(c) or c == 95:
        entry |= IS_WORD
    if Py_UNICODE_ISSPACE(c):
        entry |= IS_SPACE
    return entry


cdef inline void fill_codepoint_table(uint32_t* table, bint lowercase) noexcept nogil:
    cdef Py_ssize_t c
    for c in range(TABLE_SIZE):
        table[c] = codepoint_properties(<Py_UCS4>c, lowercase)


cdef inline uint32_t look_up_codepoint(
    const uint32_t* table, uint32_t c, bint lowercase
) noexcept nogil:
    if c < TABLE_SIZE and table != NULL:
        return table[c]
    return codepoint_properties(<Py_UCS4>c, lowercase)


# Length of the sequence that starts with this byte.
cdef inline Py_ssize_t utf8_length(uint8_t lead) noexcept nogil:
    return 1 + (lead >= 0xC0) + (lead >= 0xE0) + (lead >= 0xF0)


cdef inline Py_ssize_t utf8_decode(const uint8_t* p, uint32_t* c) noexcept nogil:
    if p[0] < 0x80:
        c[0] = p[0]
        return 1
    if p[0] < 0xE0:
        c[0] = (<uint32_t>(p[0] & 0x1F) << 6) | (p[1] & 0x3F)
        return 2
    if p[0] < 0xF0:
        c[0] = (<uint32_t>(p[0] & 0x0F) << 12) | (<uint32_t>(p[1] & 0x3F) << 6) | (p[2] & 0x3F)
        return 3
    c[0] = (
        (<uint32_t>(p[0] & 0x07) << 18) | (<uint32_t>(p[1] & 0x3F) << 12)
        | (<uint32_t>(p[2] & 0x3F) << 6) | (p[3] & 0x3F)
    )
    return 4


cdef inline Py_ssize_t utf8_encode(uint32_t c, uint8_t* p) noexcept nogil:
    if c < 0x80:
        p[0] = <uint8_t>c
        return 1
    if c < 0x800:
        p[0] = <uint8_t>(0xC0 | (c >> 6))
        p[1] = <uint8_t>(0x80 | (c & 0x3F))
        return 2
    if c < 0x10000:
        p[0] = <uint8_t>(0xE0 | (c >> 12))
        p[1] = <uint8_t>(0x80 | ((c >> 6) & 0x3F))
        p[2] = <uint8_t>(0x80 | (c & 0x3F))
        return 3
    p[0] = <uint8_t>(0xF0 | (c >> 18))
    p[1] = <uint8_t>(0x80 | ((c >> 12) & 0x3F))
    p[2] = <uint8_t>(0x80 | ((c >> 6) & 0x3F))
    p[3] = <uint8_t>(0x80 | (c & 0x3F))
    return 4


# Validate bytes as strict UTF-8 (RFC 3629: shortest form, no surrogates) and say what they hold.
cdef inline int utf8_inspect(const uint8_t* text, Py_ssize_t size) noexcept nogil:
    cdef Py_ssize_t i = 0, length, j
    cdef uint64_t[4] words
    cdef uint64_t word
    cdef uint32_t c
    cdef int kind = UTF8_ASCII
    while i < size:
        while i + 32 <= size:
            memcpy(words, text + i, 32)
            if (words[0] | words[1] | words[2] | words[3]) & <uint64_t>0x8080808080808080:
                break
            i += 32
        if i + 8 <= size:
            memcpy(&word, text + i, 8)
            if not word & <uint64_t>0x8080808080808080:
                i += 8
                continue
        if text[i] < 0x80:
            i += 1
            continue
        length = utf8_length(text[i])
        if text[i] < 0xC2 or text[i] > 0xF4 or i + length > size:
            return UTF8_INVALID
        for j in range(1, length):
            if text[i + j] & 0xC0 != 0x80:
                return UTF8_INVALID
        utf8_decode(text + i, &c)
        if length == 3 and (c < 0x800 or (0xD800 <= c and c < 0xE000)):
            return UTF8_INVALID
        if length == 4 and (c < 0x10000 or c > 0x10FFFF):
            return UTF8_INVALID
        kind = UTF8_SIGMA if c == 0x3A3 else (kind if kind == UTF8_SIGMA else UTF8_PLAIN)
        i += length
    return kind
